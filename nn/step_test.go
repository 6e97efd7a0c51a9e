package nn

import (
	"context"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
)

// Over a whole epoch the fused step and the layers stay together, within what
// stepTolerance says of each parameter and loss, relative to the largest.
func TestStepperIsTheLayers(t *testing.T) {
	sets := map[string]func() (*dataset.Data, error){
		"digits": func() (*dataset.Data, error) {
			return dataset.Open(context.Background(), "digits", dataset.Options{})
		},
		"mnist": openMNIST,
	}
	for name, open := range sets {
		t.Run(name, func(t *testing.T) {
			if name == "mnist" && os.Getenv("LANEWISE_MNIST") == "" {
				require.Missing(t, "mnist", "set LANEWISE_MNIST to a folder with the four IDX files of MNIST to compare on them as well")
			}
			data, err := open()
			if err != nil {
				t.Fatal(err)
			}
			onEach(t,
				func(t *testing.T, ops kernels.Ops[float32]) { testStepperIsTheLayers(t, ops, data) },
				func(t *testing.T, ops kernels.Ops[float64]) { testStepperIsTheLayers(t, ops, data) })
		})
	}
}

// stepTolerance is by how much the two may differ after an epoch. Rounding
// errors grow with the updates.
func stepTolerance[T kernels.Float]() float64 { return 2000 * epsilon[T]() }

func testStepperIsTheLayers[T kernels.Float](t *testing.T, ops kernels.Ops[T], data *dataset.Data) {
	const batch, rate = 100, 0.1
	steps := data.Train.Len() / batch
	if ops.Implementation().Name() == "portable" {
		steps = min(steps, 30) // the layers take plain Go a minute for an epoch of MNIST
	}
	newNet := func() *TwoLayerNet[T] {
		return NewTwoLayerNet(ops, data.Pixels(), 50, data.Classes, 0.1, nprand.New(5))
	}
	net, fused := newNet(), newNet()
	s := NewStepper(ops, fused)
	rng := nprand.New(6)
	picks, labels, x := make([]int, batch), make([]int, batch), NewTensor[T](batch, data.Pixels())
	first, worst := 0.0, 0.0
	for step := range steps {
		rng.Choice(picks, data.Train.Len())
		for i, pick := range picks {
			labels[i] = int(data.Train.Labels[pick])
			for j := range data.Pixels() {
				x.Data[i*data.Pixels()+j] = T(data.Train.Images[pick*data.Pixels()+j]) / T(data.Max)
			}
		}
		gradient := net.Gradient(x, labels).List()
		want := kernels.CrossEntropy(net.Last.Probabilities().Data, labels, lossFloor, batch, data.Classes)
		for i, p := range net.Params.List() {
			ops.Axpy(-rate, gradient[i].Data, p.Data)
		}

		s.Gather(data.Train.Images, data.Train.Labels, picks, data.Max)
		s.Forward()
		got := s.Loss()
		if step%2 == 0 {
			s.Descend(rate)
		} else {
			s.Backward()
			s.Update(rate)
		}
		if step == 0 {
			first = got
		}
		worst = max(worst, math.Abs(got-want)/want)
		if !(worst <= stepTolerance[T]()) {
			t.Fatalf("step %d: loss %v, the layers' %v", step, got, want)
		}
	}
	for i, p := range net.Params.List() {
		closeTo(t, ParamNames[i], fused.Params.List()[i].Data, wide(p), stepTolerance[T]())
	}
	t.Logf("%d steps: losses differ by at most %.2g of their size", steps, worst)
	if last := s.Loss(); last >= first {
		t.Errorf("loss %v at the start, %v at the end: nothing was learned", first, last)
	}
}

// sampleStepper is a Stepper with a batch of 8 of 10 random samples, one of them twice.
func sampleStepper[T kernels.Float](ops kernels.Ops[T]) *Stepper[T] {
	rng := nprand.New(3)
	net := NewTwoLayerNet(ops, 5, 7, 3, 0.3, rng)
	for i := range net.Params.B1.Data {
		net.Params.B1.Data[i] = T(0.1 * rng.NormFloat64())
	}
	images, labels, pick := make([]uint8, 50), make([]uint8, 10), []int{0}
	for i := range images {
		rng.Choice(pick, 256)
		images[i] = uint8(pick[0])
	}
	for i := range labels {
		rng.Choice(pick, 3)
		labels[i] = uint8(pick[0])
	}
	s := NewStepper(ops, net)
	s.Gather(images, labels, []int{9, 0, 3, 3, 7, 1, 4, 2}, 100)
	return s
}

// batchOf returns the whole batch of s, with the inputs that were left out.
func batchOf[T kernels.Float](s *Stepper[T]) Tensor[T] {
	n, inputs := s.x.x.Shape[0], s.net.Inputs()
	whole := NewTensor[T](n, inputs)
	for i := range n {
		row := s.x.x.Data[i*s.x.width : (i+1)*s.x.width]
		for _, r := range s.x.columns {
			row = row[copy(whole.Data[i*inputs+r.From:i*inputs+r.To], row):]
		}
	}
	return whole
}

func TestStepperGradientCheck(t *testing.T) {
	for _, im := range kernels.Supported() {
		s := sampleStepper(kernels.On[float64](im))
		s.Forward()
		s.Loss()
		numerical := s.net.NumericalGradient(batchOf(s), s.labels).List()
		for i, g := range s.Backward().List() {
			if !slices.Equal(g.Shape, numerical[i].Shape) || norm(g.Data) < 0.01 {
				t.Fatalf("%s, %s: gradient of shape %v and norm %v says nothing", im, ParamNames[i], g.Shape, norm(g.Data))
			}
			closeTo(t, im.Name()+" "+ParamNames[i], g.Data, numerical[i].Data, 1e-6)
		}
	}
}

// What a Stepper shows of a batch is what the layers compute, for batches that grow and shrink.
func TestStepperShows(t *testing.T) { onEach(t, testStepperShows[float32], testStepperShows[float64]) }

func testStepperShows[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data := blobs(50, 1).Train
	net := NewTwoLayerNet(ops, 16, 9, 4, 0.5, nprand.New(8))
	s := NewStepper(ops, net)
	for _, picks := range [][]int{{3}, {49, 0, 7, 7, 12}, {1, 2}} {
		s.Gather(data.Images, data.Labels, picks, 240)
		s.Forward()
		for i, pick := range picks {
			if s.Labels()[i] != int(data.Labels[pick]) {
				t.Errorf("label of sample %d = %d, want %d", pick, s.Labels()[i], data.Labels[pick])
			}
			for j, got := range batchOf(s).Data[i*16 : (i+1)*16] {
				if want := T(data.Images[pick*16+j]) / 240; got != want {
					t.Errorf("pixel %d of sample %d = %v, want %v", j, pick, got, want)
				}
			}
		}
		logits := net.Predict(batchOf(s))
		closeTo(t, "hidden", s.Hidden().Data, wide(net.ReLU1.out), 100*epsilon[T]())
		closeTo(t, "logits", s.Logits().Data, wide(logits), 100*epsilon[T]())
		if !slices.Equal(s.Logits().Shape, logits.Shape) || !slices.Equal(s.Hidden().Shape, net.ReLU1.out.Shape) {
			t.Errorf("shapes %v and %v", s.Hidden().Shape, s.Logits().Shape)
		}
		closeTo(t, "loss", []float64{s.Loss()}, []float64{net.Loss(batchOf(s), s.Labels())}, 100*epsilon[T]())
	}
}

func TestStepperRefuses(t *testing.T) {
	s := sampleStepper(kernels.On[float32](kernels.Default()))
	mustPanic(t, func() { s.Gather(make([]uint8, 9), make([]uint8, 2), []int{0}, 1) }, "len(images) = 9, want 10, 5 for each of 2 labels")
	mustPanic(t, func() { s.Gather(make([]uint8, 10), []uint8{0, 3}, []int{0, 1}, 1) }, "labels[1] = 3, want 0..2")
	mustPanic(t, func() { s.Gather(make([]uint8, 10), make([]uint8, 2), []int{2}, 1) }, "rows[0] = 2, want 0..1")
	mustPanic(t, func() { s.Gather(make([]uint8, 10), make([]uint8, 2), []int{0}, 0) }, "divisor = 0")
	mustPanic(t, func() { s.Fetch(make([]uint8, 10), []int{2}) }, "rows[0] = 2, want 0..1")
}

// Descend is Backward and Update: in the same bits for small batches, up to rounding for large ones.
func TestStepperDescends(t *testing.T) {
	onEach(t, testStepperDescends[float32], testStepperDescends[float64])
}

func testStepperDescends[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data := blobs(1000, 1).Train
	for _, batch := range []int{1, 10, 100, 1000} {
		stored, direct := NewTwoLayerNet(ops, 16, 50, 4, 0.5, nprand.New(8)), NewTwoLayerNet(ops, 16, 50, 4, 0.5, nprand.New(8))
		picks := make([]int, batch)
		nprand.New(9).Choice(picks, 1000)
		for _, net := range []*TwoLayerNet[T]{stored, direct} {
			s := NewStepper(ops, net)
			for range 2 {
				s.Gather(data.Images, data.Labels, picks, 240)
				s.Forward()
				s.Loss()
				if net == direct {
					s.Descend(0.1)
				} else {
					s.Backward()
					s.Update(0.1)
				}
			}
		}
		for i, p := range stored.Params.List() {
			got := direct.Params.List()[i]
			if batch <= 100 && !sameBits(got.Data, p.Data) {
				t.Errorf("%s differs at batch size %d", ParamNames[i], batch)
			}
			closeTo(t, ParamNames[i], got.Data, wide(p), 100*epsilon[T]())
		}
	}
}

func wide[T kernels.Float](x Tensor[T]) []float64 {
	y := make([]float64, len(x.Data))
	for i, v := range x.Data {
		y[i] = float64(v)
	}
	return y
}

// The number of threads changes no bit of a step whose products are large enough to be shared.
func TestStepperThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	onEach(t, testStepperThreads[float32], testStepperThreads[float64])
}

func testStepperThreads[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	images, labels, picks := make([]uint8, 40*784), make([]uint8, 40), make([]int, 300)
	rng := nprand.New(9)
	for i := range images {
		images[i] = uint8(i * i % 251)
	}
	for i := range labels {
		labels[i] = uint8(i % 10)
	}
	rng.Choice(picks, 40)
	var want Params[T]
	for threads := range 4 {
		net := NewTwoLayerNet(ops, 784, 50, 10, 0.05, nprand.New(1))
		s := NewStepper(ops.Threads(threads), net)
		for range 2*trialRun + 2 { // on one thread and on all, both within a run
			s.Gather(images, labels, picks, 255)
			s.Forward()
			s.Loss()
			s.Backward()
			s.Update(0.1)
		}
		if threads == 0 {
			want = net.Params
		}
		for i, p := range net.Params.List() {
			if !sameBits(p.Data, want.List()[i].Data) {
				t.Errorf("%s: a cap of %d threads gives other bits than none", ParamNames[i], threads)
			}
		}
	}
}

// The bytes of a Stepper are those of its arrays, counted by hand, at the largest batch so far.
func TestStepperBytes(t *testing.T) {
	const inputs, hidden, classes, batch = 3, 4, 2, 8
	const params = inputs*hidden + hidden + hidden*classes + classes
	ops := kernels.On[float32](kernels.Default())
	s := NewStepper(ops, NewTwoLayerNet(ops, inputs, hidden, classes, 0.1, nprand.New(1)))
	if got, want := s.Bytes(), (2*params+inputs*hidden)*4; got != want {
		t.Errorf("%d bytes before there is a batch, want %d", got, want)
	}
	images, labels := make([]uint8, batch*inputs), make([]uint8, batch)
	step := func(picks ...int) {
		s.Gather(images, labels, picks, 255)
		s.Forward()
		s.Loss()
		s.Descend(0.1)
	}
	step(0, 1, 2, 3, 4, 5, 6, 7)
	label := int(unsafe.Sizeof(s.labels[0]))
	want := (2*params+inputs*hidden+batch*(inputs+2*hidden+2*classes))*4 + cap(s.labels)*label
	if got := s.Bytes(); got != want || cap(s.labels) < batch {
		t.Errorf("%d bytes with a batch of %d, want %d", got, batch, want)
	}
	step(0)
	if got := s.Bytes(); got != want {
		t.Errorf("%d bytes after a smaller batch, want %d", got, want)
	}
}
