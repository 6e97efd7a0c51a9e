package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Products of few rows or columns with a transposed B, around every edge of the tiles of dot
// products and on both sides of the threshold.
func TestGemmAsDots(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmAsDots(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmAsDots(t, o) })
}

func gemmAsDots[T Float](t *testing.T, o Ops[T]) {
	lanes, columns, depth := o.VectorLen(), len(o.ks.dot), o.Tuning().DotDepth
	for m := 1; m <= 2*columns+2; m++ {
		for n := 1; n <= 13; n++ {
			few := min(m, n)
			least := few * depth
			if few <= columns {
				least = lanes + few*depth/4 - 320/max(m, n)
			}
			for _, k := range []int{least - 1, least, few*depth + 2*lanes + 1} {
				for _, beta := range []float64{0, 1, -0.5} {
					runGemm(t, o, gemmCase{transB: true, m: m, n: n, k: max(k, 1), alpha: 1.25, beta: beta, padA: 3, padB: 1, padC: 2})
				}
			}
		}
	}
	avx2 := o.ks.costs.slowDots
	for _, s := range []struct {
		m, n     int
		f32, f64 bool
	}{
		{200, 6, true, true}, {200, 8, true, false}, {200, 10, true, true}, {200, 12, true, false}, {197, 19, true, false}, {12, 13, true, true},
		{10, 200, true, true}, {24, 200, true, true}, {25, 200, false, false}, {26, 200, false, false},
	} {
		if want := s.f32 && lanes == 8 || s.f64 && lanes == 4; avx2 && o.ks.dotsPay(s.m, s.n, 1000) != want {
			t.Errorf("%dx%d is computed as dot products: %v, want %v", s.m, s.n, !want, want)
		}
	}
	if avx2 && lanes > columns { // as many columns as a vector, which are no group
		for _, s := range []struct {
			m, k int
			want bool
		}{{33, 127, false}, {33, 128, true}, {32, 127, true}} {
			if o.ks.dotsPay(s.m, lanes, s.k) != s.want {
				t.Errorf("%dx%dx%d is computed as dot products: %v, want %v", s.m, lanes, s.k, !s.want, s.want)
			}
		}
	}
	for few := 1; few <= 6; few++ {
		for _, many := range []int{6, 40, 1000} {
			least := few * depth
			if few <= columns {
				least = lanes + few*depth/4 - 320/many
			}
			for _, s := range [][2]int{{few, many}, {many, few}} {
				least := least
				if avx2 && few > 1 && s[1] == lanes { // full ones
					least = max(least, min(s[0], 1024)/8)
				}
				if !o.ks.dotsPay(s[0], s[1], max(least, 1)) || least > 1 && o.ks.dotsPay(s[0], s[1], least-1) {
					t.Errorf("%dx%d is not computed as dot products from a depth of %d on", s[0], s[1], least)
				}
			}
		}
	}
	for m := 1; m <= 11; m++ { // with a transposed A of few rows, turned or not
		for _, n := range []int{2*m - 1, 2 * m, 3*m + 70} {
			for _, k := range []int{m*depth - 1, m * depth, 2*m*depth - 1, 2 * m * depth, 2*m*depth + lanes + 1} {
				runGemm(t, o, gemmCase{transA: true, transB: true, m: m, n: n, k: k, alpha: 1.25, beta: float64(m % 2), padA: 1, padB: 3, padC: 2})
			}
		}
	}
	for _, s := range []struct {
		m, n, k  int
		f32, f64 bool
	}{
		{2, 16, 2 * depth, true, true}, {2, 16, 2*depth - 1, false, false}, {2, 15, 4*depth - 1, false, false}, {2, 15, 4 * depth, true, true},
		{3, 64, 3*depth - 1, false, false}, {3, 64, 3 * depth, true, false}, {3, 64, 6 * depth, true, true}, {4, 64, 8*depth - 1, false, false}, {4, 64, 8 * depth, true, false},
		{5, 64, 10 * depth, true, true}, {5, 64, 10*depth - 1, false, false}, {5, 31, 10 * depth, false, false}, {9, 64, 200, true, true},
		{7, 64, 200, false, false}, {10, 64, 200, true, true}, {11, 64, 200, false, false}, {8, 64, 200, false, false},
		{8, 600, 500, true, true}, {16, 600, 500, true, true}, {17, 600, 500, false, false},
	} {
		if want := s.f32 && lanes == 8 || s.f64 && lanes == 4; avx2 && o.ks.turnedDotsPay(s.m, s.n, s.k) != want {
			t.Errorf("%dx%dx%d turns A for dot products: %v, want %v", s.m, s.n, s.k, !want, want)
		}
	}
	// All columns, copied in several blocks of k, in groups.
	if m, n, k := 40, columns+1, columnDepth+70; n < lanes {
		if !o.ks.goesAlongK(m, n, k) {
			t.Errorf("%dx%dx%d is not computed as dot products", m, n, k)
		}
		runGemm(t, o, gemmCase{m: m, n: n, k: k, alpha: 1.5, beta: 1, padA: 1, padB: 2, padC: 3})
	}
	// B in several blocks of rows, and of k.
	for _, s := range [][3]int{{3, 70, 2100}, {70, 3, 2100}, {columns + 2, 19, 4101}, {19, columns + 2, 4101}, {2, 9, 7 * 1280}} {
		if !o.ks.dotsPay(s[0], s[1], s[2]) {
			t.Errorf("%v is not computed as dot products", s)
		}
		runGemm(t, o, gemmCase{transB: true, m: s[0], n: s[1], k: s[2], alpha: 1, beta: 1, padA: 1, padC: 1})
	}
}

// However many threads share such a product, the bits are the same.
func TestGemmAsDotsThreads(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmAsDotsThreads(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmAsDotsThreads(t, o) })
}

func gemmAsDotsThreads[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.ThreadWork = 1
	o = o.Tuned(tu)
	rng := rand.New(rand.NewPCG(51, 52))
	for _, s := range [][3]int{{1, 200, 40}, {3, 301, 200}, {5, 131, 700}, {301, 3, 200},
		{7, 130, 700}, {130, 5, 700}} { // pieces that have fewer of the many than there are few
		m, n, k := s[0], s[1], s[2]
		a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, n, k, k).data
		want, got := make([]T, m*n), make([]T, m*n)
		for _, transA := range []bool{false, true} {
			lda := k
			if transA {
				lda = m
			}
			o.Threads(1).Gemm(transA, true, m, n, k, 1, a, lda, b, k, 0, want, n)
			for threads := 2; threads <= 4; threads++ {
				clear(got)
				o.Threads(threads).Gemm(transA, true, m, n, k, 1, a, lda, b, k, 0, got, n)
				if !slices.Equal(got, want) {
					t.Errorf("%v, A transposed %v: other bits with %d threads", s, transA, threads)
				}
			}
		}
	}
}

// Few columns go along k to the same bits, taken as they are or brought together, and of the same
// shapes in all that Gemm does.
func TestGemmAlongK(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmAlongK(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmAlongK(t, o) })
}

func gemmAlongK[T Float](t *testing.T, o Ops[T]) {
	if o.ks.lanes == 1 {
		return // no vector is empty
	}
	rng, zipped := rand.New(rand.NewPCG(53, 54)), o.ks.zipped != nil
	for _, s := range []struct {
		m, n, k int
		want    bool
	}{
		{2, 2, 256, true}, {3, 2, 272, true}, {2, 2, 8195, true}, {100, 2, 60, true}, {300, 3, 300, true}, {1, 2, 200, false}, {12, 3, 100, false},
		{2, 2, 63, false}, {2, 2, 127, zipped}, {200, 2, 15, false}, {16, o.ks.lanes, 100, false}, {40, 1, 200, false}, {3, o.ks.lanes + 2, 200, false},
	} {
		if got := o.ks.goesAlongK(s.m, s.n, s.k); got != s.want {
			t.Errorf("%+v: along k %v", s, got)
		}
	}
	for n := 2; n <= narrow; n++ { // in several blocks of k
		a, b := randomMatrix[T](rng, 3, columnDepth+100, columnDepth+100).data, randomMatrix[T](rng, columnDepth+100, n, n).data
		got, want := make([]T, 3*n), make([]T, 3*n)
		o.Gemm(false, false, 3, n, columnDepth+100, 1, a, columnDepth+100, b, n, 0, got, n)
		o.GemmFused(false, false, 3, n, columnDepth+100, 1, a, columnDepth+100, b, n, 0, want, n, Epilogue[T]{})
		if !slices.Equal(got, want) {
			t.Errorf("3x%dx%d: Gemm and GemmFused have other bits", n, columnDepth+100)
		}
	}
	taken, m := 0, 0
	for n := 2; n < 6; n++ {
		least := (n + 1) / 2 * min(o.ks.tuning.NarrowDepth, 100)
		for k := least; k < least+2*o.ks.lanes; k++ {
			m = 2 + (m+1)%15
			runGemm(t, o, gemmCase{m: m, n: n, k: k, alpha: 1, beta: float64(m % 2), padA: 1, padC: 2})
			a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
			apart := make([]T, k*(n+1))
			for p := range k {
				copy(apart[p*(n+1):], b[p*n:(p+1)*n])
			}
			got, want := make([]T, m*n), make([]T, m*n)
			o.Gemm(false, false, m, n, k, 1, a, k, b, n, 0, got, n)
			o.Gemm(false, false, m, n, k, 1, a, k, apart, n+1, 0, want, n)
			if !slices.Equal(got, want) {
				t.Errorf("%dx%dx%d: other bits if B's rows are not contiguous", m, n, k)
			}
			if o.ks.goesAlongK(m, n, k) && o.ks.zippedFor(m, n, n) != nil {
				taken++
			}
		}
	}
	if taken == 0 && zipped {
		t.Error("no product took columns as they are")
	}
}
