// Package plots draws numbers as curves and points: the course of a training run, and
// contenders beside each other.
package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"strings"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
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

// Colours that are for what lies behind others.
var (
	paleRed   = color.NRGBA{245, 205, 178, 255}
	lightGrey = color.NRGBA{220, 220, 220, 255}
)

// A page is a picture of plots one beside and below the other.
type page struct {
	title         string // lines
	legend        []legendEntry
	width, height vg.Length
	plots         [][]*plot.Plot
}

// A legendEntry tells whose points look so.
type legendEntry struct {
	name  string
	glyph draw.GlyphStyle
}

// draw draws p into w, in the format of one of [Extensions].
func (p page) draw(w io.Writer, extension string) error {
	canvas, err := newCanvas(extension, p.width, p.height)
	if err != nil {
		return err
	}
	c := draw.New(canvas)
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	title, top := titleStyle(), c.Max.Y-vg.Points(8)
	c.FillText(title, vg.Point{X: c.Center().X, Y: top}, p.title)
	top -= title.Height(p.title)
	if len(p.legend) > 0 {
		top -= vg.Points(16)
		p.drawLegend(c, top)
	}
	tiles := draw.Tiles{
		Rows: len(p.plots), Cols: len(p.plots[0]), PadX: vg.Points(24), PadY: vg.Points(14),
		PadTop: c.Max.Y - top + vg.Points(10), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(14),
	}
	for i, row := range plot.Align(p.plots, tiles, c) {
		for j, part := range row {
			p.plots[i][j].Draw(part)
		}
	}
	var picture bytes.Buffer
	if _, err := canvas.WriteTo(&picture); err != nil {
		return err
	}
	// Of an SVG whoever looks at it has the fonts, or not.
	_, err = w.Write(bytes.ReplaceAll(picture.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,sans-serif;")))
	return err
}

// drawLegend draws the legend in a line, whose middle is at y.
func (p page) drawLegend(c draw.Canvas, y vg.Length) {
	name := style.Text(9.5)
	name.XAlign = draw.XLeft
	const before, behind = 8, 18 // points, of a name
	width := vg.Length(0)
	for _, entry := range p.legend {
		width += vg.Points(before+behind) + name.Width(entry.name)
	}
	x := c.Center().X - width/2
	for _, entry := range p.legend {
		c.DrawGlyph(entry.glyph, vg.Point{X: x, Y: y})
		x += vg.Points(before)
		c.FillText(name, vg.Point{X: x, Y: y}, entry.name)
		x += name.Width(entry.name) + vg.Points(behind)
	}
}

func newCanvas(extension string, width, height vg.Length) (vg.CanvasWriterTo, error) {
	switch strings.ToLower(extension) {
	case ".png":
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(style.DPI))}, nil
	case ".svg":
		return vgsvg.New(width, height), nil
	case ".pdf":
		return vgpdf.New(width, height), nil
	}
	return nil, fmt.Errorf("no picture format %q, there are %s", extension, strings.Join(Extensions, ", "))
}

func titleStyle() text.Style {
	title := style.Text(12)
	title.YAlign = draw.YTop
	return title
}

// setFonts makes all text sans serif, of a size that suits the picture.
func setFonts(p *plot.Plot) {
	for part, size := range map[*text.Style]float64{
		&p.Title.TextStyle: 11, &p.Legend.TextStyle: 9.5,
		&p.X.Label.TextStyle: 10, &p.X.Tick.Label: 9.5, &p.Y.Label.TextStyle: 10, &p.Y.Tick.Label: 9.5,
	} {
		part.Font = style.Text(size).Font
	}
}

// percentTicks are for an axis of shares, 0 to most.
func percentTicks(most float64) []plot.Tick {
	var ticks []plot.Tick
	for percent := 0; float64(percent) <= 100*most; percent += 10 {
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
