package kernels

// Plan tells how a product is computed: what [Ops.Plan] found out without computing it. With two
// tunings that have equal plans for it a product is computed alike, but for the size of tiles behind
// the first one, and how many of a small product are one call of assembly.
type Plan struct {
	// Way says in words which way the product goes.
	Way string
	// TileRows and TileColumns are the size of the first tile; 0 where there are none. Where the
	// product goes as its transpose, they are of that, as what follows.
	TileRows, TileColumns int
	// MC and NC are how many rows of A and columns of B a block of the five loops has at most, if one
	// thread computes all of it, and KC how many steps of k a block has, or what else goes into C
	// block by block; 0 where there are no blocks.
	MC, NC, KC int
	// PacksA and PacksB tell whether an operand is copied, or turned if it is transposed, before
	// micro-kernels read it.
	PacksA, PacksB bool
	// Tail is how many of the last columns are computed on their own.
	Tail int
	// Fetches tells of a matrix that is multiplied by one vector whether its rows are fetched ahead.
	Fetches bool
	// Threads is how many threads compute the product if so many are idle.
	Threads int
}

// Plan returns how [Gemm] on o computes C = op(A) * op(B), with op(A) m x k, op(B) k x n and C m x
// n, in memory with these leading dimensions. It panics if one of them is shorter than a row, and
// if m, n or k is less than 1. It does not allocate.
func (o Ops[T]) Plan(transA, transB bool, m, n, k, lda, ldb, ldc int) Plan {
	const fn = "Plan"
	_, aCols := stored(transA, m, k)
	_, bCols := stored(transB, k, n)
	checkLeast(fn, "m", m, 1)
	checkLeast(fn, "n", n, 1)
	checkLeast(fn, "k", k, 1)
	checkLeast(fn, "lda", lda, aCols)
	checkLeast(fn, "ldb", ldb, bCols)
	checkLeast(fn, "ldc", ldc, n)

	ks := o.ks
	if ks.isRowOfB(transA, transB, m, n, k, ldb) {
		transB, ldb = false, n
	}
	p := product[T]{ks: ks, m: m, n: n, k: k, alpha: 1, ldc: ldc}
	p.a.set(nil, lda, transA)
	p.b.set(nil, ldb, transB)
	if rows, cols := p.alone(); rows > 0 {
		return Plan{Way: "tiles, in place, a call for each", TileRows: rows, TileColumns: cols, Threads: 1}
	}
	p.way = ks.wayOf(transA, transB, m, n, k, p.work()/2 < ks.tuning.ThreadWork)
	return p.plan(o)
}

// plan is compute, but for computing.
func (p *product[T]) plan(o Ops[T]) Plan {
	ks := p.ks
	pl := Plan{Way: p.way.String(), Threads: o.threadsFor(p.work(), ks.tuning.ThreadWork)}
	switch p.way {
	case upright:
		pl.Threads = 1
	case asDots, asDotsOfRows:
	case asTurnedDots:
		pl.PacksA = true
	case inColumns, turningC:
		p.kc = ks.depth(p.n, p.k, true)
		return p.planOfColumns(o)
	case turningA:
		turned := product[T]{ks: ks, m: p.turnedColumns(), n: p.m, k: p.k, alpha: 1, ldc: p.m}
		turned.a, turned.b = p.b.transposed(), p.a.transposed()
		pl = turned.planOfTiles(o)
		pl.Way, pl.PacksA, pl.PacksB = p.way.String(), pl.PacksB, pl.PacksA
	case besidePanels:
		if !p.fitsBeside(o) {
			p.way = inTiles
			return p.planOfTiles(o)
		}
		pl.Tail = p.n & (ks.lanes - 1)
		pl.TileRows, pl.TileColumns = p.firstTile(p.m, p.n-pl.Tail, false)
	default:
		return p.planOfTiles(o)
	}
	return pl
}

// planOfTiles is byTiles, but for computing.
func (p *product[T]) planOfTiles(o Ops[T]) Plan {
	tail := p.settle()
	switch {
	case p.way == inTurnedStrips, p.way == inStrips, p.way == inOneBlock:
	case p.m == 1 && p.n > 1:
		p.m, p.n, p.a, p.b = p.n, 1, p.b.transposed(), p.a.transposed()
		return p.planOfColumns(o)
	case tail == p.n:
		return p.planOfColumns(o)
	case tail > 0:
		p.n -= tail
		if p.beforeTailInStrips() {
			p.way = inStrips
		}
	}
	pl := Plan{Way: p.way.String(), Threads: 1, Tail: tail, PacksB: p.way == inTurnedStrips}
	mc, nc := p.m, p.n
	switch p.way {
	case inBlocks, inThinBlocks, inUnevenBlocks:
		pl.Threads = o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
		mc, nc, pl.PacksA, pl.PacksB = p.blocks()
		pl.MC, pl.NC, pl.KC = mc, nc, p.kc
	}
	pl.TileRows, pl.TileColumns = p.firstTile(mc, nc, pl.PacksB)
	return pl
}

// alone returns the size of the first tile, if Gemm computes p in tiles that are products of their
// own, before it asks for a way, else 0. The comparisons are those of Gemm, which has them in line
// and between others.
func (p *product[T]) alone() (rows, cols int) {
	ks, m, n, k := p.ks, p.m, p.n, p.k
	if p.a.trans || p.b.trans || m == 1 || n == 1 || k > ks.tuning.KC || !nearRowsOfB[T](k, p.b.row) {
		return 0, 0
	}
	inTiles := ks.inTilesAlone(n, k) && ks.nearRows(p.a.row) && ks.small(m, n, k)
	packs := ks.packsB(m, k, p.b.row, false)
	if n <= len(ks.alone.byColumns) {
		tallest := len(ks.alone.byColumns[n-1][ks.depthClass(k)])
		switch inPanel := !packs && !ks.mayGoAlongK(m, n, k) && !ks.mayCopyTail(m, n, k); {
		case m <= tallest:
			return m, n
		case m <= 2*tallest && inPanel:
			return (m + 1) / 2, n
		case inTiles && inPanel:
			return tallest, n
		}
	}
	switch {
	case !ks.small(m, n, k), packs, ks.isUneven(m, n, k):
	case ks.inPanelsAlone(m, n, k):
		return m, ks.widestAlone(m)
	case inTiles && !ks.goesAlongK(m, n, k) && ks.tailColumns(m, n, k, false) == 0:
		return p.firstTile(m, n, false)
	}
	return 0, 0
}

// firstTile returns the size of the first tile of a block of m rows of p and n columns.
func (p *product[T]) firstTile(m, n int, packed bool) (rows, cols int) {
	ks, wide := p.ks, p.ks.tuning.Vectors
	if !packed {
		wide = ks.widthInPlace(m, n, isLarge[T](p.k, p.b.row))
	}
	_, cols, _ = ks.panels(n, wide)
	most := len(ks.byColumns[cols-1][pairingOf(m, p.k, p.a.trans)])
	rows, _, _ = split(m, min(most, rowsAtOnce[T](p.a.ld(), p.a.trans)))
	return rows, cols
}

// planOfColumns is asColumns, but for computing.
func (p *product[T]) planOfColumns(o Ops[T]) Plan {
	ks := p.ks
	pl := Plan{Way: "few columns, in vectors along k", Threads: o.threadsFor(p.work(), ks.tuning.ThreadWork)}
	fetches := ks.dotFar != nil
	if p.a.trans {
		fetches = ks.addFar != nil
		if pl.Way = "few columns, in vectors along m"; p.way == turningC {
			pl.Way = p.way.String()
		}
	}
	if p.a.trans && p.n > 1 {
		pl.KC = p.kc
	}
	pl.Fetches = p.n == 1 && fetches && ks.fromMemory(p.m, p.k)
	return pl
}

// String says in words what w is, but for what one word stands for two of.
func (w way) String() string { return wayNames[w] }

var wayNames = [...]string{
	inTiles:        "tiles",
	inBlocks:       "tiles, in the five loops",
	inThinBlocks:   "tiles, in the five loops, whose blocks are shallow for few columns",
	inUnevenBlocks: "tiles, in the five loops, whose blocks are shallow for few rows",
	inOneBlock:     "tiles, in one block in place",
	inStrips:       "tiles, in place, in few calls",
	inTurnedStrips: "tiles, of a B that is turned at once, in few calls",
	besidePanels:   "tiles, in place, the last columns beside the last panel",
	upright:        "vectors along m, turned in registers",
	inColumns:      "few columns, in vectors along k or m",
	turningC:       "vectors along m, turned in memory",
	turningA:       "the transpose, in tiles, turned in pieces",
	asDots:         "dot products, in groups of columns",
	asDotsOfRows:   "dot products, in groups of rows",
	asTurnedDots:   "dot products, in groups of rows of an A that is turned",
}
