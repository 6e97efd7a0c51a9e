package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Which products write C row by row.
func TestIsLow(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { isLow(t, o) },
		func(t *testing.T, o Ops[float64]) { isLow(t, o) })
}

func isLow[T Float](t *testing.T, o Ops[T]) {
	ks, size := *o.ks, int(unsafe.Sizeof(T(0)))
	ks.tuning.LowDepth = 16
	long, large := 2048/size, 4<<20/size // elements
	for _, c := range []struct {
		m, n, k int
		want    bool
	}{
		{large / long, long, 16, true}, {large / long, long, 17, false}, {large/long - 1, long, 16, false},
		{large, long - 1, 16, false}, {1, large, 1, true}, {1, large - 1, 1, false},
	} {
		p := product[T]{ks: &ks, m: c.m, n: c.n, k: c.k}
		if got := p.isLow(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	ks.tuning.LowDepth = 0
	if p := (product[T]{ks: &ks, m: large, n: long, k: 1}); p.isLow() {
		t.Error("C is written row by row where it never is to be")
	}
}

// A C that is written row by row has the bits of one that is not, and no block of it has more than two rows of tiles.
func TestLowBlocks(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lowBlocks(t, o) },
		func(t *testing.T, o Ops[float64]) { lowBlocks(t, o) })
}

func lowBlocks[T Float](t *testing.T, o Ops[T]) {
	size := int(unsafe.Sizeof(T(0)))
	n, k := 4096/size+5, 3
	m := 16<<20/size/n + 80 // of which a quarter, a piece, is large as well
	tu := o.Tuning()
	tu.LowDepth = 0
	high := o.Tuned(tu)
	tu.LowDepth = k
	low := o.Tuned(tu)
	strips := 0 // calls that begin in the first column
	var first uintptr
	ks := *low.ks
	ks.byColumns = slices.Clone(ks.byColumns)
	for i, kernels := range ks.byColumns {
		for p := range kernels {
			ks.byColumns[i][p] = slices.Clone(kernels[p])
			for h, run := range kernels[p] {
				ks.byColumns[i][p][h] = func(x *microArgs[T]) {
					if (uintptr(unsafe.Pointer(x.c))-first)/uintptr(size)%uintptr(n) == 0 {
						strips++
					}
					run(x)
				}
			}
		}
	}
	watched := low
	watched.ks = &ks
	rng := rand.New(rand.NewPCG(71, 72))
	a, b, before := randomMatrix[T](rng, 1, m*k, m*k).data, randomMatrix[T](rng, 1, k*n, k*n).data, randomMatrix[T](rng, 1, m*n, m*n).data
	for _, s := range []struct{ transA, transB bool }{{false, false}, {true, true}} {
		lda, ldb := k, n
		if s.transA {
			lda = m
		}
		if s.transB {
			ldb = k
		}
		multiply := func(o Ops[T], beta T) []T {
			c := slices.Clone(before)
			first, strips = uintptr(unsafe.Pointer(&c[0])), 0
			o.Gemm(s.transA, s.transB, m, n, k, 0.7, a, lda, b, ldb, beta, c, n)
			return c
		}
		want := multiply(high, 1.3)
		if !slices.Equal(multiply(low, 1.3), want) {
			t.Errorf("%+v: other bits than column by column", s)
		}
		if !slices.Equal(multiply(low.Threads(2), 1.3), want) {
			t.Errorf("%+v: two threads give other bits", s)
		}
		blocks := (m + 2*ks.mr() - 1) / (2 * ks.mr())
		if multiply(watched.Threads(1), 0); strips < blocks-1 || strips > blocks+2 { // a kernel that packs is none, and the last rows may be in two
			t.Errorf("%+v: %d strips, want %d", s, strips, blocks)
		}
		ks.tuning = high.Tuning()
		if multiply(watched.Threads(1), 0); strips > 2*(m/ks.tuning.MC+2) {
			t.Errorf("%+v: %d strips in blocks of MC, want at most %d", s, strips, 2*(m/ks.tuning.MC+2))
		}
		ks.tuning = low.Tuning()
	}
}
