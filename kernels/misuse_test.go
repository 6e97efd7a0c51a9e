package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// panicOf returns the message with which f panics.
func panicOf(f func()) (message string) {
	defer func() {
		if v := recover(); v != nil {
			message = fmt.Sprint(v)
		}
	}()
	f()
	return "no panic"
}

// Misuse is told by the argument's name, its value and what was needed.
func TestMisuse(t *testing.T) {
	buf := make([]float64, 64)
	const huge = math.MaxInt / 2 // sizes whose products are no int
	s := func(n int) []float64 { return make([]float64, n) }
	on := On[float64](portable)
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"MatMul: m = -1, want >= 0", func() { MatMul(s(9), s(9), s(9), -1, 3, 3) }},
		{"MatMul: n = -2, want >= 0", func() { MatMul(s(9), s(9), s(9), 3, -2, 3) }},
		{"MatMul: k = -3, want >= 0", func() { MatMul(s(9), s(9), s(9), 3, 3, -3) }},
		{"MatMul: len(a) = 8, want >= 9", func() { MatMul(s(9), s(8), s(9), 3, 3, 3) }},
		{"MatMul: len(b) = 8, want >= 9", func() { MatMul(s(9), s(9), s(8), 3, 3, 3) }},
		{"MatMul: len(c) = 8, want >= 9", func() { MatMul(s(8), s(9), s(9), 3, 3, 3) }},
		{"Plan: m = 0, want >= 1", func() { on.Plan(false, false, 0, 1, 1, 1, 1, 1) }},
		{"Plan: n = -1, want >= 1", func() { on.Plan(false, false, 1, -1, 1, 1, 1, 1) }},
		{"Plan: k = 0, want >= 1", func() { on.Plan(false, false, 1, 1, 0, 1, 1, 1) }},
		{"Plan: lda = 2, want >= 3", func() { on.Plan(false, false, 2, 2, 3, 2, 2, 2) }},
		{"Plan: ldb = 2, want >= 3", func() { on.Plan(false, true, 2, 2, 3, 3, 2, 2) }},
		{"Plan: 9 rows of 2, lda = ", func() { on.Plan(false, false, 9, 1, 2, huge, 1, 1) }},
		{"Plan: ldc = 1, want >= 2", func() { on.Plan(true, false, 4, 2, 3, 4, 2, 1) }},
		{"Aligned: n = -1, want >= 0", func() { Aligned[float32](-1) }},
		{"Gemm: m = -1, want >= 0", func() { Gemm(false, false, -1, 3, 3, 1, s(9), 3, s(9), 3, 0, s(9), 3) }},
		{"Gemm: n = -2, want >= 0", func() { Gemm(false, false, 3, -2, 3, 1, s(9), 3, s(9), 3, 0, s(9), 3) }},
		{"Gemm: k = -3, want >= 0", func() { Gemm(false, false, 3, 3, -3, 1, s(9), 3, s(9), 3, 0, s(9), 3) }},
		{"Gemm: len(a) = 8, want >= 9", func() { Gemm(false, false, 3, 3, 3, 1, s(8), 3, s(9), 3, 0, s(9), 3) }},
		{"Gemm: len(b) = 8, want >= 9", func() { Gemm(false, false, 3, 3, 3, 1, s(9), 3, s(8), 3, 0, s(9), 3) }},
		{"Gemm: len(c) = 8, want >= 9", func() { Gemm(false, false, 3, 3, 3, 1, s(9), 3, s(9), 3, 0, s(8), 3) }},
		{"Gemm: row 0 of c shares elements with row 2 of a", func() { Gemm(false, false, 3, 3, 3, 1, buf[:9], 3, s(9), 3, 0, buf[8:17], 3) }},
		{"Gemm: row 2 of c shares elements with row 0 of a", func() { Gemm(false, false, 3, 3, 3, 1, buf[8:17], 3, s(9), 3, 0, buf[:9], 3) }},
		{"Gemm: row 0 of c shares elements with row 2 of b", func() { Gemm(false, false, 3, 3, 3, 1, s(9), 3, buf[:9], 3, 0, buf[8:17], 3) }},
		{"Gemm: row 2 of c shares elements with row 0 of b", func() { Gemm(false, false, 3, 3, 3, 1, s(9), 3, buf[8:17], 3, 0, buf[:9], 3) }},
		{"Gemm: lda = 2, want >= 3", func() { Gemm(false, false, 4, 5, 3, 1, s(99), 2, s(99), 5, 0, s(99), 5) }},
		{"Gemm: lda = 3, want >= 4", func() { Gemm(true, false, 4, 5, 3, 1, s(99), 3, s(99), 5, 0, s(99), 5) }},
		{"Gemm: ldb = 4, want >= 5", func() { Gemm(false, false, 4, 5, 3, 1, s(99), 3, s(99), 4, 0, s(99), 5) }},
		{"Gemm: ldb = 2, want >= 3", func() { Gemm(false, true, 4, 5, 3, 1, s(99), 3, s(99), 2, 0, s(99), 5) }},
		{"Gemm: ldc = 4, want >= 5", func() { Gemm(false, false, 4, 5, 3, 1, s(99), 3, s(99), 5, 0, s(99), 4) }},
		{"MatMul: row 0 of c shares elements with row 0 of a", func() { MatMul(buf[:9], buf[:9], s(9), 3, 3, 3) }},
		{"MatMul: row 0 of c shares elements with row 2 of b", func() { MatMul(buf[8:17], s(9), buf[:9], 3, 3, 3) }},
		{fmt.Sprintf("Gemm: len(a) = 9, want >= %d", math.MaxInt), func() { Gemm(true, false, 1, 1, huge, 1, s(9), 8, s(9), 1, 0, s(9), 1) }},
		{fmt.Sprintf("Gemm: len(a) = 16, want >= %d", math.MaxInt), func() { Gemm(false, false, 5, 4, 4, 1, s(16), huge, s(16), 4, 0, s(20), 4) }},
		{fmt.Sprintf("Gemm: len(b) = 16, want >= %d", math.MaxInt), func() { Gemm(false, true, 4, 5, 4, 1, s(16), 4, s(16), huge, 0, s(20), 5) }},
		{fmt.Sprintf("Gemm: len(c) = 16, want >= %d", math.MaxInt), func() { Gemm(false, false, huge+2, 4, 4, 1, s(16), 4, s(16), 4, 0, s(16), 4) }},
		{"Gemm: len(a) = 262144, want >= ", func() { // more than an int of 32 bits holds
			Gemm(false, false, 1<<14, 4, 4, 1, s(1<<18), 1<<18, s(16), 4, 0, s(1<<16), 4)
		}},
		{fmt.Sprintf("AddBias: len(dst) = 6, want >= %d", math.MaxInt), func() { AddBias(s(6), s(6), s(3), huge, 3) }},
		{"GemmFused: len(e.Bias) = 2, want >= 3", func() {
			GemmFused(false, false, 3, 3, 3, 1, s(9), 3, s(9), 3, 0, s(9), 3, Epilogue[float64]{Bias: s(2)})
		}},
		{"of c shares elements with row 0 of e.Bias", func() {
			GemmFused(false, false, 3, 3, 3, 1, s(9), 3, s(9), 3, 0, buf[:9], 3, Epilogue[float64]{Bias: buf[8:12]})
		}},
		{"GemmFused: e.LDMask = 0, want >= 3", func() {
			GemmFused(false, false, 3, 3, 3, 1, s(9), 3, s(9), 3, 0, s(9), 3, Epilogue[float64]{Mask: s(9)})
		}},
		{"GemmFused: row 0 of c shares elements with row 0 of e.Mask", func() {
			GemmFused(false, false, 3, 3, 3, 1, s(9), 3, s(9), 3, 0, buf[:9], 3, Epilogue[float64]{Mask: buf[:9], LDMask: 3})
		}},
		{"PackB: ldb = 2, want >= 3", func() { PackB(false, 2, 3, s(9), 2) }},
		{"PackB: len(b) = 5, want >= 6", func() { PackB(true, 2, 3, s(5), 2) }},
		{"GemmPacked: len(a) = 3, want >= 4", func() { GemmPacked(false, 2, 1, s(3), 2, PackB(false, 2, 3, s(6), 3), 0, s(6), 3, Epilogue[float64]{}) }},
		{"GemmPacked: len(e.Bias) = 1, want >= 3", func() {
			GemmPacked(false, 2, 1, s(4), 2, PackB(false, 2, 3, s(6), 3), 0, s(6), 3, Epilogue[float64]{Bias: s(1)})
		}},
		{"GemmPacked: b = nil, want a matrix from PackB", func() { GemmPacked(false, 2, 1, s(4), 2, nil, 0, s(6), 3, Epilogue[float64]{}) }},
		{"ArgmaxRows: n = 0, want >= 1", func() { ArgmaxRows(make([]int, 3), s(0), 3, 0) }},
		{"Gemm: row 1 of c shares elements with row 0 of a", func() { Gemm(true, false, 2, 1, 1, 1, buf[2:4], math.MaxInt, s(1), 1, 0, buf[:4], 3) }},
		{"GemmPacked: row 0 of c shares elements with row 1 of a", func() {
			GemmPacked(false, 2, 1, buf[:4], 2, PackB(false, 2, 3, s(6), 3), 0, buf[3:9], 3, Epilogue[float64]{})
		}},
		{"GemmPacked: row 1 of c shares elements with row 0 of a", func() {
			GemmPacked(true, 2, 1, buf[5:9], 2, PackB(false, 2, 3, s(6), 3), 0, buf[:6], 3, Epilogue[float64]{})
		}},
		{"GemmBatched: count = -1, want >= 0", func() { GemmBatched(-1, false, false, 1, 1, 1, 1, s(1), 1, 1, s(1), 1, 1, 0, s(1), 1, 1) }},
		{"GemmBatched: strideC = 3 with ldc = 2 makes results share elements, want strideC >= 4", func() { GemmBatched(2, false, false, 2, 2, 2, 1, s(9), 2, 4, s(9), 2, 4, 0, s(9), 2, 3) }},
		{"GemmBatched: len(a) = 7, want >= 8", func() { GemmBatched(2, false, false, 2, 2, 2, 1, s(7), 2, 4, s(8), 2, 4, 0, s(8), 2, 4) }},
		{"GemmBatched: len(b) = 7, want >= 8", func() { GemmBatched(2, false, false, 2, 2, 2, 1, s(8), 2, 4, s(7), 2, 4, 0, s(8), 2, 4) }},
		{"GemmBatched: len(c) = 7, want >= 8", func() { GemmBatched(2, false, false, 2, 2, 2, 1, s(8), 2, 4, s(8), 2, 4, 0, s(7), 2, 4) }},
		{"GemmBatched: c overlaps a", func() { GemmBatched(2, false, false, 2, 2, 2, 1, buf[7:15], 2, 4, s(8), 2, 4, 0, buf[:8], 2, 4) }},
		{"GemmBatched: c overlaps a", func() { GemmBatched(2, false, false, 2, 2, 2, 1, buf[:8], 2, 4, s(8), 2, 4, 0, buf[7:15], 2, 4) }},
		{"GemmBatched: c overlaps b", func() { GemmBatched(2, false, false, 2, 2, 2, 1, s(8), 2, 4, buf[4:12], 2, 4, 0, buf[:8], 2, 4) }},
		{"GemmBatched: c overlaps b", func() { GemmBatched(2, false, false, 2, 2, 2, 1, s(8), 2, 4, buf[:8], 2, 4, 0, buf[7:15], 2, 4) }},
		{"Gemv: m = -1, want >= 0", func() { Gemv(false, -1, 3, 1, s(9), 3, s(3), 1, 0, s(3), 1) }},
		{"Gemv: n = -2, want >= 0", func() { Gemv(false, 3, -2, 1, s(9), 3, s(3), 1, 0, s(3), 1) }},
		{"Gemv: lda = 2, want >= 3", func() { Gemv(false, 4, 3, 1, s(99), 2, s(3), 1, 0, s(4), 1) }},
		{"Gemv: lda = 2, want >= 3", func() { Gemv(true, 4, 3, 1, s(99), 2, s(4), 1, 0, s(3), 1) }},
		{"Gemv: incX = 0, want >= 1", func() { Gemv(false, 4, 3, 1, s(99), 3, s(9), 0, 0, s(9), 1) }},
		{"Gemv: incY = -1, want >= 1", func() { Gemv(false, 4, 3, 1, s(99), 3, s(9), 1, 0, s(9), -1) }},
		{"Gemv: incY = 0, want >= 1", func() { Gemv(false, 4, 3, 0, nil, 3, nil, 1, 0, s(9), 0) }},
		{"Gemv: len(a) = 11, want >= 12", func() { Gemv(false, 4, 3, 1, s(11), 3, s(3), 1, 0, s(4), 1) }},
		{"Gemv: len(x) = 4, want >= 5 (3 elements, incX = 2)", func() { Gemv(false, 4, 3, 1, s(12), 3, s(4), 2, 0, s(4), 1) }},
		{"Gemv: len(x) = 3, want >= 4", func() { Gemv(true, 4, 3, 1, s(12), 3, s(3), 1, 0, s(3), 1) }},
		{"Gemv: len(y) = 9, want >= 10 (4 elements, incY = 3)", func() { Gemv(false, 4, 3, 1, s(12), 3, s(3), 1, 0, s(9), 3) }},
		{"Gemv: len(y) = 2, want >= 3", func() { Gemv(true, 4, 3, 1, s(12), 3, s(4), 1, 0, s(2), 1) }},
		{"Gemv: row 0 of y shares elements with row 3 of a", func() { Gemv(false, 4, 3, 1, buf[:12], 3, s(3), 1, 0, buf[11:15], 1) }},
		{"Gemv: row 3 of y shares elements with row 0 of a", func() { Gemv(false, 4, 3, 1, buf[3:15], 3, s(3), 1, 0, buf[:4], 1) }},
		{"Gemv: row 1 of y shares elements with row 0 of x", func() { Gemv(true, 4, 3, 1, s(12), 3, buf[2:6], 1, 0, buf[:5], 2) }},
		{fmt.Sprintf("Gemv: len(x) = 9, want >= %d", math.MaxInt), func() { Gemv(false, 1, 3, 1, s(9), 3, s(9), huge, 0, s(1), 1) }},
		{"ReLU: len(dst) = 3, want len(src) = 4", func() { ReLU(s(3), s(4)) }},
		{"ReLU: dst overlaps src", func() { ReLU(buf[1:5], buf[:4]) }},
		{"ReLU: dst overlaps src", func() { ReLU(buf[:4], buf[3:7]) }},
		{"ReLUGrad: len(grad) = 3, want len(x) = 4", func() { ReLUGrad(s(4), s(3), s(4)) }},
		{"ReLUGrad: dst overlaps x", func() { ReLUGrad(buf[1:5], s(4), buf[:4]) }},
		{"ReLUGrad: dst overlaps x", func() { ReLUGrad(buf[:4], s(4), buf[3:7]) }},
		{"ReLUGrad: dst overlaps grad", func() { ReLUGrad(buf[1:5], buf[:4], s(4)) }},
		{"ReLUGrad: dst overlaps grad", func() { ReLUGrad(buf[:4], buf[3:7], s(4)) }},
		{"Axpy: len(x) = 5, want len(y) = 4", func() { Axpy(1, s(5), s(4)) }},
		{"Axpy: y overlaps x", func() { Axpy(1, buf[:4], buf[3:7]) }},
		{"Axpy: y overlaps x", func() { Axpy(1, buf[1:5], buf[:4]) }},
		{"AddBias: len(bias) = 2, want >= 3", func() { AddBias(s(6), s(6), s(2), 2, 3) }},
		{"AddBias: dst overlaps bias", func() { AddBias(buf[:6], s(6), buf[4:7], 2, 3) }},
		{"AddBias: dst overlaps bias", func() { AddBias(buf[2:8], s(6), buf[:3], 2, 3) }},
		{"AddBias: dst overlaps src", func() { AddBias(buf[1:7], buf[:6], s(3), 2, 3) }},
		{"AddBias: dst overlaps src", func() { AddBias(buf[:6], buf[5:11], s(3), 2, 3) }},
		{"BiasGrad: dst overlaps grad", func() { BiasGrad(buf[:3], buf[:6], 2, 3) }},
		{"BiasGrad: dst overlaps grad", func() { BiasGrad(buf[5:8], buf[:6], 2, 3) }},
		{"BiasGrad: dst overlaps grad", func() { BiasGrad(buf[:3], buf[2:8], 2, 3) }},
		{"BiasGrad: len(dst) = 2, want >= 3", func() { BiasGrad(s(2), s(6), 2, 3) }},
		{"Softmax: len(dst) = 5, want >= 6", func() { Softmax(s(5), s(6), 2, 3) }},
		{"Softmax: dst overlaps logits", func() { Softmax(buf[1:7], buf[:6], 2, 3) }},
		{"Softmax: dst overlaps logits", func() { Softmax(buf[:6], buf[5:11], 2, 3) }},
		{"CrossEntropy: labels[1] = 3, want 0..2", func() { CrossEntropy(s(6), []int{0, 3}, 0, 2, 3) }},
		{"SoftmaxCrossEntropyGrad: labels[0] = -1, want 0..2", func() { SoftmaxCrossEntropyGrad(s(6), s(6), []int{-1, 0}, 2, 3) }},
		{"SoftmaxCrossEntropyGrad: len(labels) = 1, want >= 2", func() { SoftmaxCrossEntropyGrad(s(6), s(6), []int{0}, 2, 3) }},
		{"SoftmaxCrossEntropyGrad: dst overlaps probs", func() { SoftmaxCrossEntropyGrad(buf[1:7], buf[:6], []int{0, 1}, 2, 3) }},
		{"SoftmaxCrossEntropyGrad: dst overlaps probs", func() { SoftmaxCrossEntropyGrad(buf[:6], buf[5:11], []int{0, 1}, 2, 3) }},
		{"SoftmaxCrossEntropy: len(grad) = 5, want >= 6", func() { SoftmaxCrossEntropy(s(5), s(6), []int{0, 1}, 0, 2, 3) }},
		{"SoftmaxCrossEntropy: grad overlaps logits", func() { SoftmaxCrossEntropy(buf[1:7], buf[:6], []int{0, 1}, 0, 2, 3) }},
		{"SoftmaxCrossEntropy: grad overlaps logits", func() { SoftmaxCrossEntropy(buf[:6], buf[5:11], []int{0, 1}, 0, 2, 3) }},
		{"SoftmaxCrossEntropy: n = 0, want >= 1", func() { SoftmaxCrossEntropy(s(0), s(0), []int{0}, 0, 1, 0) }},
		{"SoftmaxCrossEntropy: labels[1] = 3, want 0..2", func() { SoftmaxCrossEntropy(s(6), s(6), []int{0, 3}, 0, 2, 3) }},
		{"Exp: len(dst) = 3, want len(src) = 4", func() { Exp(s(3), s(4)) }},
		{"Exp: dst overlaps src", func() { Exp(buf[1:5], buf[:4]) }},
		{"Exp: dst overlaps src", func() { Exp(buf[:4], buf[3:7]) }},
		{"GatherBytes: n = -1, want >= 0", func() { GatherBytes(s(4), nil, []int{0}, -1, 1) }},
		{"GatherBytes: len(dst) = 4, want >= 6", func() { GatherBytes(s(4), make([]uint8, 9), []int{0, 1}, 3, 1) }},
		{"GatherBytes: divisor = 0, want 1..255", func() { GatherBytes(s(6), make([]uint8, 9), []int{0, 1}, 3, 0) }},
		{"GatherBytes: rows[1] = 2, want 0..1, the whole rows in len(src) = 8", func() { GatherBytes(s(6), make([]uint8, 8), []int{0, 2}, 3, 1) }},
		{"GatherBytes: len(src) = 2, want >= 3: a whole row", func() { GatherBytes(s(6), make([]uint8, 2), []int{0, 0}, 3, 1) }},
		{"GatherBytes: rows[0] = -1, want 0..2", func() { GatherBytes(s(6), make([]uint8, 9), []int{-1, 2}, 3, 1) }},
		{"GatherColumns: n = -1, want >= 0", func() { on.GatherColumns(s(4), 1, nil, []int{0}, -1, nil, 1) }},
		{"GatherColumns: columns[1] = 2..4, want it within 3..5", func() {
			on.GatherColumns(s(9), 5, make([]uint8, 10), []int{0}, 5, []Range{{0, 3}, {2, 4}}, 1)
		}},
		{"GatherColumns: columns[0] = 3..2, want it within 0..5", func() {
			on.GatherColumns(s(9), 5, make([]uint8, 10), []int{0}, 5, []Range{{3, 2}}, 1)
		}},
		{"GatherColumns: columns[0] = 3..6, want it within 0..5", func() {
			on.GatherColumns(s(9), 5, make([]uint8, 10), []int{0}, 5, []Range{{3, 6}}, 1)
		}},
		{"GatherColumns: ldd = 1, want >= 2", func() {
			on.GatherColumns(s(9), 1, make([]uint8, 10), []int{0}, 5, []Range{{3, 5}}, 1)
		}},
		{"GatherColumns: len(dst) = 6, want >= 7", func() {
			on.GatherColumns(s(6), 5, make([]uint8, 10), []int{0, 1}, 5, []Range{{3, 5}}, 1)
		}},
		{"GatherColumns: divisor = 0, want 1..255", func() { on.GatherColumns(s(4), 1, make([]uint8, 9), []int{0}, 3, nil, 0) }},
		{"GatherColumns: rows[0] = 3, want 0..2", func() { on.GatherColumns(s(4), 1, make([]uint8, 9), []int{3}, 3, nil, 1) }},
		{"ColumnsInUse: n = -1, want >= 0", func() { on.ColumnsInUse(nil, nil, []int{0}, -1) }},
		{"ColumnsInUse: rows[1] = 3, want 0..2", func() { on.ColumnsInUse(nil, make([]uint8, 9), []int{0, 3}, 3) }},
		{"FetchBytes: n = -1, want >= 0", func() { on.FetchBytes(nil, []int{0}, -1) }},
		{"FetchBytes: rows[1] = 3, want 0..2, the whole rows in len(src) = 9", func() { on.FetchBytes(make([]uint8, 9), []int{0, 3}, 3) }},
		{"Argmax: len(x) = 0, want >= 1", func() { Argmax(s(0)) }},
		{"ArgmaxRows: len(dst) = 1, want >= 2", func() { ArgmaxRows(make([]int, 1), s(6), 2, 3) }},
		{"On: im is nil", func() { On[float64](nil) }},
		{"ProbeFMA: n = -1, want >= 0", func() { On[float64](portable).ProbeFMA(-1) }},
		{"ProbeClock: n = -1, want >= 0", func() { ProbeClock(-1) }},
		{"ProbeIssue: n = -1, want >= 0", func() { ProbeIssue(-1) }},
	} {
		if got := panicOf(c.f); !strings.Contains(got, "kernels: ") || !strings.Contains(got, c.want) {
			t.Errorf("panic %q, want %q", got, c.want)
		}
	}
}

// Memory that only touches is not shared, whichever comes first.
func TestNeighboursDoNotOverlap(t *testing.T) {
	buf := make([]float64, 12)
	for _, at := range [][2]int{{0, 6}, {6, 0}} {
		dst, src := buf[at[0]:][:6], buf[at[1]:][:6]
		other := make([]float64, 6)
		for name, f := range map[string]func(){
			"ReLU":     func() { ReLU(dst, src) },
			"ReLUGrad": func() { ReLUGrad(dst, src, other); ReLUGrad(dst, other, src) },
			"Axpy":     func() { Axpy(1, src, dst) },
			"AddBias":  func() { AddBias(dst, src, other[:3], 2, 3); AddBias(dst, other, src[:6], 1, 6) },
			"BiasGrad": func() { BiasGrad(dst, src, 1, 6) },
			"Softmax":  func() { Softmax(dst, src, 2, 3) },
			"MatMul":   func() { MatMul(dst, src, other[:4], 3, 2, 2); MatMul(dst, other[:4], src, 2, 3, 2) },
			"Gemv": func() {
				Gemv(false, 6, 1, 1, src, 1, other, 1, 0, dst, 1)
				Gemv(false, 6, 1, 1, other, 1, src, 1, 0, dst, 1)
			},
			"GemmBatched": func() {
				GemmBatched(3, false, false, 1, 2, 1, 1, other, 1, 1, src, 2, 2, 0, dst, 2, 2)
			},
		} {
			if got := panicOf(f); got != "no panic" {
				t.Errorf("%s, output at %d, input at %d: %s", name, at[0], at[1], got)
			}
		}
	}
}

// The trailing update of a blocked LU factorisation: all operands are blocks of
// one matrix, whose rows interleave in memory, and nothing but C changes.
func TestGemmBlocksOfOneMatrix(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { blocksOfOneMatrix(t, o) },
		func(t *testing.T, o Ops[float64]) { blocksOfOneMatrix(t, o) })
}

func blocksOfOneMatrix[T Float](t *testing.T, o Ops[T]) {
	for _, size := range [][2]int{{16, 13}, {40, 13}, {150, 20}} {
		// An n x n matrix whose trailing r x r block is C, with a mask at its
		// right; A and B are the blocks at the left of C and above it.
		n, at := size[0], size[1]
		r, ld := n-at, n+n-at
		left, above := at*ld, at
		for _, trans := range transposes {
			for _, fused := range []bool{false, true} {
				x := randomMatrix[T](rand.New(rand.NewPCG(1, 2)), n, ld, ld)
				a, b := left, above
				if trans[0] {
					a = above
				}
				if trans[1] {
					b = left
				}
				c, mask, bias := at*ld+at, at*ld+n, n
				g := gemmCase{transA: trans[0], transB: trans[1], m: r, n: r, k: at, alpha: -1, beta: 1}
				name := fmt.Sprintf("%+v, fused %v", g, fused)
				old := slices.Clone(x.data)
				if fused {
					e := Epilogue[T]{Bias: x.data[bias:][:r], Mask: x.data[mask:], LDMask: ld}
					o.GemmFused(trans[0], trans[1], r, r, at, -1, x.data[a:], ld, x.data[b:], ld, 1, x.data[c:], ld, e)
				} else {
					o.Gemm(trans[0], trans[1], r, r, at, -1, x.data[a:], ld, x.data[b:], ld, 1, x.data[c:], ld)
				}
				x.check(t, name)
				for i, got := range x.data {
					row, col := i/ld-at, i%ld-at
					if row < 0 || col < 0 || col >= r {
						if got != old[i] {
							t.Fatalf("%s: element %d,%d, which is not of C, was changed", name, i/ld, i%ld)
						}
						continue
					}
					want, magnitude := reference(g, old[a:], ld, old[b:], ld, old[i], row, col)
					if fused {
						want += float64(old[bias+col])
						magnitude += math.Abs(float64(old[bias+col]))
						if old[mask+row*ld+col] <= 0 {
							want, magnitude = 0, 0
						}
					}
					if !(math.Abs(float64(got)-want) <= gamma[T](at+4)*magnitude) {
						t.Fatalf("%s: C[%d,%d] is %v, want %v", name, row, col, got, want)
					}
				}
			}
		}
	}
}

// The check for shared elements agrees with one that marks every element, for
// blocks laid over each other in every way.
func TestSharedElements(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	buf := make([]float32, 400)
	var shared, apart int
	for range 20000 {
		cRows, cCols, aRows, aCols := 1+rng.IntN(5), 1+rng.IntN(5), 1+rng.IntN(5), 1+rng.IntN(5)
		ldc, lda := cCols+rng.IntN(8), aCols+rng.IntN(8)
		if rng.IntN(2) == 0 {
			lda = max(ldc, aCols)
		}
		c0, a0 := rng.IntN(60), rng.IntN(60)
		mark := map[int]bool{}
		for i := range cRows {
			for j := range cCols {
				mark[c0+i*ldc+j] = true
			}
		}
		want := false
		for i := range aRows {
			for j := range aCols {
				want = want || mark[a0+i*lda+j]
			}
		}
		got := panicOf(func() {
			checkNoSharedElement("Gemm", "c", "a", buf[c0:], cRows, cCols, ldc, buf[a0:], aRows, aCols, lda)
		}) != "no panic"
		if got != want {
			t.Fatalf("C %dx%d at %d, ldc %d; A %dx%d at %d, lda %d: shared = %v, want %v", cRows, cCols, c0, ldc, aRows, aCols, a0, lda, got, want)
		}
		if want {
			shared++
		} else {
			apart++
		}
	}
	if shared < 1000 || apart < 1000 {
		t.Errorf("%d shared and %d apart: one side is hardly tested", shared, apart)
	}
}

// Products refuse a C with an element of an operand, and no other, whatever else of one slice is in the
// slices that they are given.
func TestSharedElementsAreRefused(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	buf, own := make([]float32, 400), make([]float32, 400)
	type matrix struct{ at, rows, cols, ld int }
	place := func(rows, cols, ld int) matrix { return matrix{rng.IntN(60), rows, cols, ld} }
	for name, product := range map[string]func(m, n, k int) (c, x matrix, run func()){
		"Gemm, C and A": func(m, n, k int) (c, x matrix, run func()) {
			transA, transB := rng.IntN(2) == 1, rng.IntN(2) == 1
			rows, cols := stored(transA, m, k)
			c, x = place(m, n, n+rng.IntN(8)), place(rows, cols, cols+rng.IntN(8))
			return c, x, func() { Gemm(transA, transB, m, n, k, 1, buf[x.at:], x.ld, own, 5, 0, buf[c.at:], c.ld) }
		},
		"Gemm, C and B": func(m, n, k int) (c, x matrix, run func()) {
			transA, transB := rng.IntN(2) == 1, rng.IntN(2) == 1
			rows, cols := stored(transB, k, n)
			c, x = place(m, n, n+rng.IntN(8)), place(rows, cols, cols+rng.IntN(8))
			return c, x, func() { Gemm(transA, transB, m, n, k, 1, own, 5, buf[x.at:], x.ld, 0, buf[c.at:], c.ld) }
		},
		"MatMul, C and A": func(m, n, k int) (c, x matrix, run func()) {
			c, x = place(m, n, n), place(m, k, k)
			return c, x, func() { MatMul(buf[c.at:], buf[x.at:], own, m, n, k) }
		},
		"MatMul, C and B": func(m, n, k int) (c, x matrix, run func()) {
			c, x = place(m, n, n), place(k, n, n)
			return c, x, func() { MatMul(buf[c.at:], own, buf[x.at:], m, n, k) }
		},
		"Gemv, y and A": func(m, n, _ int) (c, x matrix, run func()) {
			trans, rows := rng.IntN(2) == 1, m
			if trans {
				rows = n
			}
			c, x = place(rows, 1, 1+rng.IntN(8)), place(m, n, n+rng.IntN(8))
			return c, x, func() { Gemv(trans, m, n, 1, buf[x.at:], x.ld, own, 2, 0, buf[c.at:], c.ld) }
		},
		"Gemv, y and x": func(m, n, _ int) (c, x matrix, run func()) {
			trans, rows, k := rng.IntN(2) == 1, m, n
			if trans {
				rows, k = n, m
			}
			c, x = place(rows, 1, 1+rng.IntN(8)), place(k, 1, 1+rng.IntN(8))
			return c, x, func() { Gemv(trans, m, n, 1, own, 5, buf[x.at:], x.ld, 0, buf[c.at:], c.ld) }
		},
	} {
		var shared, apart int
		for range 5000 {
			m, n, k := 1+rng.IntN(5), 1+rng.IntN(5), 1+rng.IntN(5)
			c, x, run := product(m, n, k)
			mark, want := map[int]bool{}, false
			for i := range c.rows {
				for j := range c.cols {
					mark[c.at+i*c.ld+j] = true
				}
			}
			for i := range x.rows {
				for j := range x.cols {
					want = want || mark[x.at+i*x.ld+j]
				}
			}
			if got := panicOf(run) != "no panic"; got != want {
				t.Fatalf("%s: m, n, k = %d, %d, %d, in one slice %+v and %+v: refused %v, want %v", name, m, n, k, c, x, got, want)
			}
			if want {
				shared++
			} else {
				apart++
			}
		}
		if shared < 300 || apart < 300 {
			t.Errorf("%s: %d shared and %d apart: one side is hardly tested", name, shared, apart)
		}
	}
}
