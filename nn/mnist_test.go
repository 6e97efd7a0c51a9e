package nn

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
)

// openMNIST reads the folder that LANEWISE_MNIST names.
var openMNIST = sync.OnceValues(func() (*dataset.Data, error) {
	return dataset.Open(context.Background(), filepath.Clean(os.Getenv("LANEWISE_MNIST")), dataset.Options{})
})

// golden is what NumPy printed for a preset; testdata/notebook.py made it.
type golden struct {
	accuracies []string // "train test" for each epoch
	final      string
	loss       map[int]float64
}

func readGolden(t *testing.T, preset string) golden {
	f, err := os.Open(filepath.Join("testdata", "golden", preset+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g := golden{loss: make(map[int]float64)}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		var i int
		var loss float64
		if rest, ok := strings.CutPrefix(line, "final "); ok {
			g.final = rest
		} else if n, _ := fmt.Sscanf(line, "loss %d %g", &i, &loss); n == 2 {
			g.loss[i] = loss
		} else {
			g.accuracies = append(g.accuracies, line)
		}
	}
	if len(g.accuracies) != 10 || g.final == "" || len(g.loss) != 43 {
		t.Fatalf("golden values of %s: %d accuracies, %d losses", preset, len(g.accuracies), len(g.loss))
	}
	return g
}

// mnist returns MNIST, without which the test ends.
func mnist(t *testing.T) *dataset.Data {
	t.Helper()
	if os.Getenv("LANEWISE_MNIST") == "" {
		require.Missing(t, "mnist", "set LANEWISE_MNIST to a folder with the four IDX files of MNIST to train on it")
	}
	data, err := openMNIST()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBest trains the preset from three seeds.
func TestBest(t *testing.T) {
	data := mnist(t)
	if testing.Short() {
		require.Missing(t, "mnist", "three runs of the preset take ten seconds, with the race detector minutes: leave out -short")
	}
	if kernels.Default().Name() == "portable" && os.Getenv("LANEWISE_LONG") == "" {
		require.Missing(t, "long", "set LANEWISE_LONG=1 to train preset best without vector instructions, too, which takes minutes")
	}
	preset, err := PresetNamed("best")
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []uint32{preset.Config.Seed, 1, 2} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			cfg := preset.Config
			cfg.Seed = seed
			tr := newTestTrainer(t, kernels.On[float32](kernels.Default()).Threads(1), cfg, data)
			runAll(t, tr)
			d := tr.Diagnose()
			t.Logf("test accuracy %v", d.TestAccuracy)
			if d.TestAccuracy < 0.98 || d.Verdict != Healthy {
				t.Errorf("test accuracy %v, want at least 0.98\n%s", d.TestAccuracy, d)
			}
		})
	}
}

// TestMNIST trains the notebook's presets on MNIST and compares with what NumPy prints: in
// float64 to the last digit, in float32 too where the run sticks. It takes
// some 5 seconds a run with vector instructions and a minute without; so portable only
// does the first epoch of one preset, unless LANEWISE_LONG is set.
func TestMNIST(t *testing.T) {
	data := mnist(t)
	for _, im := range kernels.Supported() {
		for _, name := range []string{"seed", "scaled"} {
			preset, err := PresetNamed(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(im.Name()+"/"+preset.Name, func(t *testing.T) {
				cfg := preset.Config
				if im.Name() == "portable" && os.Getenv("LANEWISE_LONG") == "" {
					if preset.Name != "seed" {
						require.Missing(t, "long", "set LANEWISE_LONG=1 to run every preset without vector instructions, too")
					}
					cfg.Iterations = 601
					t.Logf("%d iterations of %d; set LANEWISE_LONG=1 to run them all", cfg.Iterations, preset.Config.Iterations)
				}
				t.Run("float32", func(t *testing.T) { t.Parallel(); testMNIST(t, kernels.On[float32](im), preset.Name, cfg, data) })
				t.Run("float64", func(t *testing.T) { t.Parallel(); testMNIST(t, kernels.On[float64](im), preset.Name, cfg, data) })
			})
		}
	}
}

func testMNIST[T kernels.Float](t *testing.T, ops kernels.Ops[T], preset string, cfg Config, data *dataset.Data) {
	want := readGolden(t, preset)
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)
	h := tr.History()
	whole := cfg.Iterations == 6000
	exact := preset == "seed" || dtype[T]() == "float64"

	if epochs := cfg.epoch(cfg.Iterations-1, data.Train.Len()) + 1; len(h.TestAcc) != epochs {
		t.Fatalf("%d evaluations, want %d", len(h.TestAcc), epochs)
	}
	for i := range h.TestAcc {
		compare(t, fmt.Sprintf("epoch %d", i), h.TrainAcc[i], h.TestAcc[i], want.accuracies[i], exact)
	}
	for i, loss := range want.loss {
		if i >= cfg.Iterations {
			continue
		}
		tolerance := 1e-9 * loss
		if dtype[T]() == "float32" {
			tolerance = 1e-4*loss + 0.02*float64(i)/6000 // rounding errors grow with the updates
		}
		if d := math.Abs(h.Loss[i] - loss); !(d <= tolerance) {
			t.Errorf("loss %d = %v, want %v", i, h.Loss[i], loss)
		}
	}
	d := tr.Diagnose()
	if whole {
		train, test := tr.Final()
		compare(t, "final", train, test, want.final, exact)
		if preset == "scaled" && test <= 0.96 {
			t.Errorf("final test accuracy %v, want above 0.96", test)
		}
	}
	switch {
	case preset == "scaled" && (d.Verdict != Healthy || d.DeadUnits > 5):
		t.Errorf("diagnosis: %s", d)
	case preset == "seed" && (d.Verdict != Dead || d.OneClassShare <= 0.999 || d.DeadUnits+d.RareUnits < 49 ||
		d.Updates[1].W1 < 10 || d.ScaledUpdateW1 > 0.01 || !strings.Contains(d.String(), "--preset scaled")):
		t.Errorf("diagnosis: %s", d)
	}
}

// compare checks two accuracies against NumPy's text: to the digit, or within half a per cent.
func compare(t *testing.T, what string, train, test float64, want string, exact bool) {
	t.Helper()
	got := FormatFloat(train) + " " + FormatFloat(test)
	var wantTrain, wantTest float64
	if n, err := fmt.Sscanf(want, "%g %g", &wantTrain, &wantTest); n != 2 {
		t.Fatalf("golden line %q: %v", want, err)
	}
	if exact && got != want || math.Abs(train-wantTrain) > 0.005 || math.Abs(test-wantTest) > 0.005 {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// TestTheFusedStepChangesNoLine runs the preset that learns twice, by fused steps and by
// the layers: they print the same lines, in float32 within a sample in ten thousand.
func TestTheFusedStepChangesNoLine(t *testing.T) {
	data := mnist(t)
	preset, err := PresetNamed("scaled")
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range kernels.Supported() {
		t.Run(im.Name(), func(t *testing.T) {
			cfg := preset.Config
			if testing.Short() || im.Name() == "portable" && os.Getenv("LANEWISE_LONG") == "" {
				cfg.Iterations = 601
				t.Logf("%d iterations of %d; leave out -short, and set LANEWISE_LONG=1 for plain Go, to run them all", cfg.Iterations, preset.Config.Iterations)
			}
			t.Run("float32", func(t *testing.T) {
				t.Parallel()
				testFusedLines(t, kernels.On[float32](im), cfg, data, 1e-4)
			})
			t.Run("float64", func(t *testing.T) { t.Parallel(); testFusedLines(t, kernels.On[float64](im), cfg, data, 0) })
		})
	}
}

func testFusedLines[T kernels.Float](t *testing.T, ops kernels.Ops[T], cfg Config, data *dataset.Data, tolerance float64) {
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)
	fused := tr.History()

	rng := nprand.New(cfg.Seed)
	net := NewTwoLayerNet(ops, data.Pixels(), cfg.Hidden, data.Classes, cfg.InitStd, rng)
	picks, all := make([]int, cfg.BatchSize), make([]int, forwardChunk)
	gather := func(split dataset.Split, picks []int) (x Tensor[T], labels []int) {
		x = NewTensor[T](len(picks), data.Pixels())
		ops.GatherBytes(x.Data, split.Images, picks, data.Pixels(), data.Max)
		for _, pick := range picks {
			labels = append(labels, int(split.Labels[pick]))
		}
		return x, labels
	}
	accuracy := func(split dataset.Split) float64 {
		right := 0
		for from := 0; from < split.Len(); from += forwardChunk {
			n := min(forwardChunk, split.Len()-from)
			for i := range n {
				all[i] = from + i
			}
			x, labels := gather(split, all[:n])
			right += net.countRight(net.Predict(x), labels)
		}
		return float64(right) / float64(split.Len())
	}
	epoch := 0
	for i := range cfg.Iterations {
		rng.Choice(picks, data.Train.Len())
		x, labels := gather(data.Train, picks)
		gradient := net.Gradient(x, labels).List()
		for j, p := range net.Params.List() {
			ops.Axpy(-T(cfg.LearningRate), gradient[j].Data, p.Data)
		}
		if !cfg.startsEpoch(i, data.Train.Len()) {
			continue
		}
		for what, pair := range map[string][2]float64{
			"training": {fused.TrainAcc[epoch], accuracy(data.Train)}, "test": {fused.TestAcc[epoch], accuracy(data.Test)},
		} {
			if d := math.Abs(pair[0] - pair[1]); !(d <= tolerance) {
				t.Errorf("epoch %d: %s accuracy %v by fused steps, %v by the layers", epoch, what, pair[0], pair[1])
			}
		}
		epoch++
	}
	if epoch != len(fused.TestAcc) {
		t.Errorf("%d epochs, and %d evaluations", epoch, len(fused.TestAcc))
	}
}
