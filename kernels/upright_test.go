package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What goes upright has the bits of a tile, whatever the number of rows and of columns, and no
// other element is written.
func TestUprightKernelsGiveTheSameBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { uprightBits(t, o.ks) },
		func(t *testing.T, o Ops[float64]) { uprightBits(t, o.ks) })
}

func uprightBits[T Float](t *testing.T, ks *kernelSet[T]) {
	if ks.upright == nil {
		if ks.lanes > 1 {
			t.Fatal("there are no such kernels")
		}
		return // plain Go has none
	}
	rng := rand.New(rand.NewPCG(71, 72))
	for m := 1; m <= 2*len(ks.upright)*ks.unit+1; m++ {
		for n := 1; n <= 2*len(ks.upright[0])+1; n++ {
			k, transB := 1+rng.IntN(11), rng.IntN(2) == 1
			lda, ldb, ldc := m+rng.IntN(3), n+rng.IntN(3), n+rng.IntN(3)
			a, b := randomMatrix[T](rng, k, m, lda).data, randomMatrix[T](rng, k, n, ldb).data
			row, ldRow := b, ldb
			if transB {
				ldb = k + rng.IntN(3)
				b = make([]T, extent(n, k, ldb))
				for p := range k {
					for j := range n {
						b[j*ldb+p] = row[p*ldRow+j]
					}
				}
			}
			got, want := newGuarded[T](extent(m, n, ldc)), newGuarded[T](extent(m, n, ldc))
			uprightly(ks, m, n, k, &a[0], lda, &b[0], ldb, transB, &got.data[0], ldc)
			var x microArgs[T]
			x.set(k, 1, &a[0], lda, true, &row[0], ldRow, 0, &want.data[0], ldc)
			x.compute(ks, m, n, noPairs)
			if !slices.Equal(got.all, want.all) || want.data[0] == T(guard) {
				t.Fatalf("%dx%dx%d, B transposed %v, lda = %d, ldb = %d, ldc = %d: not what tiles compute", m, n, k, transB, lda, ldb, ldc)
			}
		}
	}
}

// Which products go upright.
func TestGoesUpright(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { goesUpright(t, o.ks) },
		func(t *testing.T, o Ops[float64]) { goesUpright(t, o.ks) })
}

func goesUpright[T Float](t *testing.T, ks *kernelSet[T]) {
	for _, s := range []struct {
		m, n, k int
		transB  bool
		want    bool
	}{
		{15, 2, 7, true, true}, {8, 8, 8, true, true}, {3, 20, 3, true, true}, {400, 6, 20, true, true},
		{100, 2, 20, false, true}, {300, 3, 300, false, true},
		{17, 104, 200, true, false}, {50, 51, 2, true, false}, {50, 5, ks.tuning.KC * 2, true, false},
		{100, ks.tuning.UprightColumns + 1, 20, false, false}, {17, 12, 200, false, false}, {300, 1, 20, true, false}, {1, 8, 20, true, false}, {5, 2, 3, false, false},
	} {
		if got := ks.goesUpright(s.m, s.n, s.k, s.transB); got != (s.want && ks.upright != nil) {
			t.Errorf("%+v: upright %v", s, got)
		}
	}
}

// UprightDepth and LoneDepth change no bit: what ends in a pair has the same ones both ways, and so
// have all tiles.
func TestUprightDepthChangesNoBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { uprightDepthBits(t, o) },
		func(t *testing.T, o Ops[float64]) { uprightDepthBits(t, o) })
}

func uprightDepthBits[T Float](t *testing.T, o Ops[T]) {
	none, all, lone := o.Tuning(), o.Tuning(), o.Tuning()
	none.UprightDepth, all.UprightDepth = 0, never
	none.LoneDepth, all.LoneDepth, lone.LoneDepth = never, never, 0
	others := goUpright(t, o.Tuned(none), o.Tuned(all), fewUpright+1, o.Tuning().UprightColumns)
	if want := len(o.ks.pairs.alongK) > 0; others > 0 != want {
		t.Errorf("%d products go other ways, want some: %v", others, want)
	}
	lone.UprightDepth = 0
	others = goUpright(t, o.Tuned(none), o.Tuned(lone), 2, fewUpright)
	if want := len(o.ks.upright) > 0; others > 0 != want {
		t.Errorf("%d products in tiles of a vector go other ways, want some: %v", others, want)
	}
	if others == 0 {
		return // it has no upright kernels
	}
	lone.LoneDepth = 20
	for _, s := range []struct {
		vectors, k int // of rows
		want       bool
	}{{3, 20, true}, {3, 19, false}, {2, 20, false}} {
		m, n := s.vectors*o.ks.lanes, min(fewUpright, o.ks.lanes)
		if way := o.Tuned(lone).Plan(true, false, m, n, s.k, m, n, n).Way; (way == wayNames[upright]) != s.want {
			t.Errorf("%dx%dx%d goes %q, want upright: %v", m, n, s.k, way, s.want)
		}
	}
	if len(o.ks.pairs.alongK) == 0 {
		return
	}
	all.UprightDepth = 50
	for k, want := range map[int]bool{50: true, 51: false} {
		m := 2*o.ks.lanes + 2
		if way := o.Tuned(all).Plan(true, false, m, 10, k, m, 10, 10).Way; (way == wayNames[upright]) != want {
			t.Errorf("%dx10x%d goes %q, want upright: %v", m, k, way, want)
		}
	}
}

// goUpright compares products with a transposed A, of so many columns, that the tuning of always has
// go another way than that of o does, and returns how many there are.
func goUpright[T Float](t *testing.T, o, always Ops[T], fewest, most int) (others int) {
	rng := rand.New(rand.NewPCG(73, 74))
	for m := latency + 1; m <= 140; m++ {
		for n := fewest; n <= most; n++ {
			k := shallowest + 1 + rng.IntN(120)
			if k%16 == 0 {
				k = o.Tuning().KC + k
			}
			before, after := o.Plan(true, false, m, n, k, m, n, n), always.Plan(true, false, m, n, k, m, n, n)
			if before == after {
				continue
			}
			others++
			a, b := randomMatrix[T](rng, k, m, m).data, randomMatrix[T](rng, k, n, n).data
			for _, beta := range []T{0, 1} {
				got, want := make([]T, m*n), make([]T, m*n)
				always.Gemm(true, false, m, n, k, 1, a, m, b, n, beta, got, n)
				o.Gemm(true, false, m, n, k, 1, a, m, b, n, beta, want, n)
				if !slices.Equal(got, want) {
					t.Fatalf("%dx%dx%d, beta = %v: other bits %q than %q", m, n, k, beta, after.Way, before.Way)
				}
			}
		}
	}
	return others
}
