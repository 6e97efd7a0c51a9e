package kernels

import "unsafe"

// An aloneKernel computes tiles that are a product of their own, one below the other,
//
//	for i in 0..tiles*h-1, j in 0..cols-1:
//		c[i*ldc + j] = sum over p in 0..k-1 of a[i*aRow + p] * b[p*bRow + j]
//
// where (v-1)*lanes < cols <= v*lanes, to the bits of the microKernel for it, and in less time: it
// has so few arguments that Go passes them in registers. A store of one in memory takes a place in
// the store queue, behind those of C, and where there are no more, the CPU waits for the
// multiply-adds of the product before. 8x8x8 takes 0.95 of the time, 4x48x4 in float32 0.75. It
// fetches no rows of A or C: they are near. What a call takes holds up the multiply-adds of the next
// tile, so that it computes several.
type aloneKernel[T Float] func(k int, a *T, aRow int, b *T, bRow int, c *T, ldc, cols, tiles int)

// aloneKernels are those for the micro-kernels of micro, of halves and of pairs along k. sparing[0] are
// those of whole for one vector, and sparing[1] those of halves for two, that spare loads.
type aloneKernels[T Float] struct {
	whole, halves, pairs, sparing [][]aloneKernel[T]

	// byColumns[n-1][d][h-1] is the one of them for n columns and a depth of class d: there is none
	// if these go along k.
	byColumns [][depthClasses][]aloneKernel[T]
	most      int // rows in panels of two vectors, and in any that are narrower
}

// depthClasses is how many classes of k there are: without pairs and with pairs along k, which are
// those pairings, and where two columns, and all narrow ones, may go along k.
const depthClasses = 4

// depthClass returns that of k.
func (ks *kernelSet[T]) depthClass(k int) int {
	switch depth := ks.tuning.NarrowDepth; {
	case k < pairDepth:
		return int(noPairs)
	case k < depth:
		return int(pairsAlongK)
	case k>>1 < depth:
		return 2
	}
	return 3
}

// arrangeAlone brings ks.alone in the order of columns.
func (ks *kernelSet[T]) arrangeAlone() {
	alone := &ks.alone
	alone.byColumns = make([][depthClasses][]aloneKernel[T], len(alone.whole)*ks.lanes)
	for i := range alone.byColumns {
		cols, v := i+1, i>>ks.laneShift+1
		kernels, half := alone.whole[v-1], ks.halfLast(v, cols)
		if half {
			kernels = alone.halves[v-1]
		}
		if ks.tuning.SpareLoads > 0 && v <= len(alone.sparing) && half == (v == 2) {
			kernels = alone.sparing[v-1]
		}
		tiles := tunedRows(ks, v, kernels)
		pairs := tiles
		if ks.endsInPair(cols) && v <= len(alone.pairs) {
			pairs = tunedRows(ks, v, alone.pairs[v-1])
		}
		byDepth := [...][]aloneKernel[T]{tiles, pairs, pairs, pairs}
		if cols > 1 && cols <= narrow && cols < ks.lanes {
			first := depthClasses - 1
			if cols == 2 {
				first = ks.depthClass(max(ks.tuning.NarrowDepth, pairDepth))
			}
			clear(byDepth[first:])
		}
		alone.byColumns[i] = byDepth
		if i < 2*ks.lanes {
			alone.most = len(tiles)
		}
	}
	if rows := ks.tuning.Rows; rows > 0 {
		alone.most = min(alone.most, rows)
	}
}

// aloneKernel returns the kernel for m rows and n columns, with or without pairs along k, nil if
// they are more than a tile.
func (ks *kernelSet[T]) aloneKernel(m, n int, ending pairing) aloneKernel[T] {
	if n <= len(ks.alone.byColumns) {
		if kernels := ks.alone.byColumns[n-1][ending]; m <= len(kernels) {
			return kernels[m-1]
		}
	}
	return nil
}

// nearRowsOfB reports whether k rows of B are so near that they are fetched unasked, or so few that
// they are in the L2 cache: other micro-kernels than those of alone fetch them, 6x64x512 of a B
// with 4096 columns in half the time, or AVX2 what shares sets by panels.
func nearRowsOfB[T Float](k, ldb int) bool {
	var z T
	return ldb <= nearRow/int(unsafe.Sizeof(z)) || nearBytesOf[T](k, ldb)
}

// inOnePanelAlone reports whether a product of one panel, of more rows than the tallest tile for it,
// is computed alone if alpha = 1 and beta = 0, and rows of B are near.
func (ks *kernelSet[T]) inOnePanelAlone(m, n, k, lda, ldb, tallest int) bool {
	return tallest > 0 && (m <= 2*tallest || ks.savesAlone(m, n, k) && ks.nearRows(lda) && ks.small(m, n, k)) &&
		!ks.packsB(m, n, k, ldb, false) && !ks.mayCopyTail(m, n, k) && !ks.mayGoAlongK(m, n, k)
}

// panelAlone computes a product of one panel in tiles: of full height, and two that share what is
// left. Equal ones would take a division, as long as a tile of a few steps.
func panelAlone[T Float](ks *kernelSet[T], m, n, k int, a *T, lda int, b *T, ldb int, c *T, ldc int) {
	kernels := ks.alone.byColumns[n-1][pairingOf(m, k, false)]
	h, full := len(kernels), 0
	for ; m > 2*h; m -= h {
		full++
	}
	if full > 0 {
		kernels[h-1](k, a, lda, b, ldb, c, ldc, n, full)
		a, c = shifted(a, full*h*lda), shifted(c, full*h*ldc)
	}
	switch {
	case m <= h:
		kernels[m-1](k, a, lda, b, ldb, c, ldc, n, 1)
	case m%2 == 0 && m*n*k <= callWork:
		kernels[m/2-1](k, a, lda, b, ldb, c, ldc, n, 2)
	default:
		upper := (m + 1) / 2
		kernels[upper-1](k, a, lda, b, ldb, c, ldc, n, 1)
		kernels[m-upper-1](k, shifted(a, upper*lda), lda, b, ldb, shifted(c, upper*ldc), ldc, n, 1)
	}
}

// inLowPanels reports whether a small product of one tile of rows, if alpha = 1 and beta = 0, is
// computed in panels that are tiles of their own: 2x78x6 takes 0.7 of the time, 8x80x8 0.9, while
// 12x300x15 takes 1.02.
func (ks *kernelSet[T]) inLowPanels(m, n, k int) bool {
	return k < pairDepth && n > len(ks.alone.byColumns) && m <= ks.alone.most && (m <= 8 || m*n <= 2048)
}

// panelsAlone computes m rows of n columns in panels of one tile, as wide as there are kernels for.
// There are no pairs, as k is not deep.
func panelsAlone[T Float](ks *kernelSet[T], m, n, k int, a *T, lda int, b *T, ldb int, c *T, ldc int) {
	widest := len(ks.alone.byColumns)
	for len(ks.alone.byColumns[widest-1][0]) < m {
		widest -= ks.lanes
	}
	kernel := ks.alone.byColumns[widest-1][0][m-1]
	jr := 0
	for ; n-jr > widest; jr += widest {
		if jr&(callElements-1) < widest {
			preemptible()
		}
		kernel(k, a, lda, shifted(b, jr), ldb, shifted(c, jr), ldc, widest, 1)
	}
	ks.alone.byColumns[n-jr-1][0][m-1](k, a, lda, shifted(b, jr), ldb, shifted(c, jr), ldc, n-jr, 1)
}

// savesAlone reports whether a small product with alpha = 1 and beta = 0 is computed in tiles of
// their own, where rows of A and B are near: one panel, and of several those of many steps of k for
// their columns, or of a C that is near. For others strips computes several panels in a call, which
// saves more: 2x160x20 would take 1.2 times as long on Zen 3, 60x200x30 1.03 on Ice Lake, and with AVX2 16x500x2,
// whose tiles are two to a panel, 1.2. The last rule is for AMD's CPUs, where AloneDepth is more: it was
// measured on Ice Lake when each tile was a call, on Zen 4 not.
func (ks *kernelSet[T]) savesAlone(m, n, k int) bool {
	const few = 128 // rows
	var z T
	tu, onePanel := &ks.tuning, n <= len(ks.alone.byColumns)
	switch {
	case m > callRows || len(ks.alone.byColumns) == 0:
		return false
	case k >= tu.AloneDepth && (onePanel || n <= 2*k):
		return true
	case k >= tu.AloneDepth && m*n*int(unsafe.Sizeof(z)) <= tu.AloneBytes:
		return k >= shallowest || n <= 4*m
	}
	return onePanel && n >= 2*ks.lanes && m <= few && k >= shallowest
}

// tilesAlone computes m rows of n columns, all in place, in a call or two for each panel: to
// the bits of strips, whose calls are fewer. These kernels do not fetch C, which is near, and read
// A without adding to its pointer at each step. On Zen 3 with AVX2 32x32x32 takes 0.93 of the time,
// 20x20x20 in float64 0.89.
func tilesAlone[T Float](ks *kernelSet[T], m, n, k int, a *T, lda int, b *T, ldb int, c *T, ldc int) {
	wide, ending := ks.widthInPlace(m, n, false), pairingOf(m, k, false)
	var tallest, h, tall, short int
	for jr, cols := 0, 0; jr < n; jr += cols {
		_, cols = ks.panel(n-jr, wide)
		kernels := ks.alone.byColumns[cols-1][ending]
		if len(kernels) != tallest {
			tallest = len(kernels)
			h, tall, short = split(m, tallest)
		}
		if m*n > callElements {
			preemptible()
		}
		bt := shifted(b, jr)
		kernels[h-1](k, a, lda, bt, ldb, shifted(c, jr), ldc, cols, tall)
		if short > 0 {
			i := tall * h
			kernels[h-2](k, shifted(a, i*lda), lda, bt, ldb, shifted(c, i*ldc+jr), ldc, cols, short)
		}
	}
}
