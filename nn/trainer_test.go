package nn

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
)

// The trainer does what the notebook's loop does, written here with plain
// loops over the same random stream.
func TestTrainerByHand(t *testing.T) {
	for _, im := range kernels.Supported() {
		testTrainerByHand(t, kernels.On[float64](im))
	}
}

func testTrainerByHand(t *testing.T, ops kernels.Ops[float64]) {
	data, cfg := blobs(50, 20), blobsConfig()
	cfg.Iterations, cfg.BatchSize = 5, 7
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)

	rng := nprand.New(cfg.Seed)
	net := NewTwoLayerNet(ops, 16, cfg.Hidden, 4, cfg.InitStd, rng)
	picks := make([]int, 7)
	for i := range 5 {
		rng.Choice(picks, 50)
		x, labels := NewTensor[float64](7, 16), make([]int, 7)
		for j, pick := range picks {
			for p := range 16 {
				x.Data[j*16+p] = float64(data.Train.Images[pick*16+p]) / 240
			}
			labels[j] = int(data.Train.Labels[pick])
		}
		grad := net.Gradient(x, labels).List()
		for k, w := range net.Params.List() {
			for j := range w.Data {
				w.Data[j] -= float64(cfg.LearningRate * grad[k].Data[j])
			}
		}
		if got, want := tr.History().Loss[i], net.Loss(x, labels); got != want {
			t.Errorf("%v: loss %d = %v, want %v", ops.Implementation(), i, got, want)
		}
	}
	for k, w := range tr.Net().Params.List() {
		if !sameBits(w.Data, net.Params.List()[k].Data) {
			t.Errorf("%v: %s differs from the loop's", ops.Implementation(), ParamNames[k])
		}
	}
}

func TestRunReports(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig() // 3.33 iterations an epoch
	tr := newTestTrainer(t, kernels.On[float32](kernels.Default()), cfg, data)
	var reports []Progress
	if err := tr.Run(context.Background(), func(p Progress) { reports = append(reports, p) }); err != nil {
		t.Fatal(err)
	}
	h := tr.History()
	if len(reports) != 60 || len(h.Loss) != 60 || tr.Iteration() != 60 {
		t.Fatalf("%d reports, %d losses, %d iterations, want 60", len(reports), len(h.Loss), tr.Iteration())
	}
	want := []int{0, 4, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40, 44, 47, 50, 54, 57}
	if !slices.Equal(h.EvalIterations, want) {
		t.Errorf("evaluated after iterations %v, want %v", h.EvalIterations, want)
	}
	evaluation := 0
	for i, p := range reports {
		evaluated := slices.Contains(want, i)
		if p.Iteration != i+1 || p.Iterations != 60 || p.Loss != h.Loss[i] || p.Evaluated != evaluated ||
			p.Samples != 30*(i+1) || p.Elapsed <= 0 || p.Epoch != i*30/100 || p.Epochs != 18 {
			t.Errorf("report %d = %+v", i, p)
		}
		if evaluated {
			if p.TrainAcc != h.TrainAcc[evaluation] || p.TestAcc != h.TestAcc[evaluation] {
				t.Errorf("report %d has accuracies %v %v, the history %v %v", i, p.TrainAcc, p.TestAcc, h.TrainAcc[evaluation], h.TestAcc[evaluation])
			}
			evaluation++
		}
	}
	if last := len(h.TestAcc) - 1; last != len(want)-1 || h.TestAcc[last] < 0.9 || h.TestAcc[last] <= h.TestAcc[0] {
		t.Errorf("the run did not learn: test accuracies %v", h.TestAcc)
	}
	h.Loss[0] = -1
	if tr.History().Loss[0] == -1 {
		t.Error("History is not a copy")
	}
	if err := tr.Run(context.Background(), func(Progress) { t.Error("a run that was done went on") }); err != nil {
		t.Error(err)
	}
}

// Accuracies taken in chunks are those of the whole set at once.
func TestFinalInChunks(t *testing.T) {
	onEach(t, testFinalInChunks[float32], testFinalInChunks[float64])
}

func testFinalInChunks[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data, cfg := blobs(2*forwardChunk+37, forwardChunk), blobsConfig()
	cfg.Iterations = 8
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)
	gotTrain, gotTest := tr.Final()
	whole := func(s dataset.Split) float64 {
		x, labels := NewTensor[T](s.Len(), 4, 4), make([]int, s.Len())
		for i, v := range s.Images {
			x.Data[i] = T(v) / 240
		}
		for i, v := range s.Labels {
			labels[i] = int(v)
		}
		return tr.Net().Accuracy(x, labels)
	}
	if wantTrain, wantTest := whole(data.Train), whole(data.Test); gotTrain != wantTrain || gotTest != wantTest || gotTrain <= 0.25 || gotTrain == 1 {
		t.Errorf("Final = %v, %v, want %v, %v, neither guessing nor all right", gotTrain, gotTest, wantTrain, wantTest)
	}
}

func TestPixels(t *testing.T) {
	data := blobs(10, 10)
	for _, scale := range []bool{false, true} {
		cfg := blobsConfig()
		cfg.ScalePixels = scale
		tr := newTestTrainer(t, kernels.On[float32](kernels.Default()), cfg, data)
		tr.step()
		for i, pick := range tr.picks {
			for p := range 16 {
				want := float32(data.Train.Images[pick*16+p])
				if scale {
					want /= 240
				}
				if got := batchOf(tr.stepper).Data[i*16+p]; got != want {
					t.Errorf("scale %v: pixel %d of sample %d = %v, want %v", scale, p, pick, got, want)
				}
			}
			if tr.stepper.labels[i] != int(data.Train.Labels[pick]) {
				t.Errorf("label of sample %d = %d", pick, tr.stepper.labels[i])
			}
		}
	}
}

func TestCancelBetweenIterations(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig()
	ops := kernels.On[float32](kernels.Default())
	whole := newTestTrainer(t, ops, cfg, data)
	runAll(t, whole)

	tr := newTestTrainer(t, ops, cfg, data)
	for _, stop := range []int{1, 4, 5, 59} {
		ctx, cancel := context.WithCancel(context.Background())
		err := tr.Run(ctx, func(p Progress) {
			if p.Iteration == stop {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || tr.Iteration() != stop || len(tr.History().Loss) != stop {
			t.Fatalf("cancelled after iteration %d: %v, at iteration %d with %d losses", stop, err, tr.Iteration(), len(tr.History().Loss))
		}
	}
	runAll(t, tr)
	sameRun(t, "after cancelling", tr, whole)

	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := tr.Run(done, nil); err != nil {
		t.Errorf("a cancelled Run with nothing left to do: %v", err)
	}
}

// sameRun checks that two trainers are in the same state to the bit.
func sameRun[T kernels.Float](t *testing.T, what string, got, want *Trainer[T]) {
	t.Helper()
	for i, w := range want.net.Params.List() {
		if !sameBits(got.net.Params.List()[i].Data, w.Data) {
			t.Errorf("%s: %s differs", what, ParamNames[i])
		}
	}
	for i, w := range want.rule.velocity.List() {
		if !sameBits(got.rule.velocity.List()[i].Data, w.Data) {
			t.Errorf("%s: velocity of %s differs", what, ParamNames[i])
		}
	}
	for i, w := range want.stop.best.List() {
		if !sameBits(got.stop.best.List()[i].Data, w.Data) {
			t.Errorf("%s: best %s differs", what, ParamNames[i])
		}
	}
	if !slices.Equal(got.sampler.order, want.sampler.order) {
		t.Errorf("%s: order of samples differs", what)
	}
	if !reflect.DeepEqual(got.EpochFigures(), want.EpochFigures()) {
		t.Errorf("%s: figures of the epochs\n%v\nwant\n%v", what, got.EpochFigures(), want.EpochFigures())
	}
	g, w := got.history, want.history
	if got.iteration != want.iteration || !sameBits(g.Loss, w.Loss) || !slices.Equal(g.EvalIterations, w.EvalIterations) ||
		!sameBits(g.TrainAcc, w.TrainAcc) || !sameBits(g.TestAcc, w.TestAcc) || !sameBits(g.HeldAcc, w.HeldAcc) {
		t.Errorf("%s: history at iteration %d differs from that at %d", what, got.iteration, want.iteration)
	}
	gs, ws := got.rng.State(), want.rng.State()
	if !slices.Equal(gs.Key, ws.Key) || gs.Pos != ws.Pos || gs.HasGauss != ws.HasGauss || gs.Gauss != ws.Gauss {
		t.Errorf("%s: random state differs", what)
	}
	if g, w := got.Diagnose().String(), want.Diagnose().String(); g != w {
		t.Errorf("%s: diagnosis\n%s\nwant\n%s", what, g, w)
	}
}

func TestSetIterations(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig()
	ops := kernels.On[float64](kernels.Default())
	whole := newTestTrainer(t, ops, cfg, data)
	runAll(t, whole)

	cfg.Iterations = 25
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)
	mustHave(t, tr.SetIterations(24), "24", "25 have been done")
	mustHave(t, tr.SetIterations(maxIterations+1), "out of range")
	if tr.Config().Iterations != 25 {
		t.Errorf("a refused change left %d iterations", tr.Config().Iterations)
	}
	if err := tr.SetIterations(60); err != nil {
		t.Fatal(err)
	}
	runAll(t, tr)
	sameRun(t, "made longer", tr, whole)
}

func TestNewTrainerRefuses(t *testing.T) {
	ops := kernels.On[float32](kernels.Default())
	bad := blobsConfig()
	bad.Hidden = 0
	_, err := NewTrainer(ops, bad, blobs(10, 10))
	mustHave(t, err, "hidden units: 0")
	for _, c := range []struct {
		change func(*dataset.Data)
		words  []string
	}{
		{func(d *dataset.Data) { d.Train = dataset.Split{} }, []string{"blobs", "no training samples"}},
		{func(d *dataset.Data) { d.Test = dataset.Split{} }, []string{"no test samples"}},
		{func(d *dataset.Data) { d.Train.Images = d.Train.Images[1:] }, []string{"159 bytes of training images, want 160"}},
		{func(d *dataset.Data) { d.Test.Labels[4] = 4 }, []string{"test label 4 is 4, want 0..3"}},
		{func(d *dataset.Data) { d.Max = 0 }, []string{"up to 0"}},
		{func(d *dataset.Data) { d.Classes = 0 }, []string{"0 classes"}},
		{func(d *dataset.Data) { d.Rows = 0 }, []string{"0 x 4 pixels"}},
	} {
		data := blobs(10, 10)
		c.change(data)
		_, err := NewTrainer(ops, blobsConfig(), data)
		mustHave(t, err, c.words...)
	}
}

func TestLossIsFiniteUnlessDiverged(t *testing.T) {
	cfg := blobsConfig()
	cfg.LearningRate = 1e30
	tr := newTestTrainer(t, kernels.On[float32](kernels.Default()), cfg, blobs(100, 40))
	runAll(t, tr) // a run that diverges goes on to its end, as in NumPy
	if !math.IsNaN(last(tr.History().Loss)) || tr.Iteration() != 60 {
		t.Errorf("loss %v after %d iterations with a learning rate of 1e30, want NaN after 60", last(tr.History().Loss), tr.Iteration())
	}
}
