package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Which products have blocks of little depth.
func TestShallower(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { shallower(t, o) },
		func(t *testing.T, o Ops[float64]) { shallower(t, o) })
}

func shallower[T Float](t *testing.T, o Ops[T]) {
	ks := *o.ks
	ks.tuning.ShallowRows = 48
	size, mr := int(unsafe.Sizeof(T(0))), ks.mr()
	const mib = 1 << 20
	row := 4 * setPeriod / size
	for _, c := range []struct {
		m, n, bytes int // of B, or one row more
		want        int
	}{
		{2, row, 16 * mib, 999}, {2, row, 17 * mib, 8}, {mr, row, 17 * mib, 8}, {1, row, 99 * mib, 999},
		{mr + 1, row, 17 * mib, 999}, {mr + 1, row, 32 * mib, 999}, {mr + 1, row, 33 * mib, 512 / size}, {48, row, 33 * mib, 512 / size}, {49, row, 99 * mib, 999},
		{2, row + 16/size, 99 * mib, 999}, {2, row - 16/size, 99 * mib, 999}, {2, row - 8/size, 99 * mib, 8}, {2, row + 8/size, 99 * mib, 8},
	} {
		if got := ks.shallower(c.m, c.n, c.bytes/(c.n*size), 999); got != c.want {
			t.Errorf("%+v: blocks are %d deep", c, got)
		}
	}
	if got := ks.shallower(2, row, 99*mib/row/size, 5); got != 5 {
		t.Errorf("blocks of 5 became %d deep", got)
	}
	ks.tuning.ShallowRows = 0
	if got := ks.shallower(2, row, 99*mib/row/size, 999); got != 999 {
		t.Errorf("blocks are %d deep where they are never to be shallow", got)
	}
}

// Blocks of little depth add up to the product, to the same bits however many threads share it and however far B's rows are apart.
func TestShallowBlocks(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { shallowBlocks(t, o) },
		func(t *testing.T, o Ops[float64]) { shallowBlocks(t, o) })
}

func shallowBlocks[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.ShallowRows = 48
	shallow := o.Tuned(tu)
	tu.ShallowRows = 0
	deep := o.Tuned(tu)
	size, mr := int(unsafe.Sizeof(T(0))), o.ks.mr()
	rng := rand.New(rand.NewPCG(91, 92))
	n := 4 * setPeriod / size
	for _, s := range []struct{ m, bytes int }{{2, 16 << 20}, {mr, 16 << 20}, {mr + 1, 32 << 20}} {
		m, k := s.m, s.bytes/(n*size)+3
		runGemm(t, shallow, gemmCase{m: m, n: n, k: k, alpha: 0.7, beta: 1.3})
		a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n+5).data
		near := make([]T, k*n)
		for p := range k {
			copy(near[p*n:][:n], b[p*(n+5):])
		}
		e := Epilogue[T]{Bias: b[:n], ReLU: true}
		compute := func(o Ops[T], b []T, ldb int) []T {
			c := make([]T, m*n)
			o.GemmFused(false, false, m, n, k, 1, a, k, b, ldb, 0, c, n, e)
			return c
		}
		want := compute(shallow.Threads(1), near, n)
		if !slices.Equal(compute(shallow.Threads(2), near, n), want) {
			t.Errorf("%dx%dx%d: two threads give other bits than one", m, n, k)
		}
		if !slices.Equal(compute(shallow, b, n+5), want) {
			t.Errorf("%dx%dx%d: other bits if B's rows are further apart", m, n, k)
		}
		if slices.Equal(compute(deep, near, n), want) {
			t.Errorf("%dx%dx%d: the bits of deep blocks", m, n, k)
		}
	}
}
