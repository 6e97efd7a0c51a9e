package plots

import (
	"fmt"
	"image/color"
	"math"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// newPanel returns empty axes over the epochs of r.
func (r Run) newPanel(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(4)
	p.X.Label.Text = "epoch"
	setFonts(p)
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Min, p.X.Max = 0, r.epochOf(max(len(r.Loss), 1))
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	lines := plotter.NewGrid()
	lines.Vertical.Color, lines.Horizontal.Color = lightGrey, lightGrey
	p.Add(lines)
	return p
}

// epochOf returns how many epochs n iterations are.
func (r Run) epochOf(n int) float64 { return float64(n) / r.Epoch }

// lossPlot draws the loss of every batch palely and its running mean over it.
func (r Run) lossPlot() *plot.Plot {
	p := r.newPanel("Loss")
	var batches plotter.XYs
	highest := 0.0
	for i, loss := range r.Loss {
		if math.Abs(loss) <= drawable {
			batches = append(batches, plotter.XY{X: r.epochOf(i + 1), Y: loss})
			highest = max(highest, loss)
		}
	}
	if lost := len(r.Loss) - len(batches); lost > 0 {
		p.Title.Text = fmt.Sprintf("Loss (not finite in %d of %d iterations)", lost, len(r.Loss))
	}
	p.Y.Min, p.Y.Max = 0, highest
	if highest == 0 {
		p.Y.Max = 1
	}
	if len(batches) > 0 {
		bold := line(runningMean(batches, len(batches)/120), style.Vermillion, vg.Points(1.6))
		p.Add(line(batches, paleRed, vg.Points(0.6)), bold)
		p.Legend.Add("running mean of the batches", bold)
	}
	return p
}

// drawable is the largest loss that is drawn. The net's own end at 16, at a
// probability of 0; the axes of gonum/plot hang on numbers near the end of float64.
const drawable = 1e9

// accuracyPlot draws both accuracies, a point for each measurement.
func (r Run) accuracyPlot() *plot.Plot {
	p := r.newPanel("Accuracy")
	p.Y.Min, p.Y.Max = 0, 1
	p.Y.Tick.Marker = plot.ConstantTicks(percentTicks(1))
	p.Legend.Top = r.lastAccuracy() < 0.5 // away from the curves
	r.addAccuracy(p, "training", r.Train, style.Vermillion, draw.CircleGlyph{}, vg.Points(3))
	r.addAccuracy(p, "test", r.Test, style.Blue, draw.PyramidGlyph{}, vg.Points(2.5))
	return p
}

func (r Run) lastAccuracy() float64 {
	if len(r.Test) == 0 {
		return 0
	}
	return r.Test[len(r.Test)-1]
}

func (r Run) addAccuracy(p *plot.Plot, name string, accuracy []float64, c color.Color, shape draw.GlyphDrawer, size vg.Length) {
	if len(accuracy) == 0 {
		return
	}
	points := make(plotter.XYs, len(accuracy))
	for i, a := range accuracy {
		points[i] = plotter.XY{X: r.epochOf(r.Iteration[i] + 1), Y: a}
	}
	l := line(points, c, vg.Points(1.2))
	s := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: c, Radius: size, Shape: shape}}
	p.Add(l, s)
	p.Legend.Add(fmt.Sprintf("%s, %.2f%% at last", name, 100*accuracy[len(accuracy)-1]), l, s)
}

// runningMean replaces every point's Y by the mean over its neighbours up to
// reach before and after it.
func runningMean(points plotter.XYs, reach int) plotter.XYs {
	sums := make([]float64, len(points)+1) // of the points before
	for i, p := range points {
		sums[i+1] = sums[i] + p.Y
	}
	means := make(plotter.XYs, len(points))
	for i, p := range points {
		from, to := max(i-reach, 0), min(i+reach+1, len(points))
		means[i] = plotter.XY{X: p.X, Y: (sums[to] - sums[from]) / float64(to-from)}
	}
	return means
}
