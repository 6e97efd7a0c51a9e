package kernels

import "math"

// withBeside computes p, whose A is transposed and all of whose operands are in
// place, the tail columns in the tiles of the last whole panel. beta is 0 or 1.
func (p *product[T]) withBeside() {
	ks, by, w := p.ks, &p.ks.beside, borrowWorkspace[T](p.thread)
	tail := p.n & (ks.lanes - 1)
	whole := p.n - tail
	panel := whole - by.v*ks.lanes // where the last one begins
	mc := ks.blockOfRows(p.m, p.n, p.k, math.MaxInt, true)
	for ic, mb := 0, 0; ic < p.m; ic += mb {
		if mb = mc; p.m-ic-mc < by.leastRows() {
			mb = p.m - ic
		}
		block := *p
		block.m, block.a, block.c, block.e = mb, p.a.from(ic, 0), p.c[ic*p.ldc:], p.e.at(ic, 0)
		if panel > 0 {
			block.n = panel
			block.macroKernel(&panels[T]{data: p.b.data, row: p.b.row, step: 1}, nil)
		}
		block.n, block.b, block.c, block.e = whole-panel, p.b.from(0, panel), block.c[panel:], block.e.at(0, panel)
		w.a = room(w.a, tail*mb)
		block.tilesBeside(w.a, tail)
		if last := block.c[block.n:]; p.beta == 0 {
			packTransposed(ks.square, w.a, mb, last, mb, tail, p.ldc)
		} else {
			addTransposed(w.a, mb, last, mb, tail, p.ldc)
		}
	}
	p.e.at(0, whole).apply(p.c[whole:], p.m, tail, p.ldc)
	w.giveBack()
}

// tilesBeside computes p, a panel, and the tail columns behind it, whose sums go into rows of length m.
func (p *product[T]) tilesBeside(sums []T, tail int) {
	by := &p.ks.beside
	h, tall, short := split(p.m, by.h)
	atOnce := max(callWork/(p.k*(p.n+tail)*h), 1)
	row := 0
	var x microArgs[T]
	var y microExtra[T]
	x.setBlock(p)
	x.bRow, x.cols, x.bias, y.sumsRow = p.b.row, p.n, p.e.bias, p.m
	for ; tall+short > 0; tall, short, h = short, 0, h-1 {
		kernel := by.run[tail-1][h-by.h+1]
		for tiles := tall; tiles > 0; tiles -= atOnce {
			preemptible()
			x.tiles = min(atOnce, tiles)
			x.a, x.b, x.c, y.sums = &p.a.data[row], &p.b.data[0], &p.c[row*p.ldc], &sums[row]
			x.mask = shiftedIf(p.e.mask, row*p.e.ldmask)
			x.runWith(kernel, &y)
			row += x.tiles * h
		}
	}
}
