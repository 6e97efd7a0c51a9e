package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

// sampleNet is a net of 5 inputs, 7 hidden units and 3 classes, with a batch of
// 6 samples. Its weights are small enough for all probabilities to be near a
// third: of small ones the 1e-7 in the loss, which backpropagation leaves out, would show.
func sampleNet[T kernels.Float](ops kernels.Ops[T]) (net *TwoLayerNet[T], x Tensor[T], labels []int) {
	rng := nprand.New(3)
	net = NewTwoLayerNet(ops, 5, 7, 3, 0.3, rng)
	for i := range net.Params.B1.Data {
		net.Params.B1.Data[i] = T(0.1 * rng.NormFloat64())
	}
	x = NewTensor[T](6, 5)
	for i := range x.Data {
		x.Data[i] = T(rng.NormFloat64())
	}
	labels = make([]int, 6)
	rng.Choice(labels, 3)
	return net, x, labels
}

func TestGradientCheck(t *testing.T) {
	for _, im := range kernels.Supported() {
		net, x, labels := sampleNet(kernels.On[float64](im))
		numerical := net.NumericalGradient(x, labels).List()
		for i, g := range net.Gradient(x, labels).List() {
			if !slices.Equal(g.Shape, numerical[i].Shape) || norm(g.Data) < 0.01 {
				t.Fatalf("%s, %s: gradient of shape %v and norm %v says nothing", im, ParamNames[i], g.Shape, norm(g.Data))
			}
			closeTo(t, im.Name()+" "+ParamNames[i], g.Data, numerical[i].Data, 1e-6)
		}
	}
}

// The float32 gradient is that of float64 up to rounding.
func TestGradientFloat32(t *testing.T) {
	for _, im := range kernels.Supported() {
		wide, x64, labels := sampleNet(kernels.On[float64](im))
		narrow, x32, _ := sampleNet(kernels.On[float32](im))
		want := wide.Gradient(x64, labels).List()
		for i, g := range narrow.Gradient(x32, labels).List() {
			closeTo(t, im.Name()+" "+ParamNames[i], g.Data, want[i].Data, 1e-5)
		}
	}
}

// Updating the net's parameters updates its layers, because they are the same
// numbers; a layer given copies is left behind.
func TestParamsAreTheLayers(t *testing.T) {
	onEach(t, testParamsAreTheLayers[float32], testParamsAreTheLayers[float64])
}

func testParamsAreTheLayers[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	net, x, _ := sampleNet(ops)
	p := net.Params
	copied := NewAffine(ops, TensorOf(slices.Clone(p.W1.Data), p.W1.Shape...), TensorOf(slices.Clone(p.B1.Data), p.B1.Shape...))
	before := slices.Clone(net.Predict(x).Data)
	for i, pair := range [][2][]T{{p.W1.Data, net.Affine1.W.Data}, {p.B1.Data, net.Affine1.B.Data}, {p.W2.Data, net.Affine2.W.Data}, {p.B2.Data, net.Affine2.B.Data}} {
		pair[0][0] += 0.5
		if pair[0][0] != pair[1][0] {
			t.Errorf("%s: the parameter is %v, the layer's %v", ParamNames[i], pair[0][0], pair[1][0])
		}
	}
	if slices.Equal(net.Predict(x).Data, before) {
		t.Error("the updated parameters do not show in what the net predicts")
	}
	updated := slices.Clone(net.Affine1.Forward(x).Data)
	if slices.Equal(copied.Forward(x).Data, updated) {
		t.Error("a layer of copied parameters was updated too")
	}
}

func TestNetByHand(t *testing.T) { onEach(t, testNetByHand[float32], testNetByHand[float64]) }

func testNetByHand[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	net := NewTwoLayerNet(ops, 2, 2, 2, 0, nprand.New(0))
	copy(net.Params.W1.Data, []T{1, -1, 2, 1})
	copy(net.Params.B1.Data, []T{0.5, 0})
	copy(net.Params.W2.Data, []T{1, 0, 2, 1})
	copy(net.Params.B2.Data, []T{0, 3})
	// Hidden: (1+2+0.5, -1+1) -> (3.5, 0); (-1-2+0.5, 1-1) -> (0, 0); (4+0.5, 2) -> (4.5, 2).
	x := TensorOf([]T{1, 1, -1, -1, 0, 2}, 3, 2)
	logits := net.Predict(x)
	if want := []T{3.5, 3, 0, 3, 4.5 + 2*2, 2 + 3}; !slices.Equal(logits.Data, want) {
		t.Errorf("Predict = %v, want %v", logits.Data, want)
	}
	for _, c := range []struct {
		labels []int
		want   float64
	}{{[]int{0, 1, 0}, 1}, {[]int{0, 0, 0}, 2. / 3}, {[]int{1, 0, 1}, 0}} {
		if got := net.Accuracy(x, c.labels); got != c.want {
			t.Errorf("Accuracy(%v) = %v, want %v", c.labels, got, c.want)
		}
	}
	oneHot := TensorOf([]T{1, 0, 0, 1, 1, 0}, 3, 2)
	if got := net.Accuracy(x, FromOneHot(nil, oneHot)); got != 1 {
		t.Errorf("Accuracy of one-hot labels = %v, want 1", got)
	}
	want := (math.Log1p(math.Exp(-0.5)) + math.Log1p(math.Exp(-3)) + math.Log1p(math.Exp(-3.5))) / 3
	closeTo(t, "Loss", []float64{net.Loss(x, []int{0, 1, 0})}, []float64{want}, 1e-6)
}

// Weights come from the random stream in float64, W1 before W2, and are the
// same in both types but for rounding.
func TestNewTwoLayerNetDraws(t *testing.T) {
	im := kernels.Default()
	n32 := NewTwoLayerNet(kernels.On[float32](im), 5, 4, 3, 0.01, nprand.New(42))
	n64 := NewTwoLayerNet(kernels.On[float64](im), 5, 4, 3, 0.01, nprand.New(42))
	rng := nprand.New(42)
	for i, w := range n64.Params.List() {
		for j, v := range w.Data {
			want := 0.0
			if w32 := n32.Params.List()[i]; len(w.Shape) == 2 {
				want = 0.01 * rng.NormFloat64()
				if w32.Data[j] != float32(want) {
					t.Fatalf("%s[%d] = %v in float32, want %v", ParamNames[i], j, w32.Data[j], float32(want))
				}
			}
			if v != want {
				t.Fatalf("%s[%d] = %v, want %v", ParamNames[i], j, v, want)
			}
		}
	}
	mustPanic(t, func() { NewTwoLayerNet(kernels.On[float32](im), 5, 0, 3, 1, rng) }, "hidden = 0, want >= 1")
	mustPanic(t, func() { n32.Accuracy(NewTensor[float32](2, 5), []int{1}) }, "len(labels) = 1, want 2")
}
