package nn

import "github.com/lanewise/lanewise/kernels"

// lossFloor is added to probabilities before their logarithm is taken, as in
// the notebook: a probability of 0 costs 16.1, not infinity.
const lossFloor = 1e-7

// SoftmaxWithLoss is the last layer: softmax, and the mean cross-entropy of
// its probabilities.
type SoftmaxWithLoss[T kernels.Float] struct {
	ops    kernels.Ops[T]
	probs  Tensor[T]
	labels []int
	dx     Tensor[T]
}

// NewSoftmaxWithLoss returns the layer.
func NewSoftmaxWithLoss[T kernels.Float](ops kernels.Ops[T]) *SoftmaxWithLoss[T] {
	return &SoftmaxWithLoss[T]{ops: ops}
}

// Forward returns the mean of -log(p + 1e-7) over the samples, where p is the
// probability that softmax gives the true class. logits is N x classes, or one
// vector of classes, which counts as one sample; labels holds N class
// indices. It panics if a label is not in 0..classes-1, or if there are fewer or more
// than N. It allocates only for a larger N than ever before.
func (l *SoftmaxWithLoss[T]) Forward(logits Tensor[T], labels []int) float64 {
	rows, cols := rowsOf(logits, "SoftmaxWithLoss.Forward", "logits")
	if len(labels) != rows {
		panicf("SoftmaxWithLoss.Forward: len(labels) = %d, want %d, one for each row of logits", len(labels), rows)
	}
	l.labels = append(l.labels[:0], labels...)
	l.probs.resize(logits.Shape...)
	l.ops.Softmax(l.probs.Data, logits.Data, rows, cols)
	return kernels.CrossEntropy(l.probs.Data, l.labels, lossFloor, rows, cols)
}

// ForwardOneHot is [SoftmaxWithLoss.Forward] for one-hot labels of the shape of logits.
func (l *SoftmaxWithLoss[T]) ForwardOneHot(logits, oneHot Tensor[T]) float64 {
	oneHot.checkShape("SoftmaxWithLoss.ForwardOneHot", "oneHot", logits.Shape...)
	l.labels = FromOneHot(l.labels[:0], oneHot)
	return l.Forward(logits, l.labels)
}

// Probabilities returns the softmax of the last Forward's logits, in their
// shape. The next Forward overwrites it.
func (l *SoftmaxWithLoss[T]) Probabilities() Tensor[T] { return l.probs }

// Backward returns the gradient of the last Forward's loss with respect to its
// logits, in their shape: (probabilities - one-hot labels) / N. As in the
// notebook, the 1e-7 in the loss is left out of it. The next Backward overwrites it.
func (l *SoftmaxWithLoss[T]) Backward() Tensor[T] {
	rows, cols := rowsOf(l.probs, "SoftmaxWithLoss.Backward", "probabilities")
	l.dx.resize(l.probs.Shape...)
	kernels.SoftmaxCrossEntropyGrad(l.dx.Data, l.probs.Data, l.labels, rows, cols)
	return l.dx
}

// Softmax returns the softmax of each row of x, or of x itself if it is one
// vector, as a new tensor. See [kernels.Softmax].
func Softmax[T kernels.Float](ops kernels.Ops[T], x Tensor[T]) Tensor[T] {
	rows, cols := rowsOf(x, "Softmax", "x")
	out := NewTensor[T](x.Shape...)
	ops.Softmax(out.Data, x.Data, rows, cols)
	return out
}

// FromOneHot appends to dst the class indices that the one-hot labels stand
// for: N x classes, or one vector. It panics if a row is not a single 1 among zeros.
func FromOneHot[T kernels.Float](dst []int, oneHot Tensor[T]) []int {
	rows, cols := rowsOf(oneHot, "FromOneHot", "oneHot")
	for i := range rows {
		row := oneHot.Data[i*cols : (i+1)*cols]
		class := -1
		for j, v := range row {
			if v == 1 && class < 0 {
				class = j
			} else if v != 0 {
				panicf("FromOneHot: row %d is %v, want a single 1 among zeros", i, row)
			}
		}
		if class < 0 {
			panicf("FromOneHot: row %d is %v, want a single 1 among zeros", i, row)
		}
		dst = append(dst, class)
	}
	return dst
}

// rowsOf returns the size of t as a matrix, one vector being a single row. It
// panics for other ranks and if the rows are empty.
func rowsOf[T kernels.Float](t Tensor[T], fn, name string) (rows, cols int) {
	t.check(fn, name)
	switch len(t.Shape) {
	case 1:
		rows, cols = 1, t.Shape[0]
	case 2:
		rows, cols = t.Shape[0], t.Shape[1]
	default:
		panicf("%s: %s has shape %v, want N x classes or one vector", fn, name, t.Shape)
	}
	if cols == 0 {
		panicf("%s: %s has shape %v, want at least one class", fn, name, t.Shape)
	}
	return rows, cols
}
