package bench

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/bench/internal/pyloops"
	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

// trainingTask binds t in round 1.
func trainingTask[T kernels.Float](t trainer, ops kernels.Ops[T], set *trainSet) task {
	g := &Group{Family: trainingBenchmark}
	rng := operandSource(g, 1)
	return bindTrainer(t, ops, &trainingRound[T]{seed: rng.Uint32(), data: newTrainData[T](rng, set, trainingBatch)})
}

// checkTask has a task checked, run and verified, and returns the first error.
func checkTask(t task, steps int) error {
	if err := t.check(); err != nil {
		return err
	}
	t.run(steps)
	if _, err := t.took(); err != nil {
		return err
	}
	return t.verify()
}

// TestOurTraining checks our own loop on every implementation.
func TestOurTraining(t *testing.T) {
	for _, im := range kernels.Supported() {
		for _, set := range trainSets {
			if err := checkOurs[float32](im, set); err != nil {
				t.Errorf("%s f32 on %s: %v", im.Name(), set.name, err)
			}
			if err := checkOurs[float64](im, set); err != nil {
				t.Errorf("%s f64 on %s: %v", im.Name(), set.name, err)
			}
		}
	}
}

func checkOurs[T kernels.Float](im *kernels.Implementation, set *trainSet) error {
	ops := kernels.On[T](im)
	return checkTask(trainingTask(newOurTrainer(ops, set), ops, set), 10)
}

// spoiled is ours with something wrong.
type spoiled struct {
	*ourTrainer[float64]
	step  func(t *ourTrainer[float64], picks []int) // nil: as it should be
	share float64                                   // of the steps that it runs
}

func (s spoiled) Step(picks []int) error {
	if s.step != nil {
		s.step(s.ourTrainer, picks)
		return nil
	}
	return s.ourTrainer.Step(picks)
}

func (s spoiled) Run(n int) (time.Duration, error) {
	return s.ourTrainer.Run(int(s.share * float64(n)))
}

// TestTrainingGoneWrong checks that no time is taken of a loop that does something else.
func TestTrainingGoneWrong(t *testing.T) {
	ops := kernels.On[float64](kernels.Supported()[0])
	for _, test := range []struct {
		name  string
		step  func(t *ourTrainer[float64], picks []int)
		share float64
		want  string
	}{
		{"as it should be", nil, 1, ""},
		{"another batch", func(o *ourTrainer[float64], picks []int) {
			o.run.stepOn(append(picks[1:len(picks):len(picks)], 0), nil)
		}, 1, "step 1: W1: it is off"},
		{"twice the rate", func(o *ourTrainer[float64], picks []int) { o.run.stepOn(picks, nil); o.run.stepOn(picks, nil) }, 1, "step 1: W1: it is off"},
		{"no update of a bias", func(o *ourTrainer[float64], picks []int) {
			o.run.stepOn(picks, nil)
			clear(o.run.net.Params.B2.Data)
		}, 1, "step 1: b2: it is off"},
		{"a number that is none", func(o *ourTrainer[float64], picks []int) {
			o.run.stepOn(picks, nil)
			o.run.net.Params.W2.Data[3] = math.NaN()
		}, 1, "step 1: W2: it is off"},
		{"half of the steps", nil, 0.5, "after 300 steps, want"},
		{"twice the steps", nil, 2, "after 300 steps, want"},
	} {
		task := trainingTask[float64](spoiled{newOurTrainer(ops, trainDigits), test.step, test.share}, ops, trainDigits)
		err := checkTask(task, 300)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.want)
		}
	}
}

// TestTrainingInPython checks the loops of the rivals against the same reference.
func TestTrainingInPython(t *testing.T) {
	for _, library := range []string{"numpy", "torch"} {
		t.Run(library+" f32", func(t *testing.T) { testTrainingInPython[float32](t, library) })
		t.Run(library+" f64", func(t *testing.T) { testTrainingInPython[float64](t, library) })
	}
}

func testTrainingInPython[T kernels.Float](t *testing.T, library string) {
	t.Setenv("OPENBLAS_NUM_THREADS", "1")
	im := kernels.Supported()[0]
	p, err := pyloops.Start(t.Context(), library, trainingProblem(im, loopKey{typeName[T](), trainDigits}), time.Minute)
	if err != nil {
		require.Missing(t, library, err.Error())
	}
	defer p.Close()
	checked := 0
	for _, spec := range rivalSpecs {
		if spec.python != library {
			continue
		}
		if err := checkTask(trainingTask(p.Loop(spec.loop), kernels.On[T](im), trainDigits), 20); err != nil {
			t.Errorf("%s: %v", spec.name, err)
		}
		checked++
	}
	if checked == 0 {
		t.Error("no loop was checked")
	}
}

// TestTrainingBesideRivals makes a record, in any build.
func TestTrainingBesideRivals(t *testing.T) {
	part := rivalPart(t, trainingFamily)
	for _, variable := range RivalEnvironment(nil, part.ISA, part.Threads) {
		key, value, _ := strings.Cut(variable, "=")
		t.Setenv(key, value)
	}
	o := RivalOptions{
		Part: part, Types: []string{"f32"}, Rivals: []string{"numpy-tuned", "gonum"},
		Rounds: 2, Sample: time.Millisecond, Folder: t.TempDir(),
	}
	run, err := PrepareRivals(t.Context(), o)
	if err != nil {
		require.Missing(t, "numpy", err.Error())
	}
	defer run.Close()
	record, err := run.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report, err := ReadRivals(record.Path)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rivals) != 1 || report.Rivals[0].Python == "" || !strings.HasPrefix(report.Rivals[0].BLAS, "OpenBLAS ") {
		t.Errorf("rivals %+v", report.Rivals)
	}
	if len(report.Contests) != 1 || len(report.Contests[0].Shapes) != 1 {
		t.Fatalf("%+v", report)
	}
	s := report.Contests[0].Shapes[0]
	if s.Family != trainingFamily || s.Shape != "batch 100" || !(s.Rates["numpy-tuned"] > 0 && s.Rates[part.ISA] > 0 && s.Ratios["numpy-tuned"].Center > 0 && s.Peak > s.Rates[part.ISA]/2) {
		t.Errorf("%+v", s)
	}
}

// TestTrainingWithoutPython leaves all loops out, and says so.
func TestTrainingWithoutPython(t *testing.T) {
	t.Setenv(pyloops.PythonVariable, "/no/python3")
	_, err := PrepareRivals(t.Context(), RivalOptions{Part: rivalPart(t, trainingFamily), Rounds: 1, Sample: time.Millisecond})
	if err == nil {
		t.Fatal("prepared")
	}
	for _, want := range []string{
		"no rival is there for training", "numpy-tuned is LEFT OUT: it is in the Debian package python3-numpy",
		"torch-by-hand is LEFT OUT: it is in the Debian package python3-torch", "/no/python3",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// A training loop has no matrix product to be measured by.
func TestTrainingLoopsDoNotMultiply(t *testing.T) {
	for _, spec := range rivalSpecs {
		if spec.only != trainingOnly {
			continue
		}
		if rivalGEMM[float32](Rival{Name: spec.name}, "small", Shape{m: 8, n: 8, k: 8}) != nil {
			t.Errorf("%s is measured in a matrix product", spec.name)
		}
	}
}

// Run trains on the batches that its seed draws, one after the other.
func TestOurTrainerDraws(t *testing.T) {
	ops := kernels.On[float64](kernels.Default())
	drawn, given := newOurTrainer(ops, trainDigits), newOurTrainer(ops, trainDigits)
	drawn.Begin(5)
	given.Begin(5)
	rng, picks := nprand.New(5), make([]int, trainingBatch)
	for _, n := range []int{1, 2} {
		if _, err := drawn.Run(n); err != nil {
			t.Fatal(err)
		}
		for range n {
			rng.Choice(picks, trainPool)
			given.Step(picks)
		}
		got, want := drawn.run.net.Params.List(), given.run.net.Params.List()
		for i := range want {
			if !slices.Equal(got[i].Data, want[i].Data) {
				t.Fatalf("after %d more steps parameter %d is another than with the batches given", n, i)
			}
		}
	}
}
