package kernels

import "math"

// The operations of this file work on the rows of contiguous m x n matrices.

// AddBias adds bias, of length n, to every row of the m x n matrix src:
// dst[i,j] = src[i,j] + bias[j]. dst may be src, but may not overlap it
// otherwise, and may not overlap bias.
func AddBias[T Float](dst, src, bias []T, m, n int) { defaultOps[T]().AddBias(dst, src, bias, m, n) }

// AddBias is [AddBias] on o's implementation.
func (o Ops[T]) AddBias(dst, src, bias []T, m, n int) {
	dst = contiguous("AddBias", "dst", dst, m, n)
	src = contiguous("AddBias", "src", src, m, n)
	checkLen("AddBias", "bias", len(bias), n)
	bias = bias[:n]
	checkInPlace("AddBias", "dst", "src", dst, src)
	checkApart("AddBias", "dst", "bias", dst, bias)
	for i := 0; i < len(dst); i += n {
		o.ks.add(dst[i:i+n], src[i:i+n], bias)
	}
}

// BiasGrad is the backward pass of [AddBias] for the bias: it sets dst, of
// length n, to the sum of the rows of the m x n matrix grad, added from the
// first row to the last. dst may not overlap grad.
func BiasGrad[T Float](dst, grad []T, m, n int) { defaultOps[T]().BiasGrad(dst, grad, m, n) }

// BiasGrad is [BiasGrad] on o's implementation.
func (o Ops[T]) BiasGrad(dst, grad []T, m, n int) {
	grad = contiguous("BiasGrad", "grad", grad, m, n)
	checkLen("BiasGrad", "dst", len(dst), n)
	dst = dst[:n]
	checkApart("BiasGrad", "dst", "grad", dst, grad)
	clear(dst)
	for i := 0; i < len(grad); i += n {
		o.ks.add(dst, dst, grad[i:i+n])
	}
}

// Softmax sets each row of the m x n matrix dst to the softmax of the row of
// logits: exp(x - max) / sum(exp(x - max)), the maximum taken out so that no
// finite logit overflows. A row with NaN, +Inf, or nothing but -Inf becomes
// NaN. One vector is the case m = 1. dst may be logits, but may not overlap it otherwise.
func Softmax[T Float](dst, logits []T, m, n int) { defaultOps[T]().Softmax(dst, logits, m, n) }

// Softmax is [Softmax] on o's implementation.
func (o Ops[T]) Softmax(dst, logits []T, m, n int) {
	dst = contiguous("Softmax", "dst", dst, m, n)
	logits = contiguous("Softmax", "logits", logits, m, n)
	checkInPlace("Softmax", "dst", "logits", dst, logits)
	for i := 0; i < len(dst); i += n {
		softmaxRow(dst[i:i+n], logits[i:i+n])
	}
}

func softmaxRow[T Float](dst, x []T) {
	largest := x[0]
	for _, v := range x[1:] {
		largest = max(largest, v) // NaN if any is
	}
	var sum T
	for j, v := range x {
		e := T(math.Exp(float64(v - largest)))
		dst[j] = e
		sum += e
	}
	for j := range dst {
		dst[j] /= sum
	}
}

// CrossEntropy returns the mean over the rows of -log(probs[i, labels[i]] +
// floor), where probs is the m x n matrix that [Softmax] made, labels holds m
// class indices in 0..n-1, and floor keeps a probability of 0 from giving an
// infinite loss (1e-7 is customary). The sum is taken in float64. It returns
// NaN for m = 0, and panics if a label is out of range.
func CrossEntropy[T Float](probs []T, labels []int, floor float64, m, n int) float64 {
	probs = contiguous("CrossEntropy", "probs", probs, m, n)
	labels = checkLabels("CrossEntropy", labels, m, n)
	var sum float64
	for i, label := range labels {
		sum -= math.Log(float64(probs[i*n+label]) + floor)
	}
	return sum / float64(m)
}

// SoftmaxCrossEntropyGrad is the backward pass of [Softmax] and [CrossEntropy]
// together: dst = (probs - onehot(labels)) / m, with shapes and panics as
// there. It is the gradient of the mean loss with floor = 0 with respect to the
// logits. dst may be probs, but may not overlap it otherwise.
func SoftmaxCrossEntropyGrad[T Float](dst, probs []T, labels []int, m, n int) {
	dst = contiguous("SoftmaxCrossEntropyGrad", "dst", dst, m, n)
	probs = contiguous("SoftmaxCrossEntropyGrad", "probs", probs, m, n)
	labels = checkLabels("SoftmaxCrossEntropyGrad", labels, m, n)
	checkInPlace("SoftmaxCrossEntropyGrad", "dst", "probs", dst, probs)
	copy(dst, probs)
	for i, label := range labels {
		dst[i*n+label]--
	}
	for i := range dst {
		dst[i] /= T(m)
	}
}

// Argmax returns the index of the largest element of x, the first one if there
// are several. NaN counts as the largest, as in NumPy. It panics if x is empty.
func Argmax[T Float](x []T) int {
	if len(x) == 0 {
		panicf("Argmax: len(x) = 0, want >= 1")
	}
	best := 0
	for i, v := range x {
		if v != v {
			return i
		}
		if v > x[best] {
			best = i
		}
	}
	return best
}

// ArgmaxRows sets dst[i] to [Argmax] of row i of the m x n matrix x, n >= 1.
func ArgmaxRows[T Float](dst []int, x []T, m, n int) {
	x = contiguous("ArgmaxRows", "x", x, m, n)
	checkLen("ArgmaxRows", "dst", len(dst), m)
	for i := range m {
		dst[i] = Argmax(x[i*n : (i+1)*n])
	}
}

// contiguous checks that a holds an m x n matrix and cuts off what is behind it.
func contiguous[T Float](fn, name string, a []T, m, n int) []T {
	checkSize(fn, "m", m)
	checkSize(fn, "n", n)
	checkLen(fn, name, len(a), extent(m, n, n))
	return a[:m*n]
}

func checkLabels(fn string, labels []int, m, n int) []int {
	checkLen(fn, "labels", len(labels), m)
	for i, label := range labels[:m] {
		if label < 0 || label >= n {
			panicf("%s: labels[%d] = %d, want 0..%d", fn, i, label, n-1)
		}
	}
	return labels[:m]
}
