package kernels

// strip is a part of a matrix: so many rows, as they are stored, of a length, from at on.
type strip[T Float] struct {
	at                []T
	row, rows, length int
}

// readNext returns what of A is read after the block of mc rows from ic on at depth kc from pc on: the next block,
// if there is one before those are computed again for other columns.
func (p *product[T]) readNext(ic, mc, pc, kc int) strip[T] {
	if ic += mc; ic >= p.m {
		ic, pc = 0, pc+kc
	}
	if pc >= p.k {
		return strip[T]{}
	}
	m, k, from := min(mc, p.m-ic), min(kc, p.k-pc), p.a.from(ic, pc)
	if p.a.trans {
		return strip[T]{from.data, from.col, k, m}
	}
	return strip[T]{from.data, from.row, m, k}
}

// wholeFollows reports whether the next of so many columns are a panel without a cut vector.
func (ks *kernelSet[T]) wholeFollows(left, wide int) bool {
	if left == 0 {
		return false
	}
	v, cols := ks.panel(left, wide)
	return cols == v*ks.lanes
}

// lookAhead returns the kernel that computes so many tiles of h rows of a whole panel of v vectors of p, a block,
// and meanwhile sees to what is needed next. It packs the panel behind it, if panels are to be packed, to
// y.panel: so many rows of it as packs tells. Or if it is the last whole panel, it has next
// fetched, of A. Where there is nothing to do, or no kernel for it, its height is 0. left columns are
// behind the panel. The rest of y becomes what the kernel takes.
func (p *product[T]) lookAhead(y *microExtra[T], b *panels[T], next *strip[T], left, wide, v, h, tiles int) (kernel panelKernel[T], packs int) {
	ks := p.ks
	if v > len(ks.copying) || p.around && p.k <= shallow {
		return kernel, 0
	}
	whole := ks.wholeFollows(left, wide)
	if b.from.data != nil && left > 0 && h == ks.copying[v-1].h {
		nextV, cols := ks.panel(left, wide)
		from := b.from.from(0, p.n-left)
		switch copying, turning := ks.copying[v-1], ks.turning[v-1]; {
		case nextV == v && from.trans:
			y.left, y.each = min(p.k/turning.piece, turning.pieces(p.k, tiles)/cols), cols
			y.from, y.fromRow = &from.data[0], from.col
			return turning, y.left * turning.piece
		case nextV == v && whole && copying.pieces(p.k, tiles) >= p.k:
			y.left, y.from, y.fromRow = p.k, &from.data[0], from.row
			return copying, p.k
		}
	}
	if next == nil || next.rows == 0 || whole {
		return kernel, 0
	}
	for _, fetching := range ks.fetching[v-1] {
		if fetching.h == h {
			y.left, y.each = next.rows, (next.length+fetching.piece-1)/fetching.piece
			y.from, y.fromRow = &next.at[0], next.row
			return fetching, 0
		}
	}
	return kernel, 0
}
