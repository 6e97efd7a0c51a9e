package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Kernels that look ahead compute what others do, bit for bit. Those that copy or turn pack as many
// rows of the next panel as they have time for, up to those that are left, and write nothing else.
func TestKernelsThatLookAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { kernelsThatLookAhead(t, o) },
		func(t *testing.T, o Ops[float64]) { kernelsThatLookAhead(t, o) })
}

func kernelsThatLookAhead[T Float](t *testing.T, o Ops[T]) {
	ks, rng := o.ks, rand.New(rand.NewPCG(71, 72))
	for v := 1; v <= len(ks.copying); v++ {
		for _, k := range []int{1, 3, 4, 5, 7, 8, 16, 51, 100} {
			for tiles := 1; tiles <= 5; tiles++ {
				for _, beta := range []T{0, 0.5} {
					for _, left := range []int{0, 1, k/2 + 1, k} {
						for _, pace := range []int{1, 4} {
							aheadKernel(t, rng, ks, "copying", ks.copying[v-1], v, k, tiles, left, 0, pace, beta)
						}
					}
					for _, each := range []int{1, v*ks.lanes - 1, v * ks.lanes} {
						for left := range k/ks.lanes + 1 {
							aheadKernel(t, rng, ks, "turning", ks.turning[v-1], v, k, tiles, left, each, 1, beta)
						}
						for _, kernel := range ks.fetching[v-1] {
							aheadKernel(t, rng, ks, "fetching", kernel, v, k, tiles, 3, each, 1+tiles&1, beta)
						}
					}
					for _, kernel := range ks.following[v-1] {
						aheadKernel(t, rng, ks, "following", kernel, v, k, tiles, 0, 0, 1, beta)
					}
				}
			}
		}
	}
}

// aheadKernel checks a kernel of v vectors that looks ahead.
func aheadKernel[T Float](t *testing.T, rng *rand.Rand, ks *kernelSet[T], kind string, kernel panelKernel[T], v, k, tiles, left, each, pace int, beta T) {
	t.Helper()
	h, width := kernel.h, v*ks.lanes
	m, bRow, from, fromRow := tiles*h, width, randomMatrix[T](rng, k, width, width+3).data, width+3
	rows := min(left, kernel.pieces(k, tiles, pace)) // of the next panel, that are to be packed
	cols := width
	switch kind {
	case "turning":
		from, fromRow = randomMatrix[T](rng, width, k, k+3).data, k+3
		// a group that there is not time enough for has some columns
		rows, cols = min(left*each, kernel.pieces(k, tiles, pace))/each*kernel.piece, each
	case "fetching": // B may be in place
		bRow, rows = width+5, 0
	case "following":
		rows = 0
	}
	a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, width, bRow).data
	old, bias := randomMatrix[T](rng, m, width, width+1).data, randomMatrix[T](rng, 1, width, width).data
	run := func(kernel microKernel[T], y *microExtra[T]) []T {
		c := newGuarded[T](len(old))
		copy(c.data, old)
		var x microArgs[T]
		x.k, x.a, x.aRow, x.aCol, x.b, x.bRow = k, &a[0], k, 1, &b[0], bRow
		x.c, x.ldc, x.cols, x.alpha, x.beta, x.tiles, x.panels, x.bias, x.relu = &c.data[0], width+1, width, 1.5, beta, tiles, 1, &bias[0], 1
		x.runWith(kernel, y)
		c.check(t, "C")
		return c.data
	}
	name := fmt.Sprintf("%s, %d vectors, k = %d, %d tiles, %d left of %d each, pace %d, beta = %v", kind, v, k, tiles, left, each, pace, beta)
	next := newGuarded[T](k * width)
	y := microExtra[T]{panel: &next.data[0], from: &from[0], fromRow: fromRow, left: left, each: each, rests: 4 * (pace - 1)}
	if got, want := run(kernel.run, &y), run(ks.micro[v-1][h-1], &microExtra[T]{}); !slices.Equal(got, want) {
		t.Fatalf("%s: other bits than the kernel that does not look ahead", name)
	}
	next.check(t, name)
	begun := 0 // columns of a group that is not packed
	if kind == "turning" && rows < left*kernel.piece {
		begun = kernel.pieces(k, tiles, pace) % each
	}
	for p := range k {
		for j := range width {
			want := T(guard)
			if p < rows && j < cols || p/kernel.piece == rows/kernel.piece && j < begun {
				at := p*fromRow + j
				if kind == "turning" {
					at = j*fromRow + p
				}
				want = from[at]
			}
			if got := next.data[p*width+j]; got != want {
				t.Fatalf("%s: row %d, column %d of the next panel is %v, want %v", name, p, j, got, want)
			}
		}
	}
}

// counted returns the kernels, which count their calls.
func counted[T Float](kernels []panelKernel[T], calls *int) []panelKernel[T] {
	out := slices.Clone(kernels)
	for i, kernel := range kernels {
		out[i].run = func(x *microArgs[T]) { *calls++; kernel.run(x) }
	}
	return out
}

// Large products do look ahead: of the panels of B that they pack, all but the first of a block are
// packed on the way, and of the blocks of A all but the first are fetched.
func TestLargeProductsLookAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { largeProductsLookAhead(t, o) },
		func(t *testing.T, o Ops[float64]) { largeProductsLookAhead(t, o) })
}

func largeProductsLookAhead[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.copying) == 0 {
		return // it has no such kernels
	}
	ks := *o.ks
	var packed, fetched int
	ks.copying, ks.turning = counted(ks.copying, &packed), counted(ks.turning, &packed)
	ks.fetching = slices.Clone(ks.fetching)
	for v, kernels := range ks.fetching {
		ks.fetching[v] = counted(kernels, &fetched)
	}
	o.ks = &ks
	for _, mc := range []int{10 * ks.mr(), 1 << 20} { // blocks of rows that use the panels again, and one that does not
		tu := o.Tuning()
		tu.PackRows, tu.PackDepth, tu.PackColumns, tu.MC, tu.NC = 0, 0, never, mc, 1<<20
		tu.PanelBytes, tu.AheadTurns = never, 1 // each panel in a call
		panels := 64/ks.nr() + 2                // more than turnsC takes
		m, n, k := 70*ks.mr(), panels*ks.nr(), 2*tu.KC
		for _, c := range []struct{ trans, atOnce int }{{0, 0}, {0, 1}, {3, 0}, {3, 1}} {
			tu.TurnAtOnce = c.atOnce
			o := o.Tuned(tu).Threads(1)
			kc := ks.depth(n, k, c.trans&1 != 0)
			deep := (k + kc - 1) / kc
			rows := o.ks.blockOfRows(m, n, kc, math.MaxInt, false)
			blocks := deep * ((m + rows - 1) / rows)
			packed, fetched = 0, 0
			runGemm(t, o, gemmCase{transA: c.trans&1 != 0, transB: c.trans&2 != 0, m: m, n: n, k: k, alpha: 1})
			want := deep * (panels - 1)
			if c.trans == 3 && c.atOnce == 1 && rows < m {
				want = 0 // B is turned before
			}
			if packed != want || fetched != blocks-1 {
				t.Errorf("MC = %d, trans %02b, TurnAtOnce = %d: %d panels were packed ahead, want %d, and %d blocks of A fetched, want %d",
					mc, c.trans, c.atOnce, packed, want, fetched, blocks-1)
			}
		}
	}
}

// What is fetched is an A that the caches do not have, also for panels of one vector; not a small one.
func TestFetchesWhatIsFar(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { fetchesWhatIsFar(t, o) },
		func(t *testing.T, o Ops[float64]) { fetchesWhatIsFar(t, o) })
}

func fetchesWhatIsFar[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.fetching) == 0 {
		return // it has no such kernels
	}
	ks, calls := *o.ks, 0
	ks.fetching = slices.Clone(ks.fetching)
	for v, kernels := range ks.fetching {
		ks.fetching[v] = counted(kernels, &calls)
	}
	o.ks = &ks
	const k = 200
	n := ks.lanes // one vector
	for _, c := range []struct{ m, least, most int }{{600, 0, 0}, {3000, 5, 100}} {
		calls = 0
		o.Threads(1).Gemm(false, false, c.m, n, k, 1, make([]T, c.m*k), k, make([]T, k*n), n, 0, make([]T, c.m*n), n)
		if calls < c.least || calls > c.most {
			t.Errorf("%d rows: %d blocks of A are fetched, want %d..%d", c.m, calls, c.least, c.most)
		}
	}
}

// What is packed ahead are rows of the next panel, of a transposed B as many as there is time for,
// else all or nothing; and what is fetched, behind the last whole panel, is the next block of A and
// no row more.
func TestLookAhead(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lookAheadOf(t, o) },
		func(t *testing.T, o Ops[float64]) { lookAheadOf(t, o) })
}

func lookAheadOf[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.copying) == 0 {
		return // it has no such kernels
	}
	ks, v, lanes := o.ks, o.Tuning().Vectors, o.ks.lanes
	const k, jr, row = 101, 2, 51
	nr, h := v*lanes, ks.copying[v-1].h
	ld := 6 * nr
	data := make([]T, max(k, 6*nr)*max(ld, k+3))
	next := strip[T]{data[7:], ld, row, k}
	for _, c := range []struct {
		left, cols  int
		whole, wide bool // the next panel, and as wide as the kernel
	}{{0, 0, false, false}, {1, 1, false, v == 1}, {nr - 1, nr - 1, false, true}, {nr, nr, true, true}, {5 * nr, nr, true, true}, {nr + lanes, nr + lanes, true, false}} {
		for _, packing := range []bool{false, true} {
			for _, trans := range []bool{false, true} {
				for _, tiles := range []int{4, 5} { // of 25 turns each
					var y microExtra[T]
					b, bRow := panels[T]{data: data, step: k}, ld
					if trans {
						bRow = k + 3
					}
					if packing {
						b.from = stridesOf(data, bRow, trans)
					}
					p := product[T]{ks: ks, m: tiles * h, n: jr + c.left, k: k}
					kernel, packs := p.lookAhead(&y, &b, &next, tilesOfPanel{v: v, h: h, tiles: tiles, atOnce: tiles, left: c.left, wide: v})
					name := fmt.Sprintf("%d columns left, packing %v, transposed %v, %d tiles: %d rows of %d, %d each", c.left, packing, trans, tiles, y.left, y.fromRow, y.each)
					switch {
					case packing && trans && c.wide:
						turning := ks.turning[v-1]
						if groups := turning.pieces(k, tiles, 1) / c.cols; kernel.piece != lanes || packs != min(groups, k/lanes)*lanes || y.left*lanes != packs || y.from != &data[jr*bRow] || y.fromRow != bRow || y.each != c.cols {
							t.Errorf("%s: %d are turned", name, packs)
						}
					case packing && !trans && c.whole && c.wide && tiles == 5:
						if kernel.piece != nr || packs != k || y.left != k || y.from != &data[jr] || y.fromRow != bRow {
							t.Errorf("%s: %d are copied", name, packs)
						}
					case !c.whole:
						if kernel.h != h || packs != 0 || y.left != row || y.from != &data[7] || y.fromRow != ld || y.each*kernel.piece < k || (y.each-1)*kernel.piece >= k {
							t.Errorf("%s are fetched, %d are packed", name, packs)
						}
					default:
						if kernel.h != 0 || packs != 0 {
							t.Errorf("%s: looks ahead for nothing, %d are packed", name, packs)
						}
					}
				}
			}
		}
	}
	// What is to be packed, but not ahead, leaves nothing behind for what is fetched instead, in several calls.
	for _, trans := range []bool{false, true} {
		ld := ld
		if trans {
			ld = lanes + 3
		}
		p := product[T]{ks: ks, m: 3 * h, n: jr + nr - 1, k: lanes}
		b, few := panels[T]{data: data, step: lanes, from: stridesOf(data, ld, trans)}, strip[T]{data, lanes, 1 << 20, lanes}
		var y microExtra[T]
		kernel, packs := p.lookAhead(&y, &b, &few, tilesOfPanel{v: v, h: h, tiles: 3, atOnce: 1, left: nr - 1, wide: v})
		if kernel.h != h || packs != 0 || y.each != 1 || y.from != &data[0] || y.panel != nil {
			t.Fatalf("transposed %v: kernel of %d rows, %d packed, %d each", trans, kernel.h, packs, y.each)
		}
		done := kernel.pieces(lanes, 1, 1)
		if on := kernel.goOn(&y, lanes, 1, nr); !on || y.panel != nil || y.from != &data[done*lanes] || y.left != 1<<20-done {
			t.Errorf("transposed %v: goes on %v, with %d left", trans, on, y.left)
		}
	}
	p := product[T]{ks: ks, m: h, n: jr + nr, k: lanes}
	if kernel, packs := p.lookAhead(new(microExtra[T]), &panels[T]{data: data, step: k, from: stridesOf(data, k, true)}, nil, tilesOfPanel{v: v, h: h, tiles: 1, atOnce: 1, left: nr, wide: v}); kernel.h != 0 || packs != 0 {
		t.Errorf("turns %d rows where there is no time for a group of them", packs)
	}
	p = product[T]{ks: ks, m: 5 * h, n: jr, k: k}
	if kernel, _ := p.lookAhead(new(microExtra[T]), new(panels[T]), &next, tilesOfPanel{v: v, h: h - 1, tiles: 5, atOnce: 5, wide: v}); kernel.h != 0 {
		t.Errorf("tiles of %d rows have a kernel that looks ahead", h-1)
	}
	if kernel, _ := p.lookAhead(new(microExtra[T]), new(panels[T]), nil, tilesOfPanel{v: v, h: h, tiles: 5, atOnce: 5, wide: v}); kernel.h != 0 {
		t.Error("looks ahead though there is no next block")
	}
}

// A panel that is packed or fetched in several calls is so whole: each goes on where the one before ended.
func TestLookAheadGoesOn(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lookAheadGoesOn(t, o) },
		func(t *testing.T, o Ops[float64]) { lookAheadGoesOn(t, o) })
}

func lookAheadGoesOn[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.copying) == 0 {
		return // it has no such kernels
	}
	ks, rng := *o.ks, rand.New(rand.NewPCG(77, 78))
	v := ks.tuning.Vectors
	nr, h := ks.nr(), ks.copying[v-1].h
	for _, turns := range []int{1, 2, 3, 4, 16} {
		ks.tuning.AheadTurns = turns
		for _, k := range []int{16, 37, 64, 101} {
			for _, tiles := range []int{4, 5, 9, 16, 70} {
				for _, atOnce := range []int{1, 3, 100} {
					const left = 2 // panels
					m, n := tiles*h, (left+1)*nr
					a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
					p := product[T]{ks: &ks, m: m, n: n, k: k, kc: k, alpha: 1, a: stridesOf(a, k, false), c: make([]T, m*n), ldc: n}
					name := fmt.Sprintf("AheadTurns = %d, k = %d, %d tiles, %d at once", turns, k, tiles, atOnce)
					data := newGuarded[T](n * k)
					packed := panels[T]{data: data.data, step: k, from: stridesOf(b, n, false)}
					at := tilesOfPanel{v: v, h: h, tiles: tiles, atOnce: atOnce, left: left * nr, wide: v}

					var y microExtra[T]
					kernel, packs := p.lookAhead(&y, &packed, nil, at)
					if can := ks.copying[v-1].pieces(k, tiles, 1) >= k; kernel.h == h != can || packs == k != can {
						t.Fatalf("%s: %d rows are packed, by a kernel of %d rows", name, packs, kernel.h)
					}
					pace := y.rests/4 + 1
					if pace > turns || kernel.h == h && 2*pace <= turns && kernel.pieces(k, tiles, 2*pace) >= k {
						t.Fatalf("%s: pace %d", name, pace)
					}
					var x microArgs[T]
					x.setBlock(&p)
					x.bRow, x.cols, x.panels = nr, nr, 1
					first := randomMatrix[T](rng, k, nr, nr).data
					calls := 0
					for row, on := 0, kernel.h == h; on; calls++ {
						x.tiles = min(atOnce, tiles-row/h, kernel.tiles(&y, k))
						if x.tiles == 0 {
							t.Fatalf("%s: no tiles are left, but rows of the panel", name)
						}
						x.a, x.b, x.c = &a[row*k], &first[0], &p.c[row*n]
						x.runWith(kernel.run, &y)
						on, row = kernel.goOn(&y, k, x.tiles, nr), row+x.tiles*h
					}
					data.check(t, name)
					for i := range n * k {
						want := T(guard)
						if i/(nr*k) == 1 && calls > 0 {
							want = b[i%(nr*k)/nr*n+nr+i%nr]
						}
						if data.data[i] != want {
							t.Fatalf("%s: element %d of the packed panels is %v, want %v", name, i, data.data[i], want)
						}
					}

					// Of what is packed, as much of the next panel is fetched as there is time for.
					packed.from, at.far = operand[T]{}, true
					kernel, _ = p.lookAhead(&y, &packed, nil, at)
					if kernel.h != h || kernel.every != 4 || y.from != &data.data[nr*k] || y.fromRow != kernel.piece || y.each != 1 || y.left*kernel.piece < nr*k || (y.left-1)*kernel.piece >= nr*k {
						t.Fatalf("%s: %d pieces of %d are fetched, %d apart", name, y.left, kernel.piece, y.fromRow)
					}
					// A line every four steps of k, or of tiles that are too few for that, more at a time.
					want := ks.following[v-1][0].piece
					if k/4*tiles*want < nr*k {
						want = ks.fetching[v-1][0].piece
					}
					if kernel.piece != want {
						t.Fatalf("%s: %d elements are fetched at a time, want %d", name, kernel.piece, want)
					}
					all, done := y.left, 0
					for row, on := 0, true; on && row < tiles; row += atOnce {
						x.tiles = min(atOnce, tiles-row)
						if y.from != &data.data[nr*k+done*kernel.piece] || y.left != all-done {
							t.Fatalf("%s: after %d pieces, %d are left", name, done, y.left)
						}
						done += kernel.pieces(k, x.tiles, y.rests/4+1)
						on = kernel.goOn(&y, k, x.tiles, nr)
						if on != (done < all) {
							t.Fatalf("%s: after %d of %d pieces, goes on is %v", name, done, all, on)
						}
					}
				}
			}
		}
	}
}

// The next panel of a packed B that is far is fetched while one is multiplied, by most of the tiles, which
// changes no bit; so is that of a B that was packed before. Whether it is far goes by PanelBytes.
func TestFetchesFarPanels(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { fetchesFarPanels(t, o) },
		func(t *testing.T, o Ops[float64]) { fetchesFarPanels(t, o) })
}

func fetchesFarPanels[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.following) == 0 {
		return // it has no such kernels
	}
	ks, rng, calls := *o.ks, rand.New(rand.NewPCG(79, 80)), 0
	ks.following, ks.fetching = slices.Clone(ks.following), slices.Clone(ks.fetching)
	for v, kernels := range ks.following {
		ks.following[v], ks.fetching[v] = counted(kernels, &calls), counted(ks.fetching[v], &calls)
	}
	o.ks = &ks
	v, size := ks.tuning.Vectors, int(unsafe.Sizeof(T(0)))
	h := ks.following[v-1][0].h
	const k, panels = 40, 5
	n := panels * ks.nr()
	bytes := n * k * size
	for _, c := range []struct {
		m, fetched int
		transA     bool
	}{
		{2 * h, panels - 1, false}, {h + 1, 0, false}, {2*h - 1, 0, false}, {7*h - 1, panels - 1, false}, {1, 0, false},
		{40 * h, panels - 1, false}, {2 * h, panels - 1, true}, {40 * h, panels - 1, true}, // 12 tiles are enough for all of a panel
	} {
		lda := k
		if c.transA {
			lda = c.m
		}
		a, b := randomMatrix[T](rng, c.m, k, k).data, randomMatrix[T](rng, k, n, n).data
		var want []T
		for _, bound := range []int{math.MaxInt, bytes, bytes - 1, 0} {
			for _, turns := range []int{1, 4, 64} {
				tu := o.Tuning()
				tu.PanelBytes, tu.AheadTurns, tu.MC = bound, turns, 1<<20 // one block of A
				o := o.Tuned(tu)
				packed, got := o.PackB(false, k, n, b, n), make([]T, c.m*n)
				calls = 0
				o.Threads(1).GemmPacked(c.transA, c.m, 1, a, lda, packed, 0, got, n, Epilogue[T]{})
				fetched := c.fetched
				if bound >= bytes {
					fetched = 0
				}
				if calls != fetched {
					t.Errorf("%d rows, A transposed %v, PanelBytes = %d for %d: %d panels are fetched, want %d", c.m, c.transA, bound, bytes, calls, fetched)
				}
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d rows, A transposed %v, PanelBytes = %d, AheadTurns = %d: other bits", c.m, c.transA, bound, turns)
				}
			}
		}
	}
	// Once all of a panel is asked for, other kernels compute the tiles that are left.
	tiles := 0
	for _, kernels := range ks.following {
		for i, kernel := range kernels {
			kernels[i].run = func(x *microArgs[T]) { tiles += x.tiles; kernel.run(x) }
		}
	}
	tu := o.Tuning()
	tu.PanelBytes, tu.MC = 0, 1<<20 // one block of A
	packed, m := o.PackB(false, k, n, randomMatrix[T](rng, k, n, n).data, n), 200*h
	o.Tuned(tu).Threads(1).GemmPacked(false, m, 1, randomMatrix[T](rng, m, k, k).data, k, packed, 0, make([]T, m*n), n, Epilogue[T]{})
	lines := (k*ks.nr()*size + 63) / 64
	if want := (panels - 1) * ((lines + k/4 - 1) / (k / 4)); tiles != want {
		t.Errorf("%d tiles of %d fetch panels of %d lines, want %d", tiles, m/h*panels, lines, want)
	}
	// Blocks of A after the first one have all panels of a block of B but the first one fetched.
	tu.PackRows, tu.PackDepth, tu.MC, tu.KC, tu.NC = 0, 0, 2*h, k, 1<<20
	o = o.Tuned(tu)
	m = 6 * h
	pl := o.Plan(false, false, m, n, k, k, n, n)
	calls = 0
	runGemm(t, o.Threads(1), gemmCase{m: m, n: n, k: k, alpha: 1})
	if want := (m/pl.MC - 1) * (panels - 1); !pl.Fetches || m%pl.MC != 0 || pl.KC != k || want == 0 || calls != want {
		t.Errorf("%d panels are fetched, want %d, as planned: %+v", calls, want, pl)
	}
	near, once := tu, tu
	near.PanelBytes, once.MC = bytes, m
	for _, tu := range []Tuning{near, once} {
		if pl := o.Tuned(tu).Plan(false, false, m, n, k, k, n, n); pl.Fetches {
			t.Errorf("the plan fetches what is near, or used once: %+v", pl)
		}
	}
}

// Where calls are bounded, so that few tiles are computed at once, what is left of the next panel is packed.
func TestLookAheadInBoundedCalls(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { lookAheadInBoundedCalls(t, o) },
		func(t *testing.T, o Ops[float64]) { lookAheadInBoundedCalls(t, o) })
}

func lookAheadInBoundedCalls[T Float](t *testing.T, o Ops[T]) {
	ks := o.ks
	if len(ks.copying) != len(ks.turning) || len(ks.copying) != len(ks.fetching) || len(ks.copying) != len(ks.following) {
		t.Fatalf("%d kernels copy, %d turn, and %d and %d fetch", len(ks.copying), len(ks.turning), len(ks.fetching), len(ks.following))
	}
	if len(ks.copying) == 0 {
		return // it has no such kernels
	}
	for v := range ks.fetching {
		if !slices.EqualFunc(ks.fetching[v], ks.following[v], func(a, b panelKernel[T]) bool { return a.h == b.h }) {
			t.Errorf("of %d vectors, kernels that fetch A and that fetch B have other heights", v+1)
		}
	}
	tu := o.Tuning()
	tu.KC, tu.MC, tu.PackRows, tu.PackDepth = deepest, math.MaxInt, 0, 0
	m, n, k := 2*callWork/(deepest*ks.nr())+1, 2*ks.nr(), deepest
	for trans := range 4 {
		runGemm(t, o.Tuned(tu).Threads(1), gemmCase{transA: trans&1 != 0, transB: trans&2 != 0, m: m, n: n, k: k, alpha: 1})
	}
}

// The blocks of A are read one below the other, then those of the next columns of A.
func TestReadNext(t *testing.T) {
	data := make([]float32, 100*100)
	for _, trans := range []bool{false, true} {
		p := product[float32]{m: 50, k: 70, a: stridesOf(data, 100, trans)}
		for _, c := range []struct{ ic, pc, nextIC, nextPC, m, k int }{
			{0, 0, 20, 0, 20, 30}, {20, 0, 40, 0, 10, 30}, {40, 0, 0, 30, 20, 30}, {20, 60, 40, 60, 10, 10}, {40, 60, 0, 0, 0, 0},
		} {
			got := p.readNext(c.ic, 20, c.pc, 30)
			if c.m == 0 {
				if got.rows != 0 {
					t.Errorf("transposed %v: something is read after the last block", trans)
				}
				continue
			}
			rows, length := c.m, c.k
			if trans {
				rows, length = length, rows
			}
			if at := p.a.from(c.nextIC, c.nextPC).data; got.rows != rows || got.length != length || got.row != 100 || &got.at[0] != &at[0] {
				t.Errorf("transposed %v, after row %d, column %d: %d x %d, want %d x %d from row %d, column %d", trans, c.ic, c.pc, got.rows, got.length, rows, length, c.nextIC, c.nextPC)
			}
		}
	}
}

// Where k is so few steps that storing C is most of it, all tiles write C past the caches, but for those that
// pack the panel at hand; else all but those that pack ahead instead, of which there are as many as
// that takes.
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
	tiles := countAround(&ks)
	rng := rand.New(rand.NewPCG(75, 76))
	h := len(ks.around.run)
	m, n := 6*h, 3*ks.nr()
	all, deeper := 6*3, 6+2 // of 17 steps, five tiles of either panel that has a next one pack that
	if len(ks.packing) > 0 {
		all, deeper = all-3, deeper-1 // the first one of each panel packs it, or of the first panel if the others are packed ahead
	}
	for k, most := range map[int]int{shallow: all, shallow + 1: deeper} {
		*tiles = 0
		a, b := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
		got, want := Aligned[T](m*n), make([]T, m*n)
		p := product[T]{ks: &ks, m: m, n: n, k: k, kc: k, alpha: 1, a: stridesOf(a, k, false), c: got, ldc: n, around: true}
		panels := roomForPanels(&ks, new(workspace[T]), k, n, false)
		panels.from = stridesOf(b, n, false)
		p.macroKernel(&panels, nil)
		o.Gemm(false, false, m, n, k, 1, a, k, b, n, 0, want, n)
		if *tiles != most {
			t.Errorf("k = %d: %d tiles are written past the caches, want %d", k, *tiles, most)
		}
		if !slices.Equal(got, want) {
			t.Error("other bits than in the caches")
		}
		// Another block of A fetches no panel instead, however far they are.
		*tiles, panels.from.data, panels.far = 0, nil, true
		if p.macroKernel(&panels, nil); *tiles != 6*3 {
			t.Errorf("k = %d: %d tiles of another block are written past the caches, want %d", k, *tiles, 6*3)
		}
	}
}
