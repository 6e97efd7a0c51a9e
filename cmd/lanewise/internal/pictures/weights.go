package pictures

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
)

// maxTiles is how many hidden units are drawn at most.
const maxTiles = 400

// Weights draws the first layer: for each hidden unit the weights of its
// inputs, in the place of the pixels that they come from. weights is
// rows*cols x units.
func Weights(w io.Writer, weights []float64, rows, cols, units int) error {
	shown := min(units, maxTiles)
	across := int(math.Ceil(math.Sqrt(float64(shown))))
	down := (shown + across - 1) / across
	size := max(24, min(56, 560/float64(across)))
	height := size * float64(rows) / float64(cols)
	const gap = 4
	scale := strongest(weights)
	title := fmt.Sprintf("First layer: the weights of the %d hidden units", units)
	if shown < units {
		title = fmt.Sprintf("First layer: the weights of the first %d of %d hidden units", shown, units)
	}
	p := newPage(title, fmt.Sprintf("blue: below 0, red: above 0, full colour from %.3g on", scale), float64(across)*(size+gap)-gap, float64(down)*(height+gap)-gap)
	for unit := range shown {
		at := p.at(float64(unit%across)*(size+gap), float64(unit/across)*(height+gap), size, height)
		p.tile(at, rows, cols, func(row, col int) color.Color {
			return signed(weights[(row*cols+col)*units+unit] / scale)
		})
		p.frame(at)
	}
	return p.writeTo(w)
}

// strongest returns the size that all but one in two hundred of the finite weights stay below.
func strongest(weights []float64) float64 {
	var sizes []float64
	for _, v := range weights {
		if v = math.Abs(v); v <= math.MaxFloat64 {
			sizes = append(sizes, v)
		}
	}
	if len(sizes) == 0 {
		return 1
	}
	slices.Sort(sizes)
	if v := sizes[len(sizes)*199/200]; v > 0 {
		return v
	}
	return 1
}

// signed returns the colour of v in -1..1, and grey for what is no number.
func signed(v float64) color.Color {
	switch {
	case math.IsNaN(v):
		return style.Grey
	case v < 0:
		return between(style.Blue, min(1, -v))
	}
	return between(style.Vermillion, min(1, v))
}
