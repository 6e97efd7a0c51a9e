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

func portableBytes[T Float](dst *T, src, _ *uint8, chunks *int, n int, divisor, _, _ T) {
	at := unsafe.Slice(chunks, 2*n)
	for ; len(at) > 0; at = at[2:] {
		to := unsafe.Slice(shifted(dst, at[1]), chunkBytes)
		for i, v := range unsafe.Slice(shifted(src, at[0]), chunkBytes) {
			to[i] = T(v) / divisor
		}
	}
}

func portableBytesInUse(used *columnBits, src *uint8, rows []int, n int) {
	last := 0
	for _, row := range rows {
		last = max(last, row)
	}
	anyInUse(used, unsafe.Slice(src, last*n+usedBlock), rows, n, usedBlock)
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
