package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// How many rows go through all of B at a time.
func TestLowRows(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lowRows(t, o) },
		func(t *testing.T, o Ops[float64]) { lowRows(t, o) })
}

func lowRows[T Float](t *testing.T, o Ops[T]) {
	ks, size := *o.ks, int(unsafe.Sizeof(T(0)))
	ks.tuning.LowDepth = 16
	one, two := ks.mr(), 2*ks.mr()
	long, large := 2048/size, 4<<20/size // elements
	far, fewer := long+100, large/(long+100)
	for _, c := range []struct{ m, n, k, ldc, want int }{
		{fewer + 1, far, 16, far, two}, {fewer + 1, far, 17, far, fewer + 1}, {fewer, far, 16, far, fewer},
		{fewer, far, 4, far, two}, {fewer, far, 5, far, fewer}, {fewer / 4, far, 4, far, fewer / 4}, {fewer/4 + 1, far, 4, far, two}, {two, large, 1, large + 100, two},
		{1, large, 1, large, 1}, {large, long - 1, 16, long - 1, large},
		{50, long, 5, long, one}, {50, long, 6, long, two}, {50, long, 17, long, 50}, {50, long - 1, 1, long, 50}, {one, long, 5, long, one},
		{50, far, 5, 3*long - 15/size, one}, {50, far, 5, 3*long + 15/size, one}, {50, far, 5, 3*long + 16/size, 50}, {50, far, 5, far, 50},
		{255, far, 5, 3 * long / 2, 255}, {256, far, 5, 3 * long / 2, one},
	} {
		if got := ks.lowRows(c.m, c.n, c.k, c.ldc); got != c.want {
			t.Errorf("%+v: %d rows", c, got)
		}
	}
	ks.tuning.LowDepth = 64 // whose quarter and third are those of 32
	for _, c := range []struct{ m, n, k, ldc, want int }{
		{50, long, 10, long, one}, {50, long, 11, long, two}, {fewer, far, 8, far, two}, {fewer, far, 9, far, fewer},
		{fewer + 1, far, 64, far, two}, {fewer + 1, far, 65, far, fewer + 1},
	} {
		if got := ks.lowRows(c.m, c.n, c.k, c.ldc); got != c.want {
			t.Errorf("LowDepth 64, %+v: %d rows", c, got)
		}
	}
	ks.tuning.LowDepth = 0
	if got := ks.lowRows(large, long, 1, long); got != large {
		t.Errorf("%d rows where all are to go", got)
	}
}

// Few rows at a time have the bits of all at once, whatever the transposes, strides and the epilogue.
func TestLowStrips(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lowStrips(t, o) },
		func(t *testing.T, o Ops[float64]) { lowStrips(t, o) })
}

func lowStrips[T Float](t *testing.T, o Ops[T]) {
	n := 2048 / int(unsafe.Sizeof(T(0)))
	tu := o.Tuning()
	tu.LowDepth = 0
	high := o.Tuned(tu)
	tu.LowDepth = 12
	low := o.Tuned(tu)
	watched := watchStrips(low, n)
	rng := rand.New(rand.NewPCG(73, 74))
	for _, m := range []int{low.ks.mr() + 1, 29, 50} {
		for _, k := range []int{1, 4, 5, 12} {
			rows := low.ks.mr()
			if k > 4 {
				rows *= 2
			}
			c := make([]T, m*n)
			watched.c, watched.strips = uintptr(unsafe.Pointer(&c[0])), 0
			watched.o.Threads(1).Gemm(false, false, m, n, k, 1, make([]T, m*k), k, make([]T, k*n), n, 1, c, n)
			if want := (m + rows - 1) / rows; watched.strips < want-1 || watched.strips > want+1 { // a kernel that packs is none, and the last rows may be in two
				t.Errorf("%dx%dx%d: %d strips, want %d", m, n, k, watched.strips, want)
			}
			for _, trans := range transposes {
				lda, ldb := leadingDims(trans, m, n, k)
				a, b := randomMatrix[T](rng, 1, m*k, m*k).data, randomMatrix[T](rng, 1, k*n, k*n).data
				before := randomMatrix[T](rng, m, n, n)
				for _, e := range []Epilogue[T]{{}, {Bias: b[:n], ReLU: true}, {Mask: before.data, LDMask: n}} {
					var results [2]guarded[T]
					for i, o := range []Ops[T]{low, high} {
						results[i] = newGuarded[T](m * n)
						copy(results[i].data, before.data)
						if e.Mask == nil && !e.ReLU {
							o.Threads(1).Gemm(trans[0], trans[1], m, n, k, 1, a, lda, b, ldb, 1, results[i].data, n)
						} else {
							o.Threads(1).GemmFused(trans[0], trans[1], m, n, k, 1, a, lda, b, ldb, 1, results[i].data, n, e)
						}
						results[i].check(t, "c")
					}
					if !slices.Equal(results[0].data, results[1].data) {
						t.Fatalf("%dx%dx%d, trans %v, epilogue %v: other bits than all rows at once", m, n, k, trans, e.Mask != nil || e.ReLU)
					}
				}
			}
		}
	}
}

// Rows of C at a time change no bits from the steps of k on that have pairs of columns, where the last rows are few, either.
func TestLowDepthChangesNoBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lowDepthBits(t, o) },
		func(t *testing.T, o Ops[float64]) { lowDepthBits(t, o) })
}

func lowDepthBits[T Float](t *testing.T, o Ops[T]) {
	width := 2048 / int(unsafe.Sizeof(T(0)))
	ldc := 2 * width // rows that share sets of the cache
	tu := o.Tuning()
	tu.LowDepth = 0
	high := o.Tuned(tu)
	tu.LowDepth = 64
	low := o.Tuned(tu)
	rng := rand.New(rand.NewPCG(75, 76))
	for _, m := range []int{2*low.ks.mr() + 3, 29, 50} {
		for _, n := range []int{width, width + 2, width + o.ks.lanes/2 + 2} {
			for _, k := range []int{16, 32, 33, 64} {
				if p := low.Plan(true, false, m, n, k, m, n, ldc); p.MC > 2*low.ks.mr() {
					t.Errorf("%dx%dx%d: %d rows at a time", m, n, k, p.MC)
				}
				for _, trans := range transposes {
					lda, ldb := leadingDims(trans, m, n, k)
					a, b := randomMatrix[T](rng, 1, m*k, m*k).data, randomMatrix[T](rng, 1, k*n, k*n).data
					got, want := make([]T, m*ldc), make([]T, m*ldc)
					low.Threads(1).Gemm(trans[0], trans[1], m, n, k, 1, a, lda, b, ldb, 0, got, ldc)
					high.Threads(1).Gemm(trans[0], trans[1], m, n, k, 1, a, lda, b, ldb, 0, want, ldc)
					if !slices.Equal(got, want) {
						t.Errorf("%dx%dx%d, trans %v: other bits than all rows at once", m, n, k, trans)
					}
				}
			}
		}
	}
}

// A C that is written row by row has the bits of one that is not, and no block of it has more than
// two rows of tiles.
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
	watched := watchStrips(low, n)
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
			watched.c, watched.strips = uintptr(unsafe.Pointer(&c[0])), 0
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
		one := watched.o.Threads(1)
		blocks := (m + 2*o.ks.mr() - 1) / (2 * o.ks.mr())
		if multiply(one, 0); watched.strips < blocks-1 || watched.strips > blocks+2 { // a kernel that packs is none, and the last rows may be in two
			t.Errorf("%+v: %d strips, want %d", s, watched.strips, blocks)
		}
		watched.o.ks.tuning = high.Tuning()
		if multiply(one, 0); watched.strips > 2*(m/o.Tuning().MC+2) {
			t.Errorf("%+v: %d strips in blocks of MC, want at most %d", s, watched.strips, 2*(m/o.Tuning().MC+2))
		}
		watched.o.ks.tuning = low.Tuning()
	}
}

// watchedStrips counts the calls of micro-kernels that begin in the first column of C.
type watchedStrips[T Float] struct {
	o      Ops[T]
	c      uintptr // where C begins
	strips int
}

// watchStrips watches o, for a C of rows n apart.
func watchStrips[T Float](o Ops[T], n int) *watchedStrips[T] {
	ks := *o.ks
	w := &watchedStrips[T]{o: o}
	w.o.ks = &ks
	ks.byColumns = slices.Clone(ks.byColumns)
	for i, kernels := range ks.byColumns {
		for p := range kernels {
			ks.byColumns[i][p] = slices.Clone(kernels[p])
			for h, run := range kernels[p] {
				ks.byColumns[i][p][h] = func(x *microArgs[T]) {
					if (uintptr(unsafe.Pointer(x.c))-w.c)/unsafe.Sizeof(T(0))%uintptr(n) == 0 {
						w.strips++
					}
					run(x)
				}
			}
		}
	}
	return w
}
