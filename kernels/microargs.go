package kernels

import (
	"runtime"
	"unsafe"
)

// A microKernel computes panels of C, v vectors of columns each: in each of them
// the given number of tiles, one below the other, and for each tile
//
//	for i in 0..h-1, j in 0..cols-1:
//		s = sum over p in 0..k-1 of a[i*aRow + p*aCol] * b[p*bRow + j]
//		x = alpha*s + beta*c[i*ldc + j]    (c is not read if beta = 0)
//		x += bias[j]                       (if bias is not nil)
//		x = 0 where x <= 0                 (if relu is not 0)
//		x = 0 where mask[i*maskRow + j] <= 0  (if mask is not nil)
//		c[i*ldc + j] = x
//	a += h*aRow;  c += h*ldc;  mask += h*maskRow
//
// where h and v are the kernel's own and (v-1)*lanes < cols <= v*lanes. It touches no
// element outside those. Strides count elements; aRow or aCol is 1, unless h or k is.
//
// From panel to panel b moves on by bStep, and c, bias and mask by v vectors; after the
// call it is open what they and panels are. There is more than one panel only if
// cols = v*lanes, in kernels of whole vectors.
type microKernel[T Float] func(x *microArgs[T])

// microArgs is what a micro-kernel is called with, in memory, as there is more of
// it than registers: written once for many calls, each of which changes a few
// fields. The generator in asm has the same fields in the same order.
type microArgs[T Float] struct {
	k             int
	a             *T
	aRow          int
	b             *T
	bRow          int
	c             *T
	ldc, cols     int
	tiles, aCol   int
	alpha, beta   T
	bias, mask    *T // nil for none
	maskRow, relu int

	panels, bStep int

	// largeB is not 0 if B is a block of a matrix whose panels are to be fetched, however little the
	// block spans: for AVX2, of one that is in no cache but the last one. Kernels of AVX-512 take it
	// for so many steps of k more: farSteps are enough.
	// whole is not 0 if AVX-512 stores vectors of C whole, not as two halves: see Tuning.WholeBytes.
	largeB, whole int

	extra *microExtra[T]

	// What a call needs while it runs. maskAt is no pointer to Go, as it may end
	// up behind what it points into.
	tilesLeft int
	maskAt    uintptr
}

// microExtra is what kernels take that do something else as well. What of it belongs to
// which kernel is said where they are declared.
type microExtra[T Float] struct {
	panel, from                *T
	fromRow, left, each, rests int

	sums    *T
	sumsRow int
	sumsAt  uintptr // as maskAt
}

// setBlock sets what all micro-kernels of p, a block, are called with. Fields are
// set where they are: a copy of what was written just before waits for it.
func (x *microArgs[T]) setBlock(p *product[T]) {
	x.k, x.aRow, x.aCol, x.ldc = p.k, p.a.row, p.a.col, p.ldc
	x.maskRow, x.relu, x.alpha, x.beta = p.e.ldmask, p.e.relu, p.alpha, p.beta
	x.whole = p.ks.storesWhole(p.m, p.n, p.k)
}

// inTiles computes m rows of one panel in equal tiles, or in tiles of two heights.
func (x *microArgs[T]) inTiles(kernels []microKernel[T], m int) {
	h, tall, short := m, 1, 0
	if m > len(kernels) {
		h, tall, short = splitEqually(m, len(kernels))
	}
	x.tiles, x.panels = tall, 1
	x.run(kernels[h-1])
	if short > 0 {
		rows := tall * h
		x.tiles, x.panels = short, 1
		x.a, x.c, x.mask = shifted(x.a, rows*x.aRow), shifted(x.c, rows*x.ldc), shiftedIf(x.mask, rows*x.maskRow)
		x.run(kernels[h-2])
	}
}

// set sets operands that are in place, A as it is stored or transposed. C has no epilogue.
func (x *microArgs[T]) set(k int, alpha T, a *T, lda int, transA bool, b *T, ldb int, beta T, c *T, ldc int) {
	x.k, x.a, x.aRow, x.aCol, x.b, x.bRow = k, a, lda, 1, b, ldb
	if transA {
		x.aRow, x.aCol = 1, lda
	}
	x.c, x.ldc, x.alpha, x.beta = c, ldc, alpha, beta
}

// storesWhole returns 1 if vectors of an m x n C, or block of it, are stored whole: one that is near,
// or of so many steps of k that it makes no odds where it is.
func (ks *kernelSet[T]) storesWhole(m, n, k int) int {
	const deep = 32 // steps of k
	var z T
	most := ks.tuning.WholeBytes
	if most > 0 && (k >= deep || m*n*int(unsafe.Sizeof(z)) <= most) {
		return 1
	}
	return 0
}

// callRows and callElements bound the rows of a call of assembly, and what it computes of C in
// several panels: callWork does not where there are few steps of k, and tiles take longer than them.
const callRows, callElements = 1 << 11, 1 << 16

// compute computes m rows of n columns, all in place, of a product of no more than callWork:
// macroKernel in less time.
func (x *microArgs[T]) compute(ks *kernelSet[T], m, n int, ending pairing) {
	x.whole = ks.storesWhole(m, n, x.k)
	rows := min(m, callRows)
	if n > len(ks.byColumns) {
		rows = min(rows, ks.lowRows(m, n, x.k, x.ldc))
	}
	if rows == m {
		x.rowsOf(ks, m, n, ending)
		return
	}
	a, b, c, bias, mask := x.a, x.b, x.c, x.bias, x.mask
	for i := 0; i < m; i += rows {
		preemptible()
		x.a, x.b, x.c, x.bias, x.mask = shifted(a, i*x.aRow), b, shifted(c, i*x.ldc), bias, shiftedIf(mask, i*x.maskRow)
		x.rowsOf(ks, min(rows, m-i), n, ending)
	}
}

// rowsOf is compute for rows that go through all of B at a time.
func (x *microArgs[T]) rowsOf(ks *kernelSet[T], m, n int, ending pairing) {
	if n <= len(ks.byColumns) {
		x.cols = n
		x.inTiles(ks.byColumns[n-1][ending], m)
	} else {
		x.strips(ks, m, n, ending)
	}
}

// strips is rowsOf for more columns than a panel has.
func (x *microArgs[T]) strips(ks *kernelSet[T], m, n int, ending pairing) {
	wide, a, b, c, bias, mask := ks.widthInPlace(m, n, false), x.a, x.b, x.c, x.bias, x.mask
	epilogue := bias != nil || mask != nil
	var tallest, h, tall, short int
	for jr := 0; jr < n; {
		_, cols, equal := ks.panels(n-jr, wide)
		kernels := ks.byColumns[cols-1][ending]
		if len(kernels) != tallest { // a division takes as long as some steps of a tile
			tallest = len(kernels)
			h, tall, short = split(m, tallest)
		}
		if m*n > callElements && equal > 1 {
			equal = min(equal, max(callElements/(m*cols), 1))
			preemptible()
		}
		together := ks.panelsTogether(equal, cols, x.k, short == 0)
		x.tiles, x.panels, x.cols, x.bStep = tall, together, cols, cols
		x.a, x.b, x.c = a, shifted(b, jr), shifted(c, jr)
		if epilogue {
			x.bias, x.mask = shiftedIf(bias, jr), shiftedIf(mask, jr)
		}
		x.run(kernels[h-1])
		if short > 0 {
			rows := tall * h
			x.tiles, x.panels = short, together
			x.a, x.b, x.c = shifted(a, rows*x.aRow), shifted(b, jr), shifted(c, rows*x.ldc+jr)
			if epilogue {
				x.bias, x.mask = shiftedIf(bias, jr), shiftedIf(mask, rows*x.maskRow+jr)
			}
			x.run(kernels[h-2])
		}
		jr += together * cols
	}
}

// runWith calls a micro-kernel with x and y.
func (x *microArgs[T]) runWith(kernel microKernel[T], y *microExtra[T]) {
	x.extra = (*microExtra[T])(hidden(unsafe.Pointer(y)))
	x.run(kernel)
	runtime.KeepAlive(unsafe.Pointer(y))
}

// run calls a micro-kernel. The compiler takes it for granted that a function in a
// variable keeps its arguments, which would put x on the heap; that no
// micro-kernel does is hidden from it. Therefore it has to be told, too, that x and what it
// points to are in use until the call returns, as a pointer of no type, which takes no look at T's.
func (x *microArgs[T]) run(kernel microKernel[T]) {
	kernel((*microArgs[T])(hidden(unsafe.Pointer(x))))
	runtime.KeepAlive(unsafe.Pointer(x))
}

// hidden returns p, whose origin the compiler does not see. What it points to is still found when
// a stack is copied, as any pointer into a variable on it is.
//
//go:nocheckptr
func hidden(p unsafe.Pointer) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), uintptr(p)) }

// shifted returns p moved on by n elements.
func shifted[T any](p *T, n int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), n*int(unsafe.Sizeof(*p))))
}

// shiftedIf is shifted for a p that may be nil, and is then.
func shiftedIf[T any](p *T, n int) *T {
	if p == nil {
		return nil
	}
	return shifted(p, n)
}
