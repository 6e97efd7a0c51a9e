package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// What is computed in registers: small matrices, and those of one panel that threads would not share.
func TestFitsRegisters(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { fitsRegisters(t, o) },
		func(t *testing.T, o Ops[float64]) { fitsRegisters(t, o) })
}

func fitsRegisters[T Float](t *testing.T, o Ops[T]) {
	ks, size := *o.ks, int(unsafe.Sizeof(T(0)))
	panel := max(len(ks.vecMat), 1) * ks.lanes // of a portable implementation no row fits
	ks.tuning.VecMatBytes = 1 << 12
	most := 1 << 12 / size
	for _, c := range []struct {
		n, k int
		want bool
	}{
		{most / 4, 4, true}, {most/4 + 1, 4, false}, {most, 1, true}, {most + 1, 1, false},
		{min(panel, leastOfColumns), 1 << 20, true}, {panel + 1, most, false},
		{panel, vecMatWork / panel, true}, {panel, vecMatWork/panel + 1, panel <= leastOfColumns},
	} {
		if got := ks.fitsRegisters(c.n, c.k); got != (c.want && len(ks.vecMat) > 0) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// A row times a matrix in registers has the same bits however it is asked for, and however operands lie.
func TestVecMatBits(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { vecMatBits(t, o) },
		func(t *testing.T, o Ops[float64]) { vecMatBits(t, o) })
}

func vecMatBits[T Float](t *testing.T, o Ops[T]) {
	if o.ks.vecMat == nil {
		return // other ways, of which not all add up alike
	}
	tu := o.Tuning()
	tu.ThreadWork = 1
	shared := o.Tuned(tu)
	rng := rand.New(rand.NewPCG(105, 106))
	panel := len(o.ks.vecMat) * o.ks.lanes
	for _, s := range [][2]int{{2, 9}, {o.ks.lanes, 30}, {o.ks.lanes + 1, 7}, {5*o.ks.lanes - 1, 31}, {panel, 50}, {panel + 1, 40}, {3*panel + 5, 60}, {min(panel, leastOfColumns), vecMatRows + 99}, {9, 2*vecMatRows + 5}, {2, vecMatRows}} {
		n, k := s[0], s[1]
		if !o.ks.fitsRegisters(n, k) {
			t.Fatalf("1x%dx%d is not computed in registers", n, k)
		}
		x, b := randomMatrix[T](rng, 1, k, k).data, randomMatrix[T](rng, k, n, n).data
		want := make([]T, n)
		o.Gemm(false, false, 1, n, k, 1, x, k, b, n, 0, want, n)
		apart, wide := make([]T, 3*k), make([]T, k*(n+5))
		for p := range k {
			apart[3*p] = x[p]
			copy(wide[p*(n+5):], b[p*n:(p+1)*n])
		}
		half := make([]T, n)
		for name, compute := range map[string]func(c []T){
			"rows of B apart":          func(c []T) { o.Gemm(false, false, 1, n, k, 1, x, k, wide, n+5, 0, c, n) },
			"A as a column":            func(c []T) { o.Gemm(true, false, 1, n, k, 1, apart, 3, b, n, 0, c, n) },
			"its transpose":            func(c []T) { o.Gemm(true, false, n, 1, k, 1, b, n, apart, 3, 0, c, 1) },
			"its transpose, a row":     func(c []T) { o.Gemm(true, true, n, 1, k, 1, b, n, x, k, 0, c, 1) },
			"Gemv":                     func(c []T) { o.Gemv(true, k, n, 1, wide, n+5, apart, 3, 0, c, 1) },
			"GemmFused":                func(c []T) { o.GemmFused(false, false, 1, n, k, 1, x, k, b, n, 0, c, n, Epilogue[T]{}) },
			"work for several threads": func(c []T) { shared.Gemm(false, false, 1, n, k, 1, x, k, b, n, 0, c, n) },
			"half of it": func(c []T) {
				o.Gemm(false, false, 1, n, k, 0.5, x, k, b, n, 0, half, n)
				for j := range c {
					c[j] = half[j] * 2
				}
			},
		} {
			got := newGuarded[T](n)
			compute(got.data)
			got.check(t, "c")
			if !slices.Equal(got.data, want) {
				t.Errorf("1x%dx%d, %s: other bits", n, k, name)
			}
		}
	}
}
