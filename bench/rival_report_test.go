package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rivalRecord writes a record: rates in GFLOP/s by benchmark, one in each round; of training,
// in thousands of samples/s. The peak is 100 GFLOP/s.
func rivalRecord(t *testing.T, isa string, rates map[string][]float64, order ...string) string {
	t.Helper()
	var text strings.Builder
	rounds := 0
	for _, r := range rates {
		rounds = max(rounds, len(r))
	}
	for round := range rounds {
		fmt.Fprintf(&text, "cpu: A CPU\ncommit: 0123456789ab\ndirty: false\nisa: %s\nround: %d\nnoise: %s\n",
			isa, round+1, map[bool]string{true: "steal", false: "quiet"}[round == 1])
		for _, name := range order {
			if r := rates[name]; round < len(r) {
				fmt.Fprintf(&text, "Benchmark%s 10 5 ns/op %g FLOP/s %g %%peak", name, r[round]*1e9, r[round])
				if strings.HasPrefix(name, trainingBenchmark) {
					fmt.Fprintf(&text, " %g samples/s", r[round]*1e3)
				}
				text.WriteString(" 0 B/op 0 allocs/op\n")
			}
		}
	}
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// twoShapes is a record of seven rounds of two shapes, in which the machine slows down
// to a half after four rounds, for all alike.
func twoShapes(t *testing.T) string {
	const small, net = "SGEMM/m=8/n=8/k=8/impl=", "SGEMM/m=784/n=50/k=100/trans=TN/impl="
	return rivalRecord(t, "avx2", map[string][]float64{
		small + "avx2":               {60, 64, 56, 60, 30, 30, 30},
		small + "libxsmm":            {80, 80, 80, 80, 40, 40, 40},
		small + "openblas":           {40, 40, 40, 40, 20, 20, 20},
		net + "avx2":                 {90, 90, 90, 90, 45, 45, 45},
		net + "openblas":             {50, 50, 50, 50, 25, 25, 25},
		net + "gonum":                {10, 10, 10, 10, 5, 5, 5},
		"FMAPeak/type=f32/impl=avx2": {100, 100, 100, 100, 50, 50, 50},
	}, "FMAPeak/type=f32/impl=avx2", small+"avx2", small+"libxsmm", small+"openblas", net+"gonum", net+"openblas", net+"avx2")
}

// tablesOf reads a record and writes its tables.
func tablesOf(t *testing.T, path string) (*RivalReport, *strings.Builder) {
	t.Helper()
	r, err := ReadRivals(path)
	if err != nil {
		t.Fatal(err)
	}
	text := new(strings.Builder)
	r.WriteTables(text)
	return r, text
}

func near(x, y float64) bool { return math.Abs(x-y) <= 1e-12*math.Abs(y) }

func TestRivalReport(t *testing.T) {
	r, err := ReadRivals(twoShapes(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Contests) != 1 || r.Rounds != 7 || r.Noisy != 1 || r.Config["cpu"] != "A CPU" || r.Rivals != nil {
		t.Fatalf("%+v", r)
	}
	c := r.Contests[0]
	if c.String() != "avx2 f32, 1 thread" || strings.Join(c.Rivals, " ") != "openblas libxsmm gonum" || strings.Join(c.Families(), " ") != "small net" {
		t.Errorf("%v beside %v, families %v", c, c.Rivals, c.Families())
	}
	small, net := c.Shapes[0], c.Shapes[1]
	if small.Shape != "8,8,8" || net.Shape != "784,50,100 TN" || !near(small.Peak, 100e9) || !near(net.Shares["avx2"], 90) {
		t.Errorf("%+v\n%+v", small, net)
	}
	// Round by round, slowness cancels out: 60/80 four times in seven, and 64/80, 56/80.
	if s := small.Ratios["libxsmm"]; !near(s.Center, 0.75) || !near(s.Lo, 0.7) || !near(s.Hi, 0.8) {
		t.Errorf("ratio to libxsmm %+v, want 0.75 from 0.7 to 0.8", s)
	}
	if small.Best() != "libxsmm" || small.Best("libxsmm") != "openblas" || net.Best() != "openblas" || net.Best("openblas", "gonum") != "" {
		t.Error("the best rival is not the fastest that is not left aside")
	}
	if !near(small.Rates["avx2"], 56e9) {
		t.Errorf("median rate %g, want 56e9", small.Rates["avx2"])
	}

	for _, test := range []struct {
		family string
		aside  []string
		want   FamilyRatio
	}{
		{"small", nil, FamilyRatio{0.75, 0.75, "8,8,8", 1}},
		{"small", []string{"libxsmm"}, FamilyRatio{1.5, 1.5, "8,8,8", 1}},
		{"net", nil, FamilyRatio{1.8, 1.8, "784,50,100 TN", 1}},
		{"", nil, FamilyRatio{math.Sqrt(0.75 * 1.8), 0.75, "8,8,8", 2}},
	} {
		got := c.Ratio(test.family, test.aside...)
		if !near(got.Geomean, test.want.Geomean) || !near(got.Worst, test.want.Worst) || got.Shape != test.want.Shape || got.Shapes != test.want.Shapes {
			t.Errorf("family %q without %v: %+v, want %+v", test.family, test.aside, got, test.want)
		}
	}
	if got := c.Ratio("odd"); got.Shapes != 0 || !math.IsNaN(got.Geomean) || got.String() != "-" {
		t.Errorf("a family without shapes: %+v", got)
	}
}

func TestRivalTables(t *testing.T) {
	path := twoShapes(t)
	side := `{"rivals": [{"name": "openblas", "version": "0.3.21", "kernels": "Haswell"}, {"name": "blis", "left_out": "it is in the Debian package libblis-dev"}]}`
	if err := os.WriteFile(strings.TrimSuffix(path, "txt")+"json", []byte(side), 0o666); err != nil {
		t.Fatal(err)
	}
	r, got := tablesOf(t, path)
	WriteRatios(got, []*RivalReport{r, r})
	want := `
A CPU
commit 0123456789ab, 7 rounds, 1 of them marked noisy
  openblas 0.3.21, kernels for Haswell reached
  blis is LEFT OUT: it is in the Debian package libblis-dev

avx2 f32, 1 thread: median GFLOP/s, and the ratio of avx2 to the best rival, round by round

family  m,n,k          avx2  %peak   peak  openblas  libxsmm  gonum  ratio         95%        to
small   8,8,8          56.0   56.0  100.0      40.0     80.0      -  0.750  0.70..0.80   libxsmm
net     784,50,100 TN  90.0   90.0  100.0      50.0        -   10.0  1.800  1.80..1.80  openblas

Ratio to the best rival of each shape: geometric mean of a family, and in brackets its
smallest ratio

family                     avx2 f32      avx2 f32
net                    1.800 (1.80)  1.800 (1.80)
small                  0.750 (0.75)  0.750 (0.75)
small but for libxsmm  1.500 (1.50)  1.500 (1.50)
all shapes             1.162 (0.75)  1.162 (0.75)
`
	if got.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", got.String(), want)
	}
}

// TestAloneInTables has a record that tells of one shape for how much of the time its cores were alone.
func TestAloneInTables(t *testing.T) {
	const small, net, lone = "SGEMM/m=8/n=8/k=8/impl=", "SGEMM/m=100/n=50/k=784/impl=", "SGEMM/m=9/n=9/k=9/impl="
	path := rivalRecord(t, "avx2", map[string][]float64{
		small + "avx2": {60, 60, 60}, small + "openblas": {40, 40, 40}, net + "avx2": {90, 90, 90}, net + "openblas": {50, 50, 50},
		lone + "avx2": {70, 70, 70}, // which no rival has
	}, small+"openblas", small+"avx2", net+"openblas", net+"avx2", lone+"avx2")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// No turn of ours was alone in the first round, half of them in the second, all in the third.
	for _, alone := range []string{"0 %alone", "50.4 %alone 8e10 FLOP/s-alone 80 %peak-alone", "100 %alone 8.4e10 FLOP/s-alone 90 %peak-alone"} {
		data = bytes.Replace(data, []byte(" 60 %peak 0 B/op"), []byte(" 60 %peak "+alone+" 0 B/op"), 1)
		data = bytes.Replace(data, []byte(" 40 %peak 0 B/op"), []byte(" 40 %peak 70 %alone 4e10 FLOP/s-alone 50 %peak-alone 0 B/op"), 1)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	_, got := tablesOf(t, path)
	want := `
family  m,n,k       avx2  %peak   peak  openblas  ratio  95%        to  %alone  %peak alone  ratio alone
small   8,8,8       60.0   60.0  100.0      40.0  1.500    -  openblas   50/70         85.0        2.050
net     100,50,784  90.0   90.0  100.0      50.0  1.800    -  openblas     -/-            -            -
other   9,9,9       70.0   70.0  100.0         -      -    -                 -            -            -
`
	if !strings.Contains(got.String(), want) {
		t.Errorf("printed\n%s\nwant in it\n%s", got.String(), want)
	}
}

// TestTrainingTables has products in the same record, which training has no part in.
func TestTrainingTables(t *testing.T) {
	const training, net = "Training/type=f32/batch=100/data=digits/impl=", "SGEMM/m=100/n=50/k=784/impl="
	r, got := tablesOf(t, rivalRecord(t, "avx2", map[string][]float64{
		training + "avx2":          {60, 61, 60, 60, 30, 30},
		training + "numpy-tuned":   {40, 40, 40, 40, 20, 20},
		training + "torch-by-hand": {50, 50, 50, 50, 25, 25},
		net + "avx2":               {90, 90, 90, 90, 45, 45},
		net + "openblas":           {50, 50, 50, 50, 25, 25},
	}, training+"torch-by-hand", training+"avx2", training+"numpy-tuned", net+"openblas", net+"avx2"))
	WriteRatios(got, []*RivalReport{r})
	want := `
A CPU
commit 0123456789ab, 6 rounds, 1 of them marked noisy

avx2 f32, 1 thread: median GFLOP/s, and the ratio of avx2 to the best rival, round by round

family  m,n,k       avx2  %peak   peak  openblas  ratio         95%        to
net     100,50,784  90.0   90.0  100.0      50.0  1.800  1.80..1.80  openblas

avx2 f32, 1 thread: training, batch 100: median samples/s, and the ratio of avx2 to each rival, round by round

loop           samples/s  %peak  ratio         95%
avx2               60000   60.0
numpy-tuned        40000   40.0  1.500  1.50..1.52
torch-by-hand      50000   50.0  1.200  1.20..1.22

Ratio to the best rival of each shape: geometric mean of a family, and in brackets its
smallest ratio

family                       avx2 f32
net                      1.800 (1.80)
training                 1.200 (1.20)
training to numpy-tuned  1.500 (1.50)
all shapes               1.800 (1.80)
`
	if got.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", got.String(), want)
	}

	const noise, old = "Training/type=f32/batch=100/data=noise/impl=", "Training/type=f32/batch=100/impl="
	for _, training := range []string{noise, old} { // records that do not say what they are about are about noise
		r, err := ReadRivals(rivalRecord(t, "avx2", map[string][]float64{training + "avx2": {60}, training + "numpy-tuned": {40}}, training+"avx2", training+"numpy-tuned"))
		if err != nil || len(r.Contests) != 1 || !slices.Equal(r.Contests[0].Families(), []string{noiseFamily}) {
			t.Errorf("%s: %+v, %v", training, r, err)
		}
	}
	both, err := ReadRivals(rivalRecord(t, "avx2", map[string][]float64{
		training + "avx2": {60}, training + "numpy-tuned": {40}, noise + "avx2": {50}, noise + "numpy-tuned": {40},
	}, training+"avx2", training+"numpy-tuned", noise+"avx2", noise+"numpy-tuned"))
	if err != nil || both.Contests[0].Ratio(trainingFamily).Geomean != 1.5 || both.Contests[0].Ratio(noiseFamily).Geomean != 1.25 {
		t.Errorf("%+v, %v", both, err)
	}
	lost := rivalRecord(t, "avx2", map[string][]float64{training + "avx2": {0}}, training+"avx2")
	if _, err := ReadRivals(lost); err == nil || !strings.Contains(err.Error(), "no samples/s, or none above 0") {
		t.Errorf("%v, want it to miss samples/s", err)
	}
}

// TestFewRoundsHaveNoInterval checks that no interval is made up.
func TestFewRoundsHaveNoInterval(t *testing.T) {
	const name = "DGEMM/m=256/n=256/k=256/threads=2/impl="
	for want, ours := range map[string][]float64{
		"parallel  256,256,256    85.0   85.0  100.0  50.0  1.700    -  blis": {80, 90},
		"parallel  256,256,256    84.0   84.0  100.0  50.0  1.680    -  blis": {80, 82, 84, 86, 88}, // infinite on one side
	} {
		theirs := slices.Repeat([]float64{50}, len(ours))
		_, got := tablesOf(t, rivalRecord(t, "avx512", map[string][]float64{name + "avx512": ours, name + "blis": theirs}, name+"avx512", name+"blis"))
		for _, want := range []string{"avx512 f64, 2 threads", want} {
			if !strings.Contains(got.String(), want) {
				t.Errorf("no %q in\n%s", want, got.String())
			}
		}
	}
}

func TestRivalReportRefuses(t *testing.T) {
	const name = "SGEMM/m=8/n=8/k=8/impl="
	once := map[string][]float64{name + "avx2": {1}, name + "gonum": {1}, "ReLU/type=f32/bytes=8Ki/impl=avx2": {1}}
	for want, path := range map[string]string{
		"no such file":               filepath.Join(t.TempDir(), "none.txt"),
		"nor training of an":         rivalRecord(t, "avx2", once, "ReLU/type=f32/bytes=8Ki/impl=avx2"),
		"beside rivals in it, want":  rivalRecord(t, "avx2", once, name+"avx2"),
		"want a record of":           rivalRecord(t, "avx512", once, name+"avx2", name+"gonum"),
		"is in round 1 twice":        rivalRecord(t, "avx2", once, name+"avx2", name+"gonum", name+"avx2"),
		"no FLOP/s, or none above 0": rivalRecord(t, "avx2", map[string][]float64{name + "avx2": {0}}, name+"avx2"),
	} {
		if _, err := ReadRivals(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	damaged := rivalRecord(t, "avx2", once, name+"avx2", name+"gonum")
	if err := os.WriteFile(strings.TrimSuffix(damaged, "txt")+"json", []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRivals(damaged); err == nil || !strings.Contains(err.Error(), ".json beside") {
		t.Errorf("damaged sidecar: %v", err)
	}
}
