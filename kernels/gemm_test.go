package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// runGemm runs g on o with random operands between guard words, and compares
// every element with the oracle.
func runGemm[T Float](t *testing.T, o Ops[T], g gemmCase) {
	t.Helper()
	g.alpha, g.beta = float64(T(g.alpha)), float64(T(g.beta))
	rng := rand.New(rand.NewPCG(uint64(g.m*7919+g.n*104729+g.k), 1))
	aRows, aCols := g.aShape()
	bRows, bCols := g.bShape()
	lda, ldb, ldc := aCols+g.padA, bCols+g.padB, g.n+g.padC
	a := randomMatrix[T](rng, aRows, aCols, lda)
	b := randomMatrix[T](rng, bRows, bCols, ldb)
	c := randomMatrix[T](rng, g.m, g.n, ldc)
	if g.beta == 0 { // C must not be read: NaN in it would show
		for i := range g.m {
			for j := range g.n {
				c.data[i*ldc+j] = T(math.NaN())
			}
		}
	}
	oldA, oldB, old := slices.Clone(a.data), slices.Clone(b.data), slices.Clone(c.data)

	o.Gemm(g.transA, g.transB, g.m, g.n, g.k, T(g.alpha), a.data, lda, b.data, ldb, T(g.beta), c.data, ldc)

	name := fmt.Sprintf("%+v", g)
	for _, x := range []struct {
		name string
		g    guarded[T]
	}{{"a", a}, {"b", b}, {"c", c}} {
		x.g.check(t, name+" "+x.name)
	}
	if !slices.Equal(a.data, oldA) || !slices.Equal(b.data, oldB) {
		t.Fatalf("%s: an input was modified", name)
	}
	bound := gamma[T](g.k + 2)
	for i := range g.m {
		for j := range g.n {
			want, magnitude := reference(g, a.data, lda, b.data, ldb, old[i*ldc+j], i, j)
			got := float64(c.data[i*ldc+j])
			if !(math.Abs(got-want) <= bound*magnitude) {
				t.Fatalf("%s: C[%d,%d] = %v, want %v within %v", name, i, j, got, want, bound*magnitude)
			}
		}
		for j := g.n; j < ldc && i < g.m-1; j++ {
			if c.data[i*ldc+j] != T(guard) {
				t.Fatalf("%s: C was written behind its row %d", name, i)
			}
		}
	}
}

func bothGemm(t *testing.T, cases func(tallest, widest int) []gemmCase) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { runAll(t, o, cases) },
		func(t *testing.T, o Ops[float64]) { runAll(t, o, cases) })
}

// runAll runs the cases for o's tallest and widest tiles.
func runAll[T Float](t *testing.T, o Ops[T], cases func(tallest, widest int) []gemmCase) {
	for _, g := range cases(len(o.ks.micro[0]), len(o.ks.micro)*o.ks.lanes) {
		runGemm(t, o, g)
	}
}

var transposes = [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}}

// Every height and width of a tile, whole, cut and more than one, at depths
// around the unrolling of the micro-kernels.
func TestGemmTileEdges(t *testing.T) {
	bothGemm(t, func(tallest, widest int) (cases []gemmCase) {
		for m := 1; m <= 2*tallest+1; m++ {
			for n := 1; n <= 2*widest+1; n += 1 + 6*(n/(widest+2)) { // each up to widest, then some
				cases = append(cases, gemmCase{m: m, n: n, k: 1 + (m+n)%9, alpha: 1, padC: n % 3})
			}
		}
		return cases
	})
}

func TestGemmTransposesScalarsStrides(t *testing.T) {
	shapes := [][3]int{{1, 1, 1}, {1, 17, 9}, {19, 1, 7}, {5, 4, 3}, {7, 33, 31}, {13, 16, 64}, {29, 65, 40}, {100, 50, 78}}
	scalars := [][2]float64{{1, 0}, {1, 1}, {0.7, 0}, {-1.5, 1.3}, {0, 1.3}, {0, 0}, {1, math.Copysign(0, -1)}}
	bothGemm(t, func(int, int) (cases []gemmCase) {
		for _, s := range shapes {
			for _, trans := range transposes {
				for _, ab := range scalars {
					for _, pad := range [][3]int{{0, 0, 0}, {3, 5, 1}, {0, 16, 7}} {
						cases = append(cases, gemmCase{
							transA: trans[0], transB: trans[1], m: s[0], n: s[1], k: s[2],
							alpha: ab[0], beta: ab[1], padA: pad[0], padB: pad[1], padC: pad[2],
						})
					}
				}
			}
		}
		return cases
	})
}

// Shapes on both sides of every block boundary.
func TestGemmBlocks(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { blockEdges(t, o) },
		func(t *testing.T, o Ops[float64]) { blockEdges(t, o) })
}

func blockEdges[T Float](t *testing.T, o Ops[T]) {
	bl, mr, nr := o.ks.tuning, o.ks.mr(), o.ks.nr()
	if bl.MC%mr != 0 || bl.NC%nr != 0 {
		t.Errorf("blocks of %d x %d are no multiples of the tile %d x %d", bl.MC, bl.NC, mr, nr)
	}
	for _, trans := range transposes {
		for _, s := range [][3]int{
			{bl.MC - 1, nr + 1, 5}, {bl.MC, nr, 5}, {bl.MC + 1, nr - 1, 5}, {2*bl.MC + 3, 3, 2},
			{mr + 1, nr + 1, bl.KC}, {mr, nr, bl.KC + 1}, {mr - 1, 3, 2*bl.KC + 1},
			{3, bl.NC, 2}, {2, bl.NC + 1, 3}, {1, bl.NC + nr + 1, 2},
			{bl.MC + 5, nr + 3, bl.KC + 7}, {2 * bl.MC, nr, 5}, {2*bl.MC + 1, nr, 5},
		} {
			if s[0] > 0 && s[1] > 0 {
				for _, o := range []Ops[T]{o, packsAllB(o)} {
					for _, padB := range []int{0, farRow} { // in place and packed
						runGemm(t, o, gemmCase{transA: trans[0], transB: trans[1], m: s[0], n: s[1], k: s[2], alpha: 1.25, beta: 0.5, padB: padB, padC: 1})
					}
				}
			}
		}
	}
}

// farRow is so many elements that rows of B are far apart for the micro-kernels.
const farRow = 600

// packsAllB returns o with a tuning that packs a B whose rows are far apart, however few steps of k
// and rows of A there are.
func packsAllB[T Float](o Ops[T]) Ops[T] {
	tu := o.Tuning()
	tu.PackRows, tu.CrowdedRows, tu.PackWork = 0, 0, 0
	return o.Tuned(tu)
}

// Both sides of every threshold between the ways to compute a product, and
// what each way cuts into blocks.
func TestGemmPaths(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmPaths(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmPaths(t, o) })
}

func gemmPaths[T Float](t *testing.T, o Ops[T]) {
	tu, lanes := o.ks.tuning, o.ks.lanes
	shapes := [][3]int{ // rows of B in place or packed; A in place or packed
		{tu.PackRows, 2*lanes + 1, tu.PackDepth + 1}, {tu.PackRows + 1, 2*lanes - 1, tu.PackDepth}, {tu.PackRows + 1, 2*lanes - 1, tu.PackDepth + 1},
		{5, tu.PackColumns, 3}, {5, columnsThatPackA(o), 3},
	}
	for cols := 1; cols <= tu.TailColumns+1; cols++ { // last columns on their own
		for _, k := range []int{max(tu.TailDepth-1, 1), tu.TailDepth + 2} {
			shapes = append(shapes, [3]int{9, cols, k}, [3]int{7, 2*lanes + cols, k}, [3]int{20, 3*lanes + cols, k}, [3]int{70, 3*lanes + cols, k + 200})
		}
		if n := 3*lanes + cols; cols <= tu.TailColumns && !o.ks.endsInPair(n) && (o.ks.tailColumns(70, n, tu.TailDepth+202, false) != cols || o.ks.tailColumns(2, n, tu.TailDepth+202, false) != 0) {
			t.Errorf("the last %d of %d columns are on their own for 2 rows, or not for 70", cols, n)
		}
	}
	shapes = append(shapes, [3]int{96, 2, 24}, [3]int{95, 2, 24}, [3]int{96, 2, 23}, [3]int{300, 3, 25}) // all columns, at little depth
	for _, k := range []int{1, lanes - 1, lanes, 2*lanes - 1, 2 * lanes, 3*lanes + 1, columnDepth + 3} { // a column, a row
		shapes = append(shapes, [3]int{5, 1, k}, [3]int{1, 6, k}, [3]int{1, 1, k})
	}
	for v := 1; v <= len(o.ks.vecMat)+1; v++ { // a row in registers, and a column, in panels of all widths
		for _, k := range []int{1, 2, 7, 8, 9, 23} {
			shapes = append(shapes, [3]int{1, v * lanes, k}, [3]int{1, (v-1)*lanes + 1 + v%lanes, k}, [3]int{v*lanes - 1, 1, k})
		}
	}
	shapes = append(shapes, [3]int{alongM + 5, 1, len(o.ks.addRows) + 1}, [3]int{1, alongM + 5, 2*len(o.ks.addRows) + 3}, [3]int{alongM + 1, lanes + 1, 3})
	for _, trans := range transposes {
		for _, s := range shapes {
			for _, pad := range [][3]int{{0, 0, 0}, {1, 2, 3}, {padToPack(tu, trans[0]), farRow, 1}} {
				if s[1] < tu.PackColumns {
					pad[0] %= 8 // so few columns read A in place however far apart its rows are
				}
				g := gemmCase{transA: trans[0], transB: trans[1], m: s[0], n: s[1], k: s[2], alpha: 1.5, padA: pad[0], padB: pad[1], padC: pad[2]}
				runGemm(t, o, g)
				g.beta = -0.5
				runGemm(t, o, g)
			}
		}
	}
}

// strideThatPacksA is the leading dimension from which A is packed.
func strideThatPacksA(tu Tuning, trans bool) int {
	if trans {
		return tu.TurnStride
	}
	return tu.PackStride
}

// padToPack is so many elements more between the rows of A that it is packed, if it
// ever is.
func padToPack(tu Tuning, trans bool) int {
	if stride := strideThatPacksA(tu, trans); stride < never {
		return stride
	}
	return 1
}

// columnsThatPackA is more columns than those up to which A is read in place. The
// last ones fill no vector, but are too many to be computed on their own.
func columnsThatPackA[T Float](o Ops[T]) int {
	n := (o.ks.tuning.PackColumns/o.ks.lanes+2)*o.ks.lanes - 1
	for o.ks.tailColumns(1, n, o.ks.tuning.TailDepth, false) > 0 {
		n--
	}
	return n
}

// A transposed A and few columns: C as the transpose of its own transpose. The
// bits are those of tiles, which an epilogue asks for.
func TestGemmAsRows(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmAsRows(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmAsRows(t, o) })
}

func gemmAsRows[T Float](t *testing.T, o Ops[T]) {
	some := false
	for n := 2; n <= o.ks.nr()+1; n += 1 + n/8 {
		for _, m := range []int{2, n, 5*o.ks.lanes + 1, alongM/n + 7} {
			for _, k := range []int{7, 70, (o.ks.tuning.KC + 9) * 8 / max(8, m/8)} {
				if !o.ks.betterAsRows(m, n, k, false) {
					continue
				}
				some = true
				for _, transB := range []bool{false, true} {
					g := gemmCase{transA: true, transB: transB, m: m, n: n, k: k, alpha: 1, padA: 1, padB: 2, padC: 3}
					runGemm(t, o, g)
					g.alpha, g.beta = 1.5, -0.5
					runGemm(t, o, g)
					g.beta = 1
					runGemm(t, o, g)
				}
				rng := rand.New(rand.NewPCG(31, 32))
				a, b := randomMatrix[T](rng, k, m, m), randomMatrix[T](rng, k, n, n)
				tiles, rows := make([]T, m*n), make([]T, m*n)
				blocks := product[T]{ks: o.ks, way: inBlocks, m: m, n: n, k: k, kc: o.ks.depth(n, k, true), alpha: 0.7, a: stridesOf(a.data, m, true), b: stridesOf(b.data, n, false), c: tiles, ldc: n}
				blocks.asBlocks(o.Threads(1))
				o.Gemm(true, false, m, n, k, 0.7, a.data, m, b.data, n, 0, rows, n)
				if o.ks.tailColumns(m, n, k, true) == 0 && !slices.Equal(tiles, rows) {
					t.Fatalf("%d x %d x %d: as rows the bits are others", m, n, k)
				}
			}
		}
	}
	if some != (o.ks.lanes > 1) {
		t.Errorf("some products are computed as rows: %v, with %d lanes", some, o.ks.lanes)
	}
}

// Panels of every width, packed with the first tile or beforehand.
func TestGemmPanels(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmPanels(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmPanels(t, o) })
}

func gemmPanels[T Float](t *testing.T, o Ops[T]) {
	m, k := o.ks.tuning.PackRows+1, 5
	o = packsAllB(o)
	for n := 1; n <= 2*o.ks.lanes*len(o.ks.micro)+1; n++ {
		if !o.ks.packsB(m, n, k, n+farRow, false) {
			t.Fatalf("B of %d columns is not packed", n)
		}
		runGemm(t, o, gemmCase{transB: n%5 == 0, m: m, n: n, k: k, alpha: 1, beta: float64(n % 2), padB: farRow + n%3})
	}
}

// The leading dimension of C changes no bit.
func TestGemmBitsDoNotDependOnLDC(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		rng := rand.New(rand.NewPCG(21, 22))
		for _, trans := range transposes {
			for _, s := range [][3]int{{100, 1, 100}, {1, 100, 100}, {40, 35, 50}} {
				m, n, k := s[0], s[1], s[2]
				lda, ldb := leadingDims(trans, m, n, k)
				a, b := randomMatrix[float32](rng, 1, m*k, m*k).data, randomMatrix[float32](rng, 1, k*n, k*n).data
				tight, wide := make([]float32, m*n), make([]float32, m*(n+1))
				for _, scalars := range [][2]float32{{0.7, 0}, {1, 0}, {1, 1}, {1, -0.3}, {0.7, 1}} {
					for i := range tight {
						tight[i] = float32(i)
						wide[i/n*(n+1)+i%n] = float32(i)
					}
					On[float32](im).Gemm(trans[0], trans[1], m, n, k, scalars[0], a, lda, b, ldb, scalars[1], tight, n)
					On[float32](im).Gemm(trans[0], trans[1], m, n, k, scalars[0], a, lda, b, ldb, scalars[1], wide, n+1)
					for i := range m {
						if !slices.Equal(tight[i*n:][:n], wide[i*(n+1):][:n]) {
							t.Fatalf("%v, trans %v, alpha and beta %v: row %d has other bits with another ldc", s, trans, scalars, i)
						}
					}
				}
			}
		}
	})
}

// Sizes of 0 leave C alone or scale it, and A and B are not even looked at.
func TestGemmReadsNoMoreThanItMay(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		o := On[float64](im)
		nan := math.NaN()
		c := []float64{1, 2, nan, 4}
		o.Gemm(false, false, 0, 2, 3, 1, nil, 3, make([]float64, 6), 2, 0, nil, 2)
		o.Gemm(false, false, 2, 0, 3, 1, make([]float64, 6), 3, nil, 0, 0, nil, 0)
		o.Gemm(false, false, 2, 2, 0, 1, nil, 0, nil, 2, 1, c, 2)
		if want := []float64{1, 2, nan, 4}; !slices.EqualFunc(c, want, sameBits) {
			t.Errorf("k = 0, beta = 1: C = %v, want %v", c, want)
		}
		o.Gemm(false, false, 2, 2, 7, 0, nil, 7, nil, 2, 2, c, 2)
		if want := []float64{2, 4, nan, 8}; !slices.EqualFunc(c, want, sameBits) {
			t.Errorf("alpha = 0, beta = 2: C = %v, want %v", c, want)
		}
		inf := []float64{math.Inf(1), nan, nan, nan}
		o.Gemm(true, true, 2, 2, 2, 0, inf, 2, inf, 2, 0, c, 2)
		if want := []float64{0, 0, 0, 0}; !slices.EqualFunc(c, want, sameBits) {
			t.Errorf("alpha = 0, beta = 0: C = %v, want %v", c, want)
		}
	})
}

// NaN and Inf in an operand or a factor reach exactly the elements that
// arithmetic says, zeros in the other operand included, whatever the
// transposes, and no padding adds any.
func TestGemmNonFinite(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { nonFinite(t, o) },
		func(t *testing.T, o Ops[float64]) { nonFinite(t, o) })
}

func nonFinite[T Float](t *testing.T, o Ops[T]) {
	const k = 11 // one block: Inf is added up once
	lanes := o.VectorLen()
	for _, mn := range [][2]int{{17, 35}, {1, 35}, {17, 1}, {3, 4*lanes - 1}, {5, 3*lanes + 1}, {130, lanes + 1}} {
		for _, trans := range transposes {
			for _, v := range []float64{math.Inf(1), math.NaN()} {
				g := gemmCase{transA: trans[0], transB: trans[1], m: mn[0], n: mn[1], k: k, alpha: 1}
				for _, spot := range [][2]int{{0, 0}, {g.m - 1, k - 1}, {g.m / 3, 3}} {
					runNonFinite(t, o, g, 'a', spot, v)
				}
				for _, spot := range [][2]int{{0, 0}, {k - 1, g.n - 1}, {3, g.n / 3}} {
					runNonFinite(t, o, g, 'b', spot, v)
				}
				for _, g.beta = range []float64{1, 0.5} {
					for _, spot := range [][2]int{{0, 0}, {g.m - 1, g.n - 1}, {g.m / 3, g.n / 3}} {
						for _, g.alpha = range []float64{1, 2, 0} {
							runNonFinite(t, o, g, 'c', spot, v)
						}
					}
				}
				for _, ab := range [][2]float64{{v, 0}, {v, 1}, {1, v}, {0, v}} {
					g.alpha, g.beta = ab[0], ab[1]
					runNonFinite(t, o, g, 0, [2]int{}, 0)
				}
			}
		}
	}
}

// runNonFinite runs g on small whole numbers, zeros among them, with v at one
// spot of op(A), op(B) or C. Whatever the order, the result is exact.
func runNonFinite[T Float](t *testing.T, o Ops[T], g gemmCase, where rune, spot [2]int, v float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	whole := func(rows, cols int) [][]float64 {
		x := make([][]float64, rows)
		for i := range x {
			x[i] = make([]float64, cols)
			for j := range x[i] {
				x[i][j] = float64(rng.IntN(3))
			}
		}
		return x
	}
	a, b, c := whole(g.m, g.k), whole(g.k, g.n), whole(g.m, g.n)
	clear(a[g.m/2]) // a row of zeros, for alpha = Inf
	switch where {
	case 'a':
		a[spot[0]][spot[1]] = v
	case 'b':
		b[spot[0]][spot[1]] = v
	case 'c':
		c[spot[0]][spot[1]] = v
	}
	stored := func(x [][]float64, trans bool) (s []T, ld int) {
		rows, cols := len(x), len(x[0])
		ld = cols
		if trans {
			ld = rows
		}
		s = make([]T, rows*cols)
		for i := range rows {
			for j := range cols {
				if trans {
					s[j*ld+i] = T(x[i][j])
				} else {
					s[i*ld+j] = T(x[i][j])
				}
			}
		}
		return s, ld
	}
	as, lda := stored(a, g.transA)
	bs, ldb := stored(b, g.transB)
	got, ldc := stored(c, false)
	o.Gemm(g.transA, g.transB, g.m, g.n, g.k, T(g.alpha), as, lda, bs, ldb, T(g.beta), got, ldc)
	for i := range g.m {
		for j := range g.n {
			var want float64
			if g.alpha != 0 {
				for p := range g.k {
					want += a[i][p] * b[p][j]
				}
				want *= g.alpha
			}
			if g.beta != 0 {
				want += g.beta * c[i][j]
			}
			if x := float64(got[i*ldc+j]); x != want && (x == x || want == want) {
				t.Fatalf("%+v, %v in %q at %v: C[%d,%d] = %v, want %v", g, v, where, spot, i, j, x, want)
			}
		}
	}
}

// The result depends on nothing but the arguments: not on what was computed
// before, not on addresses.
func TestGemmRemembersNothing(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		o := On[float32](im)
		const n = 33
		a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
		for round := range 3 {
			for i := range a {
				a[i], b[i] = float32(round+1), float32(i%5)
			}
			o.MatMul(c, a, b, n, n, n)
			fresh := make([]float32, n*n)
			o.MatMul(fresh, slices.Clone(a), slices.Clone(b), n, n, n)
			if !slices.Equal(c, fresh) {
				t.Fatalf("round %d: the product differs from that of copies", round)
			}
		}
	})
}

// Many goroutines at once get what one gets.
func TestGemmConcurrently(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		o := On[float64](im)
		rng := rand.New(rand.NewPCG(3, 4))
		const m, n, k = 37, 53, 71
		a, b := randomMatrix[float64](rng, m, k, k).data, randomMatrix[float64](rng, k, n, n).data
		want := make([]float64, m*n)
		o.MatMul(want, a, b, m, n, k)
		for g := range 8 {
			t.Run(fmt.Sprint(g), func(t *testing.T) {
				t.Parallel()
				c := make([]float64, m*n)
				for range 20 {
					clear(c)
					o.MatMul(c, a, b, m, n, k)
					if !slices.Equal(c, want) {
						t.Fatal("a product differs")
					}
				}
			})
		}
	})
}
