package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

// framed are pictures of 28x28 pixels with a black frame, as wide as those of MNIST have
// it, in which no pixel is 0, and their labels.
func framed(n int) (images, labels []uint8) {
	images, labels = make([]uint8, n*784), make([]uint8, n)
	for i := range labels {
		labels[i] = uint8(i * i % 10)
		for y := 4; y < 24; y++ {
			for x := 4; x < 24; x++ {
				images[i*784+y*28+x] = uint8(1 + (i+1)*(y*y+x)%255)
			}
		}
	}
	return images, labels
}

func firstOf(n int) []int {
	picks := make([]int, n)
	for i := range picks {
		picks[i] = i
	}
	return picks
}

// A step that leaves out inputs is the step of the layers, and touches no weight of theirs.
func TestLeavingOutInputsIsTheLayers(t *testing.T) {
	onEach(t, testLeavingOutInputs[float32], testLeavingOutInputs[float64])
}

func testLeavingOutInputs[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	images, labels := framed(120)
	for _, batch := range []int{10, 100, 120, 10} {
		layers := NewTwoLayerNet(ops, 784, 50, 10, 0.05, nprand.New(3))
		stored, direct := NewTwoLayerNet(ops, 784, 50, 10, 0.05, nprand.New(3)), NewTwoLayerNet(ops, 784, 50, 10, 0.05, nprand.New(3))
		s, d := NewStepper(ops, stored), NewStepper(ops, direct)
		for range 3 {
			for _, s := range []*Stepper[T]{s, d} {
				s.Gather(images, labels, firstOf(batch), 255)
				if left := 784 - s.x.width; left < 784/4 {
					t.Fatalf("batch of %d: %d inputs are left out", batch, left)
				}
				s.Forward()
				s.Loss()
			}
			gradient := layers.Gradient(batchOf(s), s.Labels()).List()
			for i, g := range s.Backward().List() {
				closeTo(t, "gradient of "+ParamNames[i], g.Data, wide(gradient[i]), stepTolerance[T]())
			}
			s.Update(0.1)
			d.Descend(0.1)
			for i, p := range layers.Params.List() {
				ops.Axpy(-0.1, gradient[i].Data, p.Data)
			}
		}
		start := NewTwoLayerNet(ops, 784, 50, 10, 0.05, nprand.New(3)).Params.W1.Data
		for i, p := range layers.Params.List() {
			closeTo(t, ParamNames[i], direct.Params.List()[i].Data, wide(p), stepTolerance[T]())
			if batch <= 100 && !sameBits(stored.Params.List()[i].Data, direct.Params.List()[i].Data) {
				t.Errorf("batch of %d: %s differs between Descend and Backward", batch, ParamNames[i])
			}
		}
		for _, at := range []int{0, 3*28*50 + 700, 783*50 + 49} {
			if direct.Params.W1.Data[at] != start[at] {
				t.Errorf("batch of %d: weight %d, of a pixel that is 0, was changed", batch, at)
			}
		}
	}
}

// Inputs are left out where that is worth it: not in a small batch that has most of them.
func TestWhichInputsAreLeftOut(t *testing.T) {
	ops := kernels.On[float32](kernels.Default())
	s := NewStepper(ops, NewTwoLayerNet(ops, 784, 5, 10, 0.1, nprand.New(1)))
	images, labels := framed(100)
	full := make([]uint8, len(images))
	for i := range full {
		full[i] = 1
	}
	const inUse = 20 * 20
	for _, c := range []struct {
		images      []uint8
		batch, want int
	}{
		{full, 100, 784}, {full, 1, 784}, {images, 100, inUse}, {images, 10, inUse}, {images, 1, 784},
		{make([]uint8, len(images)), 100, 0}, {make([]uint8, len(images)), 1, 0},
		{partly(588), 10, 784}, {partly(522), 10, 522}, {partly(523), 10, 784}, // 784*18/27 = 522.67
	} {
		s.Gather(c.images, labels, firstOf(c.batch), 255)
		if s.x.width != c.want {
			t.Errorf("batch of %d: %d inputs take part, want %d", c.batch, s.x.width, c.want)
		}
	}
}

// partly are pictures of which so many pixels at the beginning are not 0.
func partly(pixels int) []uint8 {
	images := make([]uint8, 100*784)
	for i := range images {
		if i%784 < pixels {
			images[i] = 1
		}
	}
	return images
}

// A Stepper can be told to use all inputs, and a net of few always does.
func TestAllInputs(t *testing.T) {
	ops := kernels.On[float32](kernels.Default())
	images, labels := framed(100)
	s := NewStepper(ops, NewTwoLayerNet(ops, 784, 5, 10, 0.1, nprand.New(1)))
	for _, skip := range []bool{false, true} {
		s.SkipZeros(skip)
		s.Gather(images, labels, firstOf(100), 255)
		if got := s.x.width < 784; got != skip {
			t.Errorf("SkipZeros(%v): %d inputs take part", skip, s.x.width)
		}
	}
	few := NewStepper(ops, NewTwoLayerNet(ops, 64, 5, 10, 0.1, nprand.New(1)))
	if few.Gather(make([]uint8, 64*100), labels, firstOf(100), 16); few.x.width != 64 {
		t.Errorf("%d of 64 inputs take part", few.x.width)
	}
	for _, p := range Presets() {
		tr := newTestTrainer(t, ops, p.Config, blobs(100, 40))
		if tr.stepper.x.whole == (p.Name == "best") {
			t.Errorf("preset %s: all inputs is %v", p.Name, tr.stepper.x.whole)
		}
	}
}

// Where all pixels are 0, only the biases learn. Weights that are not finite do not
// matter, as nothing is multiplied with them.
func TestNoInputs(t *testing.T) { onEach(t, testNoInputs[float32], testNoInputs[float64]) }

func testNoInputs[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	net := NewTwoLayerNet(ops, 784, 50, 10, 0.1, nprand.New(1))
	for i := range net.Params.B1.Data {
		net.Params.B1.Data[i] = 1
	}
	s := NewStepper(ops, net)
	s.Gather(make([]uint8, 784*2), []uint8{3, 3}, []int{0, 1}, 255)
	s.Forward()
	first := s.Loss()
	closeTo(t, "loss", []float64{first}, []float64{net.Loss(batchOf(s), s.Labels())}, 100*epsilon[T]())
	net.Params.W1.Data[0] = T(math.NaN())
	before := slices.Clone(net.Params.W1.Data[1:])
	for range 5 {
		s.Forward()
		s.Loss()
		s.Descend(0.1)
	}
	s.Forward()
	if last := s.Loss(); !(last < first) {
		t.Errorf("loss %v at first, %v in the end", first, last)
	}
	if !sameBits(net.Params.W1.Data[1:], before) {
		t.Error("weights of pixels that are 0 were changed")
	}
}
