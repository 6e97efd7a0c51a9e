package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Kernels that look ahead compute what others do, bit for bit, and those that copy pack as many rows of the
// next panel as they have time for, up to those that are left, and write nothing else.
func TestKernelsThatLookAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { kernelsThatLookAhead(t, o) },
		func(t *testing.T, o Ops[float64]) { kernelsThatLookAhead(t, o) })
}

func kernelsThatLookAhead[T Float](t *testing.T, o Ops[T]) {
	ks, rng := o.ks, rand.New(rand.NewPCG(71, 72))
	for v := 1; v <= max(len(ks.copying), len(ks.fetching)); v++ {
		width := v * ks.lanes
		for _, k := range []int{1, 3, 4, 5, 7, 8, 16, 51, 100} {
			for tiles := 1; tiles <= 5; tiles++ {
				for _, left := range []int{0, 1, k/2 + 1, k} {
					for _, beta := range []T{0, 0.5} {
						for kind, kernels := range [][]panelKernel[T]{ks.copying, ks.fetching} {
							h := kernels[v-1].h
							m, ldb := tiles*h, width+3
							a, panel, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, width, width).data, randomMatrix[T](rng, k, width, ldb).data
							if kind == 1 { // stored by columns
								ldb = k + 3
								b = randomMatrix[T](rng, width, k, ldb).data
							}
							old, bias := randomMatrix[T](rng, m, width, width+1).data, randomMatrix[T](rng, 1, width, width).data
							run := func(kernel microKernel[T], y *microExtra[T]) []T {
								c := newGuarded[T](len(old))
								copy(c.data, old)
								var x microCall[T]
								x.k, x.a, x.aRow, x.aCol, x.b, x.bRow = k, &a[0], k, 1, &panel[0], width
								x.c, x.ldc, x.cols, x.alpha, x.beta, x.tiles, x.panels, x.bias, x.relu = &c.data[0], width+1, width, 1.5, beta, tiles, 1, &bias[0], 1
								x.runWith(kernel, y)
								c.check(t, "C")
								return c.data
							}
							next := newGuarded[T](k * width)
							y := microExtra[T]{panel: &next.data[0], from: &b[0], fromRow: ldb, left: left, lines: (k + width - 1) / width}
							got, want := run(kernels[v-1].run, &y), run(ks.micro[v-1][h-1], &microExtra[T]{})
							name := fmt.Sprintf("%d vectors, k = %d, %d tiles, %d left, beta = %v", v, k, tiles, left, beta)
							if !slices.Equal(got, want) {
								t.Fatalf("%s, kind %d: other bits than the kernel that does not look ahead", name, kind)
							}
							next.check(t, name)
							rows := 0
							if kind == 0 {
								rows = min(left, k/4*tiles)
							}
							for p := range k {
								for j := range width {
									want := T(guard)
									if p < rows {
										want = b[p*ldb+j]
									}
									if got := next.data[p*width+j]; got != want {
										t.Fatalf("%s: row %d, column %d of the next panel is %v, want %v", name, p, j, got, want)
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

// Large products do look ahead: of their packed panels, all but the first of a block and those of
// another width are copied on the way, and of a transposed B all but the first are fetched.
func TestLargeProductsLookAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { largeProductsLookAhead(t, o) },
		func(t *testing.T, o Ops[float64]) { largeProductsLookAhead(t, o) })
}

func largeProductsLookAhead[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.copying) == 0 {
		return // it has no such kernels
	}
	ks, calls := *o.ks, 0
	counted := func(kernels []panelKernel[T]) []panelKernel[T] {
		out := slices.Clone(kernels)
		for i, kernel := range kernels {
			out[i].run = func(x *microArgs[T]) { calls++; kernel.run(x) }
		}
		return out
	}
	ks.copying, ks.fetching = counted(ks.copying), counted(ks.fetching)
	o.ks = &ks
	for _, mc := range []int{5 * ks.mr(), 1 << 20} { // blocks of rows that use the panels again, and one that does not
		tu := o.Tuning()
		tu.PackRows, tu.PackDepth, tu.PackColumns, tu.MC, tu.NC = 0, 0, never, mc, 1<<20
		o := o.Tuned(tu).Threads(1)
		const panels = 5
		m, n, k := 15*ks.mr(), panels*ks.nr(), 2*tu.KC
		kc := ks.depth(n, k, false)
		blocks := (k + kc - 1) / kc
		for _, transB := range []bool{false, true} {
			calls = 0
			runGemm(t, o, gemmCase{transB: transB, m: m, n: n, k: k, alpha: 1})
			if want := blocks * (panels - 1); calls != want {
				t.Errorf("MC = %d, transposed %v: %d panels were prepared ahead, want %d", mc, transB, calls, want)
			}
		}
	}
}

// What is fetched of a transposed B is all of the next panel and no column more, and what is copied are
// the rows of the next panel, only where there are tiles enough.
func TestLookAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lookAhead(t, o) },
		func(t *testing.T, o Ops[float64]) { lookAhead(t, o) })
}

func lookAhead[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.copying) == 0 {
		return // it has no such kernels
	}
	ks, v, lanes := o.ks, o.Tuning().Vectors, o.ks.lanes
	const k, jr = 101, 2
	nr, h := v*lanes, ks.copying[v-1].h
	ld := 4 * nr
	b := make([]T, max(k, 4*nr)*max(ld, k))
	for _, c := range []struct{ left, cols int }{{1, 1}, {nr - 1, nr - 1}, {nr, nr}, {5 * nr, nr}, {nr + lanes, nr + lanes}} {
		var y microExtra[T]
		from := stridesOf(b, k+3, true)
		kernel, packs := ks.lookAhead(&y, &from, jr, jr+c.left, k, v, h, 1)
		if kernel.h != h || packs || y.from != &b[jr*(k+3)] || y.fromRow != k+3 || y.left != c.cols || y.lines*nr < k || (y.lines-1)*nr >= k {
			t.Errorf("%d columns left: fetches %d columns, %d rows of a panel long, %d apart, packs is %v", c.left, y.left, y.lines, y.fromRow, packs)
		}
		for _, tiles := range []int{4, 5} { // of 25 rows each
			y, from = microExtra[T]{}, stridesOf(b, ld, false)
			kernel, packs := ks.lookAhead(&y, &from, jr, jr+c.left, k, v, h, tiles)
			if want := c.cols == nr && tiles == 5; packs != want || (kernel.h == h) != want {
				t.Errorf("%d columns left, %d tiles: packs is %v, want %v", c.left, tiles, packs, want)
			}
			if packs && (y.from != &b[jr] || y.fromRow != ld || y.left != k) {
				t.Errorf("%d columns left: copies %d rows, %d apart", c.left, y.left, y.fromRow)
			}
		}
		if kernel, packs := ks.lookAhead(&y, &from, jr, jr+c.left, k, v, h-1, 5); kernel.h != 0 || packs {
			t.Errorf("tiles of %d rows have a kernel that looks ahead", h-1)
		}
	}
}

// Where k is so few steps that storing C is most of it, all tiles that write C past the caches do so; else
// all but those that look ahead instead.
func TestAroundLooksAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { aroundLooksAhead(t, o) },
		func(t *testing.T, o Ops[float64]) { aroundLooksAhead(t, o) })
}

func aroundLooksAhead[T Float](t *testing.T, o Ops[T]) {
	ks := *o.ks
	if ks.around.v == 0 {
		return // it has no such kernels
	}
	tiles := 0
	ks.around.run = slices.Clone(ks.around.run)
	for h, run := range ks.around.run {
		ks.around.run[h] = func(x *microArgs[T]) { tiles += x.rest().tiles; run(x) }
	}
	rng := rand.New(rand.NewPCG(75, 76))
	h := len(ks.around.run)
	m, n := 6*h, 3*ks.nr()
	for k, most := range map[int]int{shallow: 6 * 3, shallow + 1: 6} {
		tiles = 0
		a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
		got, want := Aligned[T](m*n), make([]T, m*n)
		p := product[T]{ks: &ks, m: m, n: n, k: k, kc: k, alpha: 1, a: stridesOf(a, k, false), c: got, ldc: n, around: true}
		panels := roomForPanels(&ks, new(workspace[T]), k, n, false)
		panels.from = stridesOf(b, n, false)
		p.macroKernel(&panels)
		o.Gemm(false, false, m, n, k, 1, a, k, b, n, 0, want, n)
		if tiles != most {
			t.Errorf("k = %d: %d tiles are written past the caches, want %d", k, tiles, most)
		}
		if !slices.Equal(got, want) {
			t.Error("other bits than in the caches")
		}
	}
}
