package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/lanewise/lanewise/bench/internal/pyloops"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

// Training beside rivals: steps of the net of trainRun, on the same samples, each loop
// with the batches that it draws itself. The loops in Python are long-lived processes,
// which wait while it is not their turn.

// trainingBenchmark is the family of names in records. It is not TrainStep, because here
// drawing the batch counts.
const trainingBenchmark = "Training"

// trainingBatch is the batch size at which rivals are compared.
const trainingBatch = 100

// A trainer is a training loop, ours or a rival's.
type trainer interface {
	// Begin goes back to the net that all trainers start from, and has the batches that
	// Run draws follow from seed.
	Begin(seed uint32) error
	// Step takes a step on the samples of these numbers.
	Step(picks []int) error
	// Run takes n steps on batches that it draws, and returns how long they took.
	Run(n int) (time.Duration, error)
	// Params returns W1, b1, W2, b2.
	Params() ([4][]float64, error)
}

// ourTrainer is our loop.
type ourTrainer[T kernels.Float] struct {
	ops    kernels.Ops[T]
	set    *trainSet
	run    *trainRun[T]
	random *nprand.RandomState
	// The batches of this step and the next, which is drawn a step before, so that it
	// comes from memory meanwhile.
	drawn, next []int
	now         clock
}

func newOurTrainer[T kernels.Float](ops kernels.Ops[T], set *trainSet) *ourTrainer[T] {
	return &ourTrainer[T]{ops: ops, set: set, drawn: make([]int, trainingBatch), next: make([]int, trainingBatch), now: wallClock()}
}

func (t *ourTrainer[T]) Begin(seed uint32) error {
	t.run, t.random = (&trainData[T]{set: t.set}).start(t.ops), nprand.New(seed)
	t.random.Choice(t.next, trainPool)
	return nil
}

func (t *ourTrainer[T]) Step(picks []int) error {
	t.run.stepOn(picks, nil)
	return nil
}

func (t *ourTrainer[T]) Run(n int) (time.Duration, error) {
	start := t.now()
	for range n {
		t.drawn, t.next = t.next, t.drawn
		t.random.Choice(t.next, trainPool)
		t.run.stepOn(t.drawn, t.next)
	}
	return t.now() - start, nil
}

func (t *ourTrainer[T]) Params() ([4][]float64, error) { return float64s(t.run.net.Params), nil }

// trainingRivals is the group of ours and the rivals that there are, on a set.
func trainingRivals[T kernels.Float](r *RivalRun, ops kernels.Ops[T], set *trainSet, peak *peakProbe) *Group {
	g := &Group{
		Family: trainingBenchmark, Params: fmt.Sprintf("type=%s/batch=%d/data=%s", typeName[T](), trainingBatch, set.name),
		Work: Work{FLOP: set.flop(trainingBatch, trainProducts1, trainProducts2) * trainingBatch, Samples: trainingBatch},
	}
	add := func(name string, t trainer) {
		g.Contenders = append(g.Contenders, Contender{Impl: name, peak: peak, bind: func(operands any) task {
			return bindTrainer(t, ops, operands.(*trainingRound[T]))
		}})
	}
	add(r.implementation.Name(), newOurTrainer(ops, set))
	for _, rival := range r.Rivals {
		if loop := rival.loops[loopKey{typeName[T](), set}]; loop != nil {
			add(rival.Name, loop)
		}
	}
	g.operands = func(round int) any {
		rng := operandSource(g, round)
		return &trainingRound[T]{seed: rng.Uint32(), data: newTrainData[T](rng, set, trainingBatch)}
	}
	return g
}

// A trainingRound is what the trainers of a group share in a round.
type trainingRound[T kernels.Float] struct {
	seed uint32
	data *trainData[T] // batches for the check
}

// bindTrainer makes a task: t has to take its first two steps as the reference does, and
// after all steps, batches of which it has drawn itself, to have come about as far as ours.
func bindTrainer[T kernels.Float](t trainer, ops kernels.Ops[T], round *trainingRound[T]) task {
	steps := 0
	var took time.Duration
	err := t.Begin(round.seed)
	return task{
		run: func(n int) {
			if err == nil {
				took, err = t.Run(n)
				steps += n
			}
		},
		took: func() (time.Duration, error) { return took, err },
		check: func() error {
			if err := round.data.follow(t, ops); err != nil {
				return err
			}
			steps = 0
			return t.Begin(round.seed)
		},
		verify: func() error { return checkProgress(t, ops, round.data.set, round.seed, steps) },
	}
}

// follow compares the first steps of t with those of the reference.
func (d *trainData[T]) follow(t trainer, ops kernels.Ops[T]) error {
	if err := t.Begin(0); err != nil {
		return err
	}
	before := float64s(d.start(ops).net.Params)
	for step := range 2 {
		picks := d.order[step*d.batch : (step+1)*d.batch]
		if err := t.Step(picks); err != nil {
			return err
		}
		after, err := t.Params()
		if err != nil {
			return err
		}
		if err := compareStep[T](d.set, picks, before, after); err != nil {
			return fmt.Errorf("step %d: %w", step+1, err)
		}
		before = after
	}
	return nil
}

// progressSamples is on how many samples the loss is compared, and progressTolerance how
// far two trainers may be apart, relatively. PyTorch draws other batches than NumPy and
// we do, which makes up to 4% where the loss falls fastest.
const (
	progressSamples   = 2000
	progressTolerance = 0.2
)

// checkProgress compares the loss that t has come to with that of ours after as many steps.
func checkProgress[T kernels.Float](t trainer, ops kernels.Ops[T], set *trainSet, seed uint32, steps int) error {
	params, err := t.Params()
	if err != nil {
		return err
	}
	ours := newOurTrainer(ops, set)
	ours.Begin(seed)
	ours.Run(steps)
	want := ours.loss()
	for i, p := range ours.run.net.Params.List() {
		copy(p.Data, converted[T](params[i]))
	}
	if got := ours.loss(); !(math.Abs(got-want) <= progressTolerance*want) {
		return fmt.Errorf("its loss is %.4f after %d steps, want %.4f within %g%%", got, steps, want, 100*progressTolerance)
	}
	return nil
}

// loss is the mean loss of the net on some samples.
func (t *ourTrainer[T]) loss() float64 {
	images, labels := t.set.data()
	picks := make([]int, progressSamples)
	for i := range picks {
		picks[i] = i
	}
	t.run.stepper.Gather(images, labels, picks, trainMax)
	t.run.stepper.Forward()
	return t.run.stepper.Loss()
}

// A python is a process with training loops, or why there is none.
type python struct {
	process *pyloops.Process
	err     error
}

// A loopKey says what a loop in Python computes with, and what it learns.
type loopKey struct {
	typ string
	set *trainSet
}

// openLoops has processes run the loop of spec for each type and set, or leaves r out.
func (r *Rival) openLoops(ctx context.Context, run *RivalRun, spec rivalSpec) {
	loops := map[loopKey]*pyloops.Loop{}
	for _, typ := range run.Options.types() {
		for _, set := range run.Options.Part.sets() {
			p, err := run.python(ctx, spec.python, loopKey{typ, set})
			if err != nil {
				r.LeftOut = err.Error()
				return
			}
			r.describe(p.Facts)
			if err := r.checkForced(run.Options.Part); err != nil {
				r.LeftOut = err.Error()
				return
			}
			loops[loopKey{typ, set}] = p.Loop(spec.loop)
		}
	}
	r.loops = loops
}

// describe takes over what a process says about itself.
func (r *Rival) describe(f pyloops.Facts) {
	r.RivalFacts = RivalFacts{Path: f.Path, Version: f.Version, Kernels: f.Kernels, Threads: f.Threads}
	r.Python, r.BLAS = f.Python, f.BLAS
}

// python returns the process with the loops of a library for a type and a set.
func (r *RivalRun) python(ctx context.Context, library string, of loopKey) (*pyloops.Process, error) {
	key := library + " " + of.typ + " " + of.set.name
	if r.pythons[key] == nil {
		// The samples are waited for as long as it takes; a loop that hangs is not.
		limit := time.Minute + 20*r.Options.Sample
		process, err := pyloops.Start(ctx, library, trainingProblem(r.implementation, of), limit)
		r.pythons[key] = &python{process, err}
	}
	return r.pythons[key].process, r.pythons[key].err
}

// trainingProblem is what trainers in Python learn.
func trainingProblem(im *kernels.Implementation, of loopKey) *pyloops.Problem {
	images, labels := of.set.data()
	p := &pyloops.Problem{
		Type: "float64", Batch: trainingBatch, Rate: trainRate,
		Samples: trainPool, Inputs: trainInputs, Hidden: trainHidden, Classes: trainClasses, Divisor: trainMax,
		Images: images, Labels: labels,
	}
	if of.typ == typeName[float32]() {
		p.Type = "float32"
		p.Start = float64s(new(trainData[float32]).start(kernels.On[float32](im)).net.Params)
	} else {
		p.Start = float64s(new(trainData[float64]).start(kernels.On[float64](im)).net.Params)
	}
	return p
}
