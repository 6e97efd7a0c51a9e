package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// tunings returns tunings of o that differ from its own in one number or more,
// with every width of tiles, and blocks so small that small products have many.
func tunings[T Float](o Ops[T]) []Tuning {
	var all []Tuning
	for v := range o.ks.micro {
		tallest := len(o.ks.micro[v])
		for _, rows := range []int{0, 1, 2, tallest - 1, tallest} {
			tu := o.Tuning()
			tu.Vectors, tu.Rows = v+1, min(rows, tallest)
			all = append(all, tu)
			tu.KC, tu.MC, tu.NC, tu.PackRows, tu.PackDepth, tu.PackColumns, tu.PackStride, tu.TurnStride, tu.TurnDepth, tu.TailDepth, tu.DotDepth, tu.ThreadWork = 5, 3, 7, 0, 0, 0, 0, 0, 0, 0, math.MaxInt, 1
			all = append(all, tu)
		}
	}
	for _, change := range []func(tu *Tuning){
		func(tu *Tuning) { tu.KC = 1 },
		func(tu *Tuning) { tu.MC, tu.NC = 1, 1 },
		func(tu *Tuning) { tu.PackRows = 1 << 30 },
		func(tu *Tuning) { tu.PackRows, tu.CrowdedRows = 1<<30, 1<<30 },
		func(tu *Tuning) { tu.CrowdedRows = 0 },
		func(tu *Tuning) { tu.CrowdedRows, tu.CrowdedBytes = 0, 0 },
		func(tu *Tuning) { tu.LargeRows = 0 },
		func(tu *Tuning) { tu.FetchedRows = 0 },
		func(tu *Tuning) { tu.SplitDepth = 0 },
		func(tu *Tuning) { tu.SplitDepth = never },
		func(tu *Tuning) { tu.PackWork = 0 },
		func(tu *Tuning) { tu.PackWork = 1 << 30 },
		func(tu *Tuning) { tu.LowDepth = never },
		func(tu *Tuning) { tu.PackColumns, tu.PackStride, tu.TurnStride = 0, 1, 1 },
		func(tu *Tuning) { tu.PackColumns, tu.TurnStride, tu.TurnDepth, tu.TurnRows = 0, never, 7, 3 },
		func(tu *Tuning) { tu.TurnDepth = never },
		func(tu *Tuning) { tu.TurnColumns, tu.TurnStride, tu.TurnPages = 0, 1, 0 },
		func(tu *Tuning) { tu.TurnPages = never },
		func(tu *Tuning) { tu.ThinColumns = 0 },
		func(tu *Tuning) { tu.ThinColumns, tu.ThinDepth = never, 5 },
		func(tu *Tuning) { tu.PageDepth = 1 },
		func(tu *Tuning) { tu.PageDepth, tu.PackRows, tu.CrowdedRows = 17, never, never },
		func(tu *Tuning) { tu.PageDepth = math.MaxInt },
		func(tu *Tuning) { tu.PanelBytes, tu.AheadTurns, tu.PackRows = 0, 1, 0 },
		func(tu *Tuning) { tu.TurnAtOnce, tu.MC, tu.PackRows, tu.DotDepth = 1-tu.TurnAtOnce, 1, 0, never },
		func(tu *Tuning) { tu.PanelBytes, tu.AheadTurns, tu.PackRows = 0, 64, 0 },
		func(tu *Tuning) { tu.VecMatBytes = 0 },
		func(tu *Tuning) { tu.VecMatBytes = math.MaxInt },
		func(tu *Tuning) { tu.UnevenDepth = 1 },
		func(tu *Tuning) { tu.UnevenDepth, tu.PackRows = 7, never },
		func(tu *Tuning) { tu.UnevenDepth = math.MaxInt },
		func(tu *Tuning) { tu.TailColumns = 0 },
		func(tu *Tuning) { tu.TailColumns = o.ks.lanes - 1 },
		func(tu *Tuning) { tu.TailDepth = 1 << 30 },
		func(tu *Tuning) { tu.UprightColumns = 0 },
		func(tu *Tuning) { tu.UprightDepth = 0 },
		func(tu *Tuning) { tu.UprightDepth = never },
		func(tu *Tuning) { tu.LoneDepth = 0 },
		func(tu *Tuning) { tu.LoneDepth = never },
		func(tu *Tuning) { tu.UprightColumns *= 5 },
		func(tu *Tuning) { tu.UprightColumns, tu.UnevenDepth = o.ks.mostUpright(), 20 },
		func(tu *Tuning) { tu.TransposeColumns = 0 },
		func(tu *Tuning) { tu.TransposeColumns = mostTransposed },
		func(tu *Tuning) { tu.AsRowsDepth = 0 },
		func(tu *Tuning) { tu.AsRowsDepth = never },
		func(tu *Tuning) { tu.TallRows = never },
		func(tu *Tuning) { tu.TransposeRows = 0 },
		func(tu *Tuning) { tu.TransposeRows = mostTransposed },
		func(tu *Tuning) { tu.NarrowDepth = 1 },
		func(tu *Tuning) { tu.NarrowDepth = 20 },
		func(tu *Tuning) { tu.NarrowDepth = math.MaxInt },
		func(tu *Tuning) { tu.AloneDepth = 0 },
		func(tu *Tuning) { tu.AloneDepth = never },
		func(tu *Tuning) { tu.AloneDepth, tu.AloneBytes = 1, never },
		func(tu *Tuning) { tu.AloneBytes = 0 },
		func(tu *Tuning) { tu.AroundBytes, tu.AroundDepth = 0, 0 },
		func(tu *Tuning) { tu.AroundBytes, tu.AroundDepth = 64<<10, never },
		func(tu *Tuning) {
			if o.ks.halves != nil {
				tu.WholeBytes = never - tu.WholeBytes
			}
		},
		func(tu *Tuning) { tu.WholeBytes = 0 },
		func(tu *Tuning) { tu.SpareLoads = min(len(o.ks.alone.sparing), 1) - tu.SpareLoads },
		func(tu *Tuning) { tu.DotDepth = 1 },
		func(tu *Tuning) { tu.DotDepth = math.MaxInt },
		func(tu *Tuning) { tu.ThreadWork = 1 },
		func(tu *Tuning) { tu.ThreadWork = math.MaxInt },
	} {
		tu := o.Tuning()
		change(&tu)
		all = append(all, tu)
	}
	return all
}

// Whatever the tuning, products are right and touch nothing else.
func TestTuned(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { tuned(t, o) },
		func(t *testing.T, o Ops[float64]) { tuned(t, o) })
}

func tuned[T Float](t *testing.T, o Ops[T]) {
	lanes, own := o.VectorLen(), o.Tuning()
	for _, tu := range tunings(o) {
		tuned := o.Tuned(tu)
		if got := tuned.Tuning(); got != tu || tuned.Implementation() != o.Implementation() {
			t.Fatalf("tuned by %+v: %+v of %s", tu, got, tuned.Implementation())
		}
		mr, nr := tuned.Tile()
		if want := tu.Vectors * lanes; nr != want || tu.Rows > 0 && mr != tu.Rows {
			t.Fatalf("tuned by %+v: tiles of %dx%d", tu, mr, nr)
		}
		for _, trans := range transposes {
			for _, s := range [][3]int{{mr, nr, 3}, {2*mr + 1, 2*nr + 1, 13}, {29, nr + lanes - 1, 11}, {8, 3*lanes + 2, 21}, {3, 1, 17}, {7, 2 * (nr + lanes), 6}, {7, 5*nr + lanes, 6}} {
				runGemm(t, tuned, gemmCase{transA: trans[0], transB: trans[1], m: s[0], n: s[1], k: s[2], alpha: 1.5, beta: 0.5, padA: 2, padC: 1})
			}
		}

		for _, n := range []int{2*nr + 3, nr + lanes, 2 * (nr + lanes), 5*nr + 1, 4*nr + 2*lanes} {
			tunedPacked(t, tuned, 2*mr+1, n, 23)
		}
	}
	// Blocks deeper than KC, with every MC that is legal.
	for _, mc := range []int{1, own.MC, math.MaxInt/2 + 1, math.MaxInt} {
		tu := own
		tu.MC = mc
		for _, s := range [][3]int{{200, own.Vectors*lanes + 6, own.KC + 60}, {200, own.Vectors*lanes + 6, 2*own.KC + 100}, {41, lanes, own.KC + 60}} {
			runGemm(t, o.Tuned(tu), gemmCase{m: s[0], n: s[1], k: s[2], alpha: 1})
			tunedPacked(t, o.Tuned(tu), s[0], s[1], s[2])
		}
	}
	if o.Tuning() != own || On[T](o.Implementation()).Tuning() != own {
		t.Error("Tuned changes more than what it returns")
	}
}

// tunedPacked multiplies by a packed matrix, and by the same that is not, on several
// threads: in blocks that are cut in many ways.
func tunedPacked[T Float](t *testing.T, o Ops[T], m, n, k int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(25, 26))
	a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
	packed := o.PackB(false, k, n, b, n)
	var first []T
	for threads := 1; threads <= 3; threads++ {
		plain, fromPacked := newGuarded[T](m*n), newGuarded[T](m*n)
		o.Threads(threads).MatMul(plain.data, a, b, m, n, k)
		o.Threads(threads).GemmPacked(false, m, 1, a, k, packed, 0, fromPacked.data, n, Epilogue[T]{})
		plain.check(t, "c")
		fromPacked.check(t, "c")
		both := slices.Concat(plain.data, fromPacked.data)
		if first == nil {
			first = both
		} else if !slices.Equal(first, both) {
			t.Fatalf("tuned by %+v, n = %d: %d threads give other bits than one", o.Tuning(), n, threads)
		}
	}
	for i, got := range first {
		row, col := i%(m*n)/n, i%n
		want, magnitude := reference(gemmCase{m: m, n: n, k: k, alpha: 1}, a, k, b, n, 0, row, col)
		if d := float64(got) - want; !(max(d, -d) <= gamma[T](k+2)*magnitude) {
			t.Fatalf("tuned by %+v, n = %d: packed %v, C[%d,%d] = %v, want %v", o.Tuning(), n, i >= m*n, row, col, got, want)
		}
	}
}

// Each number that cannot be is told by its name, its value and what it has to be.
func TestTuningThatCannotBe(t *testing.T) {
	o := On[float32](portable)
	for want, change := range map[string]func(tu *Tuning){
		"t.Vectors = 0, want 1..4":           func(tu *Tuning) { tu.Vectors = 0 },
		"t.Vectors = 5, want 1..4":           func(tu *Tuning) { tu.Vectors = 5 },
		"t.Rows = -1, want 0..2":             func(tu *Tuning) { tu.Rows = -1 },
		"t.Rows = 3, want 0..2":              func(tu *Tuning) { tu.Rows = 3 },
		"t.KC = 0, want 1..4096":             func(tu *Tuning) { tu.KC = 0 },
		"t.MC = 0, want >= 1":                func(tu *Tuning) { tu.MC = 0 },
		"t.NC = -7, want >= 1":               func(tu *Tuning) { tu.NC = -7 },
		"t.PackRows = -1, want >= 0":         func(tu *Tuning) { tu.PackRows = -1 },
		"t.PackDepth = -1":                   func(tu *Tuning) { tu.PackDepth = -1 },
		"t.CrowdedBytes = -1, want >= 0":     func(tu *Tuning) { tu.CrowdedBytes = -1 },
		"t.CrowdedRows = -1":                 func(tu *Tuning) { tu.CrowdedRows = -1 },
		"t.SplitDepth = -1":                  func(tu *Tuning) { tu.SplitDepth = -1 },
		"t.PackWork = -1":                    func(tu *Tuning) { tu.PackWork = -1 },
		"t.PackColumns = -1":                 func(tu *Tuning) { tu.PackColumns = -1 },
		"t.PackStride = -1":                  func(tu *Tuning) { tu.PackStride = -1 },
		"t.TurnStride = -1":                  func(tu *Tuning) { tu.TurnStride = -1 },
		"t.TurnDepth = -1":                   func(tu *Tuning) { tu.TurnDepth = -1 },
		"t.TurnRows = -1":                    func(tu *Tuning) { tu.TurnRows = -1 },
		"t.TailColumns = 1, want 0..0":       func(tu *Tuning) { tu.TailColumns = 1 },
		"t.DotDepth = 0, want >= 1":          func(tu *Tuning) { tu.DotDepth = 0 },
		"t.TailDepth = -1, want >= 0":        func(tu *Tuning) { tu.TailDepth = -1 },
		"t.UprightColumns = 65, want":        func(tu *Tuning) { tu.UprightColumns = 65 },
		"t.UprightColumns = 1, want 0..0":    func(tu *Tuning) { tu.UprightColumns = 1 },
		"t.TransposeColumns = 1025, want 0":  func(tu *Tuning) { tu.TransposeColumns = 1025 },
		"t.TransposeRows = -1, want 0..1024": func(tu *Tuning) { tu.TransposeRows = -1 },
		"t.LargeRows = -1, want >= 0":        func(tu *Tuning) { tu.LargeRows = -1 },
		"t.FetchedRows = -1, want >= 0":      func(tu *Tuning) { tu.FetchedRows = -1 },
		"t.UprightDepth = -1, want >= 0":     func(tu *Tuning) { tu.UprightDepth = -1 },
		"t.LoneDepth = -1, want >= 0":        func(tu *Tuning) { tu.LoneDepth = -1 },
		"t.AsRowsDepth = -1, want >= 0":      func(tu *Tuning) { tu.AsRowsDepth = -1 },
		"t.TallRows = -1, want >= 0":         func(tu *Tuning) { tu.TallRows = -1 },
		"t.NarrowDepth = 0, want >= 1":       func(tu *Tuning) { tu.NarrowDepth = 0 },
		"t.TurnColumns = -1, want >= 0":      func(tu *Tuning) { tu.TurnColumns = -1 },
		"t.TurnPages = -1, want >= 0":        func(tu *Tuning) { tu.TurnPages = -1 },
		"t.ThinColumns = -1, want >= 0":      func(tu *Tuning) { tu.ThinColumns = -1 },
		"t.ThinDepth = 0, want 1..4096":      func(tu *Tuning) { tu.ThinDepth = 0 },
		"t.UnevenDepth = 0, want >= 1":       func(tu *Tuning) { tu.UnevenDepth = 0 },
		"t.ShallowRows = -1, want >= 0":      func(tu *Tuning) { tu.ShallowRows = -1 },
		"t.PageDepth = 0, want >= 1":         func(tu *Tuning) { tu.PageDepth = 0 },
		"t.LowDepth = -1, want >= 0":         func(tu *Tuning) { tu.LowDepth = -1 },
		"t.AroundDepth = -1, want >= 0":      func(tu *Tuning) { tu.AroundDepth = -1 },
		"t.AloneDepth = -1, want >= 0":       func(tu *Tuning) { tu.AloneDepth = -1 },
		"t.AloneBytes = -1, want >= 0":       func(tu *Tuning) { tu.AloneBytes = -1 },
		"t.WholeBytes = 1, want 0..0":        func(tu *Tuning) { tu.WholeBytes = 1 },
		"t.SpareLoads = 1, want 0..0":        func(tu *Tuning) { tu.SpareLoads = 1 },
		"t.VecMatBytes = -1, want >= 0":      func(tu *Tuning) { tu.VecMatBytes = -1 },
		"t.FetchBytes = -1, want >= 0":       func(tu *Tuning) { tu.FetchBytes = -1 },
		"t.PanelBytes = -1, want >= 0":       func(tu *Tuning) { tu.PanelBytes = -1 },
		"t.TurnAtOnce = 2, want 0..1":        func(tu *Tuning) { tu.TurnAtOnce = 2 },
		"t.AheadTurns = 0, want 1..64":       func(tu *Tuning) { tu.AheadTurns = 0 },
		"t.AheadTurns = 65, want 1..64":      func(tu *Tuning) { tu.AheadTurns = 65 },
		"t.KC = 4097, want 1..4096":          func(tu *Tuning) { tu.KC = 4097 },
		"t.ThreadWork = 0, want >= 1":        func(tu *Tuning) { tu.ThreadWork = 0 },
	} {
		tu := o.Tuning()
		if err := o.CheckTuning(tu); err != nil {
			t.Fatalf("the own tuning is refused: %v", err)
		}
		change(&tu)
		if err := o.CheckTuning(tu); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", tu, err, want)
		}
		if got := panicOf(func() { o.Tuned(tu) }); !strings.Contains(got, "kernels: Tuned: "+want) {
			t.Errorf("%+v: panic %q, want %s", tu, got, want)
		}
	}
	eachType(t,
		func(t *testing.T, o Ops[float32]) { mostTailColumns(t, o) },
		func(t *testing.T, o Ops[float64]) { mostTailColumns(t, o) })
}

func mostTailColumns[T Float](t *testing.T, o Ops[T]) {
	tu := o.Tuning()
	if err := o.CheckTuning(tu); err != nil {
		t.Errorf("the own tuning is refused: %v", err)
	}
	tu.TailColumns = o.ks.lanes
	if err := o.CheckTuning(tu); err == nil {
		t.Errorf("TailColumns = %d is let pass, a whole vector", tu.TailColumns)
	}
}

func TestPackedIsBoundToItsTuning(t *testing.T) {
	o := On[float32](portable)
	packed := o.PackB(false, 2, 2, make([]float32, 4), 2)
	multiply := func(by Ops[float32]) string {
		return panicOf(func() {
			by.GemmPacked(false, 1, 1, make([]float32, 2), 2, packed, 0, make([]float32, 2), 2, Epilogue[float32]{})
		})
	}
	for want, change := range map[string]func(tu *Tuning){
		"GemmPacked: b was packed with Vectors = 4 and KC = 256, want 3 and 256": func(tu *Tuning) { tu.Vectors = 3 },
		"GemmPacked: b was packed with Vectors = 4 and KC = 256, want 4 and 255": func(tu *Tuning) { tu.KC = 255 },
		"no panic": func(tu *Tuning) { tu.Rows, tu.MC, tu.NC, tu.ThreadWork = 1, 2, 4, 1 },
	} {
		tu := o.Tuning()
		change(&tu)
		if got := multiply(o.Tuned(tu)); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", tu, got, want)
		}
	}
}

// Gemm decides for small products itself what GemmFused decides with all others: both have the
// same bits, whatever the tuning and however far rows are apart.
func TestGemmDecidesAsGemmFused(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmDecidesAsGemmFused(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmDecidesAsGemmFused(t, o) })
}

func gemmDecidesAsGemmFused[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(61, 62))
	lanes := o.VectorLen()
	for _, tu := range tunings(o) {
		o := o.Tuned(tu)
		for range 20 {
			m, n, k := 1+rng.IntN(40), 1+rng.IntN(6*lanes), 1+rng.IntN(60)
			if rng.IntN(4) == 0 {
				k = tu.KC + rng.IntN(9) - 4
			}
			k = max(k, 1)
			switch rng.IntN(4) {
			case 0: // so few columns, and so many rows, that columns are copied
				m, n, k = 60+rng.IntN(60), 1+rng.IntN(lanes), 100+rng.IntN(100)
			case 1: // few columns, and one tile of rows, or two
				m, n, k = 1+rng.IntN(33), 1+rng.IntN(5), 80+rng.IntN(300)
			case 2: // one row, or rows of B that are no multiple of a vector
				m, k = 1, 1+rng.IntN(40)
				if rng.IntN(2) == 0 {
					m, n, k = 8+rng.IntN(20), 41+rng.IntN(50), 60+rng.IntN(60)
				}
			}
			alpha, beta := [...]T{1, 1, -1.5}[rng.IntN(3)], [...]T{0, 0, 1, -0.5}[rng.IntN(4)]
			for _, trans := range transposes {
				g := gemmCase{transA: trans[0], transB: trans[1], m: m, n: n, k: k}
				aRows, aCols := g.aShape()
				bRows, bCols := g.bShape()
				a, b := randomMatrix[T](rng, aRows, aCols, aCols).data, randomMatrix[T](rng, bRows, bCols, bCols).data
				old := randomMatrix[T](rng, m, n, n).data
				got, want := slices.Clone(old), slices.Clone(old)
				o.Gemm(trans[0], trans[1], m, n, k, alpha, a, aCols, b, bCols, beta, got, n)
				o.GemmFused(trans[0], trans[1], m, n, k, alpha, a, aCols, b, bCols, beta, want, n, Epilogue[T]{})
				if !slices.Equal(got, want) {
					t.Fatalf("tuned by %+v: %+v, alpha = %v, beta = %v: Gemm and GemmFused have other bits", tu, g, alpha, beta)
				}
				zero, negative := make([]T, m*n), make([]T, m*n)
				o.Gemm(trans[0], trans[1], m, n, k, 1, a, aCols, b, bCols, 1, zero, n)
				o.Gemm(trans[0], trans[1], m, n, k, -1, a, aCols, b, bCols, 0, negative, n)
				for i := range zero {
					if zero[i] != -negative[i] {
						t.Fatalf("tuned by %+v: %+v: other bits with alpha = -1, beta = 0 than with alpha = beta = 1", tu, g)
					}
				}
				pad := rng.IntN(1200)
				ldb := bCols + pad
				spread := make([]T, extent(bRows, bCols, ldb))
				for i := range bRows {
					copy(spread[i*ldb:], b[i*bCols:][:bCols])
				}
				copy(got, old)
				o.Gemm(trans[0], trans[1], m, n, k, alpha, a, aCols, spread, ldb, beta, got, n)
				if !slices.Equal(got, want) {
					t.Fatalf("tuned by %+v: %+v: other bits with rows of B %d apart", tu, g, ldb)
				}
			}
		}
	}
}

// Where the columns before a tail would be a block deeper than the whole product's, they are not:
// how far rows of A are apart, which decides whether they are strips, changes no bits.
func TestTailsAreAsDeepAsTheWhole(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { tailsAreAsDeep(t, o) },
		func(t *testing.T, o Ops[float64]) { tailsAreAsDeep(t, o) })
}

func tailsAreAsDeep[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(67, 68))
	var a0 T
	ks, tried := o.ks, 0
	for n := 2*ks.lanes + 1; n < 16*ks.lanes; n++ {
		m := 5 + n%20
		k := 1
		for ks.depth(n, k, false) == k {
			k++
		}
		tail := ks.tailColumns(m, n, k, false)
		if tail == 0 || tail == n || ks.depth(n-tail, k, false) < k {
			continue
		}
		tried++
		near, far := k, 0
		for far < k { // rows that share sets of the cache
			far += setPeriod / int(unsafe.Sizeof(a0))
		}
		a, b := randomMatrix[T](rng, m, k, near).data, randomMatrix[T](rng, k, n, n).data
		spread := make([]T, extent(m, k, far))
		for i := range m {
			copy(spread[i*far:], a[i*near:][:k])
		}
		got, want := make([]T, m*n), make([]T, m*n)
		o.Threads(1).Gemm(false, false, m, n, k, 1, a, near, b, n, 0, got, n)
		o.Threads(1).Gemm(false, false, m, n, k, 1, spread, far, b, n, 0, want, n)
		if !slices.Equal(got, want) {
			t.Fatalf("%dx%dx%d: other bits with rows of A %d apart than %d", m, n, k, far, near)
		}
	}
	if tried == 0 && o.ks.tuning.TailColumns > 0 {
		t.Error("no product has such a tail")
	}

	// One tile has no tail, with or without an epilogue, however deep it is.
	deep := o.Tuning()
	deep.KC = deepest
	o = o.Tuned(deep)
	for m := 2; m <= 8; m++ {
		n, k := 2*ks.lanes+1, 3000+100*m
		a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
		got, want := make([]T, m*n), make([]T, m*n)
		o.Gemm(false, false, m, n, k, 2, a, k, b, n, 0, got, n)
		o.GemmFused(false, false, m, n, k, 2, a, k, b, n, 0, want, n, Epilogue[T]{})
		if !slices.Equal(got, want) {
			t.Fatalf("%dx%dx%d: Gemm and GemmFused have other bits", m, n, k)
		}
	}
}
