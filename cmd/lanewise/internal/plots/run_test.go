package plots

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
	"gonum.org/v1/plot/plotter"
)

// example is a run of 1000 iterations that learns.
func example() Run {
	r := Run{Title: "a run", Epoch: 142.5}
	for i := range 1000 {
		r.Loss = append(r.Loss, 2.3*math.Exp(-float64(i)/200)+0.1*float64(i%7))
		if i%143 == 0 {
			r.Iteration = append(r.Iteration, i)
			r.Train = append(r.Train, 0.97-0.8*math.Exp(-float64(i)/200))
			r.Test = append(r.Test, 0.95-0.8*math.Exp(-float64(i)/200))
		}
	}
	return r
}

func drawn(t *testing.T, r Run, extension string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Draw(&b, extension); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDrawPNG(t *testing.T) {
	picture, err := png.Decode(bytes.NewReader(drawn(t, example(), ".PNG")))
	if err != nil {
		t.Fatal(err)
	}
	size := picture.Bounds().Size()
	if size.X < 1200 || size.Y < 500 {
		t.Errorf("the picture is %v", size)
	}
	// The loss is in the left half, both accuracies are in the right one.
	counts := map[color.NRGBA][2]int{style.Vermillion: {}, style.Blue: {}, paleRed: {}}
	for y := range size.Y {
		for x := range size.X {
			c := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
			if n, known := counts[c]; known {
				n[2*x/size.X]++
				counts[c] = n
			}
		}
	}
	for c, n := range counts {
		left, right := c != style.Blue, c != paleRed
		if left != (n[0] > 50) || right != (n[1] > 50) {
			t.Errorf("colour %v has %d pixels in the left half and %d in the right one", c, n[0], n[1])
		}
	}
	if corner := color.NRGBAModel.Convert(picture.At(1, 1)); corner != (color.NRGBA{255, 255, 255, 255}) {
		t.Errorf("the background is %v, want white", corner)
	}
}

func TestDrawFormats(t *testing.T) {
	r := example()
	svg := string(drawn(t, r, ".svg"))
	for _, want := range []string{"<svg", r.Title, "Loss", "Accuracy", "epoch", "training, ", "test, "} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in the .svg", want)
		}
	}
	if pdf := drawn(t, r, ".pdf"); !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf, []byte("%%EOF")) {
		t.Errorf("no PDF: %.20q", pdf)
	}
	if err := r.Draw(new(bytes.Buffer), ".gif"); err == nil || !strings.Contains(err.Error(), ".png, .svg, .pdf") {
		t.Errorf(".gif: %v", err)
	}
}

// TestDrawOddRuns draws runs that ended early or badly.
func TestDrawOddRuns(t *testing.T) {
	diverged := example()
	diverged.Loss[500], diverged.Loss[501] = math.Inf(1), math.NaN()
	for name, r := range map[string]Run{
		"no iteration":       {Title: "t", Epoch: 100},
		"one iteration":      {Title: "t", Epoch: 100, Loss: []float64{2}, Iteration: []int{0}, Train: []float64{0}, Test: []float64{0}},
		"no evaluation":      {Title: "t", Epoch: 1, Loss: []float64{2}},
		"a loss of 0":        {Title: "t", Epoch: 1, Loss: []float64{0, 0, 0}},
		"nothing but NaN":    {Title: "t", Epoch: 1, Loss: []float64{math.NaN()}},
		"losses of any size": {Title: "t", Epoch: 1, Loss: []float64{1, 1, 1e300, math.MaxFloat64, -1e-7}},
		"some not finite":    diverged,
	} {
		if svg := string(drawn(t, r, ".svg")); strings.Contains(svg, "NaN") && name != "nothing but NaN" {
			t.Errorf("%s: NaN in the picture", name)
		}
	}
	if svg := string(drawn(t, diverged, ".svg")); !strings.Contains(svg, "not finite in 2 of 1000 iterations") {
		t.Error("the picture does not say that losses are missing")
	}
}

func TestRunningMean(t *testing.T) {
	points := plotter.XYs{{X: 1, Y: 3}, {X: 2, Y: 5}, {X: 3, Y: 10}, {X: 4, Y: 0}}
	for reach, want := range map[int][]float64{0: {3, 5, 10, 0}, 1: {4, 6, 5, 5}, 9: {4.5, 4.5, 4.5, 4.5}} {
		for i, p := range runningMean(points, reach) {
			if p.X != points[i].X || p.Y != want[i] {
				t.Errorf("reach %d, point %d: %v, want %v", reach, i, p, want[i])
			}
		}
	}
}
