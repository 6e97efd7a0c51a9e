// Package plots draws numbers as curves and points: the course of a training run, and
// contenders beside each other.
package plots

import (
	"fmt"
	"image/color"
	"io"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Extensions are the picture formats that there are, as file names end.
var Extensions = []string{".png", ".svg", ".pdf"}

const dpi = 144 // of PNG, the other formats have none

// Colours of Okabe and Ito's set, which the colour-blind can tell apart.
var (
	vermillion = color.NRGBA{213, 94, 0, 255}
	blue       = color.NRGBA{0, 114, 178, 255}
	paleRed    = color.NRGBA{245, 205, 178, 255}
	lightGrey  = color.NRGBA{220, 220, 220, 255}
)

// drawPage draws plots one beside and below the other, under a title, into a picture of a size.
func drawPage(w io.Writer, extension string, width, height vg.Length, title string, plots [][]*plot.Plot) error {
	canvas, err := newCanvas(extension, width, height)
	if err != nil {
		return err
	}
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	page.FillText(titleStyle(), vg.Point{X: page.Center().X, Y: page.Max.Y - vg.Points(8)}, title)
	tiles := draw.Tiles{
		Rows: len(plots), Cols: len(plots[0]), PadX: vg.Points(24), PadY: vg.Points(14),
		PadTop: vg.Points(30), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(14),
	}
	for i, row := range plot.Align(plots, tiles, page) {
		for j, c := range row {
			plots[i][j].Draw(c)
		}
	}
	_, err = canvas.WriteTo(w)
	return err
}

func newCanvas(extension string, width, height vg.Length) (vg.CanvasWriterTo, error) {
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

func titleStyle() text.Style {
	style := plot.New().Title.TextStyle
	style.Font.Variant, style.Font.Size = "Sans", vg.Points(12)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	return style
}

// setFonts makes all text sans serif, of a size that suits the picture.
func setFonts(p *plot.Plot) {
	for style, size := range map[*text.Style]float64{
		&p.Title.TextStyle: 11, &p.Legend.TextStyle: 9.5,
		&p.X.Label.TextStyle: 10, &p.X.Tick.Label: 9.5, &p.Y.Label.TextStyle: 10, &p.Y.Tick.Label: 9.5,
	} {
		style.Font.Variant, style.Font.Size = "Sans", vg.Points(size)
	}
}

// percentTicks are for an axis of shares, 0 to 1.
func percentTicks() []plot.Tick {
	var ticks []plot.Tick
	for percent := 0; percent <= 100; percent += 10 {
		tick := plot.Tick{Value: float64(percent) / 100}
		if percent%20 == 0 {
			tick.Label = fmt.Sprintf("%d%%", percent)
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

func line(points plotter.XYs, c color.Color, width vg.Length) *plotter.Line {
	return &plotter.Line{XYs: points, LineStyle: draw.LineStyle{Color: c, Width: width}}
}
