// Package pictures draws what a trained net is made of and where it goes wrong:
// the weights of its first layer, its confusion of classes, its worst mistakes.
// All are written as PNG.
package pictures

import (
	"image"
	"image/color"
	"io"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	margin = 14 // points around a picture
	header = 44 // points above, for the title and a line below it
)

// page is a picture with a title; content fills the rectangle within.
type page struct {
	draw.Canvas
	png    vgimg.PngCanvas
	within vg.Rectangle
}

// newPage returns a page whose content is width x height points.
func newPage(title, note string, width, height float64) page {
	w, h := vg.Points(max(width, 420)+2*margin), vg.Points(height+2*margin+header)
	p := page{png: vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(style.DPI))}}
	p.Canvas = draw.New(p.png)
	p.SetColor(color.White)
	p.Fill(p.Rectangle.Path())
	left := (w - vg.Points(width)) / 2
	p.within = vg.Rectangle{Min: vg.Point{X: left, Y: vg.Points(margin)}, Max: vg.Point{X: left + vg.Points(width), Y: vg.Points(margin + height)}}
	p.write(title, 12, w/2, h-vg.Points(margin+6))
	p.write(note, 9, w/2, h-vg.Points(margin+22))
	return p
}

// write writes a line with its middle at x, y.
func (p page) write(line string, size float64, x, y vg.Length) {
	p.FillText(style.Text(size), vg.Point{X: x, Y: y}, line)
}

// at returns the rectangle of width x height points, x to the right of and y
// below the upper left corner of the content.
func (p page) at(x, y, width, height float64) vg.Rectangle {
	min := vg.Point{X: p.within.Min.X + vg.Points(x), Y: p.within.Max.Y - vg.Points(y+height)}
	return vg.Rectangle{Min: min, Max: vg.Point{X: min.X + vg.Points(width), Y: min.Y + vg.Points(height)}}
}

func (p page) fill(r vg.Rectangle, c color.Color) {
	p.SetColor(c)
	p.Fill(r.Path())
}

// tile draws an image whose pixels keep sharp edges.
func (p page) tile(r vg.Rectangle, rows, cols int, pixel func(row, col int) color.Color) {
	zoom := max(1, int(r.Size().X.Dots(style.DPI))/cols)
	img := image.NewNRGBA(image.Rect(0, 0, cols*zoom, rows*zoom))
	for y := range rows * zoom {
		for x := range cols * zoom {
			img.Set(x, y, pixel(y/zoom, x/zoom))
		}
	}
	p.DrawImage(r, img)
}

func (p page) writeTo(w io.Writer) error {
	_, err := p.png.WriteTo(w)
	return err
}

// between returns the colour from white, for a share of 0, to c, for 1.
func between(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(255 - share*(255-float64(v)) + 0.5) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}
