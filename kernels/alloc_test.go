//go:build !race

// The race detector allocates on its own account, so that this file is for
// builds without it.

package kernels

import (
	"runtime"
	"testing"
)

// Nothing allocates once the buffers are there.
func TestNoAllocations(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { noAllocations(t, o) },
		func(t *testing.T, o Ops[float64]) { noAllocations(t, o) })
}

func noAllocations[T Float](t *testing.T, o Ops[T]) {
	const n = 130
	a, b, c := make([]T, n*n), make([]T, n*n), make([]T, n*n)
	const m, k, cols = 700, 400, 50 // blocks of a large A, each of which has the next one fetched
	tall, deep, product := make([]T, m*k), make([]T, k*cols), make([]T, m*cols)
	long, pixels := make([]T, longRow), make([]uint8, n)
	labels, classes := make([]int, n), make([]int, n)
	ranges, first := make([]Range, 0, 150), []int{0}
	columns, wide := []Range{{0, 1}, {5, 40}, {n - 10, n}}, make([]uint8, 300)
	for i := 0; i < len(wide); i += 7 {
		wide[i] = 1
	}
	tu := o.Tuning()
	tu.TransposeRows = cols // of any implementation
	turning := o.Tuned(tu)
	for name, f := range map[string]func(){
		"MatMul 4":                func() { o.MatMul(c, a, b, 4, 4, 4) },
		"MatMul 50":               func() { o.MatMul(c, a, b, 50, 50, 50) },
		"MatMul 130":              func() { o.MatMul(c, a, b, n, n, n) },
		"Gemm TT":                 func() { o.Gemm(true, true, n, n, n, 2, a, n, b, n, 1, c, n) },
		"Gemm of few columns":     func() { o.Gemm(false, false, 100, 4, 80, 1, tall, 80, deep, 4, 0, product, 4) },
		"Gemm as rows":            func() { o.Gemm(true, false, 50, 10, 100, 1, tall, 50, deep, 10, 0, product, 10) },
		"Gemm NT as dots":         func() { o.Gemm(false, true, 4, 40, 100, 1, tall, 100, deep, 100, 0, product, 40) },
		"Gemm TT as dots":         func() { o.Gemm(true, true, 4, 40, 100, 1, tall, 4, deep, 100, 0, product, 40) },
		"Gemm NT turned":          func() { o.Gemm(false, true, 20, 70, 30, 1, tall, 30, deep, 30, 0, product, 70) },
		"Gemm in blocks":          func() { o.Gemm(false, false, m, cols, k, 1, tall, k, deep, cols, 0, product, cols) },
		"Gemm NT in blocks":       func() { o.Gemm(false, true, m, cols, k, 1, tall, k, deep, k, 0, product, cols) },
		"Gemm NT as transpose":    func() { turning.Gemm(false, true, cols, 70, k, 1, deep, k, tall, k, 0, product, 70) },
		"Gemv":                    func() { o.Gemv(false, n, n, 2, a, n, b, 1, 1, c, 1) },
		"Gemv T, increments":      func() { o.Gemv(true, n, n-1, 2, a, n, b, 2, 1, c, 3) },
		"Gemv, increments":        func() { o.Gemv(false, n, n-1, 2, a, n, b, 2, 1, c, 3) },
		"ReLU":                    func() { o.ReLU(c, a) },
		"ReLUGrad":                func() { o.ReLUGrad(c, a, b) },
		"Axpy":                    func() { o.Axpy(2, a, c) },
		"AddBias":                 func() { o.AddBias(c, a, b, n, n) },
		"BiasGrad":                func() { o.BiasGrad(c, a, n, n) },
		"Softmax":                 func() { o.Softmax(c, a, n, n) },
		"Softmax of a long row":   func() { o.Softmax(long, long, 1, longRow) },
		"Exp":                     func() { o.Exp(c, a) },
		"SoftmaxCrossEntropy":     func() { o.SoftmaxCrossEntropy(c, a, labels, 1e-7, n, n) },
		"GatherBytes":             func() { o.GatherBytes(c, pixels, labels, n, 255) },
		"GatherColumns":           func() { o.GatherColumns(c, n, pixels, labels, n, columns, 255) },
		"ColumnsInUse":            func() { ranges = o.ColumnsInUse(ranges[:0], wide, first, len(wide)) },
		"FetchBytes":              func() { o.FetchBytes(pixels, labels, n) },
		"CrossEntropy":            func() { CrossEntropy(c, labels, 1e-7, n, n) },
		"SoftmaxCrossEntropyGrad": func() { SoftmaxCrossEntropyGrad(c, c, labels, n, n) },
		"ArgmaxRows":              func() { ArgmaxRows(classes, a, n, n) },
	} {
		if got := testing.AllocsPerRun(10, f); got != 0 {
			t.Errorf("%s: %v allocations a call, want 0", name, got)
		}
	}
}

// Sharing work out does not allocate either, once the workers are there.
func TestNoAllocationsWithThreads(t *testing.T) {
	withProcs(t, 4)
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		const n, calls = 150, 100
		a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
		o := On[float32](im)
		run := func() (mallocs uint64) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range calls {
				o.MatMul(c, a, b, n, n, n)
			}
			runtime.ReadMemStats(&after)
			return after.Mallocs - before.Mallocs
		}
		// Workers and buffers are made when they are first needed, which may be late, on a busy
		// machine; but they are made once. So are the runtime's notes of who waits, of which each P
		// keeps up to 128: one that others always wake may ask for new ones until all have theirs.
		const once, runs = 2000, 200
		var mallocs uint64
		for range runs {
			more := run()
			if more == 0 {
				return
			}
			if mallocs += more; mallocs > once {
				break
			}
		}
		t.Errorf("still allocating after %d allocations", mallocs)
	})
}
