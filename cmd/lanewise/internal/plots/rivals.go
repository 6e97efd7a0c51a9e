package plots

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Rivals draws what reports say of matrix products, in the format of one of [Extensions]: for
// each contest axes of its own, on which every contender has a point for each shape, its
// share of the peak. Shapes whose peak is not known are left out; it fails if no other is there.
func Rivals(w io.Writer, extension string, reports []*bench.RivalReport) error {
	p := page{legend: []legendEntry{{"", ours}}}
	var titles, names []string
	most, cpu := 0, ""
	for _, r := range reports {
		if r.Config["cpu"] != cpu {
			cpu = r.Config["cpu"]
			titles = append(titles, cpu)
		}
		titles = append(titles, fmt.Sprintf("%s (%s)", r.Origin(), r.Name()))
		record := "" // of which there are several
		if len(reports) > 1 {
			record = " (" + r.Name() + ")"
		}
		for _, c := range r.Contests {
			shapes, rivals := c.Products()
			shapes = slices.DeleteFunc(shapes, func(s *bench.ContestShape) bool { return !(s.Peak > 0) })
			if len(shapes) == 0 {
				continue
			}
			most = max(most, len(shapes))
			p.plots = append(p.plots, []*plot.Plot{contestPlot(c, record, shapes, rivals)})
			p.addToLegend(rivals)
			if !slices.Contains(names, c.Ours) {
				names = append(names, c.Ours)
			}
		}
	}
	if len(p.plots) == 0 {
		return errors.New("no matrix products whose peak is known in these records, there is nothing to draw")
	}
	p.title, p.legend[0].name = strings.Join(titles, "\n"), "lanewise "+strings.Join(names, ", ")
	p.width = max(20*vg.Centimeter, (3+0.8*vg.Length(most))*vg.Centimeter, titleStyle().Width(p.title)+vg.Centimeter)
	p.height = (1.6 + 0.5*vg.Length(len(titles)) + 7.5*vg.Length(len(p.plots))) * vg.Centimeter
	return p.draw(w, extension)
}

// addToLegend adds contenders that are not there yet.
func (p *page) addToLegend(names []string) {
	for _, name := range names {
		if !slices.ContainsFunc(p.legend, func(e legendEntry) bool { return e.name == name }) {
			p.legend = append(p.legend, legendEntry{name, glyphOf(name)})
		}
	}
}

// ours is the glyph of the implementation that a record is about.
var ours = draw.GlyphStyle{Color: style.Blue, Radius: vg.Points(3.4), Shape: draw.CircleGlyph{}}

// glyphOf returns that of another contender.
func glyphOf(name string) draw.GlyphStyle {
	glyph, known := map[string]draw.GlyphStyle{
		"openblas": {Color: style.Vermillion, Shape: draw.TriangleGlyph{}},
		"blis":     {Color: style.Green, Shape: draw.SquareGlyph{}},
		"onednn":   {Color: style.Orange, Shape: draw.PyramidGlyph{}},
		"libxsmm":  {Color: style.Purple, Shape: draw.BoxGlyph{}},
		"gonum":    {Color: style.Grey, Shape: draw.CrossGlyph{}},
		"vek":      {Color: style.Grey, Shape: draw.PlusGlyph{}},
		"avx2":     {Color: style.Sky, Shape: draw.TriangleGlyph{}},
		"portable": {Color: style.Sky, Shape: draw.SquareGlyph{}},
	}[name]
	if !known {
		glyph = draw.GlyphStyle{Color: color.Black, Shape: draw.RingGlyph{}}
	}
	glyph.Radius = vg.Points(2.6)
	return glyph
}

// contestPlot draws the products of a contest.
func contestPlot(c *bench.Contest, record string, shapes []*bench.ContestShape, rivals []string) *plot.Plot {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%v%s: share of the peak of %s, %s", c, record, c.Ours, peakInWords(shapes))
	p.Title.Padding = vg.Points(4)
	setFonts(p)
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Min, p.X.Max = -0.6, float64(len(shapes))-0.4
	p.X.Tick.Marker = plot.ConstantTicks(shapeTicks(shapes))
	p.X.Tick.Length, p.X.Tick.LineStyle.Color = vg.Points(5), color.Transparent // names reach up into their place
	p.X.Tick.Label.Rotation = math.Pi / 2
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
	const withNames = 1.16 // of the families, above all points
	p.Y.Min, p.Y.Max = 0, highest(shapes)*withNames
	p.Y.Tick.Marker = plot.ConstantTicks(percentTicks(highest(shapes)))
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, lightGrey
	p.Add(grid)
	families := inFamilies(shapes)
	addFamilyNames(p, shapes, families, highest(shapes)*(2*withNames+1)/3)
	for _, rival := range rivals {
		addContender(p, shapes, families, rival, glyphOf(rival), vg.Points(0.5))
	}
	addContender(p, shapes, families, c.Ours, ours, vg.Points(1.2))
	return p
}

// highest returns 1, or the highest share if that is more: the peak was measured in a worse moment then.
func highest(shapes []*bench.ContestShape) float64 {
	most := 100.0
	for _, s := range shapes {
		for _, percent := range s.Shares {
			if percent > most {
				most = percent
			}
		}
	}
	return most / 100
}

// family is a run of shapes of one family: those from first on, before end.
type family struct{ first, end int }

func inFamilies(shapes []*bench.ContestShape) []family {
	var families []family
	for i, s := range shapes {
		if i == 0 || shapes[i-1].Family != s.Family {
			families = append(families, family{first: i})
		}
		families[len(families)-1].end = i + 1
	}
	return families
}

// addFamilyNames writes the name of each family over its shapes, at y, and draws a line before it.
func addFamilyNames(p *plot.Plot, shapes []*bench.ContestShape, families []family, y float64) {
	names := plotter.Labels{}
	for _, f := range families {
		names.Labels = append(names.Labels, shapes[f.first].Family)
		names.XYs = append(names.XYs, plotter.XY{X: float64(f.first+f.end-1) / 2, Y: y})
		names.TextStyle = append(names.TextStyle, style.Text(9.5))
		if at := float64(f.first) - 0.5; f.first > 0 {
			p.Add(line(plotter.XYs{{X: at, Y: 0}, {X: at, Y: p.Y.Max}}, style.Grey, vg.Points(0.5)))
		}
	}
	p.Add(&names)
}

// addContender draws the points of a contender, and lines between neighbours of a family.
func addContender(p *plot.Plot, shapes []*bench.ContestShape, families []family, name string, glyph draw.GlyphStyle, width vg.Length) {
	for _, f := range families {
		for _, points := range shares(shapes, f, name) {
			p.Add(line(points, glyph.Color, width), &plotter.Scatter{XYs: points, GlyphStyle: glyph})
		}
	}
}

// shares returns the points of a contender in a family, in pieces between shapes that it did not compute.
func shares(shapes []*bench.ContestShape, f family, name string) (pieces []plotter.XYs) {
	piece := true // whether one begins
	for i := f.first; i < f.end; i++ {
		percent := shapes[i].Shares[name]
		if !(percent > 0) {
			piece = true
			continue
		}
		if piece {
			pieces, piece = append(pieces, nil), false
		}
		last := &pieces[len(pieces)-1]
		*last = append(*last, plotter.XY{X: float64(i), Y: percent / 100})
	}
	return pieces
}

// shapeTicks names the shapes on an axis, squares by their side.
func shapeTicks(shapes []*bench.ContestShape) []plot.Tick {
	var ticks []plot.Tick
	for i, s := range shapes {
		sizes, transposes, _ := strings.Cut(s.Shape, " ")
		if sides := strings.Split(sizes, ","); len(slices.Compact(slices.Clone(sides))) == 1 {
			sizes = sides[0] + "³"
		}
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: strings.TrimSpace(sizes + " " + transposes)})
	}
	return ticks
}

// peakInWords tells the least and the highest peak of shapes.
func peakInWords(shapes []*bench.ContestShape) string {
	by := func(a, b *bench.ContestShape) int { return cmp.Compare(a.Peak, b.Peak) }
	least := fmt.Sprintf("%.0f", slices.MinFunc(shapes, by).Peak/1e9)
	most := fmt.Sprintf("%.0f", slices.MaxFunc(shapes, by).Peak/1e9)
	if least != most {
		least += " to " + most
	}
	return least + " GFLOP/s"
}
