package plots

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/bench"
	"gonum.org/v1/plot/plotter"
)

// contest has three families, a rival that left shapes out, and one that trains only.
func contest() *bench.Contest {
	shape := func(family, name string, peak, mine, openblas, blis float64) *bench.ContestShape {
		s := &bench.ContestShape{Family: family, Shape: name, Peak: peak, Rates: map[string]float64{"avx2": mine, "openblas": openblas}}
		if blis > 0 {
			s.Rates["blis"] = blis
		}
		return s
	}
	training := shape("training", "batch 100", 1000, 500, 0, 0)
	training.Rates["numpy-tuned"] = 100
	return &bench.Contest{Ours: "avx2", Type: "f32", Threads: 1, Rivals: []string{"openblas", "blis", "numpy-tuned"}, Shapes: []*bench.ContestShape{
		shape("net", "100,50,784", 200e9, 150e9, 100e9, 0),
		shape("net", "784,50,100 TN", 200e9, 160e9, 100e9, 50e9),
		shape("large", "512,512,512", 190e9, 171e9, 100e9, 95e9),
		shape("transposed", "512,512,512 NT", 190e9, 260e9, 100e9, 95e9),
		training,
	}}
}

func report(contests ...*bench.Contest) *bench.RivalReport {
	return &bench.RivalReport{
		Path: "results/some/2026-11-29-0123456789ab-1.txt", Config: map[string]string{"cpu": "A CPU", "commit": "0123456789ab"},
		Contests: contests, Rounds: 7, Noisy: 2,
	}
}

func TestDrawRivals(t *testing.T) {
	var b bytes.Buffer
	if err := Rivals(&b, ".svg", []*bench.RivalReport{report(contest()), report(contest())}); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	for want, times := range map[string]int{
		">A CPU<": 1, ">commit 0123456789ab, 7 rounds, 2 of them marked noisy (2026-11-29-0123456789ab-1)<": 2,
		">avx2 f32, 1 thread: share of the peak, 190 to 200 GFLOP/s<": 2,
		">lanewise avx2<": 1, ">openblas<": 1, ">blis<": 1, ">numpy-tuned<": 0, // in the legend
		">net<": 2, ">large<": 2, ">transposed<": 2, ">training<": 0,
		">100,50,784<": 2, ">784,50,100 TN<": 2, ">512³<": 2, ">512³ NT<": 2, ">80%<": 2,
	} {
		if n := strings.Count(svg, want); n != times {
			t.Errorf("%q is %d times in the picture, want %d", want, n, times)
		}
	}
	// A disc of ours for each shape, and one in the legend.
	if n := strings.Count(svg, "fill:#0072B2"); n != 2*4+1 {
		t.Errorf("%d points are ours, want 9", n)
	}
	if err := Rivals(new(bytes.Buffer), ".gif", []*bench.RivalReport{report(contest())}); err == nil || !strings.Contains(err.Error(), ".png, .svg, .pdf") {
		t.Errorf(".gif: %v", err)
	}
}

func TestDrawNoProducts(t *testing.T) {
	c := contest()
	c.Shapes = c.Shapes[4:]
	if err := Rivals(new(bytes.Buffer), ".svg", []*bench.RivalReport{report(c)}); err == nil || !strings.Contains(err.Error(), "no matrix products") {
		t.Errorf("training only: %v", err)
	}
}

func TestShares(t *testing.T) {
	shapes, rivals := contest().Products()
	if want := []string{"openblas", "blis"}; !slices.Equal(rivals, want) {
		t.Fatalf("rivals are %q, want %q", rivals, want)
	}
	families := inFamilies(shapes)
	if want := []family{{0, 2}, {2, 3}, {3, 4}}; !slices.Equal(families, want) {
		t.Fatalf("families are %v, want %v", families, want)
	}
	for name, want := range map[string]plotter.XYs{
		"avx2":     {{X: 0, Y: 0.75}, {X: 1, Y: 0.8}, {X: 2, Y: 0.9}, {X: 3, Y: highest}},
		"openblas": {{X: 0, Y: 0.5}, {X: 1, Y: 0.5}, {X: 2, Y: 10. / 19}, {X: 3, Y: 10. / 19}},
		"blis":     {{X: 1, Y: 0.25}, {X: 2, Y: 0.5}, {X: 3, Y: 0.5}},
		"onednn":   nil,
	} {
		var have plotter.XYs
		for _, f := range families {
			have = append(have, shares(shapes, f, name)...)
		}
		if !slices.EqualFunc(have, want, func(a, b plotter.XY) bool { return a.X == b.X && math.Abs(a.Y-b.Y) < 1e-12 }) {
			t.Errorf("%s: %v, want %v", name, have, want)
		}
	}
}
