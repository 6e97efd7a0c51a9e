package kernels

import "testing"

// Which products with a transposed A, of few columns, are computed as their transpose; and Gemm computes none of
// these in tiles at a glance.
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
