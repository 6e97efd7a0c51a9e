package nn

import "github.com/lanewise/lanewise/kernels"

// usedInputs are the inputs of a batch, without those that are 0 in every sample of
// it: what they are multiplied with does not matter, and their weights have no
// gradient. Of MNIST's pixels, a third are 0 in a whole batch of 100. The rows of the
// weights that are left follow each other in a copy, as products want them.
type usedInputs[T kernels.Float] struct {
	all     int             // inputs of the net
	whole   bool            // whether none is left out
	columns []kernels.Range // those in use
	width   int             // how many they are
	x       Tensor[T]       // batch x width
	rows    Tensor[T]       // width x outputs: rows of the weights, or of their gradient
}

func newUsedInputs[T kernels.Float](inputs, outputs int) usedInputs[T] {
	return usedInputs[T]{all: inputs, columns: make([]kernels.Range, 0, inputs/2+1), rows: NewTensor[T](inputs, outputs)}
}

// worthLeaving reports whether a step of n samples is faster with only so many of the
// inputs. The copies of their weights and gradients take as long as some samples would:
// steps of 1, 10, 30 and 100 samples are as fast either way with 0.50, 0.70, 0.84 and 0.92
// of 784 inputs, on all implementations for amd64, give or take 0.03.
func worthLeaving(n, width, inputs int) bool {
	return width*(n+17) <= inputs*(n+8)
}

// searched is from how many inputs on those are looked for that are 0: with the 64 of
// small pictures, a step is so short that the search makes it a tenth longer.
const searched = 256

// gather takes a batch of the samples that picks lists.
func (u *usedInputs[T]) gather(ops kernels.Ops[T], images []uint8, picks []int, divisor uint8) {
	u.columns, u.width = append(u.columns[:0], kernels.Range{To: u.all}), u.all
	if !u.whole && u.all >= searched {
		u.columns = ops.ColumnsInUse(u.columns[:0], images, picks, u.all)
		width := 0
		for _, r := range u.columns {
			width += r.Len()
		}
		if worthLeaving(len(picks), width, u.all) {
			u.width = width
		} else {
			u.columns = append(u.columns[:0], kernels.Range{To: u.all})
		}
	}
	u.x.resize(len(picks), u.all) // allocates for the widest batch of so many
	u.x.resize(len(picks), u.width)
	ops.GatherColumns(u.x.Data, u.width, images, picks, u.all, u.columns, divisor)
}

// forward sets out to the product of the inputs and w, and has e applied to it.
func (u *usedInputs[T]) forward(ops kernels.Ops[T], w, out Tensor[T], e kernels.Epilogue[T]) {
	n, outputs := out.Shape[0], out.Shape[1]
	if u.width < u.all {
		at := 0
		for _, r := range u.columns {
			at += copy(u.rows.Data[at:], w.Data[r.From*outputs:r.To*outputs])
		}
		w = u.rows
	}
	ops.GemmFused(false, false, n, outputs, u.width, 1, u.x.Data, u.width, w.Data, outputs, 0, out.Data, outputs, e)
}

// backward sets w to beta, 0 or 1, times itself plus alpha times the gradient of the
// weights, dOut being that of what forward has computed with them.
func (u *usedInputs[T]) backward(ops kernels.Ops[T], dOut Tensor[T], alpha, beta T, w Tensor[T]) {
	n, outputs := dOut.Shape[0], dOut.Shape[1]
	if u.width == u.all {
		ops.Gemm(true, false, u.width, outputs, n, alpha, u.x.Data, u.width, dOut.Data, outputs, beta, w.Data, outputs)
		return
	}
	ops.Gemm(true, false, u.width, outputs, n, 1, u.x.Data, u.width, dOut.Data, outputs, 0, u.rows.Data, outputs)
	if beta == 0 {
		clear(w.Data)
	}
	gradient := u.rows.Data
	for _, r := range u.columns {
		rows := w.Data[r.From*outputs : r.To*outputs]
		ops.Axpy(alpha, gradient[:len(rows)], rows)
		gradient = gradient[len(rows):]
	}
}

// elements is how many numbers there is room for.
func (u *usedInputs[T]) elements() int { return cap(u.x.Data) + cap(u.rows.Data) }
