// Package curves draws the course of a training run: the loss, and the
// accuracies on training and test data.
package curves

import (
	"fmt"
	"image/color"
	"io"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Extensions are the picture formats that [Run.Draw] knows, as file names end.
var Extensions = []string{".png", ".svg", ".pdf"}

// A Run is what is drawn of a training run.
type Run struct {
	Title string
	// Loss holds the loss after the update of each iteration, from the first.
	Loss []float64
	// Iteration, Train and Test hold the accuracies, 0 to 1, and the
	// iterations after whose updates they were measured.
	Iteration   []int
	Train, Test []float64
	// Epoch is the number of iterations in an epoch, not always whole.
	Epoch float64
}

// Size of the picture; dpi is that of PNG, the other formats have none.
const (
	width  = 22 * vg.Centimeter
	height = 9.5 * vg.Centimeter
	dpi    = 144
)

// Colours of Okabe and Ito's set, which the colour-blind can tell apart.
var (
	vermillion = color.NRGBA{213, 94, 0, 255}
	blue       = color.NRGBA{0, 114, 178, 255}
	paleRed    = color.NRGBA{245, 205, 178, 255}
	lightGrey  = color.NRGBA{220, 220, 220, 255}
)

// Draw draws r into w, in the format of one of [Extensions].
func (r Run) Draw(w io.Writer, extension string) error {
	canvas, err := newCanvas(extension)
	if err != nil {
		return err
	}
	loss, accuracy := r.lossPlot(), r.accuracyPlot()
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	page.FillText(titleStyle(loss), vg.Point{X: page.Center().X, Y: page.Max.Y - vg.Points(8)}, r.Title)
	tiles := draw.Tiles{
		Rows: 1, Cols: 2, PadX: vg.Points(24),
		PadTop: vg.Points(30), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(14),
	}
	plots := [][]*plot.Plot{{loss, accuracy}}
	for j, c := range plot.Align(plots, tiles, page)[0] {
		plots[0][j].Draw(c)
	}
	_, err = canvas.WriteTo(w)
	return err
}

func newCanvas(extension string) (vg.CanvasWriterTo, error) {
	switch strings.ToLower(extension) {
	case ".png":
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))}, nil
	case ".svg":
		return vgsvg.New(width, height), nil
	case ".pdf":
		return vgpdf.New(width, height), nil
	}
	return nil, fmt.Errorf("no picture format %q, there are %s", extension, strings.Join(Extensions, ", "))
}

func titleStyle(p *plot.Plot) text.Style {
	style := p.Title.TextStyle
	style.Font.Size = vg.Points(12)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	return style
}
