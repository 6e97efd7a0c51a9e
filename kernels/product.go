package kernels

import "math"

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
	thread      int // that computes it: what it packs into was most likely its own the last time
}

// compute computes p its way, which is not inRegisters: that takes no product. It shares the work out
// among threads.
func (p *product[T]) compute(o Ops[T]) {
	ks, m, n, k := p.ks, p.m, p.n, p.k
	switch p.way {
	case asDots, asDotsOfRows:
		p.byDots(o)
		return
	case asTurnedDots:
		w := borrowWorkspace[T](p.thread)
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
		if p.fitsBeside(o) {
			p.withBeside()
			return
		}
		p.way = inTiles
	}
	p.byTiles(o)
}

// settle decides what the way of p, in tiles, leaves open: which tiles they are, how deep blocks are,
// and how many of the last columns are computed on their own, which it returns.
func (p *product[T]) settle() (tail int) {
	ks := p.ks
	if p.way == inTiles {
		p.way = ks.tilesOf(p.m, p.n, p.k, p.a.ld(), p.b.ld(), p.a.trans, p.b.trans)
	}
	switch p.way {
	case inTurnedStrips, inStrips, inOneBlock:
		return 0
	}
	p.kc = ks.depthOfBlocks(p.way, p.m, p.n, p.k, p.a.trans, p.b.trans)
	return ks.tailColumns(p.m, p.n, p.k, p.a.trans)
}

// byTiles computes p in tiles, but for last columns that are better on their own.
func (p *product[T]) byTiles(o Ops[T]) {
	m, n, k := p.m, p.n, p.k
	tail := p.settle()
	switch p.way {
	case inTurnedStrips:
		cols, width := p.ks.turnedAtOnce(m, n, k, p.a.ld(), p.a.trans)
		turnedStrips(p.ks, cols, width, m, n, k, p.alpha, p.a.data, p.a.ld(), p.a.trans, p.b.data, p.b.ld(), p.beta, p.c, p.ldc, &p.e)
		return
	case inStrips:
		p.strips()
		return
	case inOneBlock:
		p.macroKernel(&panels[T]{data: p.b.data, row: p.b.row, step: 1}, nil)
		return
	}
	if m == 1 && n > 1 { // a row is a column of the transposed product, but not to the epilogue
		e := p.takeEpilogue()
		p.m, p.n, p.a, p.b, p.ldc = n, 1, p.b.transposed(), p.a.transposed(), 1
		p.asColumns(o)
		e.apply(p.c, 1, n, n)
		return
	}
	if tail == n {
		p.asColumns(o)
		return
	}
	if tail > 0 {
		last := *p
		p.n -= tail
		last.n, last.b, last.c, last.e = tail, p.b.from(0, p.n), p.c[p.n:], p.e.at(0, p.n)
		last.asColumns(o)
		if p.beforeTailInStrips() {
			p.strips()
			return
		}
	}
	p.asBlocks(o)
}

// beforeTailInStrips reports whether p, which is what is before the tail, fits strips.
func (p *product[T]) beforeTailInStrips() bool {
	return !p.b.trans && p.kc == p.k && p.ks.stripsInPlace(p.m, p.n, p.k, p.a.ld(), p.b.ld(), p.a.trans)
}

// takeEpilogue returns the epilogue, for the caller to apply.
func (p *product[T]) takeEpilogue() (e epilogue[T]) {
	e, p.e = p.e, epilogue[T]{}
	return e
}

// fitsBeside reports whether p, whose last columns may be computed beside its last panel, is: no
// operand is packed, k is one block, for one thread, and C is set or added to.
func (p *product[T]) fitsBeside(o Ops[T]) bool {
	ks, m, n, k := p.ks, p.m, p.n, p.k
	p.kc = ks.depthOf(m, n, k, true)
	return p.kc == k && !p.b.trans && !ks.packsB(m, n, k, p.b.row, false) && !ks.packsA(m, n, k, p.a.ld(), p.a.trans) &&
		(p.beta == 0 || p.beta == 1) && o.threadsFor(p.work(), ks.tuning.ThreadWork) == 1
}

// strips computes p, a small product, from a B in place.
func (p *product[T]) strips() {
	var x microArgs[T]
	x.setBlock(p)
	x.a, x.b, x.bRow, x.c, x.bias, x.mask = &p.a.data[0], &p.b.data[0], p.b.row, &p.c[0], p.e.bias, p.e.mask
	x.compute(p.ks, p.m, p.n, pairingOf(p.m, p.k, p.a.trans))
}

// turnedStrips computes a product in strips, from a transposed B that it turns, so many columns at a
// time to rows so far apart. It takes no product, as filling one in takes as long as many a small
// one. e may be nil.
func turnedStrips[T Float](ks *kernelSet[T], cols, width, m, n, k int, alpha T, a []T, lda int, transA bool, b []T, ldb int, beta T, c []T, ldc int, e *epilogue[T]) {
	w := borrowWorkspace[T](caller)
	w.b = room(w.b, k*width)
	packTransposed(ks.square, b, ldb, w.b, k, cols, width)
	if e == nil && !transA && alpha == 1 && beta == 0 && cols == n {
		if kernel := ks.aloneKernel(m, n, pairingOf(m, k, false)); kernel != nil {
			kernel(k, &a[0], lda, &w.b[0], width, &c[0], ldc, n, 1)
			w.giveBack()
			return
		}
		if ks.savesAlone(m, n, k) && ks.nearRows(lda) && product3(m, n, k) <= callWork {
			tilesAlone(ks, m, n, k, &a[0], lda, &w.b[0], width, &c[0], ldc)
			w.giveBack()
			return
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
	w := borrowWorkspace[T](caller)
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

// pieceOfC returns the size of the pieces of C that so many threads compute, at most one each: those whose
// multiply-adds, and the elements of A and B that are read and packed for them, take the least time.
// More pieces than threads would even out what else the machine does, and cores that are not alike, but each packs
// its columns of B again, or reads its rows of A: two for each of two threads take 1.02 to 1.04 times as long.
func (p *product[T]) pieceOfC(threads int) (rows, cols int) {
	const perElement = 16 // multiply-adds in the time that an element of A or B takes
	least := math.MaxInt
	for down := 1; down <= threads; down++ {
		across := threads / down
		if threads/(down+1) == across {
			continue // more pieces, as wide, come next
		}
		r := evenly(p.m, (p.m+down-1)/down, p.ks.mr())
		c := p.ks.blockOfColumns(p.n, (p.n+across-1)/across)
		if time := r*c + perElement*(r+c); time < least {
			rows, cols, least = r, c, time
		}
	}
	return rows, cols
}

// leastOfColumns is how many rows a piece of few columns has at least, if there are more.
const leastOfColumns = 64

// asColumns computes p, of few columns, along k or along m.
func (p *product[T]) asColumns(o Ops[T]) { p.asColumnsOf(o, leastOfColumns) }

// asColumnsOf is asColumns in pieces that are multiples of so many rows.
func (p *product[T]) asColumnsOf(o Ops[T], rows int) {
	p.way = inColumns
	p.far = p.ks.fromMemory(p.m, p.k)
	threads := o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
	p.sharePlain(threads, evenly(p.m, (p.m+threads-1)/threads, rows), p.n)
}

// turnedPiece is how many elements of C are turned at a time, but for the rest of a tile.
const turnedPiece = 1 << 17

// turnedColumns is how many columns of C asTranspose computes at a time.
func (p *product[T]) turnedColumns() int { return evenly(p.n, turnedPiece/p.m, p.ks.mr()) }

// asTranspose computes the transpose of p, of few rows and with a transposed B: that needs A turned,
// if it is not transposed, and reads B, of more rows, as tiles otherwise read A. It does so in pieces
// of C that stay in the caches until they are turned, which are the same for any number of threads.
func (p *product[T]) asTranspose(o Ops[T]) {
	ks, m, e := p.ks, p.m, p.takeEpilogue()
	cols := p.turnedColumns()
	w := borrowWorkspace[T](p.thread)
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
		panicf("product %dx%dx%d has no pieces of its way, %v", p.m, p.n, p.k, p.way)
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

func (t *pieces[T]) piece(i, thread int) {
	p := t.whole
	p.thread = thread
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
