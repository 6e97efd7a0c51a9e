package nn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
)

// Trainer trains a [TwoLayerNet] by mini-batch gradient descent. It is not
// safe for concurrent use.
type Trainer[T kernels.Float] struct {
	cfg         Config
	data        *dataset.Data
	train, held dataset.Split // data.Train in two parts; held is empty if nothing is held out
	ops         kernels.Ops[T]
	net         *TwoLayerNet[T]
	rng         *nprand.RandomState

	sampler sampler
	rule    updateRule[T]
	stop    earlyStop[T]

	iteration int // iterations done
	history   History
	start     startRecord
	epochs    []EpochFigures // of the epochs begun; the last may still be without its evaluation

	stepper *Stepper[T]
	picks   []int // the samples of a batch
	ahead   lookAhead
}

// lookAhead is the batch of the next iteration, if that has been drawn already, and the
// random numbers behind it. Whoever saves the run in the meantime knows nothing of it.
type lookAhead struct {
	drawn bool
	picks []int
	rng   nprand.RandomState
}

// NewTrainer returns a trainer for a new net whose hidden layer and weights
// are cfg's, and whose inputs and classes are the data's. It keeps data, which must
// not change. The error names what is wrong with cfg or data.
func NewTrainer[T kernels.Float](ops kernels.Ops[T], cfg Config, data *dataset.Data) (*Trainer[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkData(data); err != nil {
		return nil, err
	}
	t, err := newTrainer(ops, cfg, data)
	if err != nil {
		return nil, err
	}
	t.rng = nprand.New(cfg.Seed)
	if cfg.Init == InitHe {
		t.setNet(newHeNet(ops, data.Pixels(), cfg.Hidden, data.Classes, t.rng))
	} else {
		t.setNet(NewTwoLayerNet(ops, data.Pixels(), cfg.Hidden, data.Classes, cfg.InitStd, t.rng))
	}
	return t, nil
}

// newTrainer returns a trainer without a net and random numbers.
func newTrainer[T kernels.Float](ops kernels.Ops[T], cfg Config, data *dataset.Data) (*Trainer[T], error) {
	train, held, err := holdOut(cfg, data)
	if err != nil {
		return nil, err
	}
	sampler, err := newSampler(cfg, train.Len())
	if err != nil {
		return nil, err
	}
	return &Trainer[T]{
		cfg: cfg, data: data, train: train, held: held, ops: ops, sampler: sampler,
		picks: make([]int, cfg.BatchSize), ahead: lookAhead{picks: make([]int, cfg.BatchSize)},
	}, nil
}

func (t *Trainer[T]) setNet(net *TwoLayerNet[T]) {
	t.net, t.stepper = net, NewStepper(t.ops, net)
	t.stepper.SkipZeros(t.cfg.SkipZeros)
	t.rule = newUpdateRule(t.ops, t.cfg.Momentum, net.Params)
	t.stop = newEarlyStop(t.cfg, net.Params)
}

// divisor is what pixels are divided by before the net sees them.
func (t *Trainer[T]) divisor() uint8 { return pixelDivisor(t.cfg.ScalePixels, t.data.Max) }

func pixelDivisor(scale bool, largest uint8) uint8 {
	if scale {
		return largest
	}
	return 1
}

func checkData(d *dataset.Data) error {
	if d.Pixels() < 1 || d.Classes < 1 || d.Max < 1 {
		return fmt.Errorf("data %s: images of %d x %d pixels up to %d in %d classes; want at least 1 of each", d.Name, d.Rows, d.Cols, d.Max, d.Classes)
	}
	for _, part := range []struct {
		name  string
		split dataset.Split
	}{{"training", d.Train}, {"test", d.Test}} {
		s := part.split
		if s.Len() == 0 {
			return fmt.Errorf("data %s: no %s samples; training needs both training and test samples", d.Name, part.name)
		}
		if len(s.Images) != s.Len()*d.Pixels() {
			return fmt.Errorf("data %s: %d bytes of %s images, want %d for %d labels", d.Name, len(s.Images), part.name, s.Len()*d.Pixels(), s.Len())
		}
		if i := slices.IndexFunc(s.Labels, func(l uint8) bool { return int(l) >= d.Classes }); i >= 0 {
			return fmt.Errorf("data %s: %s label %d is %d, want 0..%d", d.Name, part.name, i, s.Labels[i], d.Classes-1)
		}
	}
	return nil
}

// Config returns the configuration of the run.
func (t *Trainer[T]) Config() Config { return t.cfg }

// Iteration returns how many iterations have been done.
func (t *Trainer[T]) Iteration() int { return t.iteration }

// Samples returns how many samples the net is trained on, and how many are held out of the training set.
func (t *Trainer[T]) Samples() (train, held int) { return t.train.Len(), t.held.Len() }

// StoppedEarly reports whether the run is over because the accuracy on the
// held-out samples has not risen for Config.Patience epochs. The net is then
// that of the evaluation at which it was best.
func (t *Trainer[T]) StoppedEarly() bool { return t.stop.over(t.history.HeldAcc) }

// Net returns the net as it is. Training changes it.
func (t *Trainer[T]) Net() *TwoLayerNet[T] { return t.net }

// History returns a copy of the record of the run so far.
func (t *Trainer[T]) History() History { return t.history.clone() }

// SetIterations changes after how many iterations the run ends, to make a run
// that was resumed longer, say. It cannot end before what has been done.
func (t *Trainer[T]) SetIterations(n int) error {
	cfg := t.cfg
	cfg.Iterations = n
	if err := cfg.Validate(); err != nil {
		return err
	}
	if n < t.iteration {
		return configErrorf("iterations", "%d, but %d have been done; choose at least that many", n, t.iteration)
	}
	if n != t.cfg.Iterations && t.StoppedEarly() {
		return configErrorf("iterations", "%d, but the run has stopped early after %d and does not go on; start a new one from its weights", n, t.iteration)
	}
	t.cfg = cfg
	return nil
}

// Run goes on from the current iteration to Config.Iterations, or until it
// stops early. After each
// iteration it calls report, if that is not nil; report should return quickly,
// and may save a checkpoint. When ctx is cancelled, Run returns ctx.Err()
// between two iterations: the trainer can then be saved, and another Run goes
// on as if nothing had happened. An evaluation that was cut short is done again.
func (t *Trainer[T]) Run(ctx context.Context, report func(Progress)) error {
	// Room for the losses of a usual run, so that no step has to make it.
	t.history.Loss = slices.Grow(t.history.Loss, min(t.cfg.Iterations-t.iteration, 1<<16))
	p := Progress{Iterations: t.cfg.Iterations, Epochs: t.cfg.epoch(t.cfg.Iterations-1, t.train.Len()) + 1}
	for t.iteration < t.cfg.Iterations && !t.StoppedEarly() || t.evaluationDue() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !t.evaluationDue() {
			began := time.Now()
			t.step()
			p.Samples += t.cfg.BatchSize
			p.Elapsed += time.Since(began)
		}
		p.Evaluated = t.evaluationDue()
		if p.Evaluated {
			if err := t.evaluate(ctx); err != nil {
				return err
			}
			p.Figures = last(t.epochs)
			p.TrainAcc, p.TestAcc = last(t.history.TrainAcc), last(t.history.TestAcc)
			if p.Held = t.held.Len() > 0; p.Held {
				p.HeldAcc = last(t.history.HeldAcc)
			}
		}
		if report != nil {
			p.Iteration, p.Loss = t.iteration, last(t.history.Loss)
			p.Epoch = t.cfg.epoch(t.iteration-1, t.train.Len())
			report(p)
		}
	}
	return nil
}

func last[E any](s []E) E { return s[len(s)-1] }

// step does one iteration: draw a batch, go down its gradient, and take its
// loss again unless that is not wanted.
func (t *Trainer[T]) step() {
	t.draw()
	if t.iteration == 0 {
		t.measureScaled()
	}
	s, rate := t.stepper, t.cfg.rate(t.iteration)
	s.Gather(t.train.Images, t.train.Labels, t.picks, t.divisor())
	s.Forward()
	loss := s.Loss()
	t.lookAhead()
	atStart, startsEpoch := t.iteration < startIterations, t.cfg.startsEpoch(t.iteration, t.train.Len())
	if t.rule.plain() && !atStart && !startsEpoch {
		s.Descend(T(rate)) // nobody looks at the gradient
	} else {
		grad := s.Backward()
		if startsEpoch {
			t.beginEpoch(grad)
		}
		t.rule.direction(grad)
		if startsEpoch {
			t.measureEpochUpdate(grad)
		}
		if atStart {
			t.measureUpdate(grad)
		}
		t.rule.apply(t.net.Params, grad, rate)
	}
	if !t.cfg.EpochHistory || atStart { // at the start, what the update does to the hidden units is measured
		s.Forward()
	}
	if !t.cfg.EpochHistory {
		loss = s.Loss()
	}
	t.history.Loss = append(t.history.Loss, loss)
	if atStart {
		t.measureUpdated()
	}
	t.iteration++
}

// draw draws the batch of this iteration.
func (t *Trainer[T]) draw() {
	if !t.ahead.drawn {
		t.sampler.draw(t.rng, t.picks, t.iteration)
		return
	}
	t.picks, t.ahead.picks = t.ahead.picks, t.picks
	*t.rng = t.ahead.rng
	t.ahead.drawn = false
}

// lookAhead draws the next iteration's batch, to have it fetched from memory in time,
// unless that would change more than the random numbers.
func (t *Trainer[T]) lookAhead() {
	a, next := &t.ahead, t.iteration+1
	if t.sampler.changesOrder(next, len(a.picks)) {
		return
	}
	a.rng = *t.rng
	t.sampler.draw(&a.rng, a.picks, next)
	a.drawn = true
	t.stepper.Fetch(t.train.Images, a.picks)
}

// evaluationDue reports whether the last iteration began an epoch and its
// accuracies are still to be taken.
func (t *Trainer[T]) evaluationDue() bool {
	i := t.iteration - 1
	if i < 0 || !t.cfg.startsEpoch(i, t.train.Len()) {
		return false
	}
	done := t.history.EvalIterations
	return len(done) == 0 || last(done) != i
}

func (t *Trainer[T]) evaluate(ctx context.Context) error {
	train, err := t.count(ctx, t.train)
	if err != nil {
		return err
	}
	test, err := t.accuracy(ctx, t.data.Test)
	if err != nil {
		return err
	}
	h := &t.history
	if t.held.Len() > 0 {
		held, err := t.accuracy(ctx, t.held)
		if err != nil {
			return err
		}
		h.HeldAcc = append(h.HeldAcc, held)
	}
	h.EvalIterations = append(h.EvalIterations, t.iteration-1)
	h.TrainAcc = append(h.TrainAcc, train.accuracy())
	h.TestAcc = append(h.TestAcc, test)
	t.endEpoch(train)
	t.stop.observe(h.HeldAcc, t.net.Params)
	return nil
}

// Final returns the accuracies of the net as it is over the whole sets; of the
// training set, over what is not held out.
func (t *Trainer[T]) Final() (train, test float64) {
	train, err1 := t.accuracy(context.Background(), t.train)
	test, err2 := t.accuracy(context.Background(), t.data.Test)
	if err := errors.Join(err1, err2); err != nil {
		panic(err) // only cancelling makes it fail
	}
	return train, test
}
