package kernels

// gemm is Gemm after the checks: m, n, k > 0 and alpha != 0. One of the
// strides of a and of b is 1. It chooses the way to compute the product, by
// its shape, and shares the work out among threads.
//
// The way depends on the whole product alone, and no piece of it adds up an
// element of C in another order than the whole would: whoever computes what,
// the bits are the same.
func (o Ops[T]) gemm(m, n, k int, alpha T, a, b operand[T], beta T, c []T, ldc int, e epilogue[T]) {
	ks := o.ks
	switch {
	case !a.trans:
	case ks.goesBeside(m, n, k):
		p := product[T]{ks: ks, m: m, n: n, k: k, kc: ks.depth(n, k, true), alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc, e: e}
		if p.allInPlace() && (beta == 0 || beta == 1) && o.threadsFor(p.work(), ks.tuning.ThreadWork) == 1 {
			p.withBeside()
			return
		}
	case e == (epilogue[T]{}) && ks.betterAsRows(m, n, k, b.trans):
		p := product[T]{ks: ks, m: m, n: n, k: k, kc: ks.depth(n, k, true), alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc}
		p.asColumns(o)
		return
	}
	if kernels := ks.onePanel(m, n, k, b.row, a.trans); kernels != nil {
		if !b.trans {
			tiles(kernels, m, n, k, alpha, a, b.data, b.row, beta, c, ldc, e)
			return
		}
		w := borrowWorkspace[T]()
		width := (n + ks.lanes - 1) >> ks.laneShift << ks.laneShift
		w.b = room(w.b, k*width)
		packTransposed(ks.square, b.data, b.col, w.b, k, n, width)
		tiles(kernels, m, n, k, alpha, a, w.b, width, beta, c, ldc, e)
		w.giveBack()
		return
	}
	if !b.trans && ks.inPlace(m, n, k, a.row*a.col, b.row, a.trans) {
		macroKernel(ks, m, n, k, alpha, a, panels[T]{data: b.data, row: b.row, step: 1}, beta, c, ldc, e, false)
		return
	}
	p := product[T]{ks: ks, m: m, n: n, k: k, kc: ks.depth(n, k, a.trans), alpha: alpha, a: a, b: b, beta: beta, c: c, ldc: ldc, e: e}
	if m == 1 && n > 1 { // a row is a column of the transposed product
		p.m, p.n, p.a, p.b, p.ldc, p.e = n, 1, b.transposed(), a.transposed(), 1, epilogue[T]{}
		p.asColumns(o)
		e.apply(c, 1, n, ldc)
		return
	}
	if tail := ks.tailColumns(m, n, k); tail > 0 {
		p.n -= tail
		last := p
		last.n, last.b, last.c, last.e = tail, b.from(0, p.n), c[p.n:], e.at(0, p.n)
		last.asColumns(o)
		last.e.apply(last.c, m, tail, ldc)
	}
	if p.n > 0 {
		p.asBlocks(o)
	}
}

// allInPlace reports whether no operand of p is packed, and k is one block.
func (p *product[T]) allInPlace() bool {
	return p.kc == p.k && !p.b.trans && !p.ks.packsB(p.m, p.k, p.b.row, false) && !p.ks.packsA(p.n, p.a.row*p.a.col, p.a.trans)
}

// tiles computes a small product as one panel of equal tiles, or of two heights.
func tiles[T Float](kernels []microKernel[T], m, n, k int, alpha T, a operand[T], b []T, ldb int, beta T, c []T, ldc int, e epilogue[T]) {
	h, tall, short := splitEqually(m, len(kernels))
	kernels[h-1](tall, k, &a.data[0], a.row, a.col, &b[0], ldb, &c[0], ldc, n, alpha, beta, e.bias, e.mask, e.ldmask, e.relu)
	if short > 0 {
		row := tall * h
		e = e.at(row, 0)
		kernels[h-2](short, k, &a.data[row*a.row], a.row, a.col, &b[0], ldb, &c[row*ldc], ldc, n, alpha, beta, e.bias, e.mask, e.ldmask, e.relu)
	}
}

// A product is what Gemm was called with, or a part of it.
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
}

// asBlocks computes p in cache blocks, in pieces of whole tiles.
func (p *product[T]) asBlocks(o Ops[T]) {
	p.around = p.writesAround()
	threads := o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
	if threads == 1 {
		p.blocked()
		return
	}
	rows, cols := p.pieceOfC(threads)
	p.share(threads, rows, cols, false)
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
func (p *product[T]) asColumns(o Ops[T]) {
	threads := o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
	if threads == 1 {
		p.columns()
		return
	}
	p.share(threads, evenly(p.m, (p.m+threads-1)/threads, 64), p.n, true)
}

// work is the number of multiply-adds, or 1<<30 if it is more.
func (p *product[T]) work() int { return product3(p.m, p.n, p.k) }

func product3(m, n, k int) int { return int(min(float64(m)*float64(n)*float64(k), 1<<30)) }

// share has up to so many threads compute p in pieces of rows x cols.
func (p *product[T]) share(threads, rows, cols int, asColumns bool) {
	w := borrowParcel[T]()
	w.pieces = pieces[T]{whole: *p, rows: rows, cols: cols, across: (p.n + cols - 1) / cols, asColumns: asColumns}
	share(&w.pieces, (p.m+rows-1)/rows*w.pieces.across, threads)
	w.giveBack()
}

// pieces is the task of computing a product in pieces of rows x cols.
type pieces[T Float] struct {
	whole              product[T]
	rows, cols, across int
	asColumns          bool
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
	if t.asColumns {
		p.columns()
	} else {
		p.blocked()
	}
}
