package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/nprand"
)

// The net that is trained, and the random data that it learns: shaped like MNIST, so
// that the benchmark needs no files.
const (
	trainInputs  = 784
	trainHidden  = 50
	trainClasses = 10
	trainPool    = 2000 // samples that batches are drawn from
	trainRate    = 0.05
)

// trainBatches are the batch sizes measured.
var trainBatches = []int{100}

// trainFLOP is the work of a step on one sample: both products forward, both weight
// gradients, and the gradient of the hidden layer.
const trainFLOP = 2*2*trainInputs*trainHidden + 3*2*trainHidden*trainClasses

func (cs contenders[T]) trainGroup(batch int) *Group {
	g := &Group{
		Family: "TrainStep",
		Params: fmt.Sprintf("type=%s/batch=%d", typeName[T](), batch),
		Work:   Work{FLOP: trainFLOP * float64(batch), Samples: float64(batch)},
	}
	for i, ops := range cs.ops {
		g.Contenders = append(g.Contenders, Contender{
			Impl: ops.Implementation().Name(), peak: cs.peaks[i],
			bind: func(operands any) task { return operands.(*trainData[T]).bind(ops) },
		})
	}
	g.operands = func(round int) any { return newTrainData[T](operandSource(g, round), batch) }
	return g
}

// trainData is a pool of labelled samples and an endless order to draw them in.
type trainData[T kernels.Float] struct {
	batch  int
	pixels []T
	labels []int
	order  []int
}

// newTrainData draws noisy pictures of ten prototypes. One label in ten is wrong, so
// that the gradients stay as large as those of real data for as long as it trains.
func newTrainData[T kernels.Float](rng *rand.Rand, batch int) *trainData[T] {
	prototypes := normals[float64](rng, trainClasses*trainInputs)
	d := &trainData[T]{batch: batch, pixels: make([]T, trainPool*trainInputs), labels: make([]int, trainPool)}
	for i := range d.labels {
		class := rng.IntN(trainClasses)
		d.labels[i] = class
		if rng.IntN(10) == 0 {
			d.labels[i] = rng.IntN(trainClasses)
		}
		for j := range trainInputs {
			// About 0.13 on average, as the pixels of MNIST between 0 and 1.
			v := 0.1*prototypes[class*trainInputs+j] + 0.1*rng.NormFloat64()
			d.pixels[i*trainInputs+j] = T(math.Abs(v) + 1e-3)
		}
	}
	for range 100 * batch {
		d.order = append(d.order, rng.IntN(trainPool))
	}
	return d
}

// A trainRun is a net at some point of its training.
type trainRun[T kernels.Float] struct {
	data   *trainData[T]
	ops    kernels.Ops[T]
	net    *nn.TwoLayerNet[T]
	x      nn.Tensor[T]
	labels []int
	next   int // position in data.order
}

// start returns an untrained net on ops. Nets of one type start alike on all of them.
func (d *trainData[T]) start(ops kernels.Ops[T]) *trainRun[T] {
	return &trainRun[T]{
		data: d, ops: ops,
		net:    nn.NewTwoLayerNet(ops, trainInputs, trainHidden, trainClasses, 0.01, nprand.New(seed)),
		x:      nn.NewTensor[T](d.batch, trainInputs),
		labels: make([]int, d.batch),
	}
}

// step gathers a batch, computes the gradient and updates the parameters.
func (t *trainRun[T]) step() {
	d := t.data
	for row := range d.batch {
		sample := d.order[t.next]
		t.next = (t.next + 1) % len(d.order)
		copy(t.x.Data[row*trainInputs:(row+1)*trainInputs], d.pixels[sample*trainInputs:])
		t.labels[row] = d.labels[sample]
	}
	grads := t.net.Gradient(t.x, t.labels).List()
	for i, p := range t.net.Params.List() {
		t.ops.Axpy(-trainRate, grads[i].Data, p.Data)
	}
}

func (d *trainData[T]) bind(ops kernels.Ops[T]) task {
	t := d.start(ops)
	return task{
		run: func(n int) {
			for range n {
				t.step()
			}
		},
		check: func() error { return d.verify(ops) },
	}
}

// verify takes two steps, the second with what the first has left in the buffers, and
// compares the parameters with those of steps in float64 and plain loops.
func (d *trainData[T]) verify(ops kernels.Ops[T]) error {
	t := d.start(ops)
	want := newPlainNet(t.net.Params)
	tolerance := 1e-12
	if isFloat32[T]() {
		tolerance = 1e-4
	}
	for step := range 2 {
		t.step()
		step64(want, t.x.Data, t.labels)
		for i, p := range t.net.Params.List() {
			if err := closeTo(p.Data, want.params[i], want.before[i], tolerance); err != nil {
				return fmt.Errorf("%s after step %d: %w", nn.ParamNames[i], step+1, err)
			}
		}
	}
	return nil
}
