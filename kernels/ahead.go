package kernels

import (
	"math"
	"unsafe"
)

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

// ofHeight returns which of fetching or following kernels computes tiles of h rows and v vectors: of
// height 0 if there is none.
func ofHeight[T Float](kernels [][]panelKernel[T], v, h int) panelKernel[T] {
	if v <= len(kernels) {
		for _, kernel := range kernels[v-1] {
			if kernel.h == h {
				return kernel
			}
		}
	}
	return panelKernel[T]{}
}

// farPanels reports whether packed panels, k deep and of n columns together, come from the
// last-level cache, or another slow one, and kernels can fetch them.
func (ks *kernelSet[T]) farPanels(k, n int) bool {
	var z T
	return len(ks.following) > 0 && product3(k, n, int(unsafe.Sizeof(z))) > ks.tuning.PanelBytes
}

// fetchesPanels reports whether tiles of m rows and v vectors, of this height at most, have the next
// panel fetched: if most of them can, else those of several panels had better be computed in one call.
func (ks *kernelSet[T]) fetchesPanels(v, m, tallest int) bool {
	if v > len(ks.following) {
		return false
	}
	h, tall, short := split(m, min(tallest, ks.following[v-1][0].h))
	return tall > short && ofHeight(ks.following, v, h).h == h
}

// tilesOfPanel are tiles of one height of a whole panel: panel i, v vectors wide, and tiles of h rows, of
// which a call computes atOnce. left columns are behind it, in panels of wide vectors, which are
// to be fetched if they are far.
type tilesOfPanel struct {
	i, v, h, tiles, atOnce, left, wide int
	far                                bool
}

// lookAhead returns the kernel that computes tiles of p, a block, and meanwhile sees to what is needed
// next, of which y tells. It packs the panel behind them, if panels are to be packed: so many rows of it
// as packs tells. Or it has that panel fetched, if panels are far; or if no whole panel is behind
// them, next, of A. Where there is nothing to do, or no kernel for it, its height is 0.
func (p *product[T]) lookAhead(y *microExtra[T], b *panels[T], next *strip[T], at tilesOfPanel) (kernel panelKernel[T], packs int) {
	ks, v, h, tiles := p.ks, at.v, at.h, at.tiles
	*y = microExtra[T]{}
	if p.around && p.k <= shallow {
		return kernel, 0
	}
	whole, jr := ks.wholeFollows(at.left, at.wide), p.n-at.left
	if b.from.data != nil && at.left > 0 && v <= len(ks.copying) {
		if nextV, cols := ks.panel(at.left, at.wide); nextV == v {
			from, panel := b.from.from(0, jr), b.at(jr, at.i+1)
			copying, turning := ks.copying[v-1], ks.turning[v-1]
			groups := min(p.k/turning.piece, turning.pieces(p.k, min(tiles, at.atOnce), 1)/cols)
			switch {
			case from.trans && turning.h == h && groups > 0:
				y.from, y.panel, y.fromRow, y.left, y.each = &from.data[0], &panel[0], from.col, groups, cols
				return turning, groups * turning.piece
			case !from.trans && copying.h == h && whole && copying.pieces(p.k, tiles, 1) >= p.k:
				y.from, y.panel, y.fromRow, y.left = &from.data[0], &panel[0], from.row, p.k
				y.rests = ks.rests(&copying, p.k, tiles, p.k)
				return copying, p.k
			}
		}
	}
	switch {
	case whole && at.far:
		if kernel = ofHeight(ks.following, v, h); kernel.h != h {
			break
		}
		_, cols := ks.panel(at.left, at.wide)
		few := kernel.pieces(p.k, tiles, 1)*kernel.piece < p.k*cols
		if few { // each has to fetch more at a time
			kernel = ofHeight(ks.fetching, v, h)
		}
		// Rows of the panel are one after the other: each piece is one.
		y.from, y.fromRow, y.left, y.each = &b.at(jr, at.i+1)[0], kernel.piece, (p.k*cols+kernel.piece-1)/kernel.piece, 1
		if few {
			y.rests = ks.rests(&kernel, p.k, tiles, y.left)
		}
	case !whole && next != nil:
		if kernel = ofHeight(ks.fetching, v, h); kernel.h == h {
			y.from, y.fromRow, y.left, y.each = &next.at[0], next.row, next.rows, (next.length+kernel.piece-1)/kernel.piece
		}
	}
	return kernel, 0
}

// rests returns what makes a kernel do so many pieces in its tiles at the slowest pace that there is
// time for, up to AheadTurns: what has been asked for arrives before more is.
func (ks *kernelSet[T]) rests(kernel *panelKernel[T], k, tiles, pieces int) int {
	pace := 1
	for 2*pace <= ks.tuning.AheadTurns && kernel.pieces(k, tiles, 2*pace) >= pieces {
		pace *= 2
	}
	return 4 * (pace - 1)
}

// tiles returns how many tiles of depth k there are to be in a call, for all pieces that are left: those
// behind them are for kernels that have less to do.
func (kernel *panelKernel[T]) tiles(y *microExtra[T], k int) int {
	perTile := kernel.pieces(k, 1, y.rests/4+1)
	if y.each > 1 || perTile == 0 {
		return math.MaxInt
	}
	return (y.left + perTile - 1) / perTile
}

// goOn moves y on behind a call that computed so many tiles of depth k, and reports whether the next call
// is to do the rest. What is packed is a panel of so many columns. Only rows of one piece go on.
func (kernel *panelKernel[T]) goOn(y *microExtra[T], k, tiles, cols int) bool {
	done := kernel.pieces(k, tiles, y.rests/4+1)
	if y.each > 1 || y.left <= done {
		return false
	}
	y.left -= done
	y.from, y.panel = shifted(y.from, done*y.fromRow), shiftedIf(y.panel, done*cols)
	return true
}
