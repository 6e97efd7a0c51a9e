package kernels

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// Products whose rows of B are no multiple of a vector, on both sides of each threshold.
func TestUneven(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { uneven(t, o) },
		func(t *testing.T, o Ops[float64]) { uneven(t, o) })
}

func uneven[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.UnevenDepth = 40 // of any implementation
	o = o.Tuned(tu)
	ks := o.ks
	vector := ks.lanes > 1
	tile, long := ks.mr(), 320/int(unsafe.Sizeof(T(0)))
	n := long + 3
	rows, large := tu.LargeRows+1, 6<<20/int(unsafe.Sizeof(T(0)))/n+1 // steps of k of a large B
	for _, s := range []struct {
		m, n, k int
		want    bool
	}{
		{tile + 1, n, 100, vector}, {tile, n, 100, false}, {tu.PackRows, n, 100, vector}, {tu.PackRows + 1, n, 100, false},
		{tile + 1, n, 99, false}, {tile + 1, long + 1, 100, vector}, {tile + 1, long, 100, false}, {tile + 1, long - 1, 100, false},
		{rows, n, large - 1, vector && rows <= tu.PackRows}, {rows, n, large, false}, {min(rows-1, tu.PackRows), n, large, vector},
		{tile + 1, long + ks.lanes, 100, false}, {tile + 1, long + ks.lanes + 1, 100, vector},
	} {
		if got := ks.isUneven(s.m, s.n, s.k); got != s.want {
			t.Errorf("%+v: uneven %v", s, got)
		}
	}
	if got := ks.wayOf(true, false, tile+1, n, 100, false) == inUnevenBlocks; got != vector {
		t.Errorf("with a transposed A: uneven %v", got)
	}
	for _, trans := range transposes {
		for _, s := range [][3]int{{tile + 1, n, 100}, {tile + 2, n, 121}, {2*tile + 3, 2*long + 1, 105}, {tu.PackRows, n + 1, 200}} {
			for _, beta := range []float64{0, 1, -0.5} {
				runGemm(t, o, gemmCase{transA: trans[0], transB: trans[1], m: s[0], n: s[1], k: s[2], alpha: 1.5, beta: beta, padA: 1, padB: 2, padC: 3})
			}
		}
	}
}

// How B lies, whether there is an epilogue, and how many threads there are, changes no bit of an uneven product.
func TestUnevenBits(t *testing.T) {
	withProcs(t, 3)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { unevenBits(t, o) },
		func(t *testing.T, o Ops[float64]) { unevenBits(t, o) })
}

func unevenBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(81, 82))
	tu := o.Tuning()
	tu.UnevenDepth = 30 // of any implementation
	o = o.Tuned(tu)
	tu.ThreadWork = 1 << 13
	shared := o.Tuned(tu)
	split := false
	for range 30 {
		m, n, k := 2+rng.IntN(40), 30+rng.IntN(120), 50+rng.IntN(150)
		transA := rng.IntN(2) == 1
		split = split || o.ks.isUneven(m, n, k)
		sameBitsHowever(t, rng, o, shared, transA, m, n, k)
	}
	if split != (o.ks.lanes > 1) {
		t.Errorf("some products are uneven: %v, with %d lanes", split, o.ks.lanes)
	}
}
