package nn

import (
	"unsafe"

	"github.com/lanewise/lanewise/kernels"
)

// Stepper trains a net, or has it predict, by fused kernels: the computations
// of the net's layers in as few passes over memory as there can be, on buffers of
// its own, with the net's parameters. A step is Gather, Forward, Loss and Descend,
// or, where the gradient is wanted, Backward and Update in place of the last. The
// layers say the same at length, and agree up to rounding.
//
// Nothing is allocated but for a larger batch than ever before. A Stepper is not
// safe for concurrent use.
type Stepper[T kernels.Float] struct {
	net  *TwoLayerNet[T]
	ops  kernels.Ops[T] // of this step
	pace pace[T]

	x        usedInputs[T] // the batch
	labels   []int
	hidden   Tensor[T] // after the ReLU
	logits   Tensor[T]
	dLogits  Tensor[T]
	dHidden  Tensor[T]
	gradient Params[T]
}

// NewStepper returns a Stepper for net, whose parameters it shares. It uses the threads
// that ops may, or one where steps turn out to be faster on one.
func NewStepper[T kernels.Float](ops kernels.Ops[T], net *TwoLayerNet[T]) *Stepper[T] {
	return &Stepper[T]{net: net, ops: ops, pace: newPace(ops), x: newUsedInputs[T](net.Inputs(), net.Hidden()), gradient: net.Params.zeros()}
}

// Gather makes a batch of the samples that picks lists: images holds the
// pixels of a set, as many to a sample as the net has inputs, and labels its class
// indices. Pixels are divided by divisor, rounded once. It panics if there is no
// sample of a number in picks, if its label is not a class of the net, or if
// divisor is 0.
func (s *Stepper[T]) Gather(images, labels []uint8, picks []int, divisor uint8) {
	inputs, classes := s.net.Inputs(), s.net.Classes()
	if len(images) != len(labels)*inputs {
		panicf("Stepper.Gather: len(images) = %d, want %d, %d for each of %d labels", len(images), len(labels)*inputs, inputs, len(labels))
	}
	s.ops = s.pace.begin(len(picks))
	s.x.gather(s.ops, images, picks, divisor)
	s.labels = s.labels[:0]
	for _, pick := range picks {
		label := int(labels[pick])
		if label >= classes {
			panicf("Stepper.Gather: labels[%d] = %d, want 0..%d", pick, label, classes-1)
		}
		s.labels = append(s.labels, label)
	}
}

// SkipZeros says whether batches that are gathered from now on leave out the inputs
// that are 0 in all of their samples, as they do until it is called: where these are so many
// that it is faster, a third of MNIST's in a batch of 100. What is left out would add 0 to
// every sum, but sums may be rounded otherwise, and a weight that is not finite has no effect
// through an input that is left out.
func (s *Stepper[T]) SkipZeros(skip bool) { s.x.whole = !skip }

// Fetch has the samples of the next batch brought into the cache while this one's
// gradient is computed: called with what the next Gather will get, before Backward or
// Descend, it spares that Gather the wait for memory. Nothing else depends on it. It
// panics if there is no sample of a number in picks.
func (s *Stepper[T]) Fetch(images []uint8, picks []int) {
	s.ops.FetchBytes(images, picks, s.net.Inputs())
}

// Forward sends the batch through the net.
func (s *Stepper[T]) Forward() {
	p, n := s.net.Params, len(s.labels)
	hidden, classes := s.net.Hidden(), s.net.Classes()
	s.hidden.resize(n, hidden)
	s.logits.resize(n, classes)
	s.x.forward(s.ops, p.W1, s.hidden, kernels.Epilogue[T]{Bias: p.B1.Data, ReLU: true})
	s.ops.GemmFused(false, false, n, classes, hidden, 1, s.hidden.Data, hidden, p.W2.Data, classes, 0, s.logits.Data, classes,
		kernels.Epilogue[T]{Bias: p.B2.Data})
}

// Loss returns the loss of the batch, as [SoftmaxWithLoss.Forward] does, with
// the logits of the last Forward, and computes its gradient with respect to them.
func (s *Stepper[T]) Loss() float64 {
	s.dLogits.resize(s.logits.Shape...)
	return s.ops.SoftmaxCrossEntropy(s.dLogits.Data, s.logits.Data, s.labels, lossFloor, s.logits.Shape[0], s.logits.Shape[1])
}

// Backward returns the gradient of the last Loss with respect to the
// parameters. The next Backward overwrites it.
func (s *Stepper[T]) Backward() Params[T] {
	s.backward(1, 0, s.gradient.W1, s.gradient.W2)
	s.pace.end(len(s.labels))
	return s.gradient
}

// Update subtracts rate times the gradient of the last Backward from the parameters.
func (s *Stepper[T]) Update(rate T) {
	gradient := s.gradient.List()
	for i, p := range s.net.Params.List() {
		s.ops.Axpy(-rate, gradient[i].Data, p.Data)
	}
}

// Descend is Backward and Update for those who have no use for the gradient:
// it goes into the weights without being stored. Up to some 250 samples the bits are
// the same; from there on, sums over the samples may be added in pieces, if no inputs are left out.
func (s *Stepper[T]) Descend(rate T) {
	p := s.net.Params
	s.backward(-rate, 1, p.W1, p.W2)
	s.ops.Axpy(-rate, s.gradient.B1.Data, p.B1.Data)
	s.ops.Axpy(-rate, s.gradient.B2.Data, p.B2.Data)
	s.pace.end(len(s.labels))
}

// Bytes returns how much memory the net's parameters and the buffers of s take. The buffers
// have the size of the largest batch so far.
func (s *Stepper[T]) Bytes() int {
	elements := s.x.elements() + cap(s.hidden.Data) + cap(s.logits.Data) + cap(s.dLogits.Data) + cap(s.dHidden.Data)
	for _, params := range []Params[T]{s.net.Params, s.gradient} {
		for _, p := range params.List() {
			elements += cap(p.Data)
		}
	}
	return elements*int(unsafe.Sizeof(T(0))) + cap(s.labels)*int(unsafe.Sizeof(int(0)))
}

// backward sets w1 and w2 to beta times themselves plus alpha times the
// gradients of the weights, and s.gradient to those of the biases.
func (s *Stepper[T]) backward(alpha, beta T, w1, w2 Tensor[T]) {
	n, hidden, classes := len(s.labels), s.net.Hidden(), s.net.Classes()
	s.dHidden.resize(n, hidden)
	s.ops.GemmFused(false, true, n, hidden, classes, 1, s.dLogits.Data, classes, s.net.Params.W2.Data, classes, 0, s.dHidden.Data, hidden,
		kernels.Epilogue[T]{Mask: s.hidden.Data, LDMask: hidden})
	s.ops.BiasGrad(s.gradient.B2.Data, s.dLogits.Data, n, classes)
	s.ops.BiasGrad(s.gradient.B1.Data, s.dHidden.Data, n, hidden)
	s.ops.Gemm(true, false, hidden, classes, n, alpha, s.hidden.Data, hidden, s.dLogits.Data, classes, beta, w2.Data, classes)
	s.x.backward(s.ops, s.dHidden, alpha, beta, w1)
}

// Hidden and Logits return what the last Forward computed: the hidden layer
// after its ReLU, N x hidden, and the outputs, N x classes. The next Forward overwrites them.
func (s *Stepper[T]) Hidden() Tensor[T] { return s.hidden }
func (s *Stepper[T]) Logits() Tensor[T] { return s.logits }

// Labels returns the class indices of the batch. The next Gather overwrites them.
func (s *Stepper[T]) Labels() []int { return s.labels }
