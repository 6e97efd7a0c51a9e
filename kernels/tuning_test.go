package kernels

import (
	"math"
	"slices"
	"testing"
)

// Whatever a machine says of its caches, blocks are whole tiles of a sane size.
func TestBlocksFitTheCaches(t *testing.T) {
	const mr, nr, size = 14, 32, 4
	tu := Tuning{KC: 384}
	for _, c := range []struct{ l2, l3 int }{
		{0, 0}, {-1, -1}, {1 << 10, 1 << 10}, {256 << 10, 6 << 20}, {1 << 20, 32 << 20}, {2 << 20, 105 << 20}, {math.MaxInt, math.MaxInt},
	} {
		got := tu.fit(mr, nr, size, CPUInfo{L2: c.l2, L3: c.l3})
		if got.MC%mr != 0 || got.NC%nr != 0 || got.MC < 2*mr || got.NC < 4*nr {
			t.Errorf("caches of %d and %d: blocks of %d rows and %d columns", c.l2, c.l3, got.MC, got.NC)
		}
		a, b := got.MC*got.KC*size, got.NC*got.KC*size
		if most := max(cacheSize(c.l2, assumedL2, leastL2, mostL2)/2, 2*mr*got.KC*size); a > most {
			t.Errorf("L2 of %d: a block of A takes %d bytes", c.l2, a)
		}
		if most := max(cacheSize(c.l3, assumedL3, leastL3, mostL3)/4, 4*nr*got.KC*size); b > most {
			t.Errorf("L3 of %d: a block of B takes %d bytes", c.l3, b)
		}
	}
	if small, large := tu.fit(mr, nr, size, CPUInfo{L2: 1 << 20}), tu.fit(mr, nr, size, CPUInfo{L2: 2 << 20}); large.MC <= small.MC {
		t.Errorf("twice the L2 gives blocks of %d rows, not more than %d", large.MC, small.MC)
	}
}

// A matrix packed as a whole has its panels where its blocks look for them.
func TestBlocksHaveThePanelsOfTheWhole(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { panelsOfBlocks(t, o) },
		func(t *testing.T, o Ops[float64]) { panelsOfBlocks(t, o) })
}

func panelsOfBlocks[T Float](t *testing.T, o Ops[T]) {
	starts := func(ks *kernelSet[T], from, to int) (at []int) {
		for cols := 0; from < to; from += cols {
			at = append(at, from)
			_, cols = ks.panel(to-from, ks.tuning.Vectors)
		}
		return at
	}
	for vectors := 1; vectors <= len(o.ks.micro); vectors++ {
		tu := o.Tuning()
		tu.Vectors, tu.Rows = vectors, 0
		o := o.Tuned(tu)
		for n := 1; n <= 24*o.ks.lanes; n++ {
			for limit := 1; limit <= n+1; limit += max(1, o.ks.lanes/2) {
				var got []int
				block := o.ks.blockOfColumns(n, limit)
				for jc := 0; jc < n; jc += block {
					got = append(got, starts(o.ks, jc, min(jc+block, n))...)
				}
				if want := starts(o.ks, 0, n); !slices.Equal(got, want) {
					t.Fatalf("%d columns in blocks of %d: panels at %v, as a whole at %v", n, block, got, want)
				}
			}
		}
	}
}

// An A or B that is no larger than a block of full depth is one block, however many rows or columns it has.
func TestShallowBlocksHaveMoreRows(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { shallowBlocksHaveMoreRows(t, o) },
		func(t *testing.T, o Ops[float64]) { shallowBlocksHaveMoreRows(t, o) })
}

func shallowBlocksHaveMoreRows[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	tu.KC, tu.MC, tu.PackDepth, tu.TailColumns = 64, 10, never, 0
	ks := o.Tuned(tu).ks
	n := ks.lanes + 1
	for _, c := range []struct {
		m, k int
		one  bool
	}{{20, 64, true}, {21, 64, false}, {80, 8, true}, {81, 8, false}, {640, 1, true}, {641, 1, false}} {
		if got := ks.inPlace(c.m, n, c.k, c.k, n, false); got != c.one {
			t.Errorf("%dx%d is one block: %v", c.m, c.k, got)
		}
		if got := ks.small(c.m, n, c.k); got != (c.one && c.m*c.k <= 640) {
			t.Errorf("%dx%d is small: %v", c.m, c.k, got)
		}
	}
	tu.KC, tu.NC, tu.PackStride, tu.PackColumns = 64, 10*ks.lanes, never, never
	ks = o.Tuned(tu).ks
	for _, c := range []struct {
		n, k int
		one  bool
	}{{10, 64, true}, {11, 64, false}, {80, 8, true}, {81, 8, false}, {320, 2, true}, {321, 2, false}} {
		n := c.n * ks.lanes
		if got := ks.inPlace(2, n, c.k, c.k, n, false); got != c.one {
			t.Errorf("a B of %dx%d is one block: %v", c.k, n, got)
		}
		if got := ks.small(2, n, c.k); got != c.one {
			t.Errorf("a product with a B of %dx%d is small: %v", c.k, n, got)
		}
	}
}

// Rows of A share sets of the L1 cache only where they are about a multiple of 4
// KiB apart: not where they are a few elements apart, nor where columns are contiguous.
func TestRowsAtOnce(t *testing.T) {
	for _, c := range []struct {
		ld    int
		trans bool
		few   bool
	}{{1, false, false}, {30, false, false}, {450, false, false}, {500, false, true}, {512, false, true}, {1000, false, true}, {1024, false, true}, {1040, false, true}, {1100, false, false}, {4096, false, true}, {1024, true, false}} {
		if got := rowsAtOnce[float64](c.ld, c.trans); (got == 8) != c.few {
			t.Errorf("ld = %d, transposed %v: %d rows at once", c.ld, c.trans, got)
		}
	}
}

// A block is KC deep, or up to half as much again if that is all of k, or deeper beside few columns;
// and deeper ones have so many fewer rows.
func TestBlocksBySize(t *testing.T) {
	o := On[float64](portable)
	tu := o.Tuning()
	tu.KC, tu.MC = 400, 60
	ks := *o.ks
	ks.tuning = tu
	const narrow = 256 << 10 / 8 / 1000 // columns of B that are 1000 deep
	for _, c := range []struct {
		n, k   int
		transA bool
		want   int
	}{
		{500, 400, false, 400}, {500, 600, false, 600}, {500, 601, false, 301}, {500, 1000, false, 334},
		{narrow, 1000, false, 1000}, {narrow, 1000, true, 334}, {narrow + 1, 1000, false, 500},
		{1, 5000, false, 2500}, {1, 4096, false, 4096},
	} {
		if got := ks.depth(c.n, c.k, c.transA); got != c.want {
			t.Errorf("depth for %d columns and k = %d, transposed A %v, is %d, want %d", c.n, c.k, c.transA, got, c.want)
		}
	}
	ks.tuning.KC = deepest - 1
	if got := ks.depth(500, deepest+1, false); got > deepest {
		t.Errorf("a block is %d deep, want at most %d", got, deepest)
	}
	ks.tuning.KC = 400
	mr := ks.mr()
	for _, c := range []struct{ m, k, least, most int }{
		{120, 400, 120, 120}, {121, 400, 40, 60 + mr}, {121, 10, 40, 60 + mr},
		{90, 800, 90, 90}, {91, 800, 20, 30 + mr}, {2000, 4000, 6, 6 + mr},
	} {
		if got := ks.blockOfRows(c.m, 500, c.k, 1<<30, false); got < c.least || got > c.most || got != c.m && got%mr != 0 {
			t.Errorf("of %d rows, %d deep, a block has %d, want %d..%d, and whole tiles", c.m, c.k, got, c.least, c.most)
		}
	}
	ks.tuning.TallRows, ks.blockOfA = 200, ks.tuning.MC*ks.tuning.KC // 60 rows of depth 400
	for _, c := range []struct {
		n, k, want int
		transA     bool
	}{
		{20, 20, 200, false}, {100, 50, 160, false}, {300, 60, 66, false}, {1000, 10, 60, false}, {20, 390, 60, false},
		{20, 20, 153, true}, {10, 30, 102, true}, {10, 200, 60, true}, {10, 10, 200, true},
	} {
		got := ks.blockOfRows(1e5, c.n, c.k, 1<<30, c.transA)
		if want := evenly(1e5, c.want, mr); got != want {
			t.Errorf("%d columns, %d deep, transposed A %v: a block has %d rows, want %d", c.n, c.k, c.transA, got, want)
		}
	}
}

// What panels says of those that follow each other is what panel says of them one by one.
func TestEqualPanels(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { equalPanels(t, o.ks) },
		func(t *testing.T, o Ops[float64]) { equalPanels(t, o.ks) })
}

func equalPanels[T Float](t *testing.T, ks *kernelSet[T]) {
	for wide := 1; wide <= len(ks.micro); wide++ {
		for left := 1; left <= 26*ks.lanes; left++ {
			v, cols := ks.panel(left, wide)
			equal := 1
			for ; equal*cols < left; equal++ {
				if nextV, nextCols := ks.panel(left-equal*cols, wide); nextV != v || nextCols != cols {
					break
				}
			}
			if gotV, gotCols, got := ks.panels(left, wide); gotV != v || gotCols != cols || got != equal {
				t.Fatalf("%d columns left, %d vectors wide: %d panels of %d vectors and %d columns, want %d of %d and %d", left, wide, got, gotV, gotCols, equal, v, cols)
			}
		}
	}
}
