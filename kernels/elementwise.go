package kernels

import (
	"iter"
	"unsafe"
)

// ReLU sets dst[i] = 0 where src[i] <= 0 and dst[i] = src[i] elsewhere, which
// makes -0 and every negative value +0 and lets NaN through, as NumPy's
// out[x <= 0] = 0 does. len(dst) = len(src); dst may be src, but may not overlap it otherwise.
func ReLU[T Float](dst, src []T) { defaultOps[T]().ReLU(dst, src) }

// ReLU is [ReLU] on o's implementation.
func (o Ops[T]) ReLU(dst, src []T) {
	checkSameLen("ReLU", "dst", len(dst), "src", len(src))
	checkInPlace("ReLU", "dst", "src", dst, src)
	for from, to := range stretches[T](len(dst)) {
		o.ks.relu(dst[from:to], src[from:to])
	}
}

// ReLUGrad is the backward pass of [ReLU]: it sets dst[i] = 0 where x[i] <= 0
// and dst[i] = grad[i] elsewhere, so that NaN in x lets the gradient through.
// x may be the input of ReLU or its output, the result is the same. All three
// lengths are equal; dst may be grad or x, but may not overlap them otherwise.
func ReLUGrad[T Float](dst, grad, x []T) { defaultOps[T]().ReLUGrad(dst, grad, x) }

// ReLUGrad is [ReLUGrad] on o's implementation.
func (o Ops[T]) ReLUGrad(dst, grad, x []T) {
	checkSameLen("ReLUGrad", "dst", len(dst), "x", len(x))
	checkSameLen("ReLUGrad", "grad", len(grad), "x", len(x))
	checkInPlace("ReLUGrad", "dst", "grad", dst, grad)
	checkInPlace("ReLUGrad", "dst", "x", dst, x)
	for from, to := range stretches[T](len(dst)) {
		o.ks.reluGrad(dst[from:to], grad[from:to], x[from:to])
	}
}

// Axpy adds alpha*x to y: y[i] += alpha*x[i], with the product and the sum
// each rounded, so that all implementations give the same bits. With alpha =
// -rate it is the update of stochastic gradient descent. len(x) = len(y); y
// may be x, but may not overlap it otherwise.
func Axpy[T Float](alpha T, x, y []T) { defaultOps[T]().Axpy(alpha, x, y) }

// Axpy is [Axpy] on o's implementation.
func (o Ops[T]) Axpy(alpha T, x, y []T) {
	checkSameLen("Axpy", "x", len(x), "y", len(y))
	checkInPlace("Axpy", "y", "x", y, x)
	for from, to := range stretches[T](len(y)) {
		o.ks.axpy(alpha, x[from:to], y[from:to])
	}
}

// Exp sets dst[i] to e to the power src[i]. Assembly is within 1 unit in the
// last place of the true value, subnormal results included, and in float64
// within 2 of math.Exp, which plain Go uses. Exp(-Inf) = 0, Exp(+Inf) = +Inf,
// Exp(NaN) = NaN. len(dst) = len(src); dst may be src, but may not overlap it otherwise.
func Exp[T Float](dst, src []T) { defaultOps[T]().Exp(dst, src) }

// Exp is [Exp] on o's implementation.
func (o Ops[T]) Exp(dst, src []T) {
	checkSameLen("Exp", "dst", len(dst), "src", len(src))
	checkInPlace("Exp", "dst", "src", dst, src)
	for from, to := range stretches[T](len(dst)) {
		o.ks.exp(dst[from:to], src[from:to])
	}
}

// stretchBytes is how much of a slice a kernel gets at a time: assembly cannot
// be preempted, and whoever stops the world waits for it, about 100 us for so
// much. It is also the size from which kernels write past the caches.
const stretchBytes = 1 << 20

// stretches yields the bounds of the stretches of n elements of T.
func stretches[T Float](n int) iter.Seq2[int, int] {
	var z T
	stretch := stretchBytes / int(unsafe.Sizeof(z))
	return func(yield func(from, to int) bool) {
		for from := 0; from < n; from += stretch {
			preemptible()
			if !yield(from, min(from+stretch, n)) {
				return
			}
		}
	}
}
