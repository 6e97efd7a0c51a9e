package kernels

import (
	"math"
	"unsafe"
)

func portableExp[T Float](dst, src []T) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = T(portableExpOne(float64(x)))
	}
}

// portableExpOne is math.Exp, which on amd64 is +Inf from 709.44 on, before
// the largest float64 is reached.
func portableExpOne(x float64) float64 {
	if x > 709 {
		return math.Exp(x-1) * math.E
	}
	return math.Exp(x)
}

func portableBytes[T Float](dst []T, src, _ *uint8, divisor, _, _ T) {
	for i, v := range unsafe.Slice(src, len(dst)) {
		dst[i] = T(v) / divisor
	}
}

func portableSoftmax[T Float](dst, x []T, n int) {
	for i := 0; i < len(dst); i += n {
		portableSoftmaxRow(dst[i:i+n], x[i:i+n])
	}
}

func portableSoftmaxRow[T Float](dst, x []T) {
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

func portableSoftmaxGrad[T Float](dst, x []T, n int, labels []int, batch T, picked []T) {
	for i, label := range labels {
		row := dst[i*n : (i+1)*n]
		portableSoftmaxRow(row, x[i*n:(i+1)*n])
		picked[i] = row[label]
		row[label]--
		for j := range row {
			row[j] /= batch
		}
	}
}
