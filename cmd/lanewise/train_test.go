package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
)

// trainDirectly trains on the digits without the command line.
func trainDirectly[T kernels.Float](t *testing.T, im *kernels.Implementation, change func(*nn.Config)) *nn.Trainer[T] {
	t.Helper()
	preset, err := nn.PresetNamed("scaled")
	if err != nil {
		t.Fatal(err)
	}
	cfg := preset.Config
	change(&cfg)
	data, err := dataset.Open(t.Context(), "digits", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := nn.NewTrainer(kernels.On[T](im), cfg, data)
	if err != nil {
		t.Fatal(err)
	}
	if err := trainer.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return trainer
}

func quietLines(h nn.History) string {
	var b strings.Builder
	for i := range h.TrainAcc {
		fmt.Fprintf(&b, "%s %s\n", nn.FormatFloat(h.TrainAcc[i]), nn.FormatFloat(h.TestAcc[i]))
	}
	return b.String()
}

// TestTrainQuiet compares what --quiet prints with a run of the library, on
// every implementation and in both types.
func TestTrainQuiet(t *testing.T) {
	change := func(c *nn.Config) { c.Iterations, c.Hidden = 120, 20 }
	for _, im := range kernels.Supported() {
		for dtype, history := range map[string]nn.History{
			"f32": trainDirectly[float32](t, im, change).History(),
			"f64": trainDirectly[float64](t, im, change).History(),
		} {
			r := lanewise(t, "train", "--quiet", "--data", "digits", "--isa", im.Name(), "--dtype", dtype, "--iterations", "120", "--hidden", "20").ok(t)
			if want := quietLines(history); r.stdout != want || strings.Count(want, "\n") != 9 || r.stderr != "" {
				t.Errorf("%s in %s prints\n%s%swant nine lines\n%s", im, dtype, r.stdout, r.stderr, want)
			}
		}
	}
}

// A batch of 3000 is large enough for its products to be shared out.
func TestTrainThreads(t *testing.T) {
	var first string
	for _, threads := range []string{"1", "2", "4"} {
		r := lanewise(t, "train", "--quiet", "--data", "digits", "--threads", threads, "--batch", "3000", "--iterations", "3").ok(t)
		if first == "" {
			first = r.stdout
		}
		if r.stdout != first || first == "" {
			t.Errorf("%s threads print\n%swant, as one does,\n%s", threads, r.stdout, first)
		}
	}
}

func TestTrainText(t *testing.T) {
	trainer := trainDirectly[float32](t, kernels.Default(), func(c *nn.Config) { c.Iterations = 60 })
	r := lanewise(t, "train", "--iterations", "60").ok(t)
	var table []string
	for line := range strings.Lines(r.stdout) {
		if f := strings.Fields(line); len(f) == 6 && f[0] != "iteration" {
			table = append(table, f[0]+" "+f[1]+" "+f[3]+" "+f[4])
		}
	}
	h := trainer.History()
	var want []string
	for i, at := range h.EvalIterations {
		want = append(want, fmt.Sprintf("%d %d %.5f %.5f", at, i, h.TrainAcc[i], h.TestAcc[i]))
	}
	if !slices.Equal(table, want) || len(want) != 5 {
		t.Errorf("table %q, want %q", table, want)
	}
	train, test := trainer.Final()
	for _, want := range []string{
		"64-50-10 in float32 on " + kernels.Default().Name(), "digits: 1437 training and 360 test images of 8x8 in 10 classes,",
		fmt.Sprintf("after 60 iterations: train_acc %.5f, test_acc %.5f\n", train, test), " samples/s: ",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	unwrap := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if diagnosis := trainer.Diagnose().String(); !strings.HasSuffix(unwrap(r.stdout), unwrap(diagnosis)) {
		t.Errorf("no %q at the end of\n%s", diagnosis, r.stdout)
	}
}

// trainJSON runs "train --json" and returns what it prints, decoded.
func trainJSON(t *testing.T, args ...string) (start trainFacts, evaluations []trainEvaluation, end trainEnd, r result) {
	t.Helper()
	r = lanewise(t, append([]string{"train", "--json"}, args...)...).ok(t)
	lines := bufio.NewScanner(strings.NewReader(r.stdout))
	for lines.Scan() {
		var kind struct{ Event string }
		err := json.Unmarshal(lines.Bytes(), &kind)
		switch {
		case err != nil:
		case kind.Event == "start":
			err = json.Unmarshal(lines.Bytes(), &start)
		case kind.Event == "evaluation":
			var e trainEvaluation
			err = json.Unmarshal(lines.Bytes(), &e)
			evaluations = append(evaluations, e)
		case kind.Event == "end":
			err = json.Unmarshal(lines.Bytes(), &end)
		default:
			err = fmt.Errorf("event %q", kind.Event)
		}
		if err != nil {
			t.Fatalf("%v in %s", err, lines.Bytes())
		}
	}
	return start, evaluations, end, r
}

func TestTrainJSON(t *testing.T) {
	trainer := trainDirectly[float64](t, kernels.Default(), func(c *nn.Config) { c.Iterations = 40 })
	start, evaluations, end, r := trainJSON(t, "--data", "digits", "--dtype", "float64", "--iterations", "40")
	if start.Data.Name != "digits" || start.Data.Train != 1437 || start.Net != "64-50-10" || start.DType != "float64" ||
		start.Implementation != kernels.Default().Name() || start.Config != trainer.Config() || start.Epoch != 14.37 {
		t.Errorf("start: %+v", start)
	}
	h := trainer.History()
	for i, e := range evaluations {
		if e.Iteration != h.EvalIterations[i] || e.Epoch != i || float64(e.Loss) != h.Loss[e.Iteration] ||
			e.TrainAcc != h.TrainAcc[i] || e.TestAcc != h.TestAcc[i] || e.SamplesPerSecond <= 0 {
			t.Errorf("evaluation %d: %+v, want those of %+v", i, e, h)
		}
	}
	train, test := trainer.Final()
	if len(evaluations) != 3 || end.Iterations != 40 || end.Interrupted || end.SamplesPerSecond <= 0 || end.Diagnosis == nil ||
		end.Diagnosis.TrainAccuracy != train || end.Diagnosis.TestAccuracy != test {
		t.Errorf("%d evaluations, end: %+v", len(evaluations), end)
	}
	if !strings.Contains(r.stderr, "train_acc") {
		t.Errorf("no table on stderr: %q", r.stderr)
	}
	if r := lanewise(t, "train", "--json", "--quiet", "--data", "digits", "--iterations", "2").ok(t); r.stderr != "" || !strings.HasPrefix(r.stdout, `{"event":"start"`) {
		t.Errorf("--json --quiet prints %q, and %q on stderr", r.stdout, r.stderr)
	}
}

// TestTrainDiverged is a run whose figures JSON cannot express.
func TestTrainDiverged(t *testing.T) {
	_, evaluations, end, _ := trainJSON(t, "--data", "digits", "--preset", "seed", "--rate", "1e20", "--iterations", "3")
	if len(evaluations) != 1 || end.Diagnosis == nil || end.Diagnosis.Verdict != nn.Diverged {
		t.Errorf("%+v, %+v", evaluations, end)
	}
}

func TestTrainSettings(t *testing.T) {
	for _, p := range nn.Presets() {
		start, _, _, _ := trainJSON(t, "--data", "digits", "--preset", p.Name, "--iterations", "1")
		want := p.Config
		want.Iterations = 1
		if start.Config != want {
			t.Errorf("--preset %s: %+v, want %+v", p.Name, start.Config, want)
		}
	}
	start, _, _, _ := trainJSON(t, "--data", "digits", "--preset", "seed", "--hidden", "7", "--batch", "11", "--iterations", "3",
		"--rate", "0.25", "--init-std", "0", "--scale-pixels", "--seed", "4294967295")
	want := nn.Config{Hidden: 7, BatchSize: 11, Iterations: 3, LearningRate: 0.25, InitStd: 0, ScalePixels: true, Seed: 4294967295}
	if start.Config != want {
		t.Errorf("flags: %+v, want %+v", start.Config, want)
	}
}

func TestTrainOptions(t *testing.T) {
	options := []string{"--data", "digits", "--iterations", "5", "--init", "he", "--momentum", "0.8", "--decay", "0.25", "--shuffle",
		"--hold-out", "0.1", "--patience", "4", "--history", "epoch", "--skip-zeros"}
	start, evaluations, end, _ := trainJSON(t, options...)
	preset, _ := nn.PresetNamed("scaled")
	want := preset.Config
	want.Iterations, want.Init, want.Momentum, want.Decay, want.Shuffle = 5, nn.InitHe, 0.8, 0.25, true
	want.HoldOut, want.Patience, want.EpochHistory, want.SkipZeros = 0.1, 4, true, true
	if start.Config != want || start.Data.Held != 144 || start.Epoch != 12.93 {
		t.Errorf("flags: %+v, want %+v", start, want)
	}
	if len(evaluations) != 1 || evaluations[0].HeldAcc == nil || end.StoppedEarly || end.BestIteration != nil {
		t.Errorf("%+v, %+v", evaluations, end)
	}
	start, _, _, _ = trainJSON(t, "--data", "digits", "--iterations", "1", "--preset", "best", "--init-std", "0.03", "--history", "iteration")
	if c := start.Config; c.Init != nn.InitNormal || c.InitStd != 0.03 || c.EpochHistory || c.Momentum == 0 {
		t.Errorf("preset best changed by flags: %+v", c)
	}
	r := lanewise(t, append([]string{"train"}, options...)...).ok(t)
	settings := strings.Join(strings.Fields(r.stdout), " ")
	for _, want := range []string{"first weights by he", "momentum 0.8, decay 0.25", "shuffled epochs, 144 of the training images held out, patience 4 epochs, losses before the updates, zeros skipped", "test_acc held_acc samples/s"} {
		if !strings.Contains(settings, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
}

// TestTrainStopsEarly on held-out samples, says so, and does not go on.
func TestTrainStopsEarly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.npz")
	args := []string{"--data", "digits", "--preset", "best", "--hold-out", "0.2", "--patience", "3", "--save", file}
	_, evaluations, end, r := trainJSON(t, args...)
	best, n := 0, len(evaluations)
	for i, e := range evaluations {
		if *e.HeldAcc > *evaluations[best].HeldAcc {
			best = i
		}
	}
	if !end.StoppedEarly || end.Interrupted || end.Iterations >= 4800 || n != best+4 || *end.BestIteration != evaluations[best].Iteration ||
		end.Diagnosis.TrainAccuracy != evaluations[best].TrainAcc || end.Diagnosis.TestAccuracy != evaluations[best].TestAcc {
		t.Errorf("%d evaluations, the best %+v, the last %+v, end %+v", n, evaluations[best], evaluations[n-1], end)
	}
	text := strings.Join(strings.Fields(r.stderr), " ")
	if want := fmt.Sprintf("held_acc has not risen for 3 epochs; the weights are those after iteration %d,", *end.BestIteration); !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, r.stderr)
	}
	if r := lanewise(t, "train", "--resume", file, "--iterations", "5000"); r.code != exitFailure || !strings.Contains(r.stderr, "stopped early after") {
		t.Errorf("going on: exit code %d, stderr %q", r.code, r.stderr)
	}
}

func TestTrainSaysWhichData(t *testing.T) {
	r := lanewise(t, "train", "--iterations", "1").ok(t)
	if !strings.HasPrefix(r.stderr, "lanewise: no data given") || !strings.Contains(r.stderr, "--data mnist") {
		t.Errorf("stderr %q, want what was chosen and how to get MNIST", r.stderr)
	}
	if r := lanewise(t, "train", "--iterations", "1", "--data", "digits").ok(t); r.stderr != "" {
		t.Errorf("stderr %q, want nothing about data that was asked for", r.stderr)
	}
}

func TestTrainRefuses(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data.npz")
	if err := os.WriteFile(data, []byte("no archive"), 0o666); err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run.npz")
	lanewise(t, "train", "--data", "digits", "--iterations", "5", "--save", run).ok(t)
	before, _ := os.ReadDir(dir)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"--hidden 0", exitUsage, "lanewise: --hidden 0 is out of range; choose 1 to "},
		{"--hidden ten", exitUsage, "--hidden ten: needs a whole number"},
		{"--batch -3", exitUsage, "lanewise: --batch -3 is out of range"},
		{"--iterations 0", exitUsage, "lanewise: --iterations 0 is out of range"},
		{"--rate NaN", exitUsage, "lanewise: --rate NaN is out of range"},
		{"--init-std -1", exitUsage, "lanewise: --init-std -1 is out of range"},
		{"--init she", exitUsage, "choose one of: normal, he"},
		{"--init he --init-std 1", exitUsage, "--init-std 1: the weights of --init he have a deviation of their own"},
		{"--momentum 1", exitUsage, "lanewise: --momentum 1 is out of range; choose 0 or more, below 1"},
		{"--momentum much", exitUsage, "--momentum much: needs a number"},
		{"--decay -0.5", exitUsage, "lanewise: --decay -0.5 is out of range"},
		{"--shuffle=often", exitUsage, "--shuffle often: needs true or false"},
		{"--data digits --shuffle --batch 2000", exitFailure, "lanewise: --batch 2000, but shuffled epochs have 1437 samples"},
		{"--hold-out 1", exitUsage, "lanewise: --hold-out 1 is out of range; choose 0 to 0.9"},
		{"--data digits --hold-out 0.0001", exitFailure, "lanewise: --hold-out 0.0001 of 1437 training samples is 0"},
		{"--hold-out 0.1 --patience -1", exitUsage, "lanewise: --patience -1 is out of range"},
		{"--threads -1", exitUsage, "lanewise: --threads -1 is out of range: needs a whole number >= 1"},
		{"--patience 3", exitUsage, "lanewise: --patience 3 epochs, but no samples are held out"},
		{"--history epochs", exitUsage, "--history epochs: the name must end in .csv"},
		{"--resume $/run.npz --momentum 0.5", exitUsage, "--momentum cannot be changed"},
		{"--resume $/run.npz --history epoch", exitUsage, "--history epoch cannot be changed"},
		{"--seed 4294967296", exitUsage, "--seed 4294967296: needs a whole number from 0 to 4294967295"},
		{"--dtype f16", exitUsage, "--dtype f16: there is no such element type, choose f32 or f64"},
		{"--preset worst", exitUsage, "choose one of: seed, scaled, best"},
		{"--isa sse9", exitUsage, "supported here: " + kernels.Supported()[0].Name()},
		{"--save $/none/w.npz", exitUsage, "there is no folder $/none"},
		{"--save $/w.txt", exitUsage, "--save $/w.txt: the name must end in .npz"},
		{"--history $/h.txt", exitUsage, "--history $/h.txt: the name must end in .csv"},
		{"--plot $/p.gif", exitUsage, "--plot $/p.gif: the name must end in .png, .svg, .pdf"},
		{"--data $/data.npz --save $/data.npz", exitUsage, "would replace the data"},
		{"--data $/data.npz", exitFailure, "data.npz"},
		{"--data $/none", exitFailure, `"$/none" is neither`},
		{"--load $/none.npz", exitFailure, "--load $/none.npz: "},
		{"--load $/data.npz --data digits", exitFailure, "data.npz: not a readable .npz archive"},
		{"--load $/run.npz --data digits --hidden 3", exitFailure, `array "W1" has shape [64 50]`},
		{"--resume $/none.npz", exitFailure, "none.npz: "},
		{"--resume $/run.npz --load $/run.npz", exitUsage, "--load and --resume"},
		{"--resume $/run.npz --hidden 3", exitUsage, "--hidden cannot be changed"},
		{"--resume $/run.npz --preset seed", exitUsage, "--preset cannot be changed"},
		{"--resume $/run.npz --dtype f64", exitUsage, "--dtype f64: the run in $/run.npz is in float32"},
		{"--resume $/run.npz --iterations 4", exitUsage, "has done 5 already"},
	} {
		fill := func(s string) string { return strings.ReplaceAll(s, "$", dir) }
		r := lanewise(t, append([]string{"train"}, strings.Fields(fill(test.args))...)...)
		if r.code != test.code || r.stdout != "" || !strings.HasPrefix(r.stderr, "lanewise: ") || !strings.Contains(r.stderr, fill(test.want)) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", test.args, r.code, r.stdout, r.stderr, test.code, test.want)
		}
	}
	if after, _ := os.ReadDir(dir); len(after) != len(before) {
		t.Errorf("refused runs left %v", after)
	}
}

// TestEverySettingHasAFlag makes each error of a configuration, and looks for the flag.
func TestEverySettingHasAFlag(t *testing.T) {
	for flag, spoil := range map[string]func(c *nn.Config){
		"hidden":     func(c *nn.Config) { c.Hidden = 0 },
		"batch":      func(c *nn.Config) { c.BatchSize = 0 },
		"iterations": func(c *nn.Config) { c.Iterations = 0 },
		"rate":       func(c *nn.Config) { c.LearningRate = 0 },
		"init-std":   func(c *nn.Config) { c.InitStd = -1 },
		"init":       func(c *nn.Config) { c.Init = 9 },
		"momentum":   func(c *nn.Config) { c.Momentum = 2 },
		"decay":      func(c *nn.Config) { c.Decay = 2 },
		"hold-out":   func(c *nn.Config) { c.HoldOut = 1 },
		"patience":   func(c *nn.Config) { c.Patience = -1 },
	} {
		c := nn.Presets()[0].Config
		spoil(&c)
		if err := byFlag(c.Validate()); !strings.HasPrefix(err.Error(), "--"+flag+" ") || newTrainCommand().Flag(flag) == nil {
			t.Errorf("%v, want it to begin with a flag, --%s", err, flag)
		}
	}
}

// TestTrainMNIST prints the notebook's own table.
func TestTrainMNIST(t *testing.T) {
	if testing.Short() {
		require.Missing(t, "mnist", "the whole of MNIST takes seconds, with the race detector minutes: leave out -short")
	}
	folder := os.Getenv("LANEWISE_MNIST")
	if folder == "" {
		require.Missing(t, "mnist", "set LANEWISE_MNIST to the folder of MNIST's IDX files")
	}
	want := "0.10441666666666667 0.1028\n" + strings.Repeat("0.11238333333333334 0.1136\n", 9)
	if r := lanewise(t, "train", "--preset", "seed", "--dtype", "f32", "--quiet", "--data", folder).ok(t); r.stdout != want {
		t.Errorf("got\n%swant\n%s", r.stdout, want)
	}
}
