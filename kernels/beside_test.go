package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A few columns behind the last panel, computed in its tiles or apart: the bits are the same.
func TestGemmBeside(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmBeside(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmBeside(t, o) })
}

func gemmBeside[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.SplitDepth = never  // or B of several panels would be packed
	tu.MC = 15 * o.ks.mr() // on any CPU: with a large L2 cache, 3*MC rows would be so far apart that A is packed
	o = o.Tuned(tu)
	by := &o.ks.beside
	if len(by.run) == 0 {
		return // it has no such kernels
	}
	apart := tu
	apart.ThreadWork = 1 // two threads compute these columns apart
	rng := rand.New(rand.NewPCG(41, 42))
	nr, least := o.ks.nr(), by.leastRows()
	for tail := 1; tail <= len(by.run); tail++ {
		for _, s := range [][3]int{
			{least, nr, tu.TailDepth}, {least + 1, nr, min(tu.PackDepth, tu.KC)}, {least + by.h, 2 * nr, tu.TailDepth + 1},
			{2*tu.MC + 1, nr, tu.TailDepth}, {2*tu.MC + least - 1, 2 * nr, tu.TailDepth + 3}, {3 * tu.MC, 3 * nr, tu.TailDepth},
		} {
			m, n, k := s[0], s[1]+tail, s[2]
			lda, ldb, ldc, ldmask := m+3, n+1, n+2, n+1
			a, b := randomMatrix[T](rng, k, m, lda).data, randomMatrix[T](rng, k, n, ldb).data
			p := product[T]{ks: o.ks, m: m, n: n, k: k, a: stridesOf(a, lda, true), b: stridesOf(b, ldb, false)}
			if !o.ks.goesBeside(m, n, k) || !p.fitsBeside(o.Threads(1)) {
				t.Fatalf("%dx%dx%d: a tail of %d columns is not computed beside the panel", m, n, k, tail)
			}
			runGemm(t, o.Threads(1), gemmCase{transA: true, m: m, n: n, k: k, alpha: -1.5, beta: 1, padA: 3, padB: 1, padC: 2})
			old := randomMatrix[T](rng, m, n, ldc)
			mask := randomMatrix[T](rng, m, n, ldmask).data
			for _, e := range []Epilogue[T]{{}, {Bias: randomMatrix[T](rng, 1, n, n).data, ReLU: true, Mask: mask, LDMask: ldmask}} {
				for _, alphaBeta := range [][2]T{{1, 0}, {1, 1}, {-0.7, 0}, {-0.7, 1}, {-0.7, 0.3}} {
					got, want := newGuarded[T](len(old.data)), newGuarded[T](len(old.data))
					copy(got.data, old.data)
					copy(want.data, old.data)
					o.Threads(1).GemmFused(true, false, m, n, k, alphaBeta[0], a, lda, b, ldb, alphaBeta[1], got.data, ldc, e)
					o.Tuned(apart).GemmFused(true, false, m, n, k, alphaBeta[0], a, lda, b, ldb, alphaBeta[1], want.data, ldc, e)
					name := fmt.Sprint(m, n, k, alphaBeta, " epilogue ", e.ReLU)
					got.check(t, name)
					if !slices.Equal(got.data, want.data) {
						t.Fatalf("%s: the bits beside the panel are others than apart", name)
					}
				}
			}
		}
	}
}

// Whatever the tuning, the result is the same as with several threads, and no call is long.
func TestGemmBesideTuned(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmBesideTuned(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmBesideTuned(t, o) })
}

func gemmBesideTuned[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.beside.run) == 0 {
		return
	}
	ks, work, lanes := *o.ks, 0, o.VectorLen()
	ks.beside.run = slices.Clone(ks.beside.run)
	for i, pair := range ks.beside.run {
		for j, run := range pair {
			h := ks.beside.h - 1 + j
			ks.beside.run[i][j] = func(x *microArgs[T]) {
				if tiles := x.tiles; tiles > 1 {
					work = max(work, tiles*h*x.k*(x.cols+i+1))
				}
				run(x)
			}
		}
	}
	o.ks = &ks
	rng := rand.New(rand.NewPCG(43, 44))
	multiply := func(tu Tuning, threads, m, n, k int, a, b []T) []T {
		c := make([]T, m*n)
		o.Tuned(tu).Threads(threads).Gemm(true, false, m, n, k, 1, a, m, b, n, 0, c, n)
		return c
	}
	for vectors := 1; vectors <= len(ks.micro); vectors++ {
		for rows := range len(ks.micro[vectors-1]) + 1 {
			for _, mc := range []int{1, 9, 50, math.MaxInt} {
				tu := o.Tuning()
				tu.Vectors, tu.Rows, tu.MC, tu.TailDepth = vectors, rows, mc, 0
				apart := tu
				apart.ThreadWork = 1
				for _, s := range [][3]int{{60, 2*lanes + 2, 7}, {131, 3*lanes + 1, 20}, {131, 6*lanes + 3, 9}} {
					m, n, k := s[0], s[1], s[2]
					a, b := randomMatrix[T](rng, k, m, m).data, randomMatrix[T](rng, k, n, n).data
					if !slices.Equal(multiply(tu, 1, m, n, k, a, b), multiply(apart, 2, m, n, k, a, b)) {
						t.Fatalf("tuned by %+v: %dx%dx%d on two threads gives other bits than on one", tu, m, n, k)
					}
				}
			}
		}
	}
	if work == 0 {
		t.Error("no product was computed beside a panel")
	}
	tu, k := o.Tuning(), min(o.Tuning().PackDepth, o.Tuning().KC)
	tu.MC, tu.ThreadWork = math.MaxInt, math.MaxInt
	m, n := 2*callWork/(k*3*lanes), 3*lanes+1
	multiply(tu, 1, m, n, k, make([]T, m*k), make([]T, k*n))
	if work > callWork || work < callWork/2 {
		t.Errorf("calls of up to %d multiply-adds, want at most %d, and near that", work, callWork)
	}
}
