package kernels

import "math"

// Plan tells how a product is computed: what [Ops.Plan] found out without computing it. Where plans
// of a product by two tunings of the same Vectors are equal, it has the same bits by both, and is
// computed alike but for the height of tiles, how many of them a call of assembly computes, whether they
// spare loads, store vectors of C whole, or are tiles of their own behind a B that was turned, at
// what pace they pack and fetch ahead, and what is fetched for a Tail or in a last block, which is smaller.
type Plan struct {
	// Way says in words, for people, which way the product goes. They may become others.
	Way string
	// Transposed tells that it is computed as its transpose: A and B below are what it multiplies
	// then, the transposes of B and of A, and columns are rows of C.
	Transposed bool
	// MC and NC are how many rows of A and columns of B a block has at most, and KC how many steps of
	// k, in the five loops or what else is computed block by block; 0 where there are no blocks.
	MC, NC, KC int
	// PacksA and PacksB tell whether tiles, and dot products of a transposed A, read a copy of an
	// operand, which is turned if it was transposed. A few columns that are brought together for
	// dot products are not meant.
	PacksA, PacksB bool
	// Tail is how many of the last columns are computed on their own.
	Tail int
	// Fetches tells of a matrix that is multiplied by one vector whether its rows are fetched ahead, and
	// of a packed B, which is multiplied after it was packed, whether panels of a whole block are.
	Fetches bool
	// Around tells whether tiles of whole panels write C past the caches.
	Around bool
	// Threads is how many threads compute the product at most. The rest of a plan is that of one:
	// what several cut it into is smaller, which may be packed less, and not other in its bits.
	Threads int
}

// Plan returns how [Gemm] on o computes C = op(A) * op(B), with op(A) m x k, op(B) k x n and C m x
// n, in memory with these leading dimensions, alpha = 1 and beta = 0, where C begins with a cache
// line. It panics if one of them is shorter than a row, if m,
// n or k is less than 1, and if a matrix is larger than a slice can be. It does not allocate.
func (o Ops[T]) Plan(transA, transB bool, m, n, k, lda, ldb, ldc int) Plan {
	const fn = "Plan"
	for _, size := range [...]struct {
		name  string
		value int
	}{{"m", m}, {"n", n}, {"k", k}} {
		if size.value < 1 {
			panicf("%s: %s = %d, want >= 1", fn, size.name, size.value)
		}
	}
	for _, x := range [...]struct {
		name           string
		trans          bool
		rows, cols, ld int
	}{{"lda", transA, m, k, lda}, {"ldb", transB, k, n, ldb}, {"ldc", false, m, n, ldc}} {
		rows, cols := stored(x.trans, x.rows, x.cols)
		if x.ld < cols {
			panicf("%s: %s = %d, want >= %d (the row length)", fn, x.name, x.ld, cols)
		}
		if span(rows, cols, x.ld) > math.MaxInt/8 {
			panicf("%s: %d rows of %d, %s = %d, are more than a slice can hold", fn, rows, cols, x.name, x.ld)
		}
	}

	ks := o.ks
	p := product[T]{ks: ks, m: m, n: n, k: k, alpha: 1, ldc: ldc}
	p.a.set(nil, lda, transA)
	p.b.set(nil, ldb, transB)
	p.way = undecided
	if !transB {
		p.way = ks.smallWay(transA, m, n, k, lda, ldb, true)
	}
	if ks.isRowOfB(transA, transB, m, n, k, ldb) {
		transB = false
		p.b.set(nil, n, false)
	}
	if p.way == undecided {
		p.way = ks.wayOf(transA, transB, m, n, k, ks.forOneThread(p.work()))
	}
	return p.plan(o)
}

// plan is compute, but for computing.
func (p *product[T]) plan(o Ops[T]) Plan {
	ks := p.ks
	pl := Plan{Way: p.way.String(), Threads: o.threadsFor(p.work(), ks.tuning.ThreadWork)}
	switch p.way {
	case upright, inRegisters, inTilesAlone, onePanelAlone, lowPanelsAlone:
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
		pl.Way, pl.Transposed = p.way.String(), true
	case besidePanels:
		if !p.fitsBeside(o) {
			p.way = inTiles
			return p.planOfTiles(o)
		}
		pl.Tail = p.n & (ks.lanes - 1)
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
		pl := p.planOfColumns(o)
		pl.Transposed = true
		return pl
	case tail == p.n:
		return p.planOfColumns(o)
	case tail > 0:
		p.n -= tail
		if p.beforeTailInStrips() {
			p.way = inStrips
		}
	}
	pl := Plan{Way: p.way.String(), Threads: 1, Tail: tail, PacksB: p.way == inTurnedStrips}
	switch p.way {
	case inBlocks, inThinBlocks, inUnevenBlocks:
		pl.Threads = o.threadsFor(p.work(), p.ks.tuning.ThreadWork)
		p.around = p.writesAround()
		pl.MC, pl.NC, pl.PacksA, pl.PacksB = p.blocks()
		pl.Around = p.around
		pl.NC, pl.KC = min(pl.NC, p.n), p.kc
		pl.Fetches = pl.PacksB && !p.around && (p.m > pl.MC || p.b.trans && p.kc < turnedSingly) && p.ks.farPanels(p.kc, pl.NC)
	case inStrips, inTurnedStrips:
		cols := p.n
		if p.way == inTurnedStrips {
			cols, _ = p.ks.turnedAtOnce(p.m, p.n, p.k, p.a.ld(), p.a.trans)
		}
		if rows := p.ks.lowRows(p.m, cols, p.k, p.ldc); rows < p.m && cols > len(p.ks.byColumns) {
			pl.MC, pl.NC, pl.KC = rows, cols, p.k
		}
	}
	return pl
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

// String says in words what w is. A Plan has others for inColumns, which is two ways.
func (w way) String() string { return wayNames[w] }

var wayNames = [...]string{
	inTiles:        "tiles",
	inTilesAlone:   "tiles of their own, in place",
	onePanelAlone:  "tiles of their own, in place, of one panel",
	lowPanelsAlone: "tiles of their own, in place, one to a panel",
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
	inRegisters:    "a vector times a matrix, in registers",
	undecided:      "undecided",
}
