package pictures

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
	"gonum.org/v1/plot/vg"
)

// Confusion draws how many samples of each class (rows) the net gives each
// class (columns).
func Confusion(w io.Writer, title string, counts [][]int) error {
	n := len(counts)
	const labels = 40 // points for the numbers of the classes
	cell := max(20, min(44, 520/float64(n)))
	size := max(5, min(10, cell/4))
	p := newPage(title, "rows: what it is; columns: what the net says; colour: share of the row, by its square root", labels+cell*float64(n), labels+cell*float64(n))
	for i, row := range counts {
		total := 0
		for _, c := range row {
			total += c
		}
		at := labels + cell*float64(i)
		for _, heading := range []vg.Rectangle{p.at(0, at, labels, cell), p.at(at, 0, cell, labels)} {
			middle := center(heading)
			p.write(fmt.Sprint(i), size+1, middle.X, middle.Y)
		}
		for j, c := range row {
			box := p.at(labels+cell*float64(j), at, cell, cell)
			share := float64(c) / float64(max(total, 1))
			hue := style.Vermillion
			if i == j {
				hue = style.Blue
			}
			p.fill(box, between(hue, 0.8*math.Sqrt(share))) // the few mistakes are what is looked for
			p.frame(box)
			if c > 0 {
				middle := center(box)
				p.write(fmt.Sprint(c), size, middle.X, middle.Y)
			}
		}
	}
	return p.writeTo(w)
}

func center(r vg.Rectangle) vg.Point {
	return vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}
}

// frame draws a thin line around r.
func (p page) frame(r vg.Rectangle) {
	path := r.Path()
	path.Close()
	p.SetColor(color.NRGBA{200, 200, 200, 255})
	p.SetLineWidth(vg.Points(0.5))
	p.Stroke(path)
}
