package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
)

// Momentum, decay and shuffled epochs are what plain loops make of them.
func TestOptionsByHand(t *testing.T) {
	for _, im := range kernels.Supported() {
		testOptionsByHand(t, kernels.On[float64](im))
	}
}

func testOptionsByHand(t *testing.T, ops kernels.Ops[float64]) {
	data, cfg := blobs(50, 20), everyOption(blobsConfig())
	cfg.HoldOut, cfg.Patience, cfg.Iterations, cfg.BatchSize = 0, 0, 20, 7
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)

	rng := nprand.New(cfg.Seed)
	net := newHeNet(ops, 16, cfg.Hidden, 4, rng)
	velocity := net.Params.zeros()
	var samples []int
	order := make([]int, 50)
	for range 3 { // as many epochs as 20 batches of 7 begin
		rng.Permutation(order)
		samples = append(samples, order...)
	}
	for i := range 20 {
		x, labels := NewTensor[float64](7, 16), make([]int, 7)
		for j, pick := range samples[7*i : 7*i+7] {
			for p := range 16 {
				x.Data[j*16+p] = float64(data.Train.Images[pick*16+p]) / 240
			}
			labels[j] = int(data.Train.Labels[pick])
		}
		if got, want := tr.History().Loss[i], net.Loss(x, labels); got != want {
			t.Errorf("%v: loss %d = %v, want %v, that before the update", ops.Implementation(), i, got, want)
		}
		rate := 0.1 * math.Pow(1-cfg.Decay, float64(i)/1000)
		grad := net.Gradient(x, labels).List()
		for k, w := range net.Params.List() {
			v := velocity.List()[k].Data
			for j := range w.Data {
				v[j] = float64(0.9*v[j]) + grad[k].Data[j]
				w.Data[j] -= float64(rate * v[j])
			}
		}
	}
	for k, w := range tr.Net().Params.List() {
		closeTo(t, ParamNames[k], w.Data, net.Params.List()[k].Data, 1e-12)
	}
}

// Every epoch takes every sample once, also where batches go over its end.
func TestShuffledEpochs(t *testing.T) {
	for _, c := range [][2]int{{10, 3}, {10, 10}, {10, 1}, {7, 5}, {1, 1}} {
		n, batch := c[0], c[1]
		s, err := newSampler(Config{BatchSize: batch, Shuffle: true}, n)
		if err != nil {
			t.Fatal(err)
		}
		rng := nprand.New(3)
		var drawn []int
		picks := make([]int, batch)
		for i := range 6 * n {
			s.draw(rng, picks, i)
			drawn = append(drawn, picks...)
		}
		orders := make(map[string]bool)
		for len(drawn) >= n {
			epoch := slices.Clone(drawn[:n])
			drawn = drawn[n:]
			key := ""
			for _, v := range epoch {
				key += string(rune('a' + v))
			}
			orders[key] = true
			slices.Sort(epoch)
			for i, v := range epoch {
				if v != i {
					t.Fatalf("%d samples, batch %d: an epoch takes %v", n, batch, epoch)
				}
			}
		}
		if n == 10 && len(orders) < 5 {
			t.Errorf("%d samples, batch %d: %d orders", n, batch, len(orders))
		}
	}
	cfg := blobsConfig()
	cfg.Shuffle = true
	_, err := NewTrainer(kernels.On[float32](kernels.Default()), cfg, blobs(29, 10))
	mustHave(t, err, "batch size: 30", "29 samples", "draw with replacement")
}

// Batches are the same ones whether they are drawn ahead or not, as they are except
// where a new order begins.
func TestBatchesAreDrawnAhead(t *testing.T) {
	for _, c := range []struct {
		shuffle      bool
		batch, ahead int
	}{{false, 30, 12}, {true, 30, 9}, {true, 25, 9}, {true, 100, 0}} {
		cfg := blobsConfig()
		cfg.Shuffle, cfg.BatchSize = c.shuffle, c.batch
		tr := newTestTrainer(t, kernels.On[float64](kernels.Default()), cfg, blobs(100, 10))
		alone, rng := tr.sampler, *tr.rng
		alone.order = slices.Clone(alone.order)
		want, ahead := make([]int, c.batch), 0
		for i := range 12 {
			tr.step()
			alone.draw(&rng, want, i)
			if !slices.Equal(tr.picks, want) {
				t.Fatalf("%+v: batch %d is %v, want %v", c, i, tr.picks, want)
			}
			if *tr.rng != rng || !slices.Equal(tr.sampler.order, alone.order) {
				t.Fatalf("%+v: after batch %d the random numbers or the order are not those behind it", c, i)
			}
			if tr.ahead.drawn {
				ahead++
			}
		}
		if ahead != c.ahead {
			t.Errorf("%+v: %d of 12 batches were drawn ahead", c, ahead)
		}
	}
}

// The two parts are the training set, and stay the same ones.
func TestHoldOut(t *testing.T) {
	data := blobs(100, 10)
	for i := range 100 {
		data.Train.Images[16*i] = uint8(i) // tells the samples apart
	}
	cfg := blobsConfig()
	cfg.HoldOut = 0.2
	train, held, err := holdOut(cfg, data)
	if err != nil || train.Len() != 80 || held.Len() != 20 {
		t.Fatalf("%d and %d samples, %v", train.Len(), held.Len(), err)
	}
	seen := make(map[uint8]bool)
	for _, s := range []dataset.Split{train, held} {
		for i := range s.Labels {
			id := s.Images[16*i]
			if seen[id] || s.Labels[i] != data.Train.Labels[id] || !slices.Equal(s.Images[16*i:16*i+16], data.Train.Images[16*int(id):16*int(id)+16]) {
				t.Errorf("sample %d is there twice, or is another", id)
			}
			seen[id] = true
		}
	}
	again, _, _ := holdOut(cfg, data)
	cfg.Seed++
	other, _, _ := holdOut(cfg, data)
	if !slices.Equal(again.Images, train.Images) || slices.Equal(other.Images, train.Images) {
		t.Error("the parts do not depend on the seed alone")
	}
	for _, share := range []float64{0.001, 0.9} {
		cfg.HoldOut = share
		if _, _, err := holdOut(cfg, blobs(2, 1)); err == nil {
			t.Errorf("%v of 2 samples can be held out", share)
		}
	}
}

// A run stops when it gets no better, and goes back to where it was best.
func TestEarlyStopping(t *testing.T) {
	onEach(t, testEarlyStopping[float32], testEarlyStopping[float64])
}

func testEarlyStopping[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data, cfg := blobs(300, 100), blobsConfig()
	cfg.HoldOut, cfg.Iterations, cfg.LearningRate = 0.3, 400, 3 // large steps, so that accuracies go up and down
	free := newTestTrainer(t, ops, cfg, data)
	runAll(t, free)
	accuracies := free.History().HeldAcc

	cfg.Patience = 4
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)
	h := tr.History()
	n := len(h.HeldAcc)
	if !tr.StoppedEarly() || n >= len(accuracies) || !slices.Equal(h.HeldAcc, accuracies[:n]) || tr.Iteration() != h.EvalIterations[n-1]+1 {
		t.Fatalf("stopped after %d iterations with %v; without patience %v", tr.Iteration(), h.HeldAcc, accuracies)
	}
	best := bestOf(h.HeldAcc)
	if best != n-5 || slices.Max(h.HeldAcc[best+1:]) > h.HeldAcc[best] {
		t.Errorf("the best of %v is at %d", h.HeldAcc, best)
	}
	cfg.Patience = 0
	cfg.Iterations = h.EvalIterations[best] + 1
	there := newTestTrainer(t, ops, cfg, data)
	runAll(t, there)
	for i, w := range there.net.Params.List() {
		if !sameBits(tr.net.Params.List()[i].Data, w.Data) {
			t.Errorf("%s is not that of the best evaluation", ParamNames[i])
		}
	}
	mustHave(t, tr.SetIterations(1000), "1000", "stopped early", "start a new one")
	if err := tr.SetIterations(400); err != nil {
		t.Error(err)
	}
}

func TestHeDeviations(t *testing.T) {
	net := newHeNet(kernels.On[float64](kernels.Default()), 200, 128, 50, nprand.New(1))
	for _, c := range []struct {
		w      Tensor[float64]
		inputs int
	}{{net.Params.W1, 200}, {net.Params.W2, 128}} {
		got := norm(c.w.Data) / math.Sqrt(float64(len(c.w.Data)))
		if want := math.Sqrt(2 / float64(c.inputs)); math.Abs(got-want) > 0.03*want {
			t.Errorf("%d inputs: deviation %v, want %v", c.inputs, got, want)
		}
	}
}

// The losses that are taken before the update change nothing else.
func TestEpochHistory(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig()
	ops := kernels.On[float64](kernels.Default())
	after := newTestTrainer(t, ops, cfg, data)
	runAll(t, after)
	cfg.EpochHistory = true
	before := newTestTrainer(t, ops, cfg, data)
	runAll(t, before)
	if slices.Equal(before.history.Loss, after.history.Loss) || before.history.Loss[0] <= after.history.Loss[0] {
		t.Errorf("first losses %v before the update, %v after", before.history.Loss[:2], after.history.Loss[:2])
	}
	before.history.Loss = after.history.Loss
	sameRun(t, "apart from the losses", before, after)
}

// The figures of an epoch are those of its first step and of the net after it.
func TestEpochFigures(t *testing.T) {
	data, cfg := blobs(90, 40), blobsConfig() // 3 iterations an epoch
	cfg.Iterations, cfg.Momentum, cfg.LearningRate = 10, 0.5, 0.1
	tr := newTestTrainer(t, kernels.On[float64](kernels.Default()), cfg, data)
	runAll(t, tr)
	figures := tr.EpochFigures()
	if len(figures) != 4 {
		t.Fatalf("%d epochs, want 4", len(figures))
	}
	for i, e := range figures {
		u := tr.Diagnose().Updates[3*i]
		if e.Iteration != 3*i || e.UpdateW1 != u.W1 || e.UpdateW2 != u.W2 || e.UpdateW1 <= 0 || e.GradientW1 <= 0 || e.GradientW2 <= 0 {
			t.Errorf("epoch %d: %+v, want the update %+v", i, e, u)
		}
		total := 0
		for _, n := range e.Predicted {
			total += n
		}
		if total != 90 || len(e.Predicted) != 4 {
			t.Errorf("epoch %d: predictions %v, want 90 in 4 classes", i, e.Predicted)
		}
	}
	// Of the first update, whose direction is the gradient itself.
	if got, want := float64(figures[0].UpdateW1), 0.1*float64(figures[0].GradientW1)/tr.start.normW1; math.Abs(got-want) > 1e-12*want {
		t.Errorf("first update %v, want %v from the gradient's norm", got, want)
	}
	if len(newTestTrainer(t, tr.ops, cfg, data).EpochFigures()) != 0 {
		t.Error("a new run has figures")
	}
}
