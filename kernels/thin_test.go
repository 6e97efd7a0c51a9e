package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Thin products, on both sides of each threshold, with A in place and, where its columns share sets
// of the cache, turned.
func TestThin(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { thin(t, o) },
		func(t *testing.T, o Ops[float64]) { thin(t, o) })
}

func thin[T Float](t *testing.T, o Ops[T]) {
	tu := o.ks.tuning
	tu.ThinColumns, tu.ThinDepth = 6*o.ks.nr(), min(tu.KC, 112) // of any implementation
	o = o.Tuned(tu)
	ks := o.ks
	few := 96 / int(unsafe.Sizeof(T(0)))
	upright := max(tu.UprightColumns, fewUpright)
	one, rows := len(ks.byColumns)-1, 4<<20/int(unsafe.Sizeof(T(0)))/256 // of a panel that is cut, and of A
	most, deep := tu.ThinColumns, tu.ThinDepth+tu.ThinDepth/2
	for _, s := range []struct {
		m, n, k int
		want    bool
	}{
		{3000, most, deep + 1, true}, {3000, most, deep, false}, {3000, most + 1, deep + 1, false},
		{3000, upright + 1, deep + 1, true}, {30000, upright, deep + 1, false}, {3000, ks.nr(), deep + 1, true}, {3000, ks.nr() - 1, deep + 1, ks.nr()-1 > upright},
		{64, 16, 256, true}, {63, 16, 256, false}, {200, max(upright+1, 11), 256, true}, {30, 23, 400, true}, {few, few, 20000, false}, {few + 1, few, 20000, few > upright},
		{rows, one, 256, one > upright}, {rows + 1, one, 256, one > upright && ks.lanes == 1},
	} {
		if got := ks.isThin(s.m, s.n, s.k); got != s.want {
			t.Errorf("%+v: thin %v", s, got)
		}
		if !s.want {
			continue
		}
		kc := ks.thinDepth(s.n, s.k)
		mc := ks.thinRows(s.m, kc)
		if kc != evenly(s.k, tu.ThinDepth, 1) || mc < s.m && (mc*kc > 2*tu.MC*tu.KC || 2*mc*kc < tu.MC*tu.KC) {
			t.Errorf("%+v: blocks of %d rows, %d deep", s, mc, kc)
		}
	}
	if tu.TurnStride < never { // or A is never turned
		k := deep + 1
		more := (max(most, tu.PackColumns)/ks.nr() + 1) * ks.nr()
		for _, c := range []struct {
			n, lda int
			want   bool
		}{{most, tu.TurnStride + 50, false}, {more, tu.TurnStride + 50, true}, {most, setPeriod, most > tu.TurnColumns}} {
			n, lda := c.n, c.lda
			turned, _ := packedBy(func() {
				o.Threads(1).Gemm(true, false, 60, n, k, 1, make([]T, k*lda), lda, make([]T, k*n), n, 0, make([]T, 60*n), n)
			}, workspaces[T]())
			if turned != c.want {
				t.Errorf("%+v: A is turned %v", c, turned)
			}
		}
	}
	// Those that are in too many pages are, if it is those of a block.
	n, lda, k := 2*ks.nr()+upright, 1024+32, 4*tu.ThinDepth // columns, and elements, that share no sets
	tu.TurnStride, tu.TurnDepth, tu.TurnColumns, tu.PackColumns = 1, never, 0, never
	pages := product3(ks.thinDepth(n, k), lda, int(unsafe.Sizeof(T(0)))) / 4096
	for _, from := range []int{pages, pages + 1} {
		tu.TurnPages = from
		tuned := o.Tuned(tu)
		if !tuned.ks.isThin(60, n, k) {
			t.Fatalf("60x%dx%d is not thin", n, k)
		}
		turned, _ := packedBy(func() {
			tuned.Threads(1).Gemm(true, false, 60, n, k, 1, make([]T, k*lda), lda, make([]T, k*n), n, 0, make([]T, 60*n), n)
		}, workspaces[T]())
		if want := from <= pages; turned != want {
			t.Errorf("TurnPages = %d for %d pages: A is turned %v", from, pages, turned)
		}
	}
	apart := setPeriod // elements: sets of the cache are shared
	for _, s := range [][3]int{{97, upright + 1, 223}, {64, 16, 256}, {50, ks.nr() + 1, 400}, {31, 2*ks.nr() + 2, 500}, {29, most, deep + 1}, {29, most + 1, deep + 1}, {200, 2*ks.nr() + 3, tu.KC + 5}} {
		for _, ld := range []int{s[0], s[0] + 3, apart} {
			g := gemmCase{transA: true, m: s[0], n: s[1], k: s[2], alpha: 1.5, padA: ld - s[0], padB: 1, padC: 2}
			runGemm(t, o, g)
			g.beta = -0.5
			runGemm(t, o, g)
		}
	}
}

// How A lies, whether there is an epilogue, and how many threads there are, changes no bit of a thin product.
func TestThinBits(t *testing.T) {
	withProcs(t, 3)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { thinBits(t, o) },
		func(t *testing.T, o Ops[float64]) { thinBits(t, o) })
}

func thinBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(71, 72))
	tu := o.ks.tuning
	tu.ThinColumns, tu.ThinDepth = 96, min(tu.KC, 112) // of any implementation
	o = o.Tuned(tu)
	tu.ThreadWork = 1 << 15
	shared := o.Tuned(tu)
	for i := range 25 {
		m, n, k := 12+rng.IntN(150), 3+rng.IntN(120), 150+rng.IntN(500)
		if i == 0 { // in place as a whole, if it were not thin
			m, n, k = 24, 60, 400
		}
		sameBitsHowever(t, rng, o, shared, true, m, n, k)
	}
	for v := 1; v <= min(2, len(o.ks.micro)); v++ { // the columns of a large tile
		one := o.Tuning()
		one.Vectors, tu.Vectors = v, v
		o, shared := o.Tuned(one), o.Tuned(tu)
		sameBitsHowever(t, rng, o, shared, true, 200, o.ks.nr(), 300)
		sameBitsHowever(t, rng, o, shared, true, 300, o.ks.nr(), 340)
	}
}

// sameBitsHowever fails unless a product has the same bits with an epilogue, with more threads, by shared, and with rows of what is
// stored of A, B and C further apart.
func sameBitsHowever[T Float](t *testing.T, rng *rand.Rand, o, shared Ops[T], transA bool, m, n, k int) {
	t.Helper()
	aRows, aCols := stored(transA, m, k)
	a, b := randomMatrix[T](rng, aRows, aCols, aCols).data, randomMatrix[T](rng, k, n, n).data
	want, got := make([]T, m*n), make([]T, m*n)
	o.Threads(1).Gemm(transA, false, m, n, k, 1, a, aCols, b, n, 0, want, n)
	check := func(what string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Fatalf("%dx%dx%d, A transposed %v: %s gives other bits", m, n, k, transA, what)
		}
		clear(got)
	}
	o.Threads(1).GemmFused(transA, false, m, n, k, 1, a, aCols, b, n, 0, got, n, Epilogue[T]{})
	check("GemmFused")
	for threads := 1; threads <= 3; threads++ {
		shared.Threads(threads).Gemm(transA, false, m, n, k, 1, a, aCols, b, n, 0, got, n)
		check("another number of threads")
	}
	for _, lda := range []int{aCols + 1, (aCols + 1023) &^ 1023} {
		o.Threads(1).Gemm(transA, false, m, n, k, 1, spread(a, aRows, aCols, lda), lda, b, n, 0, got, n)
		check("A with rows further apart")
	}
	for _, ld := range []int{n + 1 + rng.IntN(1200), (n + 15) &^ 15, (n + 1023) &^ 1023} {
		wide := make([]T, extent(m, n, ld))
		o.Threads(1).Gemm(transA, false, m, n, k, 1, a, aCols, spread(b, k, n, ld), ld, 0, wide, ld)
		for i := range m {
			copy(got[i*n:], wide[i*ld:][:n])
		}
		check("B and C with rows further apart")
	}
}

// spread returns the rows x cols matrix x with rows ld apart.
func spread[T Float](x []T, rows, cols, ld int) []T {
	wide := make([]T, extent(rows, cols, ld))
	for i := range rows {
		copy(wide[i*ld:], x[i*cols:][:cols])
	}
	return wide
}
