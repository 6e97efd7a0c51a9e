package kernels

import "unsafe"

// A product is what Gemm was called with, after the checks, or a part of it: m, n, k > 0
// and alpha != 0. One of the strides of a and of b is 1.
type product[T Float] struct {
	ks          *kernelSet[T]
	m, n, k     int
	kc          int // depth of the blocks, which the size of the whole product decides
	alpha, beta T
	a, b        operand[T]
	packed      *PackedB[T] // instead of b, if not nil
	col         int         // of packed's columns, the first
	c           []T
	ldc         int
	e           epilogue[T]
	around      bool // whether C is written past the caches
	far         bool // whether A comes from memory, if B has few columns
	way         way
}

// compute computes p its way, and shares the work out among threads.
func (p *product[T]) compute(o Ops[T]) {
	ks, m, n, k := p.ks, p.m, p.n, p.k
	switch p.way {
	case asDots, asDotsOfRows:
		p.byDots(o)
		return
	case asTurnedDots:
		w := borrowWorkspace[T]()
		p.a.set(turnedRows(ks, w, m, k, p.a.data, p.a.ld()), k, false)
		p.way = asDotsOfRows
		p.byDots(o)
		w.giveBack()
		return
	case inColumns:
		p.kc = ks.depth(n, k, true)
		p.asColumns(o)
		return
	case turningC:
		p.kc = ks.depth(n, k, true)
		p.asColumnsOf(o, ks.nr())
		return
	case turningA:
		p.asTranspose(o)
		return
	case besidePanels:
		p.kc = ks.depthOf(m, n, k, true)
		if p.allInPlace() && (p.beta == 0 || p.beta == 1) && o.threadsFor(p.work(), ks.tuning.ThreadWork) == 1 {
			p.withBeside()
			return
		}
		p.way = inTiles
	}
	p.byTiles(o)
}

// byTiles computes p in tiles, but for last columns that are better on their own.
func (p *product[T]) byTiles(o Ops[T]) {
	ks, m, n, k := p.ks, p.m, p.n, p.k
	if p.way == inTiles {
		if p.b.trans {
			if turnedStrips(ks, m, n, k, p.alpha, p.a.data, p.a.ld(), p.a.trans, p.b.data, p.b.ld(), p.beta, p.c, p.ldc, &p.e) {
				return
			}
			p.way = inBlocks
		} else {
			p.way = ks.tilesOf(m, n, k, p.a.ld(), p.b.ld(), p.a.trans)
		}
	}
	switch p.way {
	case inStrips:
		p.strips()
		return
	case inOneBlock:
		p.macroKernel(&panels[T]{data: p.b.data, row: p.b.row, step: 1}, nil)
		return
	}
	p.kc = ks.depthOfBlocks(p.way, m, n, k, p.a.trans, p.b.trans)
	if m == 1 && n > 1 { // a row is a column of the transposed product, but not to the epilogue
		e := p.takeEpilogue()
		p.m, p.n, p.a, p.b, p.ldc = n, 1, p.b.transposed(), p.a.transposed(), 1
		p.asColumns(o)
		e.apply(p.c, 1, n, n)
		return
	}
	tail := ks.tailColumns(m, n, k, p.a.trans)
	if tail == n {
		p.asColumns(o)
		return
	}
	if tail > 0 {
		p.n -= tail
		last := *p
		last.n, last.b, last.c, last.e = tail, p.b.from(0, p.n), p.c[p.n:], p.e.at(0, p.n)
		last.asColumns(o)
		if !p.b.trans && p.kc == k && ks.stripsInPlace(m, p.n, k, p.a.ld(), p.b.ld(), p.a.trans) {
			p.strips()
			return
		}
	}
	p.asBlocks(o)
}

// takeEpilogue returns the epilogue, for the caller to apply.
func (p *product[T]) takeEpilogue() (e epilogue[T]) {
	e, p.e = p.e, epilogue[T]{}
	return e
}

// allInPlace reports whether no operand of p is packed, and k is one block.
func (p *product[T]) allInPlace() bool {
	return p.kc == p.k && !p.b.trans && !p.ks.packsB(p.m, p.k, p.b.row, false) &&
		!p.ks.packsA(p.m, p.n, p.k, p.a.ld(), p.a.trans)
}

// strips computes p, a small product, from a B in place.
func (p *product[T]) strips() {
	var x microArgs[T]
	x.setBlock(p)
	x.a, x.b, x.bRow, x.c, x.bias, x.mask = &p.a.data[0], &p.b.data[0], p.b.row, &p.c[0], p.e.bias, p.e.mask
	x.compute(p.ks, p.m, p.n, pairingOf(p.m, p.k, p.a.trans))
}

// turnedStrips computes a product that is small enough in strips, from a transposed B that it
// turns, and reports whether it did. It takes no product, as filling one in takes as long as many a
// small one. e may be nil.
func turnedStrips[T Float](ks *kernelSet[T], m, n, k int, alpha T, a []T, lda int, transA bool, b []T, ldb int, beta T, c []T, ldc int, e *epilogue[T]) bool {
	const near = 128 << 10 // bytes of B, which stay in the L2 cache
	var z T
	most := near / int(unsafe.Sizeof(z))
	cols := n // at a time: all, or if there are few steps of k, as many as stay there: 2x50000x4 takes 0.45 of the time.
	if n*k > most && k < turnedSingly {
		cols = ks.blockOfColumns(n, most/k)
	}
	// An odd number of vectors from row to row: an even one would share sets of the L1 cache.
	width := ((cols+ks.lanes-1)>>ks.laneShift | 1) << ks.laneShift
	if !ks.onePanel(m, n, k, width, transA) &&
		!((cols < n || k*width <= most) && ks.stripsInPlace(m, n, k, lda, width, transA)) {
		return false
	}
	w := borrowWorkspace[T]()
	w.b = room(w.b, k*width)
	packTransposed(ks.square, b, ldb, w.b, k, cols, width)
	if e == nil && !transA && alpha == 1 && beta == 0 {
		if kernel := ks.aloneKernel(m, n, pairingOf(m, k, false)); kernel != nil {
			kernel(k, &a[0], lda, &w.b[0], width, &c[0], ldc, n)
			w.giveBack()
			return true
		}
	}
	for jc := 0; ; {
		var x microArgs[T]
		x.set(k, alpha, &a[0], lda, transA, &w.b[0], width, beta, &c[jc], ldc)
		if e != nil {
			x.bias, x.mask, x.maskRow, x.relu = shiftedIf(e.bias, jc), shiftedIf(e.mask, jc), e.ldmask, e.relu
		}
		x.compute(ks, m, cols, pairingOf(m, k, transA))
		if jc += cols; jc == n {
			break
		}
		cols = min(cols, n-jc)
		packTransposed(ks.square, b[jc*ldb:], ldb, w.b, k, cols, width)
	}
	w.giveBack()
	return true
}

// stripsAndTail computes a product of both operands as they are, if it is small enough in strips
// but for its last columns, which are computed on their own, and reports whether it did. It is one
// block if the whole is: without the tail, that might be deeper.
func stripsAndTail[T Float](ks *kernelSet[T], m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) bool {
	tail := ks.tailColumns(m, n, k, false)
	before := n - tail
	if tail == 0 || before == 0 || k > ks.depthOf(m, n, k, false) ||
		ks.onePanel(m, n, k, ldb, false) || !ks.stripsInPlace(m, before, k, lda, ldb, false) {
		return false
	}
	w := borrowWorkspace[T]()
	columnsAlongK(ks, w, m, tail, k, alpha, a, lda, b[before:], ldb, 1, beta, c[before:], ldc, ks.fromMemory(m, k))
	w.giveBack()
	var x microArgs[T]
	x.set(k, alpha, &a[0], lda, false, &b[0], ldb, beta, &c[0], ldc)
	x.compute(ks, m, before, pairingOf(m, k, false))
	return true
}

// asBlocks computes p in cache blocks, in pieces of whole tiles.
func (p *product[T]) asBlocks(o Ops[T]) {
	p.around = p.writesAround()
	threads := o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
	rows, cols := p.m, p.n
	if threads > 1 {
		rows, cols = p.pieceOfC(threads)
	}
	p.share(threads, rows, cols)
}

// largePiece is how many elements of C are a large piece.
const largePiece = 1 << 16

// pieceOfC returns the size of the pieces of C that so many threads share, as
// square as halving makes them: what is long and thin reads one operand
// often. There is one for each thread, or where they are large two, which leaves
// something to do for the thread that is faster.
func (p *product[T]) pieceOfC(threads int) (rows, cols int) {
	rows, cols = p.m, p.n
	for pieces := 1; pieces < threads || pieces < 2*threads && rows*cols > largePiece; pieces *= 2 {
		if rows >= cols {
			rows = (rows + 1) / 2
		} else {
			cols = (cols + 1) / 2
		}
	}
	return evenly(p.m, rows, p.ks.mr()), p.ks.blockOfColumns(p.n, cols)
}

// asColumns computes p, of few columns, along k or along m.
func (p *product[T]) asColumns(o Ops[T]) { p.asColumnsOf(o, 64) }

// asColumnsOf is asColumns in pieces that are multiples of so many rows.
func (p *product[T]) asColumnsOf(o Ops[T], rows int) {
	p.way = inColumns
	p.far = p.ks.fromMemory(p.m, p.k)
	threads := o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
	p.sharePlain(threads, evenly(p.m, (p.m+threads-1)/threads, rows), p.n)
}

// turnedPiece is how many elements of C are turned at a time, but for the rest of a tile.
const turnedPiece = 1 << 17

// asTranspose computes the transpose of p, of few rows and with a transposed B: that needs A turned,
// if it is not transposed, and reads B, of more rows, as tiles otherwise read A. It does so in pieces
// of C that stay in the caches until they are turned, which are the same for any number of threads.
func (p *product[T]) asTranspose(o Ops[T]) {
	ks, m, e := p.ks, p.m, p.takeEpilogue()
	cols := evenly(p.n, turnedPiece/m, ks.mr())
	w := borrowWorkspace[T]()
	w.b = room(w.b, cols*m)
	for jc := 0; jc < p.n; jc += cols {
		c, nb := p.c[jc:], min(cols, p.n-jc)
		turned := product[T]{ks: ks, m: nb, n: m, k: p.k, alpha: p.alpha, beta: p.beta, c: w.b, ldc: m}
		turned.a, turned.b = p.b.from(0, jc).transposed(), p.a.transposed()
		if p.beta != 0 {
			packTransposed(ks.square, c, p.ldc, w.b, nb, m, m)
		}
		turned.byTiles(o)
		packTransposed(ks.square, w.b, m, c, m, nb, p.ldc)
	}
	w.giveBack()
	e.apply(p.c, m, p.n, p.ldc)
}

// byDots computes p, of few rows or columns and with a transposed B, along k. The bits of a sum
// depend on its group, so that no piece cuts the few rows or columns, or has others in groups.
func (p *product[T]) byDots(o Ops[T]) {
	threads := o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
	rows, cols := p.m, p.n
	if p.way == asDots {
		rows = evenly(rows, (rows+threads-1)/threads, 64)
	} else {
		cols = evenly(cols, (cols+threads-1)/threads, 64)
	}
	p.sharePlain(threads, rows, cols)
}

// sharePlain is share for ways whose kernels know no epilogue: it comes in a pass of its own.
func (p *product[T]) sharePlain(threads, rows, cols int) {
	e := p.takeEpilogue()
	p.share(threads, rows, cols)
	e.apply(p.c, p.m, p.n, p.ldc)
}

// inThisThread computes p, a product or a piece of one.
func (p *product[T]) inThisThread() {
	switch p.way {
	case inBlocks, inThinBlocks, inUnevenBlocks:
		p.blocked()
	case inColumns:
		p.columns()
	case asDots, asDotsOfRows:
		p.dots()
	default:
		panicf("product %dx%dx%d has no pieces of its way, %d", p.m, p.n, p.k, p.way)
	}
}

// work is the number of multiply-adds, or 1<<30 if it is more.
func (p *product[T]) work() int { return product3(p.m, p.n, p.k) }

func product3(m, n, k int) int {
	if m|n|k < 1<<20 { // none of them is negative, and nothing overflows
		return int(min(uint64(m)*uint64(n)*uint64(k), 1<<30))
	}
	return int(min(float64(m)*float64(n)*float64(k), 1<<30))
}

// share has up to so many threads compute p in pieces of rows x cols.
func (p *product[T]) share(threads, rows, cols int) {
	if threads == 1 {
		p.inThisThread()
		return
	}
	w := borrowParcel[T]()
	w.pieces = pieces[T]{whole: *p, rows: rows, cols: cols, across: (p.n + cols - 1) / cols}
	share(&w.pieces, (p.m+rows-1)/rows*w.pieces.across, threads)
	w.giveBack()
}

// pieces is the task of computing a product in pieces of rows x cols.
type pieces[T Float] struct {
	whole              product[T]
	rows, cols, across int
}

func (t *pieces[T]) piece(i int) {
	p := t.whole
	row, col := i/t.across*t.rows, i%t.across*t.cols
	p.m, p.n = min(t.rows, p.m-row), min(t.cols, p.n-col)
	p.a = p.a.from(row, 0)
	if p.packed != nil {
		p.col += col
	} else {
		p.b = p.b.from(0, col)
	}
	p.c, p.e = p.c[row*p.ldc+col:], p.e.at(row, col)
	p.inThisThread()
}
