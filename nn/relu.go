package nn

import "github.com/lanewise/lanewise/kernels"

// ReLU is the layer max(x, 0), elementwise; NaN stays NaN.
type ReLU[T kernels.Float] struct {
	ops kernels.Ops[T]
	out Tensor[T] // > 0 exactly where x is, which is all that Backward asks
	dx  Tensor[T]
}

// NewReLU returns the layer.
func NewReLU[T kernels.Float](ops kernels.Ops[T]) *ReLU[T] { return &ReLU[T]{ops: ops} }

// Forward returns x with 0 wherever x <= 0, in x's shape. x may change
// afterwards; what is returned must not before Backward, and the next Forward
// overwrites it. It allocates only for a larger x than ever before.
func (l *ReLU[T]) Forward(x Tensor[T]) Tensor[T] {
	x.check("ReLU.Forward", "x")
	l.out.resize(x.Shape...)
	l.ops.ReLU(l.out.Data, x.Data)
	return l.out
}

// Backward returns the gradient of the last Forward's input: dout with 0
// wherever that input was <= 0. The next Backward overwrites it. It panics if
// dout has another shape.
func (l *ReLU[T]) Backward(dout Tensor[T]) Tensor[T] {
	dout.checkShape("ReLU.Backward", "dout", l.out.Shape...)
	l.dx.resize(dout.Shape...)
	l.ops.ReLUGrad(l.dx.Data, dout.Data, l.out.Data)
	return l.dx
}
