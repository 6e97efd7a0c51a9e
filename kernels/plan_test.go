package kernels

import (
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"
)

// A plan tells what is done: what it says of packing shows in the buffers, and where plans of two
// tunings are equal the bits are.
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
		results := map[Plan][]T{}
		for _, tu := range all {
			tuned := o.Tuned(tu)
			pl := tuned.Plan(transA, transB, m, n, k, lda, ldb, n)
			ways[pl.Way]++
			c := make([]T, m*n)
			touchedA, touchedB := touchedBuffers[T](func() { tuned.Gemm(transA, transB, m, n, k, 1, a, lda, b, ldb, 0, c, n) })
			// Where only tiles, or dot products of an A that is turned, are computed, buffers are for what is packed.
			if tiles := pl.TileRows > 0 && pl.Tail == 0 && pl.Way != turningA.String(); tiles || pl.Way == asTurnedDots.String() {
				packed[[2]bool{pl.PacksA, pl.PacksB}]++
				if touchedA != pl.PacksA || touchedB != pl.PacksB {
					t.Fatalf("%dx%dx%d %v %v tuned by %+v: plan %+v, but A is packed %v and B %v", m, n, k, transA, transB, tu, pl, touchedA, touchedB)
				}
			}
			if was, ok := results[pl]; !ok {
				results[pl] = c
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
	w := borrowWorkspace[T]()
	mark := T(math.Inf(1))
	for _, buf := range []*[]T{&w.a, &w.b} {
		*buf = room(*buf, 1<<18)
		(*buf)[0] = mark
	}
	w.giveBack()
	f()
	return w.a[0] != mark, w.b[0] != mark
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
		large.TileRows > mr || large.TileColumns != nr || !large.PacksB || large.Tail != 0 || large.Threads != min(3, 1<<30/tu.ThreadWork) {
		t.Errorf("1024 cubed: %+v", large)
	}
	if alone := o.Threads(1).Plan(false, false, 1024, 1024, 1024, 1024, 1024, 1024); alone.Threads != 1 {
		t.Errorf("1024 cubed on one thread: %+v", alone)
	}
	if tile := o.Plan(false, false, mr, nr, 8, 8, nr, nr); tile.TileRows != mr || tile.TileColumns != nr || tile.KC != 0 || tile.PacksA || tile.PacksB || tile.Threads != 1 {
		t.Errorf("one tile: %+v", tile)
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
