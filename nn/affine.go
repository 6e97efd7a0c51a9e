package nn

import "github.com/lanewise/lanewise/kernels"

// Affine is the layer x*W + b.
type Affine[T kernels.Float] struct {
	// W (inputs x outputs) and B (outputs) are the parameters. The layer
	// computes with the elements they hold at the time, so whoever shares
	// them can update them in place.
	W, B Tensor[T]
	// DW and DB are the gradients of the loss with respect to W and B, of
	// their shapes, after Backward. The next Backward overwrites them.
	DW, DB Tensor[T]

	ops  kernels.Ops[T]
	x    Tensor[T] // the input of the last Forward, with the shape it came in
	rows int
	out  Tensor[T]
	dx   Tensor[T]
}

// NewAffine returns the layer with the parameters w (inputs x outputs) and b
// (outputs), which it shares with the caller. It panics if their shapes do not
// fit together.
func NewAffine[T kernels.Float](ops kernels.Ops[T], w, b Tensor[T]) *Affine[T] {
	w.check("NewAffine", "w")
	if len(w.Shape) != 2 {
		panicf("NewAffine: w has shape %v, want inputs x outputs", w.Shape)
	}
	b.checkShape("NewAffine", "b", w.Shape[1])
	return &Affine[T]{
		W: w, B: b, DW: NewTensor[T](w.Shape...), DB: NewTensor[T](b.Shape...),
		ops: ops,
	}
}

// Forward returns x*W + b, an N x outputs tensor that the next Forward
// overwrites. x is of any rank >= 1; it is flattened to N x inputs, where N is
// its first length. The layer keeps x for Backward: it must not change until
// then. Forward panics if x has another number of elements per sample. It
// allocates only for a larger N than ever before.
func (l *Affine[T]) Forward(x Tensor[T]) Tensor[T] {
	rows, inputs := x.matrix("Affine.Forward", "x")
	if want := l.W.Shape[0]; inputs != want {
		panicf("Affine.Forward: x has shape %v, %d elements per sample, want %d", x.Shape, inputs, want)
	}
	outputs := l.W.Shape[1]
	l.x.Data, l.x.Shape, l.rows = x.Data, append(l.x.Shape[:0], x.Shape...), rows
	l.out.resize(rows, outputs)
	l.ops.MatMul(l.out.Data, x.Data, l.W.Data, rows, outputs, inputs)
	l.ops.AddBias(l.out.Data, l.out.Data, l.B.Data, rows, outputs)
	return l.out
}

// Backward sets DW and DB for the gradient dout (N x outputs) of what the last
// Forward returned, and returns the gradient of its input, in the shape of that input. The
// next Backward overwrites it. It panics if dout has another shape.
func (l *Affine[T]) Backward(dout Tensor[T]) Tensor[T] {
	l.BackwardParams(dout)
	inputs, outputs := l.W.Shape[0], l.W.Shape[1]
	l.dx.resize(l.x.Shape...)
	l.ops.Gemm(false, true, l.rows, inputs, outputs, 1, dout.Data, outputs, l.W.Data, outputs, 0, l.dx.Data, inputs)
	return l.dx
}

// BackwardParams is [Affine.Backward] without the gradient of the input, which
// the first layer of a net need not know.
func (l *Affine[T]) BackwardParams(dout Tensor[T]) {
	inputs, outputs := l.W.Shape[0], l.W.Shape[1]
	dout.checkShape("Affine.Backward", "dout", l.rows, outputs)
	l.ops.Gemm(true, false, inputs, outputs, l.rows, 1, l.x.Data, inputs, dout.Data, outputs, 0, l.DW.Data, outputs)
	l.ops.BiasGrad(l.DB.Data, dout.Data, l.rows, outputs)
}
