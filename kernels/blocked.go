package kernels

import (
	"math"
	"unsafe"
)

// blocked computes p in the five loops of Goto and van de Geijn.
func (p *product[T]) blocked() {
	ks, tu := p.ks, &p.ks.tuning
	m, n, k, a, b, c, ldc := p.m, p.n, p.k, p.a, p.b, p.c, p.ldc
	kc, mc := p.kc, ks.blockOfRows(m, n, p.kc)
	nc := ks.blockOfColumns(n, tu.NC)
	packingB := p.packed == nil && ks.packsB(m, k, b.row, b.trans)
	packingA := ks.packsA(n, a.row*a.col, a.trans) // one of the strides is 1
	var w *workspace[T]
	if packingA || packingB {
		w = borrowWorkspace[T]()
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
			case packingB && ks.packing != nil && !b.trans:
				panels = roomForPanels(ks, w, kb, nb, m <= mc)
				panels.from = b.from(pc, jc)
			case packingB:
				panels = packB(ks, w, b.from(pc, jc), kb, nb)
			default:
				panels.data, panels.row, panels.step = b.data[pc*b.row+jc:], b.row, 1
			}
			beta, e := p.beta, epilogue[T]{}
			if pc > 0 {
				beta = 1 // C holds the sum over the blocks before
			}
			if pc+kb == k {
				e = p.e // the sum is complete
			}
			// LOOP 3 splits m: an mc x kc block of A fits the L2 cache.
			for ic := 0; ic < m; ic += mc {
				mb := min(mc, m-ic)
				ap := a.from(ic, pc)
				if packingA {
					ap = packA(ks, w, ap, mb, kb)
				}
				macroKernel(ks, mb, nb, kb, p.alpha, ap, panels, beta, c[ic*ldc+jc:], ldc, e.at(ic, jc), p.around)
				panels.from.data = nil // they are packed now
			}
		}
	}
	if packingA || packingB {
		w.giveBack()
	}
}

// callWork bounds the multiply-adds of a call of assembly, which cannot be
// preempted: 100 microseconds of a CPU that does 20 a nanosecond.
const callWork = 1 << 21

// panels is a block of B as micro-kernels take it, packed or in place: column
// j of it starts at data[j*step].
type panels[T Float] struct {
	data []T
	row  int // from one row of a panel to the next, 0 if that is the panel's width
	step int
	from operand[T] // the block itself, if its panels are to be packed on the way
}

// writesAround reports whether C is written past the caches: if it is written but
// once and not read, and larger than the last-level cache, so that a line of it
// would be read from memory only to be overwritten. Its rows begin with cache lines.
func (p *product[T]) writesAround() bool {
	const line = 64
	var z T
	size := int(unsafe.Sizeof(z))
	return p.kc == p.k && p.beta == 0 && p.m*p.n >= largestCache/size && p.ldc*size%line == 0 &&
		uintptr(unsafe.Pointer(&p.c[0]))%line == 0 && p.ks.around.v == p.ks.tuning.Vectors
}

// macroKernel multiplies a block of A by panels of B, and packs them first if they are not.
// If around, C is written past the caches.
func macroKernel[T Float](ks *kernelSet[T], m, n, k int, alpha T, a operand[T], b panels[T], beta T, c []T, ldc int, e epilogue[T], around bool) {
	most, wide := a.rowsAtOnce(), ks.tuning.Vectors
	if b.row != 0 && !ks.endsInPair(n) { // a pair is always in the same panel
		wide = ks.widthInPlace(m, n)
	}
	ending := noPairs
	if a.trans || !a.inOrder {
		ending = pairingOf(m, k, a.trans)
	}
	// LOOP 2 splits n: one micro-panel of B at a time.
	for jr, cols := 0, 0; jr < n; jr += cols {
		preemptible()
		var v int
		v, cols = ks.panel(n-jr, wide)
		row := b.row
		if row == 0 {
			row = v * ks.lanes
		}
		kernels := ks.byColumns[cols-1][ending]
		if around && cols == ks.around.v*ks.lanes {
			kernels = ks.around.run
		}
		kernels = kernels[:min(len(kernels), most)]
		panel, ep := &b.data[jr*b.step], e.at(0, jr)
		a, c, m := a, c[jr:], m
		if b.from.data != nil {
			if first := &ks.packing[v-1]; m >= first.h && len(kernels) >= first.h && !(ending != noPairs && ks.endsInPair(cols)) {
				first.run(k, &a.data[0], a.row, a.col, &b.from.data[jr], b.from.row, panel, &c[0], ldc, cols, alpha, beta, ep.bias, ep.mask, ep.ldmask, ep.relu)
				if m -= first.h; m == 0 {
					continue
				}
				a, c, ep = a.from(first.h, 0), c[first.h*ldc:], ep.at(first.h, 0)
			} else {
				ks.pack[v-1](k, &b.from.data[jr], b.from.row, panel, cols)
			}
		}
		// LOOP 1 splits m into tiles, inside the micro-kernel's call.
		h, tall, short := split(m, len(kernels))
		tiles, atOnce := tall+short, max(callWork/(k*cols*h), 1)
		for i := 0; i < tiles; {
			count := min(atOnce, tiles-i)
			if i < tall {
				count = min(count, tall-i)
			} else if i == tall {
				h--
			}
			kernels[h-1](count, k, &a.data[0], a.row, a.col, panel, row, &c[0], ldc, cols, alpha, beta, ep.bias, ep.mask, ep.ldmask, ep.relu)
			if i += count; i < tiles {
				preemptible()
				a, c, ep = a.from(count*h, 0), c[count*h*ldc:], ep.at(count*h, 0)
			}
		}
	}
}

// rowsAtOnce bounds the height of a tile that reads A in place. Rows that are a
// multiple of 4 KiB apart, or nearly, share the sets of the L1 cache, and more
// rows than it has ways push each other out at every step.
func (x operand[T]) rowsAtOnce() int {
	const period, near, ways = 4096, 256, 8
	var z T
	if row := x.row * int(unsafe.Sizeof(z)); !x.trans && row >= period-near && (row+near)%period < 2*near {
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
