package plots

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/style"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// contest has three families, a rival that left shapes out, a shape without a peak, and training.
func contest() *bench.Contest {
	shape := func(family, name string, peak, mine, openblas, blis float64) *bench.ContestShape {
		s := &bench.ContestShape{Family: family, Shape: name, Peak: peak, Rates: map[string]float64{}, Shares: map[string]float64{}}
		for impl, rate := range map[string]float64{"avx2": mine, "openblas": openblas, "blis": blis} {
			if rate > 0 {
				s.Rates[impl], s.Shares[impl] = rate, 100*rate/peak
			}
		}
		return s
	}
	training := shape("training", "batch 100", 1000, 500, 0, 0)
	training.Rates["numpy-tuned"] = 100
	return &bench.Contest{Ours: "avx2", Type: "f32", Threads: 1, Rivals: []string{"openblas", "blis", "numpy-tuned"}, Shapes: []*bench.ContestShape{
		shape("net", "100,50,784", 200e9, 150e9, 100e9, 50e9),
		shape("net", "784,50,100 TN", 200e9, 160e9, 100e9, 0),
		shape("net", "100,50,10 NT", 200e9, 120e9, 100e9, 60e9),
		shape("large", "512,512,512", 190e9, 171e9, 100e9, 95e9),
		shape("large", "1024,1024,1024", math.NaN(), 171e9, 100e9, 95e9),
		shape("transposed", "512,512,512 NT", 190e9, 247e9, 100e9, 95e9),
		training,
	}}
}

func report(cpu, name string, contests ...*bench.Contest) *bench.RivalReport {
	return &bench.RivalReport{
		Path: "results/some/" + name + ".txt", Config: map[string]string{"cpu": cpu, "commit": "0123456789ab"},
		Contests: contests, Rounds: 7, Noisy: 2,
	}
}

// texts returns the pieces of text in the SVG picture of reports, and the picture.
func texts(t *testing.T, reports ...*bench.RivalReport) (found []string, svg string) {
	t.Helper()
	var b bytes.Buffer
	if err := Rivals(&b, ".svg", reports); err != nil {
		t.Fatal(err)
	}
	decoder, inText := xml.NewDecoder(bytes.NewReader(b.Bytes())), false
	for {
		token, err := decoder.Token()
		if err != nil {
			return found, b.String()
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.CharData:
			if inText {
				found = append(found, string(token))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

func TestDrawRivals(t *testing.T) {
	found, svg := texts(t, report("A CPU", "2026-11-29-0123456789ab-1", contest()))
	for want, times := range map[string]int{
		"A CPU": 1, "commit 0123456789ab, 7 rounds, 2 of them marked noisy (2026-11-29-0123456789ab-1)": 1,
		"avx2 f32, 1 thread: share of the peak of avx2, 190 to 200 GFLOP/s": 1,
		"lanewise avx2": 1, "openblas": 1, "blis": 1, "numpy-tuned": 0, // in the legend
		"net": 1, "large": 1, "transposed": 1, "training": 0,
		"100,50,784": 1, "784,50,100 TN": 1, "100,50,10 NT": 1, "512³": 1, "512³ NT": 1, "1024³": 0, "80%": 1, "120%": 1, "140%": 0,
	} {
		n := 0
		for _, text := range found {
			if text == want {
				n++
			}
		}
		if n != times {
			t.Errorf("%q is %d times in the picture, want %d:\n%q", want, n, times, found)
		}
	}
	// A disc of ours for each shape, and one in the legend.
	if n := strings.Count(svg, "fill:#0072B2"); n != 5+1 {
		t.Errorf("%d points are ours, want 6", n)
	}
	if !strings.Contains(svg, "font-family:Liberation Sans,Arial,sans-serif;") || strings.Contains(svg, "font-family:Liberation Sans;") {
		t.Error("text has one font only")
	}
}

// TestDrawRivalsOfMachines has records of two machines take turns: each is told after its CPU, and
// panels tell which record they are of.
func TestDrawRivalsOfMachines(t *testing.T) {
	found, _ := texts(t, report("A CPU", "one", contest()), report("Another", "two", contest()), report("A CPU", "three", contest()))
	var titles []string
	for _, text := range found {
		for _, part := range []string{"A CPU", "Another", "commit ", ": share of the peak"} {
			if strings.Contains(text, part) {
				titles = append(titles, text)
			}
		}
	}
	line := "commit 0123456789ab, 7 rounds, 2 of them marked noisy "
	panel := ": share of the peak of avx2, 190 to 200 GFLOP/s"
	want := []string{
		"A CPU", line + "(one)", "Another", line + "(two)", "A CPU", line + "(three)",
		"avx2 f32, 1 thread (one)" + panel, "avx2 f32, 1 thread (two)" + panel, "avx2 f32, 1 thread (three)" + panel,
	}
	slices.Sort(titles)
	slices.Sort(want)
	if !slices.Equal(titles, want) {
		t.Errorf("titles are\n%q, want\n%q", titles, want)
	}
}

func TestDrawRivalsFormats(t *testing.T) {
	long := report("A CPU whose name "+strings.Repeat("goes on ", 30), "one", contest())
	var b bytes.Buffer
	if err := Rivals(&b, ".png", []*bench.RivalReport{long}); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if least := titleStyle().Width(long.Config["cpu"]) / vg.Inch * style.DPI; float64(picture.Bounds().Dx()) < float64(least) {
		t.Errorf("the picture is %d points wide, and its title %g", picture.Bounds().Dx(), float64(least))
	}
	b.Reset()
	if err := Rivals(&b, ".pdf", []*bench.RivalReport{long}); err != nil || !bytes.HasPrefix(b.Bytes(), []byte("%PDF-")) {
		t.Errorf("no PDF: %v, %.20q", err, b.Bytes())
	}
	if err := Rivals(new(bytes.Buffer), ".gif", []*bench.RivalReport{long}); err == nil || !strings.Contains(err.Error(), ".png, .svg, .pdf") {
		t.Errorf(".gif: %v", err)
	}
}

func TestDrawNothing(t *testing.T) {
	c := contest()
	c.Shapes = []*bench.ContestShape{c.Shapes[4], c.Shapes[6]}
	if r := report("A CPU", "one", c); r.HasShares() {
		t.Error("a product without a peak, and training, have shares")
	} else if err := Rivals(new(bytes.Buffer), ".svg", []*bench.RivalReport{r}); err == nil || !strings.Contains(err.Error(), "no matrix products") {
		t.Errorf("a product without a peak, and training: %v", err)
	}
	if !report("A CPU", "one", contest()).HasShares() {
		t.Error("products have no shares")
	}
}

func TestShares(t *testing.T) {
	shapes, rivals := contest().Products()
	if want := []string{"openblas", "blis"}; !slices.Equal(rivals, want) {
		t.Fatalf("rivals are %q, want %q", rivals, want)
	}
	families := inFamilies(shapes)
	if want := []family{{0, 3}, {3, 5}, {5, 6}}; !slices.Equal(families, want) {
		t.Fatalf("families are %v, want %v", families, want)
	}
	for name, want := range map[string][]plotter.XYs{
		"avx2":   {{{X: 0, Y: 0.75}, {X: 1, Y: 0.8}, {X: 2, Y: 0.6}}, {{X: 3, Y: 0.9}}, {{X: 5, Y: 1.3}}},
		"blis":   {{{X: 0, Y: 0.25}}, {{X: 2, Y: 0.3}}, {{X: 3, Y: 0.5}}, {{X: 5, Y: 0.5}}},
		"onednn": nil,
	} {
		var have []plotter.XYs
		for _, f := range families {
			have = append(have, shares(shapes, f, name)...)
		}
		same := func(a, b plotter.XYs) bool {
			return slices.EqualFunc(a, b, func(a, b plotter.XY) bool { return a.X == b.X && math.Abs(a.Y-b.Y) < 1e-12 })
		}
		if !slices.EqualFunc(have, want, same) {
			t.Errorf("%s: %v, want %v", name, have, want)
		}
	}
	if top := highest(shapes); math.Abs(top-1.3) > 1e-12 || highest(shapes[:4]) != 1 {
		t.Errorf("the highest share is %g, want 1.3, and of the first ones 1", top)
	}
}
