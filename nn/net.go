package nn

import (
	"math"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

// Params are the four arrays of a two-layer net, or their gradients: W1
// (inputs x hidden), B1 (hidden), W2 (hidden x classes), B2 (classes).
type Params[T kernels.Float] struct {
	W1, B1, W2, B2 Tensor[T]
}

// ParamNames are the names of the parameters in the order of [Params.List], as
// the notebook and the files call them.
var ParamNames = [4]string{"W1", "b1", "W2", "b2"}

// List returns the parameters in the order of [ParamNames].
func (p Params[T]) List() [4]Tensor[T] { return [4]Tensor[T]{p.W1, p.B1, p.W2, p.B2} }

// zeros returns new parameters of the same shapes.
func (p Params[T]) zeros() Params[T] {
	return Params[T]{
		W1: NewTensor[T](p.W1.Shape...), B1: NewTensor[T](p.B1.Shape...),
		W2: NewTensor[T](p.W2.Shape...), B2: NewTensor[T](p.B2.Shape...),
	}
}

// set copies the elements of from, which has the same shapes.
func (p Params[T]) set(from Params[T]) {
	source := from.List()
	for i, w := range p.List() {
		copy(w.Data, source[i].Data)
	}
}

// TwoLayerNet is the classifier Affine, ReLU, Affine, softmax with
// cross-entropy. It is not safe for concurrent use: the layers keep what
// Backward needs.
type TwoLayerNet[T kernels.Float] struct {
	// Params share their elements with the layers: an update in place of one is an
	// update of the other.
	Params Params[T]

	Affine1 *Affine[T]
	ReLU1   *ReLU[T]
	Affine2 *Affine[T]
	Last    *SoftmaxWithLoss[T]
}

// NewTwoLayerNet returns a net whose weights are std times standard normal
// numbers, W1 drawn before W2 from rng in float64, and whose biases are 0. It
// panics if a size is < 1.
func NewTwoLayerNet[T kernels.Float](ops kernels.Ops[T], inputs, hidden, classes int, std float64, rng *nprand.RandomState) *TwoLayerNet[T] {
	return newRandomNet(ops, inputs, hidden, classes, std, std, rng)
}

// newHeNet is [NewTwoLayerNet] with the deviations of [InitHe].
func newHeNet[T kernels.Float](ops kernels.Ops[T], inputs, hidden, classes int, rng *nprand.RandomState) *TwoLayerNet[T] {
	return newRandomNet(ops, inputs, hidden, classes, math.Sqrt(2/float64(inputs)), math.Sqrt(2/float64(hidden)), rng)
}

func newRandomNet[T kernels.Float](ops kernels.Ops[T], inputs, hidden, classes int, std1, std2 float64, rng *nprand.RandomState) *TwoLayerNet[T] {
	for _, size := range []struct {
		name  string
		value int
	}{{"inputs", inputs}, {"hidden", hidden}, {"classes", classes}} {
		if size.value < 1 {
			panicf("NewTwoLayerNet: %s = %d, want >= 1", size.name, size.value)
		}
	}
	p := Params[T]{
		W1: NewTensor[T](inputs, hidden), B1: NewTensor[T](hidden),
		W2: NewTensor[T](hidden, classes), B2: NewTensor[T](classes),
	}
	for i := range p.W1.Data {
		p.W1.Data[i] = T(std1 * rng.NormFloat64())
	}
	for i := range p.W2.Data {
		p.W2.Data[i] = T(std2 * rng.NormFloat64())
	}
	return newNet(ops, p)
}

// newNet returns the net of the parameters p, which it keeps.
func newNet[T kernels.Float](ops kernels.Ops[T], p Params[T]) *TwoLayerNet[T] {
	return &TwoLayerNet[T]{
		Params:  p,
		Affine1: NewAffine(ops, p.W1, p.B1),
		ReLU1:   NewReLU(ops),
		Affine2: NewAffine(ops, p.W2, p.B2),
		Last:    NewSoftmaxWithLoss(ops),
	}
}

// Inputs, Hidden and Classes return the sizes of the net.
func (n *TwoLayerNet[T]) Inputs() int  { return n.Params.W1.Shape[0] }
func (n *TwoLayerNet[T]) Hidden() int  { return n.Params.W1.Shape[1] }
func (n *TwoLayerNet[T]) Classes() int { return n.Params.W2.Shape[1] }

// Predict returns the logits of the samples x, N x classes; the next Predict, Loss,
// Accuracy or Gradient overwrites them. x is of any rank >= 1, N x inputs when
// flattened. The methods allocate only for a larger N than ever before.
func (n *TwoLayerNet[T]) Predict(x Tensor[T]) Tensor[T] {
	return n.Affine2.Forward(n.ReLU1.Forward(n.Affine1.Forward(x)))
}

// Loss returns the mean cross-entropy of the samples x with the class indices
// labels. See [FromOneHot] for one-hot labels.
func (n *TwoLayerNet[T]) Loss(x Tensor[T], labels []int) float64 {
	return n.Last.Forward(n.Predict(x), labels)
}

// Accuracy returns the share of the samples x whose largest logit is that of
// their label; NaN for no samples.
func (n *TwoLayerNet[T]) Accuracy(x Tensor[T], labels []int) float64 {
	logits := n.Predict(x)
	if len(labels) != logits.Shape[0] {
		panicf("TwoLayerNet.Accuracy: len(labels) = %d, want %d, one for each sample", len(labels), logits.Shape[0])
	}
	return float64(n.countRight(logits, labels)) / float64(len(labels))
}

func (n *TwoLayerNet[T]) countRight(logits Tensor[T], labels []int) int {
	right := 0
	for i, label := range labels {
		if n.class(logits, i) == label {
			right++
		}
	}
	return right
}

// class returns the class that the net gives to row i of logits.
func (n *TwoLayerNet[T]) class(logits Tensor[T], i int) int {
	classes := n.Classes()
	return kernels.Argmax(logits.Data[i*classes : (i+1)*classes])
}

// Gradient returns the gradients of the loss of the samples x with the class
// indices labels, by backpropagation. They are views of the layers' buffers: the next
// Gradient overwrites them.
func (n *TwoLayerNet[T]) Gradient(x Tensor[T], labels []int) Params[T] {
	n.Loss(x, labels)
	dout := n.Last.Backward()
	dout = n.Affine2.Backward(dout)
	dout = n.ReLU1.Backward(dout)
	n.Affine1.BackwardParams(dout) // nothing stands before it that would want its input's gradient
	return Params[T]{W1: n.Affine1.DW, B1: n.Affine1.DB, W2: n.Affine2.DW, B2: n.Affine2.DB}
}

// NumericalGradient returns what [TwoLayerNet.Gradient] does, as new tensors,
// by central differences of the loss: two losses for every parameter, so it is
// for checking on small nets, and in float64, where its error is some 1e-7.
func (n *TwoLayerNet[T]) NumericalGradient(x Tensor[T], labels []int) Params[T] {
	const h = 1e-4
	difference := func(w Tensor[T]) Tensor[T] {
		grad := NewTensor[T](w.Shape...)
		for i, v := range w.Data {
			w.Data[i] = v + h
			above := n.Loss(x, labels)
			w.Data[i] = v - h
			below := n.Loss(x, labels)
			w.Data[i] = v
			grad.Data[i] = T((above - below) / (2 * h))
		}
		return grad
	}
	p := n.Params
	return Params[T]{W1: difference(p.W1), B1: difference(p.B1), W2: difference(p.W2), B2: difference(p.B2)}
}
