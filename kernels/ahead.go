package kernels

// strip is a part of a matrix: so many rows, as they are stored, of a length, from at on.
type strip[T Float] struct {
	at                []T
	row, rows, length int
}

// readNext returns what of A is read after the block of mc rows from ic on at depth kc from pc on:
// the next block, or nothing if it was the last one, though it may be the first one again, for
// other columns.
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

// fetcher returns the kernel that fetches while it computes tiles of h rows and v vectors, of
// height 0 if there is none.
func (ks *kernelSet[T]) fetcher(v, h int) panelKernel[T] {
	if v <= len(ks.fetching) {
		for _, kernel := range ks.fetching[v-1] {
			if kernel.h == h {
				return kernel
			}
		}
	}
	return panelKernel[T]{}
}

// lookAhead returns the kernel that computes so many tiles of h rows of a whole panel of v vectors
// of p, a block, and meanwhile sees to what is needed next. It packs the panel behind it, if panels
// are to be packed, to y.panel: so many rows of it as packs tells. Or else, if no whole panel is
// behind it, it has next fetched, of A. Where there is nothing to do, or no kernel for it, its
// height is 0. left columns are behind the panel. The rest of y becomes what the kernel takes.
func (p *product[T]) lookAhead(y *microExtra[T], b *panels[T], next *strip[T], left, wide, v, h, tiles int) (kernel panelKernel[T], packs int) {
	ks := p.ks
	if p.around && p.k <= shallow {
		return kernel, 0
	}
	whole := ks.wholeFollows(left, wide)
	if b.from.data != nil && left > 0 && v <= len(ks.copying) {
		if nextV, cols := ks.panel(left, wide); nextV == v {
			from := b.from.from(0, p.n-left)
			y.from = &from.data[0]
			copying, turning := ks.copying[v-1], ks.turning[v-1]
			groups := min(p.k/turning.piece, turning.pieces(p.k, tiles)/cols)
			switch {
			case from.trans && turning.h == h && groups > 0:
				y.fromRow, y.left, y.each = from.col, groups, cols
				return turning, groups * turning.piece
			case !from.trans && copying.h == h && whole && copying.pieces(p.k, tiles) >= p.k:
				y.fromRow, y.left = from.row, p.k
				return copying, p.k
			}
		}
	}
	if next == nil || whole {
		return kernel, 0
	}
	if kernel = ks.fetcher(v, h); kernel.h == h {
		y.from, y.fromRow, y.left, y.each = &next.at[0], next.row, next.rows, (next.length+kernel.piece-1)/kernel.piece
	}
	return kernel, 0
}
