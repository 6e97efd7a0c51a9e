package nn

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
)

// Runs of every kind on small generated data, none of them a preset: the
// verdict and the advice must follow from what is measured.
func TestDiagnosis(t *testing.T) { onEach(t, testDiagnosis[float32], testDiagnosis[float64]) }

func testDiagnosis[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	const divide, lower, higher = "divide the pixels (--preset scaled)", "choose a lower one", "is too low"
	for _, c := range []struct {
		name    string
		change  func(*Config)
		verdict Verdict
		has     []string
		hasNot  []string
	}{
		{"scaled pixels", func(c *Config) {}, Healthy,
			[]string{"Healthy", "The loss went from", "with the first batch to", "the mean of the last 6 batches.", "All 8 hidden units fire"}, []string{divide, lower, "silent"}},
		{"raw pixels", func(c *Config) { c.ScalePixels = false; c.LearningRate = 0.1 }, Dead,
			[]string{"Dead", "Of the 8 hidden units", "up to 239", "Divided by 240", divide}, []string{lower}},
		{"raw pixels at a rate that suits them", func(c *Config) { c.ScalePixels = false; c.LearningRate = 2e-5; c.InitStd = 0.02; c.Iterations = 400 }, Healthy,
			[]string{"Healthy"}, []string{divide, lower}},
		{"raw pixels at a rate that scaling does not cure", func(c *Config) { c.ScalePixels = false; c.LearningRate = 1e4 }, Diverged,
			[]string{lower, "which was 10000"}, []string{divide}},
		{"scaled pixels at too high a rate", func(c *Config) { c.LearningRate = 200 }, Saturated,
			[]string{"Saturated: the net gives", "The loss stands at", lower}, []string{divide}},
		{"overflow", func(c *Config) { c.LearningRate = 1e30; c.Iterations = 200 }, Diverged,
			[]string{"Diverged", lower}, []string{divide}},
		{"weights of 0", func(c *Config) { c.InitStd = 0 }, Dead,
			[]string{"Of the 8 hidden units 8 fire for no training sample", "began at 0"}, []string{divide, lower, "NaN", "times its size"}},
		{"too low a rate", func(c *Config) { c.LearningRate = 1e-8 }, NotLearning,
			[]string{"Not learning: after 60 iterations", "1e-08 is too low"}, []string{divide, lower}},
		{"too few iterations", func(c *Config) { c.Iterations = 1; c.LearningRate = 0.01; c.InitStd = 0.01 }, TooShort,
			[]string{"Too short to tell: after 1 iteration the", "with the last batch", "first 1 update changed", "1 iteration come to", "it needs more"}, []string{divide, lower, higher, "mean"}},
		{"more, but still too few", func(c *Config) { c.Iterations = 50; c.LearningRate = 0.01; c.InitStd = 0.01 }, TooShort,
			[]string{"after 50 iterations the", "the mean of the last 5 batches;", "50 iterations come to", "above 0.01"}, []string{divide, lower, higher}},
	} {
		cfg := blobsConfig()
		c.change(&cfg)
		tr := newTestTrainer(t, ops, cfg, blobs(2000, 200))
		runAll(t, tr)
		d := tr.Diagnose()
		if d.Verdict != c.verdict {
			t.Errorf("%s: verdict %q, want %q\n%s", c.name, d.Verdict, c.verdict, d)
		}
		for _, words := range c.has {
			if !strings.Contains(d.String(), words) {
				t.Errorf("%s: want %q in\n%s", c.name, words, d)
			}
		}
		for _, words := range c.hasNot {
			if strings.Contains(d.String(), words) {
				t.Errorf("%s: do not want %q in\n%s", c.name, words, d)
			}
		}
		if c.name == "overflow" && dtype[T]() == "float32" &&
			(d.NonFiniteParams == 0 || d.LossFinite || !strings.Contains(d.String(), "of the 172 weights and biases are not finite numbers")) {
			t.Errorf("%s: %d parameters are not finite\n%s", c.name, d.NonFiniteParams, d)
		}
		train, test := tr.Final()
		if d.TrainAccuracy != train || d.TestAccuracy != test {
			t.Errorf("%s: accuracies %v %v, want %v %v", c.name, d.TrainAccuracy, d.TestAccuracy, train, test)
		}
		if c.verdict == Dead && (d.OneClassShare < 0.99 || float64(d.DeadUnits+d.RareUnits) < deadUnitsShare*8) {
			t.Errorf("%s: one class gets %v, %d + %d units are dead", c.name, d.OneClassShare, d.DeadUnits, d.RareUnits)
		}
		if text, err := json.Marshal(d); err != nil || !strings.Contains(string(text), `"verdict":"`+string(c.verdict)+`"`) {
			t.Errorf("%s: JSON %s, %v", c.name, text, err)
		}
	}
}

// The figures of a net whose units and predictions are known.
func TestDiagnosisFigures(t *testing.T) {
	const n = 4000
	data := &dataset.Data{Name: "known", Rows: 1, Cols: 2, Classes: 3, Max: 100}
	for i := range n {
		// Pixel 0 is 100 for three samples and else 0; pixel 1 is always 50.
		// Labels are 1, 1, 1, 2, 1, 1, 1, 2, ...
		data.Train.Images = append(data.Train.Images, 0, 50)
		data.Train.Labels = append(data.Train.Labels, uint8(1+i%4/3))
	}
	for _, i := range []int{5, 6, 7} {
		data.Train.Images[2*i] = 100
	}
	data.Test = dataset.Split{Images: []uint8{0, 50, 0, 50}, Labels: []uint8{2, 2}}

	cfg := Config{Hidden: 4, BatchSize: 10, Iterations: 1, LearningRate: 0.1, Seed: 1}
	tr := newTestTrainer(t, kernels.On[float64](kernels.Default()), cfg, data)
	p := tr.Net().Params
	// Unit 0 never fires, unit 1 for the three, unit 2 for all but them, unit 3 for all.
	copy(p.W1.Data, []float64{0, 1, -1, 0 /**/, -1, 0, 0.1, 1})
	copy(p.B1.Data, []float64{0, 0, 0, 0})
	// Class 2 wins wherever unit 2 fires, class 0 for the three.
	copy(p.W2.Data, []float64{0, 0, 0 /**/, 1, 0, 0 /**/, 0, 0, 1 /**/, 0, 0, 0})

	d := tr.Diagnose()
	for _, f := range []struct {
		name      string
		got, want float64
	}{
		{"units", float64(d.Units), 4},
		{"dead units", float64(d.DeadUnits), 1},
		{"rare units", float64(d.RareUnits), 1},
		{"one class", float64(d.OneClass), 2},
		{"its share", d.OneClassShare, (n - 3.0) / n},
		{"majority class", float64(d.MajorityClass), 1},
		{"its share", d.MajorityShare, 0.75},
		{"train accuracy", d.TrainAccuracy, 0.25 - 1.0/n}, // of the three, the last has label 2
		{"test accuracy", d.TestAccuracy, 1},
		{"largest input", d.InputMax, 100},
		{"input RMS", d.InputRMS, math.Sqrt((3*100*100 + n*50*50) / (2.0 * n))},
		{"loss of guessing", float64(d.GuessLoss), math.Log(3)},
		{"parameters", float64(d.Parameters), 8 + 4 + 12 + 3},
		{"norm of W1", float64(d.NormW1), math.Sqrt(4.01)},
	} {
		if math.Abs(f.got-f.want) > 1e-12*math.Abs(f.want) {
			t.Errorf("%s = %v, want %v", f.name, f.got, f.want)
		}
	}
	if d.Verdict != Dead || len(d.Updates) != 0 || !d.LossFinite || finite(float64(d.LastLoss)) {
		t.Errorf("before any iteration: %+v", d)
	}

	p.B2.Data[1] = math.Inf(1)
	if d := tr.Diagnose(); d.NonFiniteParams != 1 || d.Verdict != Diverged {
		t.Errorf("with an infinite bias: %d parameters not finite, verdict %q", d.NonFiniteParams, d.Verdict)
	}
}

// What is recorded of the first updates is what they were.
func TestDiagnosisUpdates(t *testing.T) {
	cfg := blobsConfig()
	cfg.ScalePixels = false
	ops := kernels.On[float64](kernels.Default())
	tr := newTestTrainer(t, ops, cfg, blobs(200, 50))
	var want []Update
	for i := range startIterations + 3 {
		w1 := append([]float64(nil), tr.net.Params.W1.Data...)
		w2 := append([]float64(nil), tr.net.Params.W2.Data...)
		tr.step()
		silent := 0
		for j := range cfg.Hidden {
			fires := false
			for s := range cfg.BatchSize {
				fires = fires || tr.stepper.Hidden().Data[s*cfg.Hidden+j] > 0
			}
			if !fires {
				silent++
			}
		}
		change := func(before, after []float64) Figure {
			diff := make([]float64, len(before))
			for k := range diff {
				diff[k] = after[k] - before[k]
			}
			return Figure(norm(diff) / norm(before))
		}
		if i < startIterations {
			want = append(want, Update{i, change(w1, tr.net.Params.W1.Data), change(w2, tr.net.Params.W2.Data), silent})
		}
	}
	d := tr.Diagnose()
	if len(d.Updates) != len(want) {
		t.Fatalf("%d updates recorded, want %d", len(d.Updates), len(want))
	}
	for i, u := range d.Updates {
		if u.Iteration != i || u.Silent != want[i].Silent ||
			math.Abs(float64(u.W1-want[i].W1)) > 1e-9*float64(want[i].W1) || math.Abs(float64(u.W2-want[i].W2)) > 1e-9*float64(want[i].W2) {
			t.Errorf("update %d recorded as %+v, was %+v", i, u, want[i])
		}
	}

	// The counterfactual is the first update of the same run with scaled pixels.
	cfg.ScalePixels = true
	scaled := newTestTrainer(t, ops, cfg, blobs(200, 50))
	scaled.step()
	if got, want := float64(d.ScaledUpdateW1), scaled.start.updateW1[0]; got != want || want <= 0 {
		t.Errorf("with pixels scaled the first update would have been %v, was %v", got, want)
	}
	if finite(float64(scaled.Diagnose().ScaledUpdateW1)) {
		t.Error("a run with scaled pixels has a counterfactual")
	}
}

func TestFigureJSON(t *testing.T) {
	for f, want := range map[Figure]string{0.5: "0.5", Figure(math.Inf(1)): "null", Figure(math.Inf(-1)): "null"} {
		if got, err := json.Marshal(f); err != nil || string(got) != want {
			t.Errorf("%v: %s, %v, want %s", float64(f), got, err, want)
		}
	}
	if got, err := json.Marshal([]Figure{Figure(math.NaN())}); err != nil || string(got) != "[null]" {
		t.Errorf("NaN: %s, %v", got, err)
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0.0%", 1: "100.0%", 0.5: "50.0%", 0.11238: "11.2%", 0.99951: "99.95%", 0.999983: "99.99%", 0.0004: "0.04%", 0.9994: "99.9%",
	} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) = %s, want %s", share, got, want)
		}
	}
}

// What is not learned in the end is too short a run, unless the updates were large enough for
// all of them to have mattered, or so small that more would not help.
func TestTooShort(t *testing.T) {
	for _, c := range []struct {
		iterations int
		w1, w2     Figure
		want       Verdict
	}{
		{0, 0, 0, TooShort},
		{20, 0.008, 0.016, TooShort},
		{187, 0.008, 0.016, TooShort},
		{188, 0.008, 0.016, NotLearning},
		{188, 0.016, 0.008, NotLearning},
		{6000, 1e-6, 1e-6, NotLearning},
		{6000, 1e-4, 1e-4, TooShort},
		{1, 3, 1, NotLearning},
	} {
		d := Diagnosis{Iterations: c.iterations, LossFinite: true, FirstLoss: 2.3, LastLoss: 2.3, GuessLoss: 2.3, LastBatches: 2, Units: 10, StartNormW1: 1, NormW1: 1}
		if c.iterations > 0 {
			d.Updates = []Update{{Iteration: 0, W1: c.w1 / 2, W2: c.w2 / 2}, {Iteration: 1, W1: c.w1, W2: c.w2}}
		}
		if d.Verdict = d.verdict(); d.Verdict != c.want {
			t.Errorf("%+v: %s", c, d.Verdict)
		}
		if says := strings.Contains(d.String(), "Too short to tell"); says != (c.want == TooShort) {
			t.Errorf("%+v: %s", c, d)
		}
	}
}

// The history of a run that came to its end gets the accuracies there, unless it has them.
func TestConcludedHistory(t *testing.T) {
	d := Diagnosis{TrainAccuracy: 0.5, TestAccuracy: 0.25, HeldAccuracy: 0.125}
	h := History{Loss: []float64{3, 2, 1}, EvalIterations: []int{0}, TrainAcc: []float64{0.1}, TestAcc: []float64{0.2}, HeldAcc: []float64{0.3}}
	got := h.Concluded(d)
	want := History{Loss: h.Loss, EvalIterations: []int{0, 2}, TrainAcc: []float64{0.1, 0.5}, TestAcc: []float64{0.2, 0.25}, HeldAcc: []float64{0.3, 0.125}}
	if !reflect.DeepEqual(got, want) || len(h.EvalIterations) != 1 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if again := got.Concluded(Diagnosis{}); !reflect.DeepEqual(again, want) {
		t.Errorf("%+v, want it as it was", again)
	}
	h.HeldAcc = nil
	if got := h.Concluded(d); got.HeldAcc != nil || len(got.TestAcc) != 2 {
		t.Errorf("without samples held out: %+v", got)
	}
	if got := (History{}).Concluded(d); got.EvalIterations != nil {
		t.Errorf("without iterations: %+v", got)
	}
}
