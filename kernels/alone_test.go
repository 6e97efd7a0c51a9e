package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Tiles that are alone have the bits of the same tiles among others, and no other element is written.
func TestAloneKernelsGiveTheSameBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { bothAloneBits(t, o) },
		func(t *testing.T, o Ops[float64]) { bothAloneBits(t, o) })
}

// bothAloneBits tests the kernels that spare loads, and those that do not.
func bothAloneBits[T Float](t *testing.T, o Ops[T]) {
	tu, spares := o.Tuning(), len(o.ks.alone.sparing) > 0
	for tu.SpareLoads = 0; o.CheckTuning(tu) == nil; tu.SpareLoads++ {
		ks := o.Tuned(tu).ks
		for n := 1; n <= len(ks.alone.byColumns); n++ {
			kernels, sparing := ks.alone.byColumns[n-1][noPairs], []aloneKernel[T](nil)
			switch whole := ks.lanes; {
			case tu.SpareLoads == 0:
			case n > whole/2 && n <= whole:
				sparing = ks.alone.sparing[0]
			case n > whole && n <= whole+whole/2:
				sparing = ks.alone.sparing[1]
			}
			if sparing != nil && (&kernels[0] != &sparing[0] || len(kernels) != len(sparing)) {
				t.Errorf("%d columns do not spare loads", n)
			}
			if sparing == nil && spares && (&kernels[0] == &ks.alone.sparing[0][0] || &kernels[0] == &ks.alone.sparing[1][0]) {
				t.Errorf("SpareLoads = %d: %d columns spare loads", tu.SpareLoads, n)
			}
		}
		aloneBits(t, ks)
	}
	if spares != (tu.SpareLoads == 2) {
		t.Errorf("SpareLoads is up to %d, and it is %v that there are kernels", tu.SpareLoads-1, spares)
	}
}

func aloneBits[T Float](t *testing.T, ks *kernelSet[T]) {
	if len(ks.alone.whole) == 0 {
		if ks.lanes > 1 {
			t.Fatal("there are no such kernels")
		}
		return // plain Go has none
	}
	if got, want := len(ks.alone.byColumns), len(ks.byColumns); got != want {
		t.Fatalf("there are kernels for up to %d columns, want %d", got, want)
	}
	rng := rand.New(rand.NewPCG(61, 62))
	for i, ways := range ks.alone.byColumns {
		for k := range 200 {
			if got, want := ways[ks.depthClass(k)] == nil, i > 0 && i < narrow && ks.mayGoAlongK(2, i+1, k); got != want {
				t.Fatalf("%d columns, k = %d: it is %v that there are no kernels", i+1, k, got)
			}
		}
		for ending, kernels := range ways[:pairsAlongM] {
			micro := ks.byColumns[i][ending]
			if len(kernels) < len(micro) {
				t.Fatalf("%d columns, ending %d: %d kernels, want %d", i+1, ending, len(kernels), len(micro))
			}
			for h := 1; h <= len(micro); h++ {
				for j, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 32, 41} {
					n, tiles := i+1, 1+j%3
					m := tiles * h
					lda, ldb, ldc := k+rng.IntN(3), n+rng.IntN(3), n+rng.IntN(3)
					a, b := randomMatrix[T](rng, m, k, lda).data, randomMatrix[T](rng, k, n, ldb).data
					got, want := newGuarded[T](extent(m, n, ldc)), newGuarded[T](extent(m, n, ldc))
					kernels[h-1](k, &a[0], lda, &b[0], ldb, &got.data[0], ldc, n, tiles)
					x := microArgs[T]{tiles: tiles, panels: 1, cols: n}
					x.set(k, 1, &a[0], lda, false, &b[0], ldb, 0, &want.data[0], ldc)
					x.run(micro[h-1])
					if !slices.Equal(got.all, want.all) || want.data[(tiles-1)*h*ldc] == T(guard) {
						t.Fatalf("%dx%dx%d in %d tiles, ending %d, lda = %d, ldb = %d, ldc = %d: not what the micro-kernel computes", m, n, k, tiles, ending, lda, ldb, ldc)
					}
				}
			}
		}
	}
}

// Panels that are tiles of their own have the bits of panels.
func TestPanelsAlone(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { panelsAloneTuned(t, o) },
		func(t *testing.T, o Ops[float64]) { panelsAloneTuned(t, o) })
}

func panelsAloneTuned[T Float](t *testing.T, o Ops[T]) {
	panelsAloneBits(t, o)
	for v := 1; v <= len(o.ks.micro); v++ {
		for rows := 1; rows <= len(o.ks.micro[v-1]); rows++ {
			tu := o.Tuning()
			tu.Vectors, tu.Rows = v, rows
			panelsAloneBits(t, o.Tuned(tu))
		}
	}
}

func panelsAloneBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(63, 64))
	tried := 0
	for n := 2; n < 20*o.ks.lanes; n++ {
		m, k := 2+rng.IntN(14), 1+rng.IntN(pairDepth+2)
		if !o.ks.inLowPanels(m, n, k) {
			continue
		}
		tried++
		lda, ldb, ldc := k+rng.IntN(3), n+rng.IntN(3), n+rng.IntN(3)
		a, b := randomMatrix[T](rng, m, k, lda).data, randomMatrix[T](rng, k, n, ldb).data
		got, want := newGuarded[T](extent(m, n, ldc)), newGuarded[T](extent(m, n, ldc))
		panelsAlone(o.ks, m, n, k, &a[0], lda, &b[0], ldb, &got.data[0], ldc)
		var x microArgs[T]
		x.set(k, 1, &a[0], lda, false, &b[0], ldb, 0, &want.data[0], ldc)
		x.compute(o.ks, m, n, pairingOf(m, k, false))
		if !slices.Equal(got.all, want.all) || want.data[0] == T(guard) {
			t.Fatalf("%+v: %dx%dx%d, lda = %d, ldb = %d, ldc = %d: not what panels compute", o.Tuning(), m, n, k, lda, ldb, ldc)
		}
	}
	if tried == 0 && o.ks.lanes > 1 && o.Tuning().Rows == 0 {
		t.Error("no product goes that way")
	}
}

// Tiles of their own have the bits of strips.
func TestTilesAlone(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { tilesAloneTuned(t, o) },
		func(t *testing.T, o Ops[float64]) { tilesAloneTuned(t, o) })
}

func tilesAloneTuned[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.alone.byColumns) == 0 {
		tu := o.Tuning()
		tu.AloneDepth = 0
		if o.Tuned(tu).ks.savesAlone(o.ks.lanes, o.ks.lanes, 100) {
			t.Error("products go where there are no kernels")
		}
		return
	}
	shallow := o.Tuning()
	shallow.AloneDepth = shallowest + 1
	ks, panel := o.Tuned(shallow).ks, len(o.ks.alone.byColumns)
	if !ks.savesAlone(100, panel, shallowest) || ks.savesAlone(1000, panel, shallowest) || ks.savesAlone(100, panel+1, shallowest) {
		t.Error("of a few steps, one panel of not so many rows goes, and no other")
	}
	near := *o.ks
	near.tuning.AloneDepth, near.tuning.AloneBytes = 1, 32<<10
	size := int(unsafe.Sizeof(T(0)))
	for _, s := range []struct {
		m, n, k int
		want    bool
	}{
		{20, panel, 1, true}, {callRows, panel, 1, true}, {callRows + 1, panel, 1, false},
		{2 * panel, 4 * panel, 2 * panel, true}, {2 * panel, 4 * panel, 2*panel - 1, 8*panel*panel*size <= 32<<10},
		{10, 40, 3, true}, {10, 41, 3, 41 <= panel}, {10, 41, 4, true}, {10, 32 << 10 / size / 10, 4, true}, {10, 32<<10/size/10 + 1, 4, false},
	} {
		if got := near.savesAlone(s.m, s.n, s.k); got != s.want {
			t.Errorf("%dx%dx%d: in tiles of their own is %v, want %v", s.m, s.n, s.k, got, s.want)
		}
	}
	for v := 1; v <= len(o.ks.micro); v++ {
		for _, rows := range []int{0, 1, 5} {
			tu := o.Tuning()
			tu.Vectors, tu.Rows, tu.AloneDepth, tu.AloneBytes = v, min(rows, len(o.ks.micro[v-1])), 7, 4000
			tilesAloneBits(t, o.Tuned(tu))
		}
	}
}

func tilesAloneBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(65, 66))
	calls, ks := 0, *o.ks
	counted := Ops[T]{ks: &ks}
	watchAlone(&ks, func(rows, cols, k, tiles int) { calls++ })
	for n := 2; n < 12*ks.lanes; n += 1 + rng.IntN(3) {
		m, k := 2+rng.IntN(40), 1+rng.IntN(2*pairDepth)
		lda, ldb, ldc := k+rng.IntN(3), n+rng.IntN(3), n+rng.IntN(3)
		a, b := randomMatrix[T](rng, m, k, lda).data, randomMatrix[T](rng, k, n, ldb).data
		multiply := func(o Ops[T], alpha, beta T) (c guarded[T], made int) {
			c = newGuarded[T](extent(m, n, ldc))
			clear(c.data)
			calls = 0
			o.Gemm(false, false, m, n, k, alpha, a, lda, b, ldb, beta, c.data, ldc)
			c.check(t, "c")
			return c, calls
		}
		got := newGuarded[T](extent(m, n, ldc))
		tilesAlone(&ks, m, n, k, &a[0], lda, &b[0], ldb, &got.data[0], ldc)
		want := newGuarded[T](extent(m, n, ldc))
		var x microArgs[T]
		x.set(k, 1, &a[0], lda, false, &b[0], ldb, 0, &want.data[0], ldc)
		x.compute(&ks, m, n, pairingOf(m, k, false))
		if !slices.Equal(got.all, want.all) || want.data[0] == T(guard) {
			t.Fatalf("%+v: %dx%dx%d, lda = %d, ldb = %d, ldc = %d: not what strips compute", o.Tuning(), m, n, k, lda, ldb, ldc)
		}

		if m <= 2*len(ks.alone.byColumns[min(n, len(ks.alone.byColumns))-1][0]) || ks.inLowPanels(m, n, k) || ks.goesAlongK(m, n, k) || ks.tailColumns(m, n, k, false) > 0 {
			continue
		}
		plain, tiles := multiply(counted, 1, 0)
		deep, onePanel := k >= 7 && (n <= len(ks.alone.byColumns) || 2*k >= n || m*n*int(unsafe.Sizeof(a[0])) <= o.Tuning().AloneBytes), n >= 2*ks.lanes && n <= len(ks.alone.byColumns) && k >= shallowest
		if (deep || onePanel) != (tiles > 0) {
			t.Fatalf("%+v: %dx%dx%d: %d calls for tiles of their own", o.Tuning(), m, n, k, tiles)
		}
		for _, s := range [][2]T{{1, 1}, {2, 0}} { // what these kernels cannot do
			if _, tiles := multiply(counted, s[0], s[1]); tiles > 0 {
				t.Fatalf("%+v: %dx%dx%d with alpha = %v and beta = %v: %d calls for tiles of their own", o.Tuning(), m, n, k, s[0], s[1], tiles)
			}
		}
		for name, change := range map[string]func(){
			"work for two threads": func() { ks.tuning.ThreadWork = m * n * k / 2 },
			"a block of B":         func() { ks.blockOfB = n*k - 1 },
			"a block of A":         func() { ks.blockOfA = m*k - 1 },
			"rows of A far apart":  func() { ks.tuning.PackStride = lda },
		} {
			before := ks
			change()
			if _, tiles := multiply(counted.Threads(1), 1, 0); tiles > 0 {
				t.Fatalf("%+v: %dx%dx%d with %s: %d calls for tiles of their own", o.Tuning(), m, n, k, name, tiles)
			}
			ks = before
		}
		never := o.Tuning()
		never.AloneDepth = math.MaxInt
		if others, _ := multiply(o.Tuned(never), 1, 0); !slices.Equal(others.data, plain.data) {
			t.Fatalf("%+v: %dx%dx%d: AloneDepth changes bits", o.Tuning(), m, n, k)
		}
	}
}

// A small transposed B is turned for tiles of their own, to the bits of strips.
func TestTurnedAlone(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { turnedAlone(t, o) },
		func(t *testing.T, o Ops[float64]) { turnedAlone(t, o) })
}

func turnedAlone[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.alone.byColumns) == 0 {
		return // plain Go has no such kernels
	}
	tu, calls := o.Tuning(), 0
	tu.DotDepth, tu.TransposeRows = never, 0 // not another way
	tu.AloneDepth, tu.AloneBytes = never, 0
	inStrips := o.Tuned(tu)
	tu.AloneDepth, tu.AloneBytes = 1, 32<<10
	ks := *o.Tuned(tu).ks
	watchAlone(&ks, func(rows, cols, k, tiles int) { calls += tiles })
	rng := rand.New(rand.NewPCG(67, 68))
	for _, s := range [][3]int{{40, 3 * o.ks.lanes, 9}, {30, 5 * o.ks.lanes, 17}, {50, o.ks.lanes + 1, 33}} {
		m, n, k := s[0], s[1], s[2]
		lda, ldb, ldc := k+1, k+2, n+3
		a, b := randomMatrix[T](rng, m, k, lda).data, randomMatrix[T](rng, n, k, ldb).data
		multiply := func(o Ops[T], alpha T) (c guarded[T]) {
			c = newGuarded[T](extent(m, n, ldc))
			clear(c.data)
			calls = 0
			o.Gemm(false, true, m, n, k, alpha, a, lda, b, ldb, 0, c.data, ldc)
			c.check(t, "c")
			return c
		}
		got, tiles := multiply(Ops[T]{ks: &ks}, 1), calls
		if tiles < 2 {
			t.Errorf("%dx%dx%d: %d tiles of their own", m, n, k, tiles)
		}
		if want := multiply(inStrips, 1); !slices.Equal(got.data, want.data) {
			t.Errorf("%dx%dx%d: not the bits of strips", m, n, k)
		}
		if multiply(Ops[T]{ks: &ks}, 2); calls > 0 {
			t.Errorf("%dx%dx%d with alpha = 2: %d tiles of their own, which know no alpha", m, n, k, calls)
		}
	}
}

// watchAlone has ks tell of each call for tiles of their own, of so many rows in all.
func watchAlone[T Float](ks *kernelSet[T], seen func(rows, cols, k, tiles int)) {
	ks.alone.byColumns = slices.Clone(ks.alone.byColumns)
	for i := range ks.alone.byColumns {
		for d, kernels := range ks.alone.byColumns[i] {
			kernels = slices.Clone(kernels)
			for h, run := range kernels {
				kernels[h] = func(k int, a *T, aRow int, b *T, bRow int, c *T, ldc, cols, tiles int) {
					seen(tiles*(h+1), cols, k, tiles)
					run(k, a, aRow, b, bRow, c, ldc, cols, tiles)
				}
			}
			ks.alone.byColumns[i][d] = kernels
		}
	}
}
