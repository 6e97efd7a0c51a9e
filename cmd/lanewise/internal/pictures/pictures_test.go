package pictures

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"testing"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
)

func decode(t *testing.T, draw func(io.Writer) error) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// count returns how many pixels are nearly of the colour.
func count(img image.Image, want color.NRGBA) (n int) {
	near := func(a uint32, b uint8) bool { return math.Abs(float64(a>>8)-float64(b)) < 6 }
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, g, b, _ := img.At(x, y).RGBA(); near(r, want.R) && near(g, want.G) && near(b, want.B) {
				n++
			}
		}
	}
	return n
}

func TestWeights(t *testing.T) {
	// Unit 0 has positive weights, unit 1 negative ones, unit 2 none that are numbers.
	weights := make([]float64, 0, 3*64)
	for range 64 {
		weights = append(weights, 2, -2, math.NaN())
	}
	img := decode(t, func(w io.Writer) error { return Weights(w, weights, 8, 8, 3) })
	red, blues, greys := count(img, style.Vermillion), count(img, style.Blue), count(img, style.Grey)
	if red < 1000 || blues < 1000 || greys < 1000 || math.Abs(float64(red-blues)) > 0.1*float64(red) {
		t.Errorf("%d red, %d blue and %d grey pixels, want three like tiles", red, blues, greys)
	}
	if zeros := decode(t, func(w io.Writer) error { return Weights(w, make([]float64, 64), 8, 8, 1) }); count(zeros, style.Blue)+count(zeros, style.Vermillion) > 0 {
		t.Error("weights of 0 have a colour")
	}
	many := decode(t, func(w io.Writer) error { return Weights(w, make([]float64, 500), 1, 1, 500) })
	if many.Bounds().Dx() > 2000 {
		t.Errorf("500 units make a picture of %v", many.Bounds())
	}
}

func TestConfusion(t *testing.T) {
	right := decode(t, func(w io.Writer) error { return Confusion(w, "all right", [][]int{{5, 0}, {0, 7}}) })
	wrong := decode(t, func(w io.Writer) error { return Confusion(w, "all wrong", [][]int{{0, 5}, {7, 0}}) })
	hue, mistake := between(style.Blue, 0.8), between(style.Vermillion, 0.8)
	if count(right, hue) < 1000 || count(right, mistake) > 0 || count(wrong, mistake) < 1000 || count(wrong, hue) > 0 {
		t.Errorf("right: %d and %d pixels, wrong: %d and %d", count(right, hue), count(right, mistake), count(wrong, hue), count(wrong, mistake))
	}
	decode(t, func(w io.Writer) error { return Confusion(w, "no samples", [][]int{{0, 0}, {0, 0}}) })
}

func TestMistakes(t *testing.T) {
	black := Mistake{Index: 3, Pixels: bytes.Repeat([]byte{16}, 64), Label: 1, Class: 2, Probability: 0.5}
	one := decode(t, func(w io.Writer) error { return Mistakes(w, "one", []Mistake{black}, 8, 8, 16) })
	two := decode(t, func(w io.Writer) error { return Mistakes(w, "two", []Mistake{black, black}, 8, 8, 16) })
	none := decode(t, func(w io.Writer) error { return Mistakes(w, "none", nil, 8, 8, 16) })
	ink := color.NRGBA{A: 255}
	if n := count(one, ink) - count(none, ink); n < 10000 || math.Abs(float64(count(two, ink)-count(none, ink)-2*n)) > 0.1*float64(n) {
		t.Errorf("%d, %d and %d black pixels for no, one and two images", count(none, ink), count(one, ink), count(two, ink))
	}
}
