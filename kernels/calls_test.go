package kernels

import (
	"math"
	"slices"
	"testing"
)

// No call of a micro-kernel is longer than callWork, if it computes more than one tile of one
// panel: it cannot be preempted.
func TestCallsAreBounded(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { callsAreBounded(t, o) },
		func(t *testing.T, o Ops[float64]) { callsAreBounded(t, o) })
}

func callsAreBounded[T Float](t *testing.T, o Ops[T]) {
	ks, longest, many, rows, elements, alone, aloneRows := *o.ks, 0, 0, 0, 0, 0, 0
	watched := func(kernels []microKernel[T]) []microKernel[T] {
		watched := make([]microKernel[T], len(kernels))
		for i, run := range kernels {
			watched[i] = func(x *microArgs[T]) {
				if x.tiles*x.panels > 1 {
					longest = max(longest, x.tiles*(i+1)*x.panels*x.cols*x.k)
					rows = max(rows, x.tiles*(i+1))
				}
				if x.panels > 1 {
					elements = max(elements, x.tiles*(i+1)*x.panels*x.cols)
				}
				many = max(many, x.panels)
				run(x)
			}
		}
		return watched
	}
	byColumns, byDot := ks.byColumns, ks.dot
	o.ks = &ks
	tu := o.Tuning()
	tu.ThreadWork, tu.NC = math.MaxInt, 1<<20 // whatever a tuning asks for
	ks.tuning = tu
	ks.byColumns = make([][pairings][]microKernel[T], len(byColumns))
	for i, kernels := range byColumns {
		for p := range kernels {
			ks.byColumns[i][p] = watched(kernels[p])
		}
	}
	if ks.around.v > 0 {
		ks.around.run = watched(ks.around.run)
	}
	inPanels := func(kernels []panelKernel[T]) []panelKernel[T] {
		out := slices.Clone(kernels)
		for i, kernel := range kernels {
			of := make([]microKernel[T], kernel.h)
			of[kernel.h-1] = kernel.run
			out[i].run = watched(of)[kernel.h-1]
		}
		return out
	}
	ks.packing, ks.copying, ks.turning = inPanels(ks.packing), inPanels(ks.copying), inPanels(ks.turning)
	ks.fetching, ks.following = slices.Clone(ks.fetching), slices.Clone(ks.following)
	for v, kernels := range ks.fetching {
		ks.fetching[v], ks.following[v] = inPanels(kernels), inPanels(ks.following[v])
	}
	watchAlone(&ks, func(rows, cols, k, tiles int) {
		if tiles > 1 {
			alone, aloneRows = max(alone, rows*cols*k), max(aloneRows, rows)
		}
	})
	dots, dotted, copied := 0, 0, 0
	ks.dot = make([][]dotKernel[T], len(o.ks.dot))
	for v, kernels := range byDot {
		for h, run := range kernels {
			ks.dot[v] = append(ks.dot[v], func(tiles, k int, a *T, aRow int, b *T, bCol int, c *T, cRow, cCol int, alpha, beta T) {
				if tiles > 1 {
					dots = max(dots, tiles*(h+1)*(v+1)*k)
					dotted = max(dotted, tiles*(h+1))
				}
				run(tiles, k, a, aRow, b, bCol, c, cRow, cCol, alpha, beta)
			})
		}
	}
	if turn := ks.square.run; turn != nil {
		ks.square.run = func(k, cols int, b *T, bCol int, panel *T, width int) {
			if cols > ks.square.side {
				copied = max(copied, k*cols)
			}
			turn(k, cols, b, bCol, panel, width)
		}
	}
	sums, summed := 0, 0 // of a vector times a matrix
	ks.vecMat = slices.Clone(ks.vecMat)
	for v, run := range ks.vecMat {
		ks.vecMat[v] = func(k int, x *T, xStep int, b *T, bRow int, y *T, cols int) {
			sums, summed = max(sums, k*cols), max(summed, k)
			run(k, x, xStep, b, bRow, y, cols)
		}
	}
	rng := newNormals[T]()
	for _, n := range []int{1, 2, 9, leastOfColumns, 8 * ks.lanes, 8*ks.lanes + 1} {
		k := max(vecMatWork/n, vecMatRows) + 10
		b, x, y := rng(k*n), rng(k), make([]T, n)
		for _, k := range []int{k, vecMatRows + 1, vecMatWork/n + 1, min(vecMatRows, vecMatWork/n)} {
			o.Threads(1).Gemm(false, false, 1, n, k, 1, x, k, b, n, 0, y, n)
			o.Threads(1).Gemm(true, false, n, 1, k, 1, b, n, x, 1, 0, y, 1)
			o.Threads(1).Gemv(true, k, n, 2, b, n, x, 1, 0, y, 1)
		}
	}
	if most := min(vecMatWork, vecMatRows*8*ks.lanes); sums > most || summed > 1024 || ks.vecMat != nil && (sums < most/2 || summed < vecMatRows) {
		t.Errorf("calls for a vector times a matrix of up to %d multiply-adds and %d rows, want at most %d and 1024, and near that", sums, summed, most)
	}
	for _, s := range [][3]int{{7, 6000, 128}, {100, 700, 130}, {16, 2300, 300}, {2, 9000, 200}, {130, 130, 600}, {400, 200, 2200}} {
		m, n, k := s[0], s[1], s[2]
		a, b, c := rng(m*k), rng(k*n), make([]T, m*n)
		o.Threads(1).Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
		o.Threads(1).Gemm(true, false, m, n, k, 1, a, m, b, n, 0, c, n)
		o.Threads(1).GemmFused(false, true, m, n, k, 1, a, k, b, k, 1, c, n, Epilogue[T]{ReLU: true})
		o.Threads(1).GemmPacked(false, m, 1, a, k, o.PackB(false, k, n, b, n), 0, c, n, Epilogue[T]{})
	}
	for _, s := range [][5]int{{4247, 5, 637, 1, 0}, {150, 41, 552, 0, 1}, {256, 46, 208, 0, 1}} { // rows of the transpose, and what is turned
		m, n, k := s[0], s[1], s[2]
		transA, transB, lda, ldb := s[3] == 1, s[4] == 1, k, n
		if transA {
			lda = m
		}
		if transB {
			ldb = k
		}
		for _, kc := range []int{tu.KC, deepest} {
			ks.tuning.KC = kc
			o.Threads(1).Gemm(transA, transB, m, n, k, 1, rng(m*k), lda, rng(k*n), ldb, 0, make([]T, m*n), n)
		}
		ks.tuning.KC = tu.KC
	}
	for _, s := range [][3]int{{200000, 2, 1}, {50000, 2, 15}, {11520, 182, 1}, {11000, 300, 1}, {2, 300000, 1}, {30, 20000, 3}, {7001, 41, 7}} { // few steps of k
		m, n, k := s[0], s[1], s[2]
		a, b, c := rng(m*k), rng(k*n), make([]T, m*n)
		o.Threads(1).Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
		o.Threads(1).Gemm(true, false, m, n, k, 1, a, m, b, n, 1, c, n)
		o.Threads(1).Gemm(false, true, m, n, k, 1, a, k, b, k, 0, c, n)
	}
	deep := [3]int{0, 3 * ks.lanes, 100}
	deep[0] = min(callRows, callWork/(deep[1]*deep[2]), ks.blockOfA/deep[2])
	for _, s := range [][3]int{{callRows, ks.lanes, 8}, {callRows + 100, ks.lanes, 8}, deep, {2 * len(ks.byColumns[3*ks.lanes-1][0]), 3 * ks.lanes, deepest}} { // tiles that are products of their own
		m, n, k := s[0], s[1], s[2]
		if ks.tuning.KC = tu.KC; k > tu.KC {
			ks.tuning.KC = deepest
		}
		o.Threads(1).Gemm(false, false, m, n, k, 1, rng(m*k), k, rng(k*n), n, 0, make([]T, m*n), n)
	}
	ks.tuning.KC = tu.KC
	if alone > callWork || aloneRows > callRows || len(ks.alone.byColumns) > 0 && (alone < deep[0]*deep[1]*deep[2]/2 || aloneRows < callRows/2) {
		t.Errorf("calls for tiles of their own of up to %d multiply-adds and %d rows, want at most %d and %d, and near that", alone, aloneRows, callWork, callRows)
	}
	if rows > callRows || ks.lanes > 1 && rows < callRows/2 {
		t.Errorf("calls of up to %d rows, want at most %d, and near that", rows, callRows)
	}
	if elements > callElements || ks.lanes > 1 && elements < callElements/2 {
		t.Errorf("calls of several panels of up to %d elements of C, want at most %d, and near that", elements, callElements)
	}
	m, k := 6000, 200
	o.Threads(1).Gemm(false, false, m, 1, k, 1, rng(m*k), k, rng(k), 1, 0, make([]T, m), 1) // dot products
	packTransposed(ks.square, rng(m*k), k, make([]T, m*k), k, m, m)
	o.Threads(1).Gemm(false, false, 30000, 1, 2, 1, rng(60000), 2, rng(2), 1, 0, make([]T, 30000), 1)
	if dotted > dotRows || ks.lanes > 1 && dotted < dotRows/2 {
		t.Errorf("calls for dot products of up to %d rows, want at most %d, and near that", dotted, dotRows)
	}
	if dots > dotWork || dots < dotWork/2 {
		t.Errorf("calls for dot products of up to %d multiply-adds, want at most %d, and near that", dots, dotWork)
	}
	if copied > copyWork || ks.square.run != nil && copied < copyWork/2 {
		t.Errorf("calls that transpose up to %d elements, want at most %d, and near that", copied, copyWork)
	}
	if longest > callWork || longest < callWork/2 {
		t.Errorf("calls of up to %d multiply-adds, want at most %d, and near that", longest, callWork)
	}
	if many < 2 {
		t.Error("no call computed several panels")
	}
}

// newNormals returns a function that makes slices of numbers.
func newNormals[T Float]() func(n int) []T {
	at := 0
	return func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(normals[at])
			if at++; at == len(normals) {
				at = 0
			}
		}
		return x
	}
}
