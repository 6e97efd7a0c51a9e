package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/lanewise/lanewise/kernels"
)

// A tunable is what can be tuned: an implementation, with one element type.
type tunable struct {
	impl, typ string
	now       kernels.Tuning
	mr, nr    int // rows and columns of the tiles in use
	lanes     int // elements of a vector
	threads   int // that the machine has for a product
	check     func(kernels.Tuning) error
	group     func(s Shape) *Group // without contenders
	contender func(s Shape, tu kernels.Tuning, threads int) Contender
	plan      func(s Shape, tu kernels.Tuning, threads int) kernels.Plan
	peak      *peakProbe
}

func newTunable[T kernels.Float](im *kernels.Implementation) *tunable {
	ops := kernels.On[T](im)
	peak := newPeakProbe(ops)
	mr, nr := ops.Tile()
	return &tunable{
		impl: im.Name(), typ: typeName[T](), now: ops.Tuning(), mr: mr, nr: nr, lanes: ops.VectorLen(),
		threads: runtime.GOMAXPROCS(0), check: ops.CheckTuning, group: newGEMMGroup[T], peak: peak,
		contender: func(s Shape, tu kernels.Tuning, threads int) Contender {
			c := Contender{spawns: threads > 1, bind: bindGEMM(gemmOn(ops.Tuned(tu), s))}
			if threads == 1 { // the peak of several takes longer to measure than a sample
				c.peak = peak
			}
			return c
		},
		plan: func(s Shape, tu kernels.Tuning, threads int) kernels.Plan {
			return PlanOf(ops.Tuned(tu).Threads(threads), s)
		},
	}
}

func (t *tunable) String() string { return t.impl + " " + t.typ }

// A candidate is a tuning that differs from the one in use in one parameter.
type candidate struct {
	label  string // the value of the parameter
	tuning kernels.Tuning
}

// A parameter is a number of kernels.Tuning, or two that belong together.
type parameter struct {
	name, about string
	candidates  func(t *tunable) []candidate
	// shapes are products that the parameter decides, around the value in use. Tunings with the same
	// plan for one need not be measured one by one, and one for which all have the same is left out.
	shapes func(t *tunable) []Shape
	// each is for what plans tell a part of: every tuning is measured.
	each bool
	// parallel is for what decides about threads.
	parallel bool
}

// never is a threshold that no product reaches.
const never = math.MaxInt32

// parameters are all there are, in the order in which they are swept.
var parameters = []parameter{
	{
		name: "Tile", about: "rows x columns of the tiles of large products (Rows and Vectors)",
		candidates: tiles, each: true,
		shapes: func(*tunable) []Shape {
			return []Shape{{m: 100, n: 50, k: 784}, square(128), {m: 127, n: 129, k: 131}, square(512)}
		},
	},
	{
		name: "KC", about: "depth of a block",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.KC }, func(*tunable) []int {
			return []int{128, 192, 256, 320, 384, 448, 512, 640, 768}
		}),
		shapes: func(*tunable) []Shape {
			return []Shape{{m: 100, n: 50, k: 784}, {m: 256, n: 256, k: 768}, square(512), {m: 384, n: 384, k: 2048}}
		},
	},
	{
		name: "MC", about: "rows of a block of A",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.MC }, func(t *tunable) []int {
			return multiples(t.now.MC, t.mr, 0.25, 0.5, 0.75, 1.25, 1.5, 2)
		}),
		shapes: func(t *tunable) []Shape {
			return []Shape{{m: 4 * t.now.MC, n: 256, k: t.now.KC}, {m: 4 * t.now.MC, n: 512, k: 2 * t.now.KC}, {m: 3*t.now.MC + 1, n: 1024, k: t.now.KC}}
		},
	},
	{
		name: "NC", about: "columns of a block of B",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.NC }, func(t *tunable) []int {
			return multiples(t.now.NC, t.nr, 0.125, 0.25, 0.5, 2)
		}),
		shapes: func(t *tunable) []Shape {
			return []Shape{{m: 128, n: 2 * t.now.NC, k: t.now.KC}, {m: 256, n: t.now.NC * 3 / 2, k: 2 * t.now.KC}}
		},
	},
	{
		name: "TallRows", about: "rows of a block of A that is shallow, for few columns, instead of MC",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TallRows }, func(*tunable) []int {
			return []int{0, 64, 128, 256, 512, 1024}
		}),
		shapes: func(*tunable) (shapes []Shape) {
			for _, s := range []Shape{{m: 26000, n: 30, k: 5}, {m: 20000, n: 70, k: 12}, {m: 20000, n: 40, k: 40}, {m: 10000, n: 30, k: 70}} {
				for _, s.transA = range []bool{false, true} {
					shapes = append(shapes, s)
				}
			}
			return shapes
		},
	},
	{
		name: "PackRows", about: "up to so many rows, a B whose rows are not crowded is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PackRows }, packRows),
		shapes:     rowsInPlace(func(tu kernels.Tuning) int { return tu.PackRows }, [2]int{250, 400}, [2]int{900, 700}),
	},
	{
		name: "LargeRows", about: "up to so many rows, and PackRows, a B of 6 to 11 MiB is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.LargeRows }, packRows),
		shapes:     rowsInPlace(func(tu kernels.Tuning) int { return min(tu.LargeRows, tu.PackRows) }, [2]int{1100, 2000}, [2]int{1100, 1000}), // of float32, and of float64
	},
	{
		name: "FetchedRows", about: "up to so many rows, and PackRows, a B of 11 MiB and more is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.FetchedRows }, packRows),
		shapes:     rowsInPlace(func(tu kernels.Tuning) int { return min(tu.FetchedRows, tu.PackRows) }, [2]int{1500, 2200}, [2]int{2900, 1610}),
	},
	{
		name: "CrowdedRows", about: "up to so many rows, and PackRows, a B whose rows are more than 2 KiB, and a multiple of it, apart is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.CrowdedRows }, packRows),
		shapes:     rowsInPlace(func(tu kernels.Tuning) int { return tu.CrowdedRows }, [2]int{1024, 120}, [2]int{1536, 80}),
	},
	{
		name: "CrowdedBytes", about: "from how many bytes on such a B is read in place for more rows all the same",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.CrowdedBytes }, func(*tunable) []int {
			return []int{1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24, 1 << 25, 1 << 26, never}
		}),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, k := range []int{100, 180, 350, 700, 1500, 3000} { // 1.6 to 47 MiB of float32
				for _, more := range []int{4, 8} { // rows than are in place anyway
					shapes = append(shapes, Shape{m: min(t.now.CrowdedRows, largest) + more, n: 4096, k: k})
				}
			}
			return shapes
		},
	},
	{
		name: "PackDepth", about: "up to this k, a B whose rows are near is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PackDepth }, packDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			m := min(t.now.PackRows, largest)
			for _, k := range steps(packDepths(t), t.now.PackDepth) {
				shapes = append(shapes, Shape{m: m + 40, n: 50, k: k}, Shape{m: m + 200, n: 200, k: k})
			}
			return shapes
		},
	},
	{
		name: "SplitDepth", about: "up to this k, half of it for many rows of A, a large product reads a B in place whose rows are near and no multiple of half a cache line",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.SplitDepth }, splitDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, k := range steps(splitDepths(t), t.now.SplitDepth) {
				for _, s := range []Shape{{m: 40, n: 350}, {m: 90, n: 250}, {m: 98, n: 250}, {m: 300, n: 131}} {
					if s.k = k; s.m*s.n*s.k >= 1<<20 {
						shapes = append(shapes, s)
					}
				}
			}
			return shapes
		},
	},
	{
		name: "PackWork", about: "up to so many elements of A, a B of a few rows that are far apart is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PackWork }, packWorks),
		shapes: func(t *tunable) (shapes []Shape) {
			m := min(t.now.PackRows, largest) + 8
			for _, elements := range steps(packWorks(t), t.now.PackWork) {
				if k := elements / m; k > 0 {
					shapes = append(shapes, Shape{m: m, n: 950, k: k})
				}
				if k := elements / (5 * m); k > 0 {
					shapes = append(shapes, Shape{m: 5 * m, n: 1900, k: k})
				}
			}
			return shapes
		},
	},
	{
		name: "PackColumns", about: "up to so many columns, A is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PackColumns }, packColumns),
		shapes: func(t *tunable) (shapes []Shape) {
			apart := max(1024, min(t.now.PackStride, largest))
			for _, s := range []Shape{{m: 256, k: apart}, {m: apart + 100, k: 160, transA: true}} { // deeper, it is thin; a round m is TurnColumns' concern
				for _, s.n = range steps(packColumns(t), t.now.PackColumns) {
					shapes = append(shapes, s)
				}
			}
			return shapes
		},
	},
	{
		name: "PackStride", about: "with rows closer than this, A is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PackStride }, strides),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, apart := range distances(t, t.now.PackStride) {
				shapes = append(shapes, Shape{m: 256, n: 2 * max(256, min(t.now.PackColumns, largest)), k: apart})
			}
			return shapes
		},
	},
	{
		name: "TurnStride", about: "with columns closer than this, a transposed A is read in place",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TurnStride }, strides),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, apart := range distances(t, t.now.TurnStride) {
				k := max(16, min(256, t.now.TurnDepth-1)) // deeper, it is turned at any stride
				shapes = append(shapes, Shape{m: apart, n: 2 * max(256, min(t.now.PackColumns, largest)), k: k, transA: true})
			}
			return shapes
		},
	},
	{
		name: "TurnDepth", about: "from this k on, a transposed A is turned whatever its stride",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TurnDepth }, turnDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, k := range steps(turnDepths(t), t.now.TurnDepth) {
				for _, m := range []int{49, 100} {
					shapes = append(shapes, Shape{m: m, n: 2 * max(128, min(t.now.PackColumns, largest)), k: k, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "TurnRows", about: "with at least so many rows and a depth of TurnDepth, a transposed A is turned whatever its stride",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TurnRows }, turnRows),
		shapes: func(t *tunable) (shapes []Shape) {
			if t.now.TurnDepth > largest {
				return nil
			}
			for _, m := range steps(turnRows(t), t.now.TurnRows) {
				for _, more := range []int{0, 7} { // rows of B that begin with cache lines, and that do not
					shapes = append(shapes, Shape{m: m, n: 2*max(128, min(t.now.PackColumns, largest)) + more, k: t.now.TurnDepth + 64, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "TurnColumns", about: "up to so many columns, a transposed A is read in place whose columns share sets of the cache",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TurnColumns }, turnColumns),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, n := range steps(turnColumns(t), min(t.now.TurnColumns, largest)) {
				if n > t.nr { // one panel is read but once
					shapes = append(shapes, Shape{m: 1024, n: n, k: 30, transA: true}, Shape{m: 1024, n: n, k: 256, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "TurnPages", about: "from how many pages of its columns on, as if they shared sets, a transposed A is turned",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TurnPages }, func(*tunable) []int { return []int{16, 32, 64, 128, 256, never} }),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, k := range []int{24, 48, 96, 160} {
				for _, n := range []int{48, 64, 80} {
					shapes = append(shapes, Shape{m: 1100, n: n, k: k, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "ThinColumns", about: "up to so many columns, a product with a transposed A is thin: A is in place, and blocks are shallow; 0 for none",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.ThinColumns }, thinColumns),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, n := range steps(thinColumns(t), t.now.ThinColumns) {
				shapes = append(shapes, Shape{m: 250, n: n, k: 900, transA: true}, Shape{m: 1500, n: n, k: 400, transA: true})
			}
			return shapes
		},
	},
	{
		name: "ThinDepth", about: "depth of a block of a thin product",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.ThinDepth }, func(*tunable) []int {
			return []int{64, 80, 96, 112, 128, 144, 160, 192, 256}
		}),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, n := range []int{24, 48, 96} {
				shapes = append(shapes, Shape{m: 60, n: n, k: 900, transA: true}, Shape{m: 500, n: n, k: 500, transA: true}, Shape{m: 2000, n: n, k: 1000, transA: true})
			}
			return shapes
		},
	},
	{
		name: "UnevenDepth", about: "depth of a block where few rows of A are multiplied by rows of B that are no multiple of a vector",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.UnevenDepth }, func(*tunable) []int {
			return []int{64, 96, 128, 144, 160, 176, 208, 256, never}
		}),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, transA := range []bool{false, true} {
				for _, m := range []int{10, 15, 28, 50} {
					shapes = append(shapes, Shape{m: m, n: 213, k: 900, transA: transA}, Shape{m: m, n: 763, k: 560, transA: transA})
				}
			}
			return shapes
		},
	},
	{
		name: "TailColumns", about: "up to so many columns in the last vector are computed on their own",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TailColumns }, tails),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, s := range []Shape{{m: 80, k: 784}, {m: 256, k: 256}, {m: 784, k: 100, transA: true}} {
				for last := 1; last < t.lanes && !(s.transA && 2*last >= t.lanes); last++ { // more of a transposed A stay in their tiles with AVX2
					s.n = 3*t.lanes + last
					shapes = append(shapes, s)
				}
			}
			return shapes
		},
	},
	{
		name: "TailDepth", about: "least k for which the columns of the last vector are computed on their own",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TailDepth }, tailDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, s := range []Shape{{m: 100, n: 1}, {m: 100, n: t.now.TailColumns}, {m: 784, n: 1, transA: true}, {m: 784, n: t.now.TailColumns, transA: true}} {
				if s.transA && 2*s.n >= t.lanes {
					continue // as above
				}
				s.n += 3 * t.lanes
				for _, s.k = range steps(tailDepths(t), t.now.TailDepth) {
					if !slices.Contains(shapes, s) {
						shapes = append(shapes, s)
					}
				}
			}
			return shapes
		},
	},
	{
		name: "DotDepth", about: "least k for each row, or column, for which a product with a transposed B is dot products; for a few, a quarter of it and a vector",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.DotDepth }, dotDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range []int{8, 11, 14} { // more rows than are multiplied at a time, and so few that turning B does not pay at once; of more columns A would be turned
				for _, depth := range steps(dotDepths(t), t.now.DotDepth) {
					shapes = append(shapes, Shape{m: m, n: 80, k: m * depth, transB: true})
				}
			}
			return shapes
		},
	},
	{
		name: "UprightColumns", about: "most columns for which a product with a transposed A is computed in vectors along m; 0 for none, however few",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.UprightColumns }, uprightColumns),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, s := range []Shape{{m: 100, k: 20, transA: true}, {m: 100, k: 100, transA: true}, {m: 30, k: 10, transA: true, transB: true}} {
				for _, s.n = range steps(uprightColumns(t), t.now.UprightColumns) {
					shapes = append(shapes, s)
				}
			}
			return shapes
		},
	},
	{
		name: "UprightDepth", about: "most k for which a product with a transposed A is computed in vectors along m though its rows end in a pair",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.UprightDepth }, uprightDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range []int{t.lanes*2 + 2, t.lanes*4 + 2} {
				for _, k := range steps(uprightDepths(t), t.now.UprightDepth) {
					shapes = append(shapes, Shape{m: m, n: 10, k: k, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "LoneDepth", about: "least k for which a product with a transposed A whose columns fill a vector, or half of one, is computed in vectors along m",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.LoneDepth }, loneDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range []int{t.lanes*3 + 1, t.lanes * 8} {
				for _, k := range steps(loneDepths(t), t.now.LoneDepth) {
					shapes = append(shapes, Shape{m: m, n: min(8, t.lanes), k: k, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "AsRowsDepth", about: "least k for which a product with a transposed A and the columns of a vector is computed in vectors along m",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.AsRowsDepth }, asRowsDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			if t.lanes == 1 {
				return nil // the columns of a vector are one
			}
			for _, k := range steps(asRowsDepths(t), t.now.AsRowsDepth) {
				const least = 1 << 21 // multiply-adds, of an A that stays in the caches
				if k > 0 {
					m := least/t.lanes/k + 1
					shapes = append(shapes, Shape{m: m, n: t.lanes, k: k, transA: true}, Shape{m: 2 * m, n: t.lanes, k: k, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "TransposeColumns", about: "most columns for which a large product of two transposed operands is computed as its transpose; 0 for never",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TransposeColumns }, transposeColumns),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, n := range steps(transposeColumns(t), t.now.TransposeColumns) {
				if n > 0 {
					shapes = append(shapes, Shape{m: 250, n: n, k: 350, transA: true, transB: true}, Shape{m: 1000, n: n, k: 400, transA: true, transB: true})
				}
			}
			return shapes
		},
	},
	{
		name: "TransposeRows", about: "most rows for which a large product with a transposed B is computed as its transpose; 0 for never",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TransposeRows }, transposeRows),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range steps(transposeRows(t), t.now.TransposeRows) {
				if m > t.lanes { // fewer are if B is large; and all of these fill vectors
					shapes = append(shapes, Shape{m: m, n: 700, k: 500, transB: true}, Shape{m: m, n: 1500, k: 1000, transA: true, transB: true})
				}
			}
			return shapes
		},
	},
	{
		name: "NarrowDepth", about: "least k for which a few rows of two columns are dot products, twice that for three or four",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.NarrowDepth }, narrowDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, s := range []Shape{{m: 2, n: 2}, {m: 8, n: 2}, {m: 4, n: 4}} {
				for _, s.k = range steps(narrowDepths(t), t.now.NarrowDepth) {
					shapes = append(shapes, s)
				}
			}
			return shapes
		},
	},
	{
		name: "ShallowRows", about: "most rows for which a large B whose rows share sets of the cache is read in shallow blocks; 0 for never",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.ShallowRows }, shallowRows),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range steps(shallowRows(t), t.now.ShallowRows) {
				if m > 1 { // one row is a matrix times a vector
					shapes = append(shapes, Shape{m: m, n: 4096, k: 2100}) // 33 MiB and more
				}
			}
			return shapes
		},
	},
	{
		name: "PageDepth", about: "depth of a block where a few rows of A go through a large B of long rows",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PageDepth }, pageDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range []int{2, 8, 16, 32} {
				shapes = append(shapes, Shape{m: m, n: 1024, k: 1024}, Shape{m: m, n: 1000, k: 1500}, Shape{m: m, n: 3072, k: 768})
			}
			return shapes
		},
	},
	{
		name: "LowDepth", about: "most k for which C is written row by row, if it is large or its rows share sets of the cache; 0 for never",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.LowDepth }, lowDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, k := range steps(lowDepths(t), t.now.LowDepth) {
				if k > 0 {
					shapes = append(shapes, Shape{m: 2000, n: 4096, k: k}, Shape{m: 4096, n: 1000, k: k})
				}
			}
			return shapes
		},
	},
	{
		name: "AroundBytes", about: "from how many bytes on a C that is written once is written past the caches; of fewer steps of k than AroundDepth, from twice as many on",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.AroundBytes }, func(*tunable) []int {
			return []int{1 << 22, 1 << 23, 1 << 24, 1 << 25, 1 << 26, never}
		}),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, m := range []int{300, 600, 1200, 2400, 4800} { // 4.7 to 75 MiB of float32
				for _, k := range []int{max(4, t.now.AroundDepth), max(16, 2*t.now.AroundDepth), 100} {
					shapes = append(shapes, Shape{m: m, n: 4096, k: k})
				}
			}
			return shapes
		},
	},
	{
		name: "AroundDepth", about: "least k for which a C that is written once is written past the caches, if it has less than twice AroundBytes",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.AroundDepth }, aroundDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			if t.now.AroundBytes == never {
				return nil
			}
			elements := t.now.AroundBytes / 4
			if t.typ == typeName[float64]() {
				elements /= 2
			}
			for _, k := range steps(aroundDepths(t), t.now.AroundDepth) {
				shapes = append(shapes, Shape{m: elements / 4096 * 9 / 8, n: 4096, k: k})
			}
			return shapes
		},
	},
	{
		name: "AloneDepth", about: "least k for which small products are computed by calls for tiles of one height",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.AloneDepth }, aloneDepths),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, s := range []Shape{{m: 20, n: 20}, {m: 140, n: 24}, {m: 140, n: 48}} { // more rows than one panel has at any depth
				for _, s.k = range steps(aloneDepths(t), t.now.AloneDepth) {
					shapes = append(shapes, s)
				}
			}
			return shapes
		},
	},
	{
		name: "AloneBytes", about: "most bytes of C for which small products of fewer steps of k than half of the columns are computed so",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.AloneBytes }, aloneBytes),
		shapes: func(t *tunable) (shapes []Shape) {
			for _, side := range []int{45, 60, 85, 105, 150, 200} { // of 8 to 160 KB in float32
				if t.typ == typeName[float64]() {
					side = side * 5 / 7
				}
				shapes = append(shapes, Shape{m: side, n: side, k: 12}, Shape{m: side / 3, n: 3 * side, k: 20})
			}
			return shapes
		},
	},
	{
		name: "WholeBytes", about: "most bytes of C for which vectors of it are stored whole, not as two halves, of however few steps of k",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.WholeBytes }, wholeBytes), each: true,
		shapes: func(t *tunable) (shapes []Shape) {
			for _, n := range []int{2 * t.lanes, 6 * t.lanes} {
				for _, m := range []int{20, 60, 100, 150, 200, 300} {
					shapes = append(shapes, Shape{m: m, n: n, k: 6, transA: true})
				}
			}
			return shapes
		},
	},
	{
		name: "SpareLoads", about: "whether small tiles of one vector, or one and a half, load less often (1) or not (0)",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.SpareLoads }, zeroOne), each: true,
		shapes: func(t *tunable) (shapes []Shape) {
			for _, n := range []int{t.lanes*3/4 + 1, t.lanes, t.lanes + t.lanes/2} {
				shapes = append(shapes, Shape{m: 8, n: n, k: 8}, Shape{m: 16, n: n, k: 16}, Shape{m: 14, n: n, k: 50}, Shape{m: 100, n: n, k: 100})
			}
			return shapes
		},
	},
	{
		name: "VecMatBytes", about: "most bytes of a matrix that a vector is multiplied by in registers",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.VecMatBytes }, func(*tunable) []int {
			return []int{0, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21}
		}),
		shapes: func(*tunable) (shapes []Shape) {
			for _, side := range []int{150, 200, 256, 300, 384, 500, 512, 700} {
				shapes = append(shapes, Shape{m: 1, n: side, k: side})
			}
			return shapes
		},
	},
	{
		name: "FetchBytes", about: "from how many bytes on the rows of a matrix are fetched ahead that is multiplied by one vector",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.FetchBytes }, func(*tunable) []int {
			return []int{0, 1 << 20, 1 << 22, 1 << 24, never}
		}),
		shapes: func(*tunable) (shapes []Shape) {
			for _, side := range []int{300, 700, 1500, 4000} {
				shapes = append(shapes, Shape{m: 1, n: side, k: side}, Shape{m: side, n: 1, k: side})
			}
			return shapes
		},
	},
	{
		name: "PanelBytes", about: "from how many bytes of packed panels on the next one is fetched while one is multiplied",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.PanelBytes }, func(*tunable) []int {
			return []int{1 << 18, 1 << 19, 1 << 20, 1 << 21, never}
		}),
		shapes: packedPanels,
	},
	{
		name: "TurnAtOnce", about: "whether a transposed B is turned before several blocks of A are multiplied by it (1), or panel by panel on the way (0)",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.TurnAtOnce }, zeroOne), each: true,
		shapes: func(t *tunable) (shapes []Shape) {
			for _, s := range packedPanels(t) {
				both := s
				s.transB, both.transA, both.transB = true, true, true
				shapes = append(shapes, s, both)
			}
			return shapes
		},
	},
	{
		name: "AheadTurns", about: "in how many fours of the steps of k at most one row of the next panel is packed, or one piece of it fetched by few tiles",
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.AheadTurns }, func(*tunable) []int { return []int{1, 2, 4, 8} }),
		each:       true,
		shapes: func(t *tunable) []Shape {
			if t.lanes == 1 {
				return nil // plain Go does nothing ahead
			}
			return packedPanels(t)
		},
	},
	{
		name: "ThreadWork", about: "multiply-adds for which a thread is woken up",
		parallel: true,
		candidates: field(func(tu *kernels.Tuning) *int { return &tu.ThreadWork }, func(*tunable) []int {
			return []int{1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24}
		}),
		shapes: func(*tunable) []Shape {
			return append(squares(64, 80, 100, 128, 160, 200, 256, 320), Shape{m: 100, n: 50, k: 784}, Shape{m: 784, n: 50, k: 100, transA: true})
		},
	},
}

// TuneParameters returns the names of the parameters that Tune sweeps.
func TuneParameters() []string {
	var names []string
	for _, p := range parameters {
		names = append(names, p.name)
	}
	return names
}

// tallest is the height of the tallest tile that is v vectors wide, 0 if there is none.
func (t *tunable) tallest(v int) int {
	tu := t.now
	tu.Vectors = v
	for tu.Rows = 1; t.check(tu) == nil; tu.Rows++ {
	}
	return tu.Rows - 1
}

// tiles are, for each width, the tallest tile and some that leave registers over.
func tiles(t *tunable) (candidates []candidate) {
	for v := 1; t.tallest(v) > 0; v++ {
		tallest := t.tallest(v)
		heights := []int{tallest, max(tallest-1, 1), max(tallest*3/4, 1)}
		if v == t.now.Vectors {
			heights = append(heights, t.mr)
		}
		slices.Sort(heights)
		for _, rows := range slices.Compact(heights) {
			tu := t.now
			tu.Vectors, tu.Rows = v, rows
			if v == t.now.Vectors && rows == t.mr {
				tu = t.now
			} else if rows == tallest {
				tu.Rows = 0
			}
			candidates = append(candidates, candidate{fmt.Sprintf("%dx%d", rows, v*t.lanes), tu})
		}
	}
	return candidates
}

// parametersNamed returns the parameters of these names, whatever the case of the
// letters, in the order of the table; all if there are no names.
func parametersNamed(names []string) (wanted []parameter, err error) {
	for _, name := range names {
		if !slices.ContainsFunc(parameters, func(p parameter) bool { return strings.EqualFold(p.name, name) }) {
			return nil, fmt.Errorf("parameter = %s, want one of %s", name, strings.Join(TuneParameters(), ", "))
		}
	}
	for _, p := range parameters {
		if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(p.name, name) }) {
			wanted = append(wanted, p)
		}
	}
	return wanted, nil
}
