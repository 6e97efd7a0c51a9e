package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Large products of few rows and a transposed B are computed as their transpose: in one piece or
// several, and whoever shares them, to the same bits.
func TestTurnsA(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { turnsA(t, o, 8) },
		func(t *testing.T, o Ops[float64]) { turnsA(t, o, 6) })
}

func turnsA[T Float](t *testing.T, o Ops[T], filled int) {
	withProcs(t, 3)
	tu := o.Tuning()
	tu.TransposeRows = 64 // of any implementation
	tu.ThreadWork = 1 << 16
	o = o.Tuned(tu)
	ks := o.ks
	vectorAndAHalf := 15*ks.lanes >= filled*ks.inUnits(ks.lanes+ks.lanes/2)
	for _, s := range []struct {
		m, n, k int
		nt, tt  bool
	}{
		{32, 256, 64, true, false}, {32, 255, 64, false, false}, {16, 1024, 64, ks.lanes < 16, false}, {16, 1023, 64, false, false},
		{32, 1024, 64, true, true}, {32, 1023, 64, true, false}, {20, 2000, 63, false, false}, {20, 2000, 64, true, true},
		{64, 500, 128, true, true}, {64, 500, 127, false, false}, {64, 65, 600, true, true}, {64, 64, 600, false, false},
		{65, 400, 200, false, false}, {1, 4000, 4000, false, false},
		{2 * ks.lanes, 131072/(2*ks.lanes*tu.KC) + 2*ks.lanes, tu.KC + 1, ks.lanes > 8, true}, {2 * ks.lanes, 4 * ks.lanes, tu.KC, ks.lanes > 8, false},
		{ks.lanes, 3000, 1000, true, true}, {ks.lanes, 1200, 1100, false, false}, // of a B that is large, and is not
		{ks.lanes + ks.lanes/2, 1200, 1100, vectorAndAHalf, vectorAndAHalf},
	} {
		if ks.lanes == 1 && s.m < 16 {
			continue // in plain Go there is nothing to fill
		}
		if got := ks.wayOf(false, true, s.m, s.n, s.k, false) == turningA; got != s.nt {
			t.Errorf("%+v: NT turns A %v", s, got)
		}
		if got := ks.wayOf(true, true, s.m, s.n, s.k, false) == turningA; got != s.tt {
			t.Errorf("%+v: TT turns A %v", s, got)
		}
	}
	rng := rand.New(rand.NewPCG(15, 7))
	for _, transA := range []bool{false, true} {
		rows := max(24, 2*ks.lanes)                                                                                                   // more than a vector, which they fill
		for i, s := range [][3]int{{64, 70, 500}, {rows, 150, 1000}, {rows, turnedPiece/rows + 100, 70}, {rows, 260, 2*tu.KC + 50}} { // the third in two pieces
			m, n, k := s[0], s[1], s[2]
			if way := ks.wayOf(false, true, m, n, k, false); way != turningA || transA && ks.wayOf(true, true, m, n, k, true) != turningA {
				t.Errorf("%v, A transposed %v, is computed in way %v", s, transA, way)
			}
			runGemm(t, o, gemmCase{transA: transA, transB: true, m: m, n: n, k: k, alpha: 1.5, beta: []float64{1, 0, -2, 0}[i], padA: 3, padB: 1, padC: 2})
			aRows, aCols := stored(transA, m, k)
			a, b := randomMatrix[T](rng, aRows, aCols, aCols).data, randomMatrix[T](rng, n, k, k).data
			bias, mask := randomMatrix[T](rng, 1, n, n).data, randomMatrix[T](rng, m, n, n).data
			want, got := make([]T, m*n), make([]T, m*n)
			o.Threads(1).Gemm(transA, true, m, n, k, 1, a, aCols, b, k, 0, want, n)
			for threads := 1; threads <= 3; threads++ {
				o.Threads(threads).Gemm(transA, true, m, n, k, 1, a, aCols, b, k, 0, got, n)
				if !slices.Equal(got, want) {
					t.Fatalf("%v, A transposed %v: %d threads give other bits", s, transA, threads)
				}
			}
			lda, ldb, ldc := aCols+5, k+3, n+7
			wide := make([]T, extent(m, n, ldc))
			o.Threads(1).Gemm(transA, true, m, n, k, 1, spread(a, aRows, aCols, lda), lda, spread(b, n, k, ldb), ldb, 0, wide, ldc)
			for i := range m {
				copy(got[i*n:], wide[i*ldc:][:n])
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%v, A transposed %v: rows that are further apart give other bits", s, transA)
			}
			for i := range want {
				if want[i] += bias[i%n]; mask[i] <= 0 || want[i] < 0 {
					want[i] = 0
				}
			}
			o.Threads(2).GemmFused(transA, true, m, n, k, 1, a, aCols, b, k, 0, got, n, Epilogue[T]{Bias: bias, ReLU: true, Mask: mask, LDMask: n})
			if !slices.Equal(got, want) {
				t.Fatalf("%v, A transposed %v: the epilogue is not what Gemm and passes give", s, transA)
			}
		}
	}
}
