package kernels

import (
	"math"
	"unsafe"
)

// blocked computes p in the five loops of Goto and van de Geijn.
func (p *product[T]) blocked() {
	ks := p.ks
	m, n, k, a, b, c, ldc := p.m, p.n, p.k, p.a, p.b, p.c, p.ldc
	mc, nc, packingA, packingB := p.blocks()
	kc := p.kc
	const near = 1 << 20 // bytes of A, of which the L2 cache has most
	far := m > near/int(unsafe.Sizeof(p.alpha))/k
	var after strip[T]
	var w *workspace[T]
	if packingA || packingB {
		w = borrowWorkspace[T](p.thread)
	}

	// LOOP 5 splits n: a kc x nc block of B fits the L3 cache.
	for jc := 0; jc < n; jc += nc {
		nb := min(nc, n-jc)
		// LOOP 4 splits k: a kc x NR micro-panel of B fits the L1 cache, or if
		// there are few panels, all of them the L2 cache.
		for pc := 0; pc < k; pc += kc {
			kb := min(kc, k-pc)
			var panels panels[T]
			switch {
			case p.packed != nil:
				panels = p.packed.panels(pc, p.col+jc)
			case packingB && b.trans && (kb < turnedSingly || ks.tuning.TurnAtOnce > 0 && m > mc):
				panels = roomForPanels(ks, w, kb, nb, false)
				packPanels(ks, panels.data, b.from(pc, jc), kb, nb)
			case packingB:
				panels = roomForPanels(ks, w, kb, nb, m <= mc)
				panels.from = b.from(pc, jc)
			default:
				panels.data, panels.row, panels.step = b.data[pc*b.row+jc:], b.row, 1
				panels.large = isLarge[T](k, b.row)
				panels.fetched = panels.large || ks.packing == nil && !nearBytesOf[T](k, b.row)
			}
			panels.far = panels.row == 0 && ks.farPanels(kb, nb)
			block := *p
			block.n, block.k = nb, kb
			if pc > 0 {
				block.beta = 1 // C holds the sum over the blocks before
			}
			e := epilogue[T]{}
			if pc+kb == k {
				e = p.e // the sum is complete
			}
			// LOOP 3 splits m: an mc x kc block of A fits the L2 cache.
			for ic := 0; ic < m; ic += mc {
				block.m = min(mc, m-ic)
				block.a, block.c, block.e = a.from(ic, pc), c[ic*ldc+jc:], e.at(ic, jc)
				if packingA {
					block.a = packA(ks, w, block.a, block.m, kb)
				}
				var next *strip[T]
				if far {
					if after = p.readNext(ic, mc, pc, kc); after.rows > 0 {
						next = &after
					}
				}
				block.macroKernel(&panels, next)
				panels.from.data = nil // they are packed now
			}
		}
	}
	if packingA || packingB {
		w.giveBack()
	}
}

// blocks returns how many rows of A and columns of B a block of p has, and what is packed.
func (p *product[T]) blocks() (mc, nc int, packingA, packingB bool) {
	ks, m, n, k, a := p.ks, p.m, p.n, p.k, &p.a
	mc, packingA = ks.blockOfRows(m, n, p.kc, rowsAtOnce[T](a.ld(), a.trans), a.trans), ks.packsA(m, n, k, a.ld(), a.trans)
	if p.way == inThinBlocks {
		mc, packingA = ks.thinRows(m, p.kc), ks.turnsScattered(n, p.kc, a.ld())
	}
	if !p.around { // past the caches, what is written of C is no part of a line
		mc = min(mc, ks.lowRows(m, n, k, p.ldc))
	}
	nc, packingB = ks.blockOfColumns(n, ks.tuning.NC), p.packed == nil && ks.packsB(m, n, k, p.b.row, p.b.trans)
	if p.packed == nil && !packingB && m <= mc {
		// Each row of B is read once, in pieces as long as C leaves: C is read and written for each block of k.
		nc = ks.blockOfColumns(n, max(ks.tuning.NC, 3*ks.blockOfA/m))
	}
	return mc, nc, packingA, packingB
}

// turnedSingly is from what depth on the panels of a transposed B may be turned one by one: shallow
// ones, read right behind the stores of other pieces, would wait for them (5x1905x7 in float64 took
// 1.4 to 1.7 times as long).
const turnedSingly = 64

// callWork bounds the multiply-adds of a call of assembly, which cannot be
// preempted: 100 microseconds of a CPU that does 20 a nanosecond. See callRows, too.
const callWork = 1 << 21

// panels is a block of B as micro-kernels take it, packed or in place: column
// j of it starts at data[j*step], or if each panel is used only once, in one of two places, apart from
// each other, by turns.
type panels[T Float] struct {
	data    []T
	row     int // from one row of a panel to the next, 0 if that is the panel's width
	step    int
	apart   int
	large   bool       // whether these are rows of a large matrix
	fetched bool       // whether kernels are told to fetch it by panels, however little of it they have
	far     bool       // whether they are packed, and come from the last-level cache, or another slow one
	from    operand[T] // the block itself, if its panels are to be packed on the way
}

// farSteps steps of k span more than nearBytes, of rows that are further apart than nearRow.
const farSteps = nearBytes / nearRow

// at returns where panel i is, which begins with column jr.
func (b *panels[T]) at(jr, i int) []T { return b.data[jr*b.step+i&1*b.apart:] }

// writesAround reports whether C is written past the caches: if it is written but
// once and not read, and so large that a line of it would be read from memory only
// to be overwritten. Its rows begin with cache lines.
func (p *product[T]) writesAround() bool {
	const line = 64
	var z T
	size := int(unsafe.Sizeof(z))
	if p.ks.tuning.AroundBytes >= never {
		return false
	}
	least := p.ks.tuning.AroundBytes / size // elements
	if p.k < p.ks.tuning.AroundDepth {
		least *= 2
	}
	return p.kc == p.k && p.beta == 0 && p.m*p.n >= least && p.ldc*size%line == 0 &&
		(p.c == nil || uintptr(unsafe.Pointer(&p.c[0]))%line == 0) && // a plan has no C, and takes it to begin with a line
		p.ks.around.v == p.ks.tuning.Vectors
}

// lowRows returns how many of m rows go through all of B at a time, if fewer: where an element of C
// takes so few steps of k that what counts is how it gets to memory. If C is large, it does faster
// in long pieces than in a panel of each of many rows. And if rows of C share sets of the caches,
// with one another or by turns, only those of one tile stay there until the next panel writes what
// follows; with more steps of k than a third of LowDepth (of 32, if LowDepth is more), B is read too often for that, and two
// rows of tiles are better.
func (ks *kernelSet[T]) lowRows(m, n, k, ldc int) int {
	const long, period, many = 2 << 10, 1 << 10, 256 // bytes of a row of C; and rows
	var z T
	size := int(unsafe.Sizeof(z))
	if k > ks.tuning.LowDepth || n < long/size {
		return m
	}
	few := min(ks.tuning.LowDepth, 32) // a quarter and a third of this are few steps, however large LowDepth is
	large := 4 << 20                   // bytes of C
	if k <= few/4 {
		large = 1 << 20
	}
	row := ldc*size + sharing
	shares := row%(2*period) <= 2*sharing || row%period <= 2*sharing && m >= many
	switch {
	case shares && k <= few/3:
		return min(m, ks.mr())
	case shares, m*n >= large/size:
		return min(m, 2*ks.mr())
	}
	return m
}

// macroKernel computes p, a block of A times panels of B, and packs them on the way if they are
// not. It may have what of A comes next fetched, if that is not nil.
func (p *product[T]) macroKernel(b *panels[T], next *strip[T]) {
	ks, m, n, k := p.ks, p.m, p.n, p.k
	most, wide := rowsAtOnce[T](p.a.row, p.a.trans), ks.tuning.Vectors
	if b.row != 0 && !p.around { // past the caches, panels are as wide as the kernels for that
		wide = ks.widthInPlace(m, n, b.large)
	}
	ending := noPairs
	if p.a.trans || !p.a.inOrder {
		ending = pairingOf(m, k, p.a.trans)
	}
	var x microArgs[T]
	var y microExtra[T]
	x.setBlock(p)
	if b.fetched {
		x.largeB = farSteps
	}
	packing, packed := b.from.data != nil, 0 // rows of the next panel
	// LOOP 2 splits n: micro-panels of B, several of one width in a call.
	for jr, i := 0, 0; jr < n; i++ {
		preemptible()
		v, cols, equal := ks.panels(n-jr, wide)
		kernels := ks.byColumns[cols-1][ending]
		if p.around && cols == ks.around.v*ks.lanes {
			kernels = ks.around.run
		}
		kernels = kernels[:min(len(kernels), most)]
		far := b.far && !packing && !p.around && ks.fetchesPanels(v, m, len(kernels))
		if (next != nil || far) && v <= len(ks.fetching) { // taller ones do not fetch
			kernels = kernels[:min(len(kernels), ks.fetching[v-1][0].h)]
		}
		panel, row := b.at(jr, i), 0
		x.cols, x.bStep = cols, cols*b.step
		if packing && packed < k {
			if first := ks.firstTile(b, v, cols, len(kernels), m, ending); first.h > 0 {
				x.a, x.b, x.bRow, y.panel = &p.a.data[0], &b.from.data[jr], b.from.row, &panel[0]
				x.c, x.bias, x.mask = &p.c[jr], shiftedIf(p.e.bias, jr), shiftedIf(p.e.mask, jr)
				x.runWith(first.run, &y)
				row = first.h
			} else {
				packPanels(ks, panel[packed*v*ks.lanes:], b.from.from(packed, jr), k-packed, cols)
			}
		}
		if x.bRow = b.row; b.row == 0 {
			x.bRow = v * ks.lanes
		}
		// LOOP 1 splits m into tiles, inside the micro-kernel's call.
		h, tall, short := split(m-row, len(kernels))
		together, atOnce := 1, m
		if work := product3(k, cols, m); work > callWork || m > callRows {
			atOnce = max(min(callWork/(k*cols), callRows)/h, 1)
		} else if !packing && !far {
			together = ks.panelsTogether(min(equal, callWork/work, max(callElements/(m*cols), 1)), cols, k, short == 0)
			if together > 1 && next != nil && ofHeight(ks.fetching, v, h).h == h && !ks.wholeFollows(n-jr-together*cols, wide) {
				together-- // the last one fetches, in a call of its own
			}
		}
		var ahead panelKernel[T]
		packed = 0
		if (packing || far || next != nil) && row < m && cols == v*ks.lanes && together == 1 { // what a panelKernel computes
			ahead, packed = p.lookAhead(&y, b, next, tilesOfPanel{i: i, v: v, h: h, tiles: tall, atOnce: atOnce, left: n - jr - cols, wide: wide, far: far})
		}
		for row < m {
			if tall == 0 {
				h, tall, short = h-1, short, 0
			}
			x.tiles, x.panels = min(tall, atOnce), together
			x.a, x.b, x.c = &p.a.data[row*p.a.row], &panel[0], &p.c[row*p.ldc+jr]
			x.bias, x.mask = shiftedIf(p.e.bias, jr), shiftedIf(p.e.mask, row*p.e.ldmask+jr)
			if ahead.h == h {
				x.tiles = min(x.tiles, ahead.tiles(&y, k))
				x.runWith(ahead.run, &y)
				if !ahead.goOn(&y, k, x.tiles, cols) {
					ahead.h = 0
				}
			} else {
				x.run(kernels[h-1])
			}
			tall, row = tall-x.tiles, row+x.tiles*h
			if row < m {
				preemptible()
			}
		}
		jr += together * cols
	}
}

// panelsTogether returns how many of so many equal panels there are in one call: if tiles have two
// heights, which are two calls, as many as stay in the L1 cache from one call to the other.
func (ks *kernelSet[T]) panelsTogether(equal, cols, k int, oneHeight bool) int {
	const half = 16 << 10 // bytes of the L1 cache
	var z T
	if oneHeight || equal == 1 {
		return equal
	}
	return max(1, min(equal, half/(k*cols*int(unsafe.Sizeof(z)))))
}

// Memory that is a multiple of setPeriod bytes apart, give or take setNear, shares sets of the L1 cache.
const setPeriod, setNear = 4096, 256

// rowsAtOnce bounds the height of a tile that reads A in place. Rows that are a
// multiple of 4 KiB apart, or nearly, share the sets of the L1 cache, and more
// rows than it has ways push each other out at every step.
func rowsAtOnce[T Float](lda int, transA bool) int {
	const ways = 8
	var z T
	if row := lda * int(unsafe.Sizeof(z)); !transA && row >= setPeriod-setNear && (row+setNear)%setPeriod < 2*setNear {
		return ways
	}
	return math.MaxInt
}

// evenly returns the size of the blocks when size is split into as few blocks
// of at most limit as possible, all but the last equally large and a multiple of unit.
func evenly(size, limit, unit int) int {
	if size <= limit {
		return size
	}
	blocks := (size + limit - 1) / limit
	block := (size + blocks - 1) / blocks
	return (block + unit - 1) / unit * unit
}
