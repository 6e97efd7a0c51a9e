package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Which products have blocks of little depth.
func TestDepthOf(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { depthOf(t, o) },
		func(t *testing.T, o Ops[float64]) { depthOf(t, o) })
}

func depthOf[T Float](t *testing.T, o Ops[T]) {
	ks := *o.ks
	ks.tuning.ShallowRows, ks.tuning.PageDepth = 48, never
	size, mr := int(unsafe.Sizeof(T(0))), ks.mr()
	const mib = 1 << 20
	row := 4 * setPeriod / size
	for _, c := range []struct {
		m, n, bytes int // of B, or one row more
		want        int // 0 for what others have
	}{
		{2, row, 16 * mib, 0}, {2, row, 17 * mib, 8}, {mr, row, 17 * mib, 8}, {1, row, 99 * mib, 0},
		{mr + 1, row, 17 * mib, 0}, {mr + 1, row, 32 * mib, 0}, {mr + 1, row, 33 * mib, 64}, {32, row, 33 * mib, 64}, {33, row, 33 * mib, 1024 / size}, {48, row, 33 * mib, 1024 / size}, {49, row, 99 * mib, 0},
		{2, row + 16/size, 99 * mib, 0}, {2, row - 16/size, 99 * mib, 0}, {2, row - 8/size, 99 * mib, 8}, {2, row + 8/size, 99 * mib, 8},
		{2, 1, 99 * mib, 0},
	} {
		k := c.bytes / (c.n * size)
		want := ks.depth(c.n, k, false)
		if c.want > 0 {
			want = min(want, c.want)
		}
		if got := ks.depthOf(c.m, c.n, k, false); got != want {
			t.Errorf("%+v: blocks are %d deep, want %d", c, got, want)
		}
	}
	k := 99 * mib / row / size
	ks.tuning.PageDepth = 3 // for what has no blocks of little depth
	if shallow, others := ks.depthOf(2, row, k, false), ks.depthOf(2, row, k/9, false); shallow != 8 || others != evenly(k/9, 3, 1) {
		t.Errorf("PageDepth = 3: blocks are %d and %d deep", shallow, others)
	}
	ks.tuning.KC, ks.tuning.PageDepth = 5, never
	if got := ks.depthOf(2, 100*row, k, false); got > 5 {
		t.Errorf("blocks of 5 became %d deep", got)
	}
	ks.tuning.KC, ks.tuning.ShallowRows = 400, 0
	if got, want := ks.depthOf(2, row, k, false), ks.depth(row, k, false); got != want {
		t.Errorf("blocks are %d deep where they are never to be shallow, want %d", got, want)
	}
}

// Of a large B with long rows, a few rows of A read a block of so many pages as the first TLB has.
func TestDepthInPages(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { depthInPages(t, o) },
		func(t *testing.T, o Ops[float64]) { depthInPages(t, o) })
}

func depthInPages[T Float](t *testing.T, o Ops[T]) {
	ks := *o.ks
	ks.tuning.ShallowRows, ks.tuning.PageDepth, ks.tuning.KC = 0, 40, 300
	size := int(unsafe.Sizeof(T(0)))
	const mib = 1 << 20
	for _, c := range []struct{ m, row, bytes, want int }{ // a row's bytes, and B's; 0 for what others have
		{2, 8200, 9 * mib, 40}, {2, 8200, mib + 8200, 40}, {32, 8200, mib + 8200, 40}, {33, 8200, mib + 8200, 0}, {1, 8200, mib + 8200, 0}, {8, 8200, mib - 8200, 0},
		{8, 4096, mib, 40}, {8, 4104, mib, 40}, {8, 4112, 2 * mib, 80}, {8, 8192 - 64, 2 * mib, 80}, {8, 8192 + 64, 2 * mib, 40},
		{8, 2048, 9 * mib, 0}, {8, 2056, 2 * mib, 40}, {8, 2112, 2 * mib, 80},
	} {
		n, k := c.row/size, (c.bytes+c.row-1)/c.row
		want := ks.depth(n, k, false)
		if c.want > 0 && c.m*n*k > callWork {
			want = evenly(k, c.want, 1)
		}
		if got := ks.depthOf(c.m, n, k, false); got != want {
			t.Errorf("%+v: blocks are %d deep, want %d", c, got, want)
		}
	}
	for _, depth := range []int{never, math.MaxInt} {
		ks.tuning.PageDepth = depth
		if got, want := ks.depthOf(8, 4096, 5000, false), ks.depth(4096, 5000, false); got != want {
			t.Errorf("PageDepth = %d: blocks are %d deep, want %d", depth, got, want)
		}
	}
}

// A product has the same bits however it is asked for, and however far rows of A are apart, small
// ones with a large B among them.
func TestBlocksInPagesHaveTheirBits(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { blocksInPagesHaveTheirBits(t, o) },
		func(t *testing.T, o Ops[float64]) { blocksInPagesHaveTheirBits(t, o) })
}

func blocksInPagesHaveTheirBits[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.PageDepth = 64
	tunings := []Tuning{tu}
	tu.NC, tu.MC = 1<<20, 1<<20 // of a larger cache
	tunings = append(tunings, tu)
	tu.PackRows, tu.LargeRows, tu.FetchedRows, tu.CrowdedRows, tu.TurnStride, tu.AloneDepth = 1, 1, 1, 1, 3, 0
	tunings = append(tunings, tu)
	size := int(unsafe.Sizeof(T(0)))
	for _, m := range []int{2, 3, 9} {
		for _, s := range []struct{ row, k int }{{4096, 256}, {8400, 300}} {
			n, k := s.row/size, s.k
			b := randomMatrix[T](rand.New(rand.NewPCG(5, uint64(m))), k, n, n+3)
			var want []T
			for _, trans := range []bool{false, true} {
				want = nil
				for _, tu := range tunings {
					for _, pad := range []int{0, 2048} {
						rows, cols := m, k
						if trans {
							rows, cols = k, m
						}
						a := randomMatrix[T](rand.New(rand.NewPCG(6, 7)), rows, cols, cols+pad)
						for _, threads := range []int{1, 2} {
							o, c, fused := o.Tuned(tu).Threads(threads), make([]T, m*n), make([]T, m*n)
							o.Gemm(trans, false, m, n, k, 1, a.data, cols+pad, b.data, n+3, 0, c, n)
							o.GemmFused(trans, false, m, n, k, 1, a.data, cols+pad, b.data, n+3, 0, fused, n, Epilogue[T]{})
							if want == nil {
								want = c
							}
							if !slices.Equal(c, want) || !slices.Equal(fused, want) {
								t.Fatalf("%dx%dx%d, trans %v, A padded by %d, %d threads: other bits", m, n, k, trans, pad, threads)
							}
						}
					}
				}
			}
		}
	}
}

// What the whole of B spans has its panels fetched, however little of it a block of few steps has.
func TestShallowBlocksAreFetched(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { shallowBlocksAreFetched(t, o) },
		func(t *testing.T, o Ops[float64]) { shallowBlocksAreFetched(t, o) })
}

func shallowBlocksAreFetched[T Float](t *testing.T, o Ops[T]) {
	ks, told := *o.ks, map[int]int{}
	ks.micro = slices.Clone(ks.micro)
	for v, kernels := range ks.micro {
		ks.micro[v] = slices.Clone(kernels)
		for h, kernel := range kernels {
			ks.micro[v][h] = func(x *microArgs[T]) { told[x.largeB]++; kernel(x) }
		}
	}
	ks.tuning.PageDepth, ks.tuning.PackRows, ks.tuning.LargeRows, ks.tuning.TailColumns = 64, never, never, 0
	ks = ks.arranged()
	o.ks = &ks
	o = o.Threads(1)
	size := int(unsafe.Sizeof(T(0)))
	n := 8000 / size
	for _, k := range []int{65, 500} {
		clear(told)
		runGemm(t, o, gemmCase{m: 9, n: n, k: k, alpha: 1})
		want := 0 // AVX2 is told of what comes from memory only
		if ks.packing == nil && k*n*size >= nearBytes {
			want = farSteps
		}
		if len(told) != 1 || told[want] == 0 {
			t.Errorf("k = %d: kernels were told %v, want %d", k, told, want)
		}
	}
}

// Blocks of little depth add up to the product, to the same bits however many threads share it and
// however far B's rows are apart.
func TestShallowBlocks(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { shallowBlocks(t, o) },
		func(t *testing.T, o Ops[float64]) { shallowBlocks(t, o) })
}

func shallowBlocks[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.ShallowRows, tu.PageDepth = 48, never
	shallow := o.Tuned(tu)
	tu.ShallowRows = 0
	deep := o.Tuned(tu)
	size, mr := int(unsafe.Sizeof(T(0))), o.ks.mr()
	some := randomMatrix[T](rand.New(rand.NewPCG(91, 92)), 1, 10007, 10007).data
	matrix := func(elements int) []T { // the same numbers again and again, as there are many
		x := make([]T, elements)
		for i := 0; i < elements; i += len(some) {
			copy(x[i:], some)
		}
		return x
	}
	n := 4 * setPeriod / size
	for _, s := range []struct{ m, bytes int }{{2, 16 << 20}, {mr, 16 << 20}, {mr + 1, 32 << 20}} {
		m, k := s.m, s.bytes/(n*size)+3
		if m == mr {
			runGemm(t, shallow, gemmCase{m: m, n: n, k: k, alpha: 0.7, beta: 1.3})
		}
		a, b := matrix(m*k), matrix(k*(n+5))
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
		if s.m == 2 { // a transposed B is packed, in deep blocks
			turned := func(o Ops[T]) []T {
				c := make([]T, m*n)
				o.Gemm(true, true, m, n, k, 1, a, m, near, k, 0, c, n)
				return c
			}
			if !slices.Equal(turned(shallow), turned(deep)) {
				t.Errorf("%dx%dx%d TT: not the bits of deep blocks", m, n, k)
			}
		}
	}
	// What may be in place, or beside the last panel, by its strides or for one thread, is shallow
	// or not as all others.
	tu = shallow.Tuning()
	tu.ThreadWork, tu.NC = 1<<29, 1<<20
	patient := o.Tuned(tu)
	m, k, lda := 2, 16<<20/(2*n*size)+4, tu.PackStride
	if lda > 1<<12 {
		lda = 1 << 12
	}
	a, b := matrix(m*(lda+k)), matrix(k*2*n)
	near, want, got := make([]T, m*k), make([]T, m*2*n), make([]T, m*2*n)
	for i := range m {
		copy(near[i*k:][:k], a[i*(lda+k):])
	}
	patient.Gemm(false, false, m, 2*n, k, 1, a, lda+k, b, 2*n, 0, want, 2*n)
	patient.Gemm(false, false, m, 2*n, k, 1, near, k, b, 2*n, 0, got, 2*n)
	if !slices.Equal(got, want) {
		t.Errorf("%dx%dx%d: other bits if A's rows are further apart", m, 2*n, k)
	}
	if len(o.ks.beside.run) == 0 {
		return // nothing is computed beside the last panel
	}
	few := tu
	few.ThreadWork, few.ShallowRows = 1<<20, 64
	beside := o.Tuned(few)
	m, n, k = 42, 3*setPeriod/size+1, 33<<20/(3*setPeriod)+1
	a, b = matrix(k*m), matrix(k*n)
	want, got = make([]T, m*n), make([]T, m*n)
	beside.Threads(1).Gemm(true, false, m, n, k, 1, a, m, b, n, 0, want, n)
	beside.Threads(2).Gemm(true, false, m, n, k, 1, a, m, b, n, 0, got, n)
	if !slices.Equal(got, want) {
		t.Errorf("%dx%dx%d TN: two threads give other bits than one", m, n, k)
	}
}
