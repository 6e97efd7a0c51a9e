package bench

import (
	"fmt"
	"math/rand/v2"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/nprand"
)

// The net that is trained, on a trainSet.
const (
	trainInputs  = trainSide * trainSide
	trainHidden  = 50
	trainClasses = 10
	trainRate    = 0.05
)

// trainBatches are the batch sizes measured; phaseBatch is the one whose phases the
// quick suite measures one by one.
var trainBatches = []int{1, 10, 100, 1000}

const phaseBatch = 100

// Products of a step with the weights of either layer: both forward, both weight
// gradients, and the gradient of the hidden layer.
const trainProducts1, trainProducts2 = 2, 3

func (cs contenders[T]) trainGroup(set *trainSet, batch int) *Group {
	g := cs.trainingGroup("TrainStep", "", set, batch, trainProducts1, trainProducts2, (*trainRun[T]).step)
	g.long = set == trainNoise && batch != phaseBatch
	return g
}

// trainPhase is a part of a step, which can be repeated on the same batch. Backward
// and Update are what Descend, which a step calls, does with a gradient that is stored.
type trainPhase[T kernels.Float] struct {
	name                 string
	products1, products2 float64 // with the weights of either layer
	run                  func(t *trainRun[T])
}

func trainPhases[T kernels.Float]() []trainPhase[T] {
	return []trainPhase[T]{
		{"gather", 0, 0, (*trainRun[T]).gather},
		{"forward", 1, 1, func(t *trainRun[T]) { t.stepper.Forward() }},
		{"loss", 0, 0, func(t *trainRun[T]) { t.stepper.Loss() }},
		{"backward", 1, 2, func(t *trainRun[T]) { t.stepper.Backward() }},
		{"update", 0, 0, func(t *trainRun[T]) {
			t.stepper.Update(t.rate)
			t.rate = -t.rate // and back again, or the parameters would grow for ever
		}},
	}
}

func (cs contenders[T]) phaseGroups(batch int) []*Group {
	var groups []*Group
	for _, p := range trainPhases[T]() {
		g := cs.trainingGroup("TrainPhase", "/phase="+p.name, trainDigits, batch, p.products1, p.products2, p.run)
		g.long = batch != phaseBatch
		groups = append(groups, g)
	}
	return groups
}

// trainingGroup makes a group for something done to a net and its batch.
func (cs contenders[T]) trainingGroup(family, suffix string, set *trainSet, batch int, products1, products2 float64, run func(*trainRun[T])) *Group {
	g := &Group{
		Family: family,
		Params: fmt.Sprintf("type=%s/batch=%d/data=%s%s", typeName[T](), batch, set.name, suffix),
		Work:   Work{Samples: float64(batch)},
	}
	if products2 > 0 {
		g.Work.FLOP = set.flop(batch, products1, products2) * float64(batch)
	}
	for i, ops := range cs.ops {
		c := Contender{
			Impl: ops.Implementation().Name(),
			bind: func(operands any) task { return operands.(*trainData[T]).bind(ops, run) },
		}
		if products2 > 0 {
			c.peak = cs.peaks[i]
		}
		g.Contenders = append(g.Contenders, c)
	}
	g.operands = func(round int) any { return newTrainData[T](operandSource(g, round), set, batch) }
	return g
}

// trainData is an endless order to draw samples in.
type trainData[T kernels.Float] struct {
	set   *trainSet
	batch int
	order []int // whole batches
}

func newTrainData[T kernels.Float](rng *rand.Rand, set *trainSet, batch int) *trainData[T] {
	set.data()
	d := &trainData[T]{set: set, batch: batch, order: make([]int, max(10, 10000/batch)*batch)}
	for i := range d.order {
		d.order[i] = rng.IntN(trainPool)
	}
	return d
}

// A trainRun is a net at some point of its training, with a batch that it has seen.
type trainRun[T kernels.Float] struct {
	data    *trainData[T]
	net     *nn.TwoLayerNet[T]
	stepper *nn.Stepper[T]
	rate    T
	picks   []int // the batch, a part of data.order
	next    int   // where the next one begins there
}

// start returns an untrained net on ops. Nets of one type start alike on all of them.
func (d *trainData[T]) start(ops kernels.Ops[T]) *trainRun[T] {
	net := nn.NewTwoLayerNet(ops, trainInputs, trainHidden, trainClasses, 0.01, nprand.New(seed))
	return &trainRun[T]{data: d, net: net, stepper: nn.NewStepper(ops, net), rate: trainRate}
}

// batch returns the next batch.
func (t *trainRun[T]) batch() []int { return t.data.order[t.next : t.next+t.data.batch] }

// gather takes the next batch.
func (t *trainRun[T]) gather() {
	images, labels := t.data.set.data()
	t.picks = t.batch()
	t.next = (t.next + t.data.batch) % len(t.data.order)
	t.stepper.Gather(images, labels, t.picks, trainMax)
}

// step takes the next batch, and goes down the gradient of its loss.
func (t *trainRun[T]) step() {
	t.gather()
	t.descend(t.batch())
}

// stepOn is step on a batch that somebody else has drawn, who may know the next one, too.
func (t *trainRun[T]) stepOn(picks, next []int) {
	images, labels := t.data.set.data()
	t.stepper.Gather(images, labels, picks, trainMax)
	t.descend(next)
}

func (t *trainRun[T]) descend(next []int) {
	images, _ := t.data.set.data()
	t.stepper.Forward()
	t.stepper.Loss()
	t.stepper.Fetch(images, next)
	t.stepper.Descend(t.rate)
}

// stepByPhase is step, phase by phase.
func (t *trainRun[T]) stepByPhase() {
	for _, p := range trainPhases[T]() {
		p.run(t)
	}
	t.rate = trainRate
}

func (d *trainData[T]) bind(ops kernels.Ops[T], run func(*trainRun[T])) task {
	t := d.start(ops)
	t.stepByPhase()
	return task{
		run: func(n int) {
			for range n {
				run(t)
			}
		},
		check:  func() error { return d.verify(ops) },
		memory: t.stepper.Bytes(),
	}
}

// verify takes two steps, one after the phases and one as a whole, the latter with what the
// former has left in the buffers, and compares each with a step in float64 and plain loops.
func (d *trainData[T]) verify(ops kernels.Ops[T]) error {
	t := d.start(ops)
	for step, take := range []func(){t.stepByPhase, t.step} {
		before := float64s(t.net.Params)
		take()
		if err := compareStep[T](d.set, t.picks, before, float64s(t.net.Params)); err != nil {
			return fmt.Errorf("step %d: %w", step+1, err)
		}
	}
	return nil
}

// compareStep compares the parameters after a step on the samples that picks lists with
// those of the reference. It changes before.
func compareStep[T kernels.Float](set *trainSet, picks []int, before, after [4][]float64) error {
	tolerance := 1e-12
	if isFloat32[T]() {
		tolerance = 1e-4
	}
	images, labels := set.data()
	x, classes := make([]T, len(picks)*trainInputs), make([]int, len(picks))
	for i, pick := range picks {
		classes[i] = int(labels[pick])
		for j, v := range images[pick*trainInputs : (pick+1)*trainInputs] {
			x[i*trainInputs+j] = T(v) / trainMax
		}
	}
	reference := &plainNet{params: before}
	step64(reference, x, classes)
	return compare[T](reference, after, tolerance)
}

// float64s returns parameters in float64.
func float64s[T kernels.Float](p nn.Params[T]) (params [4][]float64) {
	for i, t := range p.List() {
		params[i] = converted[float64](t.Data)
	}
	return params
}

// converted returns the numbers of from in another type.
func converted[To, From kernels.Float](from []From) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = To(v)
	}
	return to
}
