package pictures

import (
	"fmt"
	"image/color"
	"io"
)

// A Mistake is an image that the net takes for another class than it is.
type Mistake struct {
	Index        int     // of the image in its set
	Pixels       []uint8 // row-major
	Label, Class int
	Probability  float64 // that the net gives to Class
}

// MaxMistakes is how many are drawn at most.
const MaxMistakes = 40

// Mistakes draws the mistakes, the first ones first: images of rows x cols
// pixels, 0 white and largest black.
func Mistakes(w io.Writer, title string, mistakes []Mistake, rows, cols int, largest uint8) error {
	mistakes = mistakes[:min(len(mistakes), MaxMistakes)]
	const across, width, gap, caption = 8, 72.0, 8.0, 26.0
	height := width * float64(rows) / float64(cols)
	down := max(1, (len(mistakes)+across-1)/across)
	note := "the worst first; below: what it is, what the net says and how sure it is, number of the image"
	if len(mistakes) == 0 {
		note = "there are none"
	}
	p := newPage(title, note, across*(width+gap)-gap, float64(down)*(height+caption+gap)-gap)
	for i, m := range mistakes {
		x, y := float64(i%across)*(width+gap), float64(i/across)*(height+caption+gap)
		at := p.at(x, y, width, height)
		p.tile(at, rows, cols, func(row, col int) color.Color {
			return color.Gray{uint8(255 - 255*int(m.Pixels[row*cols+col])/int(largest))}
		})
		p.frame(at)
		first, second := center(p.at(x, y+height+2, width, 12)), center(p.at(x, y+height+13, width, 12))
		p.write(fmt.Sprintf("is %d, says %d, %.0f%%", m.Label, m.Class, 100*m.Probability), 7.5, first.X, first.Y)
		p.write(fmt.Sprintf("no. %d", m.Index), 7, second.X, second.Y)
	}
	return p.writeTo(w)
}
