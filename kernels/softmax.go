package kernels

import "math"

// The operations of this file work on the rows of contiguous m x n matrices:
// one row for each sample, one column for each class.

// Softmax sets each row of the m x n matrix dst to the softmax of the row of
// logits: exp(x - max) / sum(exp(x - max)), the maximum taken out so that no
// finite logit overflows, and exp as in [Exp]. A row with NaN,
// +Inf, or nothing but -Inf becomes NaN. One vector is the case m = 1. dst may
// be logits, but may not overlap it otherwise.
func Softmax[T Float](dst, logits []T, m, n int) { defaultOps[T]().Softmax(dst, logits, m, n) }

// Softmax is [Softmax] on o's implementation.
func (o Ops[T]) Softmax(dst, logits []T, m, n int) {
	dst = contiguous("Softmax", "dst", dst, m, n)
	logits = contiguous("Softmax", "logits", logits, m, n)
	checkInPlace("Softmax", "dst", "logits", dst, logits)
	if n == 0 {
		return
	}
	rows := rowsPerCall(n)
	for i := 0; i < m; i += rows {
		preemptible()
		end := min(i+rows, m)
		o.ks.softmaxRows(dst[i*n:end*n], logits[i*n:end*n], n)
	}
}

// longRow is from how many elements on a row is too long for a call of assembly: a microsecond for
// a thousand of them.
const longRow = 1 << 17

// softmaxRows sets rows of n elements of dst to the softmax of those of x: many in one call, or one
// that is long.
func (ks *kernelSet[T]) softmaxRows(dst, x []T, n int) {
	if n < longRow {
		ks.softmax(dst, x, n)
		return
	}
	largest := x[0]
	for _, v := range x {
		largest = max(largest, v) // NaN if any is
	}
	for j, v := range x {
		dst[j] = v - largest
	}
	var sum float64
	for from, to := range stretches[T](n) {
		part := dst[from:to]
		ks.exp(part, part)
		for _, e := range part {
			sum += float64(e)
		}
	}
	for j := range dst {
		dst[j] /= T(sum)
	}
}

// softmaxGradRows sets rows of n elements of dst to (p - onehot(label)) / batch, where p is the
// softmax of those of x, and picked to the p of the labels: as softmaxRows.
func (ks *kernelSet[T]) softmaxGradRows(dst, x []T, n int, labels []int, batch T, picked []T) {
	if n < longRow {
		ks.softmaxGrad(dst, x, n, labels, batch, picked)
		return
	}
	ks.softmaxRows(dst, x, n)
	picked[0] = dst[labels[0]]
	dst[labels[0]]--
	for j := range dst {
		dst[j] /= batch
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

// SoftmaxCrossEntropy is [Softmax], [CrossEntropy] and
// [SoftmaxCrossEntropyGrad] in one pass: it returns the mean over the rows of
// -log(p + floor), where p is the probability that the softmax of row i of the
// m x n matrix logits gives to class labels[i], and sets grad to the
// gradient (softmax - onehot(labels)) / m with respect to the logits, from which floor
// is left out. Shapes, special values and panics are as there. grad may be
// logits, but may not overlap it otherwise.
func SoftmaxCrossEntropy[T Float](grad, logits []T, labels []int, floor float64, m, n int) float64 {
	return defaultOps[T]().SoftmaxCrossEntropy(grad, logits, labels, floor, m, n)
}

// SoftmaxCrossEntropy is [SoftmaxCrossEntropy] on o's implementation.
func (o Ops[T]) SoftmaxCrossEntropy(grad, logits []T, labels []int, floor float64, m, n int) float64 {
	grad = contiguous("SoftmaxCrossEntropy", "grad", grad, m, n)
	logits = contiguous("SoftmaxCrossEntropy", "logits", logits, m, n)
	labels = checkLabels("SoftmaxCrossEntropy", labels, m, n)
	checkInPlace("SoftmaxCrossEntropy", "grad", "logits", grad, logits)
	if m == 0 {
		return math.NaN()
	}
	rows := min(m, rowsPerCall(n))
	w := borrowWorkspace[T](caller)
	w.a = room(w.a, rows)
	var sum float64
	for i := 0; i < m; i += rows {
		preemptible()
		end := min(i+rows, m)
		picked := w.a[:end-i]
		o.ks.softmaxGradRows(grad[i*n:end*n], logits[i*n:end*n], n, labels[i:end], T(m), picked)
		for _, p := range picked {
			sum -= math.Log(float64(p) + floor)
		}
	}
	w.giveBack()
	return sum / float64(m)
}

// rowsPerCall is how many rows of n elements, n > 0, a kernel gets at a time:
// assembly cannot be preempted, and an exponential takes about a nanosecond.
func rowsPerCall(n int) int { return max(1, 1<<15/n) }

func checkLabels(fn string, labels []int, m, n int) []int {
	checkLen(fn, "labels", len(labels), m)
	if m > 0 && n == 0 {
		panicf("%s: n = 0, want >= 1: a label is one of n classes", fn)
	}
	for i, label := range labels[:m] {
		if label < 0 || label >= n {
			panicf("%s: labels[%d] = %d, want 0..%d", fn, i, label, n-1)
		}
	}
	return labels[:m]
}
