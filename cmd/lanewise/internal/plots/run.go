package plots

import (
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// A Run is what is drawn of a training run: the loss, and the accuracies on training
// and test data.
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

// Draw draws r into w, in the format of one of [Extensions].
func (r Run) Draw(w io.Writer, extension string) error {
	return page{
		title: r.Title, width: 22 * vg.Centimeter, height: 9.5 * vg.Centimeter,
		plots: [][]*plot.Plot{{r.lossPlot(), r.accuracyPlot()}},
	}.draw(w, extension)
}
