package nn

import (
	"fmt"
	"slices"

	"github.com/lanewise/lanewise/kernels"
)

// A Tensor is a row-major array of any rank. It is a view: copying it copies
// neither the elements nor the shape.
type Tensor[T kernels.Float] struct {
	Data  []T
	Shape []int
}

// NewTensor returns a tensor of zeros. It panics on a negative length.
func NewTensor[T kernels.Float](shape ...int) Tensor[T] {
	return Tensor[T]{make([]T, elements(shape)), slices.Clone(shape)}
}

// TensorOf returns a view of data. It panics if the shape does not have
// len(data) elements.
func TensorOf[T kernels.Float](data []T, shape ...int) Tensor[T] {
	t := Tensor[T]{data, slices.Clone(shape)}
	t.check("TensorOf", "data")
	return t
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 {
			panicf("shape has length %d, want >= 0", d) // shape itself would have to live on the heap for this
		}
		n *= d
	}
	return n
}

// check panics if t's data and shape disagree.
func (t Tensor[T]) check(fn, name string) {
	if n := elements(t.Shape); n != len(t.Data) {
		panicf("%s: %s has %d elements, want %d for shape %v", fn, name, len(t.Data), n, t.Shape)
	}
}

// checkShape panics if t is not of the given shape.
func (t Tensor[T]) checkShape(fn, name string, shape ...int) {
	t.check(fn, name)
	if !slices.Equal(t.Shape, shape) {
		panicf("%s: %s has shape %v, want %v", fn, name, t.Shape, slices.Clone(shape))
	}
}

// matrix returns the number of rows and columns of t flattened to a matrix:
// the first dimension stays, the others become one. It panics if t has none.
func (t Tensor[T]) matrix(fn, name string) (rows, cols int) {
	t.check(fn, name)
	if len(t.Shape) == 0 {
		panicf("%s: %s has rank 0, want a first dimension that counts the samples", fn, name)
	}
	return t.Shape[0], elements(t.Shape[1:])
}

// resize makes t a tensor of the given shape whose elements are arbitrary. It
// allocates only if t has never been that large.
func (t *Tensor[T]) resize(shape ...int) {
	n := elements(shape)
	if cap(t.Data) < n {
		t.Data = make([]T, n)
	}
	t.Data = t.Data[:n]
	t.Shape = append(t.Shape[:0], shape...)
}

//go:noinline
func panicf(format string, args ...any) {
	panic("nn: " + fmt.Sprintf(format, args...))
}
