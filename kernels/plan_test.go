package kernels

import (
	"maps"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// A plan tells what is done: what it says of packing shows in the buffers, and where plans of two
// tunings of the same Vectors are equal the bits are.
func TestPlanIsWhatIsDone(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which keeps buffers where they are
	eachType(t,
		func(t *testing.T, o Ops[float32]) { planIsDone(t, o) },
		func(t *testing.T, o Ops[float64]) { planIsDone(t, o) })
}

func planIsDone[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(101, 102))
	o = o.Threads(1)
	all := tunings(o)
	packed := map[[2]bool]int{} // products, by what their plans pack
	ways := map[string]int{}
	for range 60 {
		side := func(most float64) int { return int(math.Pow(most, rng.Float64())) + 1 }
		m, n, k := side(150), side(150), side(300)
		transA, transB := rng.IntN(2) == 1, rng.IntN(2) == 1
		aRows, aCols := stored(transA, m, k)
		bRows, bCols := stored(transB, k, n)
		lda, ldb := aCols+rng.IntN(2), bCols+rng.IntN(2)
		a, b := randomMatrix[T](rng, aRows, aCols, lda).data, randomMatrix[T](rng, bRows, bCols, ldb).data
		type planned struct {
			Plan
			vectors int
		}
		results := map[planned][]T{}
		for _, tu := range all {
			tuned := o.Tuned(tu)
			pl := tuned.Plan(transA, transB, m, n, k, lda, ldb, n)
			ways[pl.Way]++
			c := make([]T, m*n)
			touchedA, touchedB := touchedBuffers[T](func() { tuned.Gemm(transA, transB, m, n, k, 1, a, lda, b, ldb, 0, c, n) })
			// Where only tiles, or dot products of an A that is turned, are computed, buffers are for what is packed.
			if tiles := strings.HasPrefix(pl.Way, inTiles.String()) && pl.Tail == 0; tiles || pl.Way == asTurnedDots.String() {
				packed[[2]bool{pl.PacksA, pl.PacksB}]++
				if touchedA != pl.PacksA || touchedB != pl.PacksB {
					t.Fatalf("%dx%dx%d %v %v tuned by %+v: plan %+v, but A is packed %v and B %v", m, n, k, transA, transB, tu, pl, touchedA, touchedB)
				}
			}
			if was, ok := results[planned{pl, tu.Vectors}]; !ok {
				results[planned{pl, tu.Vectors}] = c
			} else if !slices.Equal(was, c) {
				t.Fatalf("%dx%dx%d %v %v tuned by %+v: other bits than by another tuning with the plan %+v", m, n, k, transA, transB, tu, pl)
			}
		}
	}
	if len(packed) != 4 || len(ways) < 7 {
		t.Errorf("plans pack %v, and go %v: want all kinds of them", packed, ways)
	}
}

// touchedBuffers reports which of the buffers of a workspace f writes to.
func touchedBuffers[T Float](f func()) (a, b bool) {
	w := borrowWorkspace[T](caller)
	mark := T(math.Inf(1))
	for _, buf := range []*[]T{&w.a, &w.b} {
		*buf = room(*buf, 1<<18)
		(*buf)[0] = mark
	}
	w.giveBack()
	f()
	return w.a[0] != mark, w.b[0] != mark
}

// A plan tells which way a product goes: by which kernels are called, of any implementation, as they
// only tell that they are.
func TestPlanIsTheWay(t *testing.T) {
	eachKernelSet(t, planIsTheWay[float32], planIsTheWay[float64])
}

func planIsTheWay[T Float](t *testing.T, ks *kernelSet[T]) {
	rng := rand.New(rand.NewPCG(103, 104))
	const most = 1 << 10
	a, b, c := make([]T, 2*most*most), make([]T, 2*most*most), make([]T, most*most)
	o, calls := recorded(ks)
	all := tunings(o)
	ways := map[string]int{}
	for i := range 4000 {
		tuned := o.Tuned(all[i%len(all)])
		if i%2 == 0 {
			tuned = o
		}
		side := func(most float64) int { return int(math.Pow(most, rng.Float64())) + 1 }
		longest := []float64{40, 200, most - 1}[i%3]
		m, n, k := side(longest), side(longest), side(longest)
		switch rng.IntN(16) {
		case 0:
			m = 1
		case 1:
			n = 1
		case 2:
			k = 1
		}
		transA, transB := rng.IntN(2) == 1, rng.IntN(2) == 1
		_, lda := stored(transA, m, k)
		_, ldb := stored(transB, k, n)
		if rng.IntN(4) == 0 {
			lda, ldb = lda+rng.IntN(most), ldb+rng.IntN(most)
		}
		pl := tuned.Plan(transA, transB, m, n, k, lda, ldb, n)
		clear(calls)
		tuned.Gemm(transA, transB, m, n, k, 1, a, lda, b, ldb, 0, c, n)
		if kinds := strings.Join(slices.Sorted(maps.Keys(calls)), " "); !pl.isDoneBy(kinds) {
			t.Fatalf("%dx%dx%d %v %v, lda = %d, ldb = %d, tuned by %+v: plan %+v, but what is called is %s", m, n, k, transA, transB, lda, ldb, tuned.Tuning(), pl, kinds)
		}
		ways[pl.Way]++
	}
	if len(ways) < 7 {
		t.Errorf("plans go %v, want more ways", ways)
	}
}

// isDoneBy reports whether a product with plan pl may be done by kernels of these kinds.
func (pl Plan) isDoneBy(kinds string) bool {
	tiles := strings.HasPrefix(pl.Way, inTiles.String())
	switch {
	case strings.HasPrefix(pl.Way, inTilesAlone.String()):
		return kinds == "alone"
	case pl.Way == upright.String():
		return kinds == "upright"
	case pl.Way == inRegisters.String():
		return kinds == "registers"
	case strings.HasPrefix(pl.Way, "dot products"), strings.HasSuffix(pl.Way, "vectors along k"):
		return kinds == "dot"
	case strings.HasSuffix(pl.Way, "vectors along m"):
		return kinds == "tile" || kinds == "sum"
	case pl.Way == turningC.String():
		return kinds == "tile"
	case pl.Way == turningA.String():
		return kinds == "tile" || kinds == "dot tile" || kinds == "sum tile"
	case pl.Way == besidePanels.String():
		return kinds == "beside" || kinds == "beside tile"
	case pl.Way == inTurnedStrips.String():
		return kinds == "tile" || kinds == "alone"
	case tiles && pl.Tail > 0:
		return kinds == "tile" || kinds == "dot tile" || kinds == "sum tile"
	}
	return tiles && kinds == "tile"
}

// recorded returns operations whose kernels do nothing but tell of each call what kind they are of,
// and decide as own.
func recorded[T Float](own *kernelSet[T]) (Ops[T], map[string]bool) {
	ks, calls := *own, map[string]bool{}
	micro := func(kind string) microKernel[T] { return func(*microArgs[T]) { calls[kind] = true } }
	tile := func(microKernel[T]) microKernel[T] { return micro("tile") }
	panel := func(p panelKernel[T]) panelKernel[T] {
		if p.run != nil {
			p.run = micro("tile")
		}
		return p
	}
	dot := func(dotKernel[T]) dotKernel[T] {
		return func(tiles, k int, a *T, aRow int, b *T, bCol int, c *T, cRow, cCol int, alpha, beta T) {
			calls["dot"] = true
		}
	}
	sum := func(addRowsKernel[T]) addRowsKernel[T] {
		return func(n int, x, a *T, aRow int, y *T) { calls["sum"] = true }
	}
	vecMat := func(vecMatKernel[T]) vecMatKernel[T] {
		return func(k int, x *T, xStep int, b *T, bRow int, y *T, cols int) { calls["registers"] = true }
	}
	alone := func(aloneKernel[T]) aloneKernel[T] {
		return func(k int, a *T, aRow int, b *T, bRow int, c *T, ldc, cols, tiles int) { calls["alone"] = true }
	}
	ks.micro, ks.halves = each(ks.micro, tile), each(ks.halves, tile)
	ks.pairs.alongK, ks.pairs.alongM = each(ks.pairs.alongK, tile), each(ks.pairs.alongM, tile)
	ks.packing, ks.copying, ks.turning = every(ks.packing, panel), every(ks.copying, panel), every(ks.turning, panel)
	ks.fetching, ks.following, ks.around.run = each(ks.fetching, panel), each(ks.following, panel), every(ks.around.run, tile)
	ks.beside.run = every(ks.beside.run, func([2]microKernel[T]) [2]microKernel[T] {
		return [2]microKernel[T]{micro("beside"), micro("beside")}
	})
	ks.dot, ks.zipped, ks.dotFar = each(ks.dot, dot), each(ks.zipped, dot), every(ks.dotFar, dot)
	ks.addRows, ks.vecMat = every(ks.addRows, sum), every(ks.vecMat, vecMat)
	ks.add = func(dst, x, y []T) {}
	if ks.addFar != nil {
		ks.addFar = sum(nil)
	}
	ks.upright = each(ks.upright, func(uprightKernel[T]) uprightKernel[T] {
		return func(k int, a *T, aCol int, b *T, bRow, bCol int, c *T, ldc, rows int) { calls["upright"] = true }
	})
	ks.alone.whole, ks.alone.halves, ks.alone.pairs = each(ks.alone.whole, alone), each(ks.alone.halves, alone), each(ks.alone.pairs, alone)
	ks.alone.sparing = each(ks.alone.sparing, alone)
	ks.pack = every(ks.pack, func(packKernel[T]) packKernel[T] { return func(k int, b *T, bRow int, panel *T, cols int) {} })
	ks.square.run = func(k, cols int, b *T, bCol int, panel *T, width int) {}
	ks.copyRows = func(rows, cols int, src *T, srcRow int, dst *T, dstRow int) {}
	ks = ks.arranged()
	return Ops[T]{ks: &ks}.Threads(1), calls
}

// every returns what f makes of each kernel, nil of nil, and each does so for those of each width.
func every[K any](kernels []K, f func(K) K) (made []K) {
	for _, kernel := range kernels {
		made = append(made, f(kernel))
	}
	return made
}

func each[K any](kernels [][]K, f func(K) K) [][]K {
	return every(kernels, func(of []K) []K { return every(of, f) })
}

// What plans say of some products that everybody knows.
func TestPlan(t *testing.T) {
	withProcs(t, 3)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { plans(t, o) },
		func(t *testing.T, o Ops[float64]) { plans(t, o) })
}

func plans[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	mr, nr := o.Tile()
	large := o.Plan(false, false, 1024, 1024, 1024, 1024, 1024, 1024)
	if large.Way != inBlocks.String() || large.KC < tu.KC/2 || large.KC > tu.KC || large.MC > 2*tu.MC || large.NC > 2*tu.NC ||
		!large.PacksB || large.Transposed || large.Tail != 0 || large.Threads != min(3, 1<<30/tu.ThreadWork) {
		t.Errorf("1024 cubed: %+v", large)
	}
	if alone := o.Threads(1).Plan(false, false, 1024, 1024, 1024, 1024, 1024, 1024); alone.Threads != 1 {
		t.Errorf("1024 cubed on one thread: %+v", alone)
	}
	if tile := o.Plan(false, false, mr, nr, 8, 8, nr, nr); !strings.HasPrefix(tile.Way, "tiles") || !strings.Contains(tile.Way, "in place") || tile.KC != 0 || tile.PacksA || tile.PacksB || tile.Threads != 1 {
		t.Errorf("one tile: %+v", tile)
	}
	if row := o.Plan(false, false, 1, 1000, 1000, 1000, 1000, 1000); !row.Transposed {
		t.Errorf("a row times a matrix, whose transpose is one times a column: %+v", row)
	}
	if alone, turned := o.Plan(false, true, mr, nr, 1, 1, 2, nr), o.Plan(false, false, mr, nr, 1, 1, nr, nr); alone.Way == turned.Way && o.ks.lanes > 1 {
		t.Errorf("one step of k, with B as a column: %+v; as a row: %+v", alone, turned)
	}
	tu.LowDepth = 16
	tu.AroundBytes, tu.AroundDepth = 16<<20, 16
	rows := tu.AroundBytes / int(unsafe.Sizeof(T(0))) / 4096 // of a C that is written past the caches, if there are kernels for it
	low, past := o.Tuned(tu).Plan(false, false, rows-1, 4096, 16, 16, 4096, 4096), o.Tuned(tu).Plan(false, false, rows, 4096, 16, 16, 4096, 4096)
	if low.MC > 2*mr || (past.MC > 2*mr) != (o.ks.around.v == tu.Vectors) || low.Around || past.Around != (o.ks.around.v == tu.Vectors) {
		t.Errorf("a large C of few steps: %+v; one that is written past the caches: %+v", low, past)
	}
	if shallow, larger := o.Tuned(tu).Plan(false, false, rows, 4096, 15, 15, 4096, 4096), o.Tuned(tu).Plan(false, false, 2*rows, 4096, 15, 15, 4096, 4096); shallow.Around || larger.Around != (o.ks.around.v == tu.Vectors) {
		t.Errorf("fewer steps of k than AroundDepth: %+v; with twice as large a C: %+v", shallow, larger)
	}
	few := 4 * o.ks.lanes
	tu.TransposeRows = few // of any implementation
	if turned := o.Tuned(tu).Plan(false, true, few, 3000, 700, 700, 700, 3000); turned.Way != turningA.String() || !turned.Transposed || turned.MC == 0 || turned.NC > few {
		t.Errorf("few rows times a transposed matrix: %+v", turned)
	}
	tu.FetchBytes = 1 << 20
	for _, trans := range []bool{false, true} {
		if fetched := o.Tuned(tu).Plan(trans, false, 1000, 1, 1000, 1000, 1, 1); fetched.Fetches != (o.ks.lanes > 1) {
			t.Errorf("a matrix of a million elements times a vector, transposed %v: %+v", trans, fetched)
		}
		if near := o.Tuned(tu).Plan(trans, false, 100, 1, 100, 100, 1, 1); near.Fetches {
			t.Errorf("a matrix of ten thousand elements times a vector, transposed %v: %+v", trans, near)
		}
	}
}

// Every way has words of its own, as plans are told apart by them.
func TestWayNames(t *testing.T) {
	if len(wayNames) != int(undecided)+1 {
		t.Errorf("%d names, want one for each way", len(wayNames))
	}
	for i, name := range wayNames {
		if name == "" || slices.Index(wayNames[:], name) != i {
			t.Errorf("way %d is %q, as another, or nothing", i, name)
		}
	}
}

// What mayCopyTail leaves out has no tail, with any implementation: nothing is computed here.
func TestMayCopyTail(t *testing.T) {
	eachKernelSet(t, mayCopyTails[float32], mayCopyTails[float64])
}

func mayCopyTails[T Float](t *testing.T, own *kernelSet[T]) {
	tails := 0
	for _, most := range []int{own.tuning.TailColumns, own.lanes - 1} {
		ks := *own
		ks.tuning.TailColumns = most
		ks = ks.arranged()
		for n := 2; n < 5*ks.lanes; n++ {
			for m := 1; m < 700; m += 1 + m/9 {
				for k := 1; k < 1200; k += 1 + k/17 {
					if ks.tailColumns(m, n, k, false) == 0 {
						continue
					}
					if tails++; !ks.mayCopyTail(m, n, k) {
						t.Fatalf("%dx%dx%d has a tail that nobody asks for, of at most %d columns", m, n, k, most)
					}
				}
			}
		}
	}
	if tails == 0 && own.lanes > 1 {
		t.Error("there are no tails")
	}
}

// A B in place that one block of A goes through is cut into columns only where C is large; one that several
// blocks do is cut at NC.
func TestColumnsOfBInPlace(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { columnsOfBInPlace(t, o) },
		func(t *testing.T, o Ops[float64]) { columnsOfBInPlace(t, o) })
}

func columnsOfBInPlace[T Float](t *testing.T, o Ops[T]) {
	tu, mr, nr := o.Tuning(), o.ks.mr(), o.ks.nr()
	tu.NC, tu.MC, tu.KC, tu.PageDepth = 16*nr, 4*mr, 256, 256
	tu.PackRows, tu.FetchedRows, tu.CrowdedRows, tu.PackDepth, tu.PackWork = 1000, 1000, 1000, 2000, 1<<30
	o = o.Tuned(tu)
	const k = 1000
	ofThreeBlocks := 3 * 4 * mr * 256 / mr // columns of C, of mr rows
	for _, c := range []struct{ m, n, least, most int }{
		{mr, 20*nr + nr, 21 * nr, 21 * nr},
		{mr, 3*ofThreeBlocks + nr, ofThreeBlocks / 2, ofThreeBlocks},
		{20 * mr, 20*nr + nr, nr, tu.NC},
	} {
		pl := o.Plan(false, false, c.m, c.n, k, k, c.n, c.n)
		if pl.PacksB || pl.KC == 0 || pl.KC >= k {
			t.Fatalf("%dx%d: %+v, want B in place in blocks of k", c.m, c.n, pl)
		}
		if pl.NC < c.least || pl.NC > c.most {
			t.Errorf("%dx%d in blocks of %d rows: %d columns in a block, want %d to %d", c.m, c.n, pl.MC, pl.NC, c.least, c.most)
		}
	}
}
