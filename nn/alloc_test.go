//go:build !race

// The race detector makes sync.Pool, which the kernels keep their buffers in, forget at
// random, so that this file is left out under it.

package nn

import (
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

func TestGradientAllocatesNothing(t *testing.T) {
	onEach(t, testGradientAllocatesNothing[float32], testGradientAllocatesNothing[float64])
}

func testGradientAllocatesNothing[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	net, x, labels := sampleNet(ops)
	deep, firstRows := TensorOf(x.Data, 6, 1, 5), TensorOf(x.Data[:15], 3, 5)
	if n := testing.AllocsPerRun(20, func() {
		net.Gradient(deep, labels)
		net.Affine1.Backward(net.ReLU1.dx)
		net.Accuracy(x, labels)
		net.Loss(firstRows, labels[:3])
	}); n != 0 {
		t.Errorf("%v allocations per step", n)
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	onEach(t, testStepAllocatesNothing[float32], testStepAllocatesNothing[float64])
}

func testStepAllocatesNothing[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	cfg := blobsConfig()
	cfg.Iterations = 1000
	tr := newTestTrainer(t, ops, cfg, blobs(100, 40))
	tr.history.Loss = slices.Grow(tr.history.Loss, cfg.Iterations)
	for range startIterations + 1 { // the first steps are measured, which takes some memory
		tr.step()
	}
	if n := testing.AllocsPerRun(50, tr.step); n != 0 {
		t.Errorf("%v allocations per step", n)
	}
}

func TestStepperAllocatesNothing(t *testing.T) {
	onEach(t, testStepperAllocatesNothing[float32], testStepperAllocatesNothing[float64])
}

func testStepperAllocatesNothing[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data := blobs(50, 1).Train
	s := NewStepper(ops, NewTwoLayerNet(ops, 16, 9, 4, 0.5, nprand.New(8)))
	many, few := []int{49, 0, 7, 7, 12}, []int{1}
	if n := testing.AllocsPerRun(20, func() {
		for _, picks := range [][]int{many, few} {
			s.Gather(data.Images, data.Labels, picks, 240)
			s.Forward()
			s.Loss()
			s.Backward()
			s.Update(0.1)
			s.Descend(0.1)
		}
	}); n != 0 {
		t.Errorf("%v allocations per step", n)
	}
}

// Batches of one size with ever more inputs in use.
func TestWiderBatchesAllocateNothing(t *testing.T) {
	onEach(t, testWiderBatches[float32], testWiderBatches[float64])
}

func testWiderBatches[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	const samples = 28
	images, labels := make([]uint8, samples*784), make([]uint8, samples)
	for i := range samples {
		for j := range (i + 1) * 28 {
			images[i*784+j] = uint8(j % 3) // and many ranges of them
		}
	}
	s := NewStepper(ops, NewTwoLayerNet(ops, 784, 9, 4, 0.5, nprand.New(8)))
	picks := make([]int, 10)
	step := func() {
		s.Gather(images, labels, picks, 255)
		s.Forward()
		s.Loss()
		s.Descend(0.1)
		for i := range picks {
			picks[i]++
		}
	}
	room := cap(s.x.columns)
	if n := testing.AllocsPerRun(samples-1, step); n != 0 {
		t.Errorf("%v allocations per step", n)
	}
	if cap(s.x.columns) != room { // which is less than one allocation per step
		t.Errorf("there was room for %d ranges, and now is for %d", room, cap(s.x.columns))
	}
}
