package kernels

import "unsafe"

// roomForPanels returns panels of a k x n block of B that are in w, and to be
// filled: side by side or, if each is used only once, in two places by turns.
func roomForPanels[T Float](ks *kernelSet[T], w *workspace[T], k, n int, once bool) panels[T] {
	if place := k * (ks.tuning.Vectors + 1) * ks.lanes; once && 2*place < k*n {
		w.b = room(w.b, 2*place)
		return panels[T]{data: w.b, apart: place}
	}
	w.b = room(w.b, k*((n+ks.lanes-1)/ks.lanes*ks.lanes))
	return panels[T]{data: w.b, step: k}
}

// firstTile returns the kernel that packs a panel of B while it computes the first tile, of height 0
// if there is none for it.
func (ks *kernelSet[T]) firstTile(b *panels[T], v, cols, tallest, m int, ending pairing) panelKernel[T] {
	if v > len(ks.packing) || b.from.trans || ending != noPairs && ks.endsInPair(cols) {
		return panelKernel[T]{}
	}
	if packing := ks.packing[v-1]; packing.h <= min(m, tallest) {
		return packing
	}
	return panelKernel[T]{}
}

// packPanels copies a k x n block of B into micro-panels, one behind the
// other: NR columns wide, k rows of one panel after each other, so that the
// micro-kernel reads memory in order. The last panel is as wide as whole vectors
// allow; what is behind its last column is not read.
func packPanels[T Float](ks *kernelSet[T], dst []T, b operand[T], k, n int) {
	lanes := ks.lanes
	for jr, cols := 0, 0; jr < n; jr += cols {
		preemptible()
		var v int
		v, cols = ks.panel(n-jr, ks.tuning.Vectors)
		panel := dst[jr*k:][:k*v*lanes]
		if !b.trans {
			ks.pack[v-1](k, &b.data[jr], b.row, &panel[0], cols)
		} else {
			packTransposed(ks.square, b.data[jr*b.col:], b.col, panel, k, cols, v*lanes)
		}
	}
}

// copyWork bounds the elements that a call of assembly copies, which cannot be
// preempted: some 20 microseconds.
const copyWork = 1 << 16

// packTransposed packs a panel from a B that is stored by columns. Columns
// behind the last stay what they are: tiles do not read them.
func packTransposed[T Float](square transposer[T], b []T, bCol int, panel []T, k, cols, width int) {
	side := square.side
	if cols < side {
		for j := range cols {
			row := panel[j:]
			for p, x := range b[j*bCol:][:k] {
				row[p*width] = x
			}
		}
		return
	}
	atOnce := cols
	if k*cols > copyWork {
		atOnce = max(copyWork/k, side)
	}
	for next := 0; next < cols; next += atOnce {
		preemptible()
		j := min(next, cols-side)
		square.run(k, min(atOnce, cols-j), &b[j*bCol], bCol, &panel[j], width)
	}
}

// packA copies an m x k block of A so that its rows lie close together, with a
// pitch that spreads them over the cache's sets. The micro-kernels take A with any
// strides, so that the block keeps its order, and one that is not transposed is a
// copy of whole rows.
func packA[T Float](ks *kernelSet[T], w *workspace[T], a operand[T], m, k int) operand[T] {
	const line = 64 // bytes; an odd number of them from row to row, as at an even one rows share sets of the cache
	var z T
	perLine := line / int(unsafe.Sizeof(z))
	pitch := ((k+perLine-1)/perLine | 1) * perLine
	w.a = room(w.a, m*pitch)
	if a.trans {
		packTransposed(ks.square, a.data, a.col, w.a, m, k, pitch)
	} else {
		atOnce := max(copyWork/k, 1)
		for i := 0; i < m; i += atOnce {
			preemptible()
			ks.copyRows(min(atOnce, m-i), k, &a.data[i*a.row], a.row, &w.a[i*pitch], pitch)
		}
	}
	return operand[T]{data: w.a, row: pitch, col: 1, inOrder: a.trans || a.inOrder}
}
