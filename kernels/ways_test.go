package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Which products with a transposed A, of few columns, are computed as their transpose; and
// smallWay has none of these in tiles.
func TestBetterAsRows(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { betterAsRows(t, o) },
		func(t *testing.T, o Ops[float64]) { betterAsRows(t, o) })
}

func betterAsRows[T Float](t *testing.T, o Ops[T]) {
	ks := o.ks
	if ks.lanes == 1 {
		return // no vector is empty
	}
	for _, s := range []struct {
		m, n, k int
		transB  bool
		want    bool
	}{
		{300, 3, 300, false, true}, {300, 3, 300, true, true}, {385, 2, 14, false, true}, {300, 2, 200, false, true},
		{784, 50, 100, false, false}, {100, ks.lanes, 200, false, false}, {385, 2, shallowest, false, false},
		{18, 3, shallow, true, false}, {4, 2, 82, false, false}, {6, 3, 12, false, false}, {300, 1, 300, false, false},
	} {
		if got := ks.betterAsRows(s.m, s.n, s.k, s.transB); got != s.want {
			t.Errorf("%+v: as rows %v", s, got)
		}
	}
	for m := 2; m < 70; m++ {
		for n := 2; n < 70; n++ {
			for k := 1; k < 300; k += 3 {
				if ks.nearColumns(m, n, k, m) && !ks.mayHaveTail(m, n, k) && ks.betterAsRows(m, n, k, false) {
					t.Fatalf("%dx%dx%d is in tiles at a glance, and better as rows", m, n, k)
				}
			}
		}
	}
}

// Bringing three columns together for dot products costs more than two, and pays for larger products.
func TestTailOfThree(t *testing.T) {
	for _, im := range All() {
		ks := kernelsOf[float32](im)
		if ks.tuning.TailColumns < 3 || ks.costs.groupingMore == ks.costs.grouping {
			continue // four of them are as good
		}
		for _, s := range []struct{ m, n, k, want int }{
			{66, 27, 93, 0}, {80, 27, 100, 3}, {146, 27, 130, 3}, {66, 26, 93, 2}, {146, 28, 130, 0}, {30, 26, 60, 0}, {146, 19, 130, 3}, {146, 11, 130, 0},
		} {
			if got := ks.tailColumns(s.m, s.n, s.k, false); got != s.want {
				t.Errorf("%s, %dx%dx%d: the last %d columns on their own, want %d", im, s.m, s.n, s.k, got, s.want)
			}
		}
	}
}

// A transposed A of which tiles would read a part of each line is read in rows.
func TestFewAsRows(t *testing.T) {
	withProcs(t, 3)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { fewAsRows(t, o, 4) },
		func(t *testing.T, o Ops[float64]) { fewAsRows(t, o, 8) })
}

func fewAsRows[T Float](t *testing.T, o Ops[T], size int) {
	const large = 11 << 20
	asIs, tu := o, o.Tuning()
	tu.AsRowsDepth = 40 // of any implementation
	o = o.Tuned(tu)
	lanes, nr := o.ks.lanes, o.ks.nr()
	k := large/size/2000 + 1 // of an A with 2000 rows that is large
	for _, s := range []struct {
		m, n, k int
		want    bool
	}{
		{callWork / lanes / 40, lanes, 41, true}, {callWork / lanes / 40, lanes, 39, false}, {callWork/lanes/64 - 1, lanes, 64, false}, {callWork / lanes / 64, lanes, 64, true},
		{12 * lanes, lanes, 30000, true}, {12*lanes - 1, lanes, 30000, false},
		{2000, lanes, k, true}, {large/size/399 + 1, lanes, 399, false}, {large/size/400 + 1, lanes, 400, true}, {large / size / 400, lanes, 399, true},
		{900, lanes + 1, 2 * tu.KC, false}, {2000, nr + 1, k, size == 8 && lanes > 1}, {2000, nr + lanes - 1, k, size == 8 && lanes > 1},
		{2000, nr + 1, k - 1, false}, {2000, nr, k, lanes == nr}, {2000, nr + lanes, k, false},
	} {
		if lanes == 1 {
			break // the columns of a vector are one, which is Gemv's
		}
		if got := o.ks.fewAsRows(s.m, s.n, s.k); got != s.want {
			t.Errorf("%+v: read in rows %v", s, got)
		}
		if s.want && s.n > 1 && !o.ks.goesBeside(s.m, s.n, s.k) && o.ks.wayOf(true, false, s.m, s.n, s.k, false) != inColumns {
			t.Errorf("%+v: computed in way %v", s, o.ks.wayOf(true, false, s.m, s.n, s.k, false))
		}
	}
	rng := rand.New(rand.NewPCG(4, 8))
	tu.ThreadWork = 1 << 13
	shared := o.Tuned(tu)
	sizes := [][3]int{{callWork/lanes/300 + 5, lanes, 300}, {callWork / lanes / tu.KC, lanes, tu.KC*3/2 + 1}} // strips and blocks
	if size == 8 {
		sizes = append(sizes, [3]int{2000, nr + 1, k})
	}
	for _, s := range sizes {
		sameBitsHowever(t, rng, o, shared, true, s[0], s[1], s[2])
		for _, o := range []Ops[T]{o, asIs} {
			runGemm(t, o, gemmCase{transA: true, m: s[0], n: s[1], k: s[2], alpha: 1.5, beta: -2, padA: 3, padB: 1, padC: 2})
		}
	}
}

// Which way small products go: Gemm and a plan both ask, so that neither tells of the other.
func TestSmallWay(t *testing.T) {
	eachKernelSet(t, smallWays[float32], smallWays[float64])
}

func smallWays[T Float](t *testing.T, own *kernelSet[T]) {
	ks := *own
	if len(ks.alone.byColumns) == 0 {
		return // plain Go has no kernels for single tiles
	}
	ks.tuning.AloneDepth, ks.tuning.AloneBytes = 8, 4000
	panel, kc := len(ks.alone.byColumns), ks.tuning.KC
	for _, s := range []struct {
		transA  bool
		m, n, k int
		plain   bool
		want    way
	}{
		{false, 4, ks.lanes, 9, true, onePanelAlone}, {false, 4, ks.lanes, 9, false, inStrips},
		{false, 2 * len(ks.alone.byColumns[ks.lanes-1][0]), ks.lanes, 9, true, onePanelAlone},
		{false, 2, panel + 1, 6, true, lowPanelsAlone}, {false, 2, panel + 1, 6, false, inStrips},
		{false, 20, panel + ks.lanes, panel, true, inTilesAlone}, {false, 20, panel + ks.lanes, panel, false, inStrips},
		{false, 60, 3, 200, true, inColumns}, {true, 300, 3, 100, true, upright}, {true, 300, 3, 100, false, undecided},
		{true, 20, 3 * ks.lanes, 5, true, inStrips},
		{false, 1, ks.lanes, 9, true, undecided}, {false, 4, 1, 9, true, undecided}, {false, 4, ks.lanes, kc + 1, true, undecided},
	} {
		lda := s.k
		if s.transA {
			lda = s.m
		}
		if got := ks.smallWay(s.transA, s.m, s.n, s.k, lda, s.n, s.plain); got != s.want {
			t.Errorf("%dx%dx%d, A transposed %v, plain %v: %q, want %q", s.m, s.n, s.k, s.transA, s.plain, got, s.want)
		}
	}
}

// Tiles of a whole vector of AVX-512 are no better for being fuller.
func TestRowsOfOneVector(t *testing.T) {
	eachKernelSet(t, rowsOfOneVector[float32], rowsOfOneVector[float64])
}

func rowsOfOneVector[T Float](t *testing.T, ks *kernelSet[T]) {
	const k = 250
	full := ks.nr() - ks.lanes/2 + 1 // as many columns as whole vectors only have, and fewest
	for _, s := range []struct {
		m, n   int
		transB bool
		want   bool
	}{
		{ks.lanes, full, false, false}, {ks.lanes/2 + 1, full, false, false}, {ks.lanes / 2, full, false, true},
		{ks.lanes, ks.lanes + 1, false, true}, {ks.lanes, full, true, true},
	} {
		if ks.halves == nil {
			break // only AVX-512 has half a vector, and its loads
		}
		if got := ks.betterAsRows(s.m, s.n, k, s.transB); got != s.want {
			t.Errorf("%dx%dx%d, B transposed %v: as rows %v", s.m, s.n, k, s.transB, got)
		}
	}
}

// Large products of two transposed operands and few columns turn C.
func TestTurnsC(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { turnsC(t, o) },
		func(t *testing.T, o Ops[float64]) { turnsC(t, o) })
}

func turnsC[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.TransposeColumns = 64 // of any implementation
	o = o.Tuned(tu)
	for _, s := range []struct {
		m, n, k int
		want    bool
	}{
		{448, 30, 1082, true}, {1024, 64, 32, true}, {1023, 64, 32, false}, {1200, 64, 31, false}, {1000, 65, 40, false}, {70000, 1, 32, false},
		{16, 64, 2100, true}, {15, 64, 2300, false},
	} {
		if got := o.ks.turnsC(s.m, s.n, s.k); got != s.want {
			t.Errorf("%+v: turns C %v", s, got)
		}
	}
	for _, s := range [][3]int{{448, 30, 160}, {300, 64, 130}, {100, 24, 3 * o.Tuning().KC}, {2100, 9, 120}} {
		for _, beta := range []float64{0, 1, -2} {
			runGemm(t, o, gemmCase{transA: true, transB: true, m: s[0], n: s[1], k: s[2], alpha: 1.5, beta: beta, padA: 3, padB: 1, padC: 2})
		}
	}
}

// With AVX2, last columns are on their own where that saves more than it takes to read A again: in
// float32 always, in float64 the less, the larger A is.
func TestTailsReadAAgain(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { tailsReadAAgain(t, o, [...]int{1, 1, 2, 2, 1, 2, 1, 2}) },
		func(t *testing.T, o Ops[float64]) { tailsReadAAgain(t, o, [...]int{1, 0, 0, 0, 1, 0, 1, 2}) })
}

func tailsReadAAgain[T Float](t *testing.T, o Ops[T], want [8]int) {
	if !o.ks.costs.rereads {
		return
	}
	for i, s := range []struct {
		transA     bool
		m, last, k int
	}{
		{true, 1572, 1, 1000}, {true, 1573, 1, 1000}, {true, 100, 2, 300}, {true, 1573, 2, 1000},
		{false, 1572, 1, 1000}, {false, 1573, 2, 1000}, {false, 500, 1, 131}, {false, 500, 2, 131},
	} {
		n := 3*o.ks.lanes + s.last
		if got := o.ks.tailColumns(s.m, n, s.k, s.transA); got != want[i] {
			t.Errorf("%+v: %d columns are on their own, want %d", s, got, want[i])
		}
		if s.m < 1000 || s.last == 1 {
			runGemm(t, o, gemmCase{transA: s.transA, m: s.m, n: n, k: s.k, alpha: 1, padA: 1, padB: 2, padC: 3})
		}
	}
}

// A product that is plain has the bits of one that is not where other tunings than those there are let it go another way.
func TestPlainBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { plainBits(t, o) },
		func(t *testing.T, o Ops[float64]) { plainBits(t, o) })
}

func plainBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(91, 92))
	compare := func(o Ops[T], transB bool, m, n, k int) {
		t.Helper()
		ldb := n
		if transB {
			ldb = k
		}
		a, b := randomMatrix[T](rng, k, m, m).data, randomMatrix[T](rng, n*k/ldb, ldb, ldb).data
		plain, other := make([]T, m*n), make([]T, m*n)
		o.Threads(1).Gemm(true, transB, m, n, k, 1, a, m, b, ldb, 0, plain, n)
		o.Threads(1).GemmFused(true, transB, m, n, k, 1, a, m, b, ldb, 0, other, n, Epilogue[T]{})
		if !slices.Equal(plain, other) {
			t.Errorf("%dx%dx%d, B transposed %v: plain, it has other bits", m, n, k, transB)
		}
	}
	upright, dotless := o.Tuning(), o.Tuning()
	upright.UprightColumns, upright.UnevenDepth = o.ks.mostUpright(), 20
	dotless.DotDepth = never
	for n := 41; n <= 64; n++ { // upright, or uneven
		for _, m := range []int{12, 16, 24} {
			compare(o.Tuned(upright), false, m, n, 100)
		}
	}
	for n := 2; n < 40; n++ { // one row: as a column, or along m
		for k := 17; k < 70; k += 7 {
			compare(o.Tuned(dotless), true, 1, n, k)
		}
	}
}

// A transposed B of one step of k may be stored as a row or as a column: the bits are the same.
func TestOneStepBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { oneStepBits(t, o) },
		func(t *testing.T, o Ops[float64]) { oneStepBits(t, o) })
}

func oneStepBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(93, 94))
	for m := 1; m < 40; m += 1 + m/8 {
		for n := 7; n < 150; n += 1 + n/9 {
			a, b, c := randomMatrix[T](rng, m, 1, 1).data, randomMatrix[T](rng, n, 1, 1).data, randomMatrix[T](rng, m, n, n).data
			column := make([]T, 3*n)
			for j, x := range b {
				column[3*j] = x
			}
			for _, s := range []struct{ alpha, beta T }{{1, 0}, {1, 1}, {1.5, -0.3}} {
				asRow, asColumn := slices.Clone(c), slices.Clone(c)
				o.Gemm(false, true, m, n, 1, s.alpha, a, 1, b, 1, s.beta, asRow, n)
				o.Gemm(false, true, m, n, 1, s.alpha, a, 1, column, 3, s.beta, asColumn, n)
				if !slices.Equal(asRow, asColumn) {
					t.Fatalf("%dx%dx1, alpha = %v, beta = %v: B as a row gives other bits", m, n, s.alpha, s.beta)
				}
			}
		}
	}
}
