package kernels

import "unsafe"

// MatMul sets the contiguous m x n matrix c to the product of the contiguous
// matrices a (m x k) and b (k x n): Gemm without transposes, alpha = 1, beta =
// 0 and leading dimensions k, n and n. The same rules hold.
func MatMul[T Float](c, a, b []T, m, n, k int) { defaultOps[T]().MatMul(c, a, b, m, n, k) }

// MatMul is [MatMul] on o's implementation.
func (o Ops[T]) MatMul(c, a, b []T, m, n, k int) {
	if m <= 0 || n <= 0 || k <= 0 || !reaches(a, m, k, k) || !reaches(b, k, n, n) || !reaches(c, m, n, n) ||
		!disjoint(c, reach(m, n, n), a, reach(m, k, k)) || !disjoint(c, reach(m, n, n), b, reach(k, n, n)) { // told in MatMul's own words
		checkGemm("MatMul", false, false, m, n, k, 1, a, k, b, n, c, n)
	}
	o.Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
}

// Gemm is the general matrix product of the BLAS, row-major:
//
//	C = alpha * op(A) * op(B) + beta * C
//
// with op(A) m x k, op(B) k x n and C m x n. Without transA, a holds A as an m
// x k matrix with leading dimension lda >= k; with it, as a k x m matrix with
// lda >= m, and op(A) is its transpose. b and transB likewise. ldc >= n.
//
// Any size may be 0. If beta = 0, C is not read, so that NaN in it does not
// spread. If alpha = 0 or k = 0, A and B are not read (and may be nil), and C is
// scaled by beta. NaN and Inf in the operands propagate by the rules of
// arithmetic. Sums are accumulated in T, in an order that depends on m, n, k,
// the transposes and the implementation, and on nothing else: the error is
// within the usual bound gamma(k+2) * (|alpha| |A| |B| + |beta| |C|) elementwise.
//
// No element of C may also be one of A or B. The matrices may be blocks of one
// larger matrix, whose rows interleave in memory. A may share elements with B.
//
// Gemm panics on a negative size, a leading dimension shorter than the row, a
// slice that ends before the last element used, and a shared element; C is
// unchanged then. It does not allocate in steady state.
//
// The algorithm is that of Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication" (2008), in the five loops of BLIS.
func Gemm[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	defaultOps[T]().Gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// Gemm is [Gemm] on o's implementation.
func (o Ops[T]) Gemm(transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	// What is in order is seen by a few comparisons, and so is a product of one tile, or one panel. Before
	// a tile no function is called but the one that computes it, as that has everything kept in memory,
	// in stores that wait behind those of C. smallWay says the same of both, to Plan, and to Gemm of what
	// is seen to be in order at a second glance.
	ks := o.ks
	aRows, aCols := stored(transA, m, k)
	bRows, bCols := stored(transB, k, n)
	if m > 0 && n > 0 && k > 0 && alpha != 0 && lda >= aCols && ldb >= bCols && ldc >= n &&
		reaches(a, aRows, aCols, lda) && reaches(b, bRows, bCols, ldb) && reaches(c, m, n, ldc) &&
		disjoint(c, reach(m, n, ldc), a, reach(aRows, aCols, lda)) && disjoint(c, reach(m, n, ldc), b, reach(bRows, bCols, ldb)) {
		if n <= len(ks.alone.byColumns) && n > 1 && m > 1 && k <= ks.tuning.KC && !transA && !transB && alpha == 1 && beta == 0 && nearRowsOfB[T](k, ldb) {
			kernels := ks.alone.byColumns[n-1][ks.depthClass(k)]
			if m <= len(kernels) {
				kernels[m-1](k, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, unsafe.SliceData(c), ldc, n, 1)
				return
			}
			if ks.inOnePanelAlone(m, n, k, lda, ldb, len(kernels)) {
				panelAlone(ks, m, n, k, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, unsafe.SliceData(c), ldc)
				return
			}
		}
	} else if !checkGemm("Gemm", transA, transB, m, n, k, alpha, a, lda, b, ldb, c, ldc) {
		scale(m, n, beta, c, ldc)
		return
	}
	way := undecided
	if !transB {
		switch way = ks.smallWay(transA, m, n, k, lda, ldb, alpha == 1 && beta == 0); way {
		case onePanelAlone:
			panelAlone(ks, m, n, k, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, unsafe.SliceData(c), ldc)
			return
		case lowPanelsAlone:
			panelsAlone(ks, m, n, k, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, unsafe.SliceData(c), ldc)
			return
		case inTilesAlone:
			tilesAlone(ks, m, n, k, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, unsafe.SliceData(c), ldc)
			return
		case inStrips:
			var x microArgs[T]
			x.set(k, alpha, unsafe.SliceData(a), lda, transA, unsafe.SliceData(b), ldb, beta, unsafe.SliceData(c), ldc)
			x.compute(ks, m, n, pairingOf(m, k, transA))
			return
		}
	}
	o.anyGemm(way, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, nil)
}

// anyGemm is Gemm, after the checks, whatever the product, and with an epilogue if e is not nil:
// apart from it, as arguments that are needed behind a call are kept in memory, and those of the
// smallest products need not be. way is what smallWay has decided, if it has.
func (o Ops[T]) anyGemm(way way, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int, e *epilogue[T]) {
	ks := o.ks
	if m == 1 && n > 1 && !transA && !transB && alpha == 1 && beta == 0 && e == nil {
		if kernel := ks.vecMatKernel(n, k); kernel != nil {
			kernel(k, &a[0], 1, &b[0], ldb, &c[0], n)
			return
		}
	}
	if ks.isRowOfB(transA, transB, m, n, k, ldb) {
		transB, ldb = false, n
	}
	// The way is the whole product's, and no piece of it adds up an element of C in another order
	// than the whole would: whoever computes what, the bits are the same.
	forOneThread := ks.forOneThread(product3(m, n, k)) && e == nil
	if way == undecided {
		way = ks.wayOf(transA, transB, m, n, k, forOneThread && alpha == 1 && beta == 0)
	}
	if way == inRegisters {
		inOneRow(ks, m, n, k, alpha, a, lda, transA, b, ldb, transB, beta, c, ldc)
		if e != nil {
			e.apply(c, m, n, ldc)
		}
		return
	}
	if forOneThread { // Filling in a product takes as long as many a small one: these ways take none.
		switch way {
		case inTiles:
			switch {
			case transB:
				if cols, width := ks.turnedAtOnce(m, n, k, lda, transA); cols > 0 {
					turnedStrips(ks, cols, width, m, n, k, alpha, a, lda, transA, b, ldb, beta, c, ldc, nil)
					return
				}
				way = inBlocks
			case !transA && ks.mayCopyTail(m, n, k) && stripsAndTail(ks, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
				return
			default:
				if way = ks.tilesOf(m, n, k, lda, ldb, transA, false); way == inStrips {
					var x microArgs[T]
					x.set(k, alpha, unsafe.SliceData(a), lda, transA, unsafe.SliceData(b), ldb, beta, unsafe.SliceData(c), ldc)
					x.compute(ks, m, n, pairingOf(m, k, transA))
					return
				}
				if n == 1 && !transA { // way is inBlocks, and the only column is a tail: see tailColumns
					oneColumn(ks, m, k, alpha, a, lda, false, b, ldb, beta, c, ldc)
					return
				}
			}
		case upright:
			uprightly(ks, m, n, k, unsafe.SliceData(a), lda, unsafe.SliceData(b), ldb, transB, unsafe.SliceData(c), ldc)
			return
		case inColumns:
			if !transA && k <= columnDepth {
				if zipped := ks.zippedFor(m, n, ldb); zipped != nil {
					dotTiles(zipped, m, n, k, alpha, unsafe.SliceData(a), lda, unsafe.SliceData(b), 1, beta, unsafe.SliceData(c), ldc, 1)
					return
				}
			}
			w := borrowWorkspace[T](caller)
			if transA {
				columnsAsRows(ks, w, m, n, k, ks.depth(n, k, true), alpha, a, lda, b, ldb, transB, beta, c, ldc)
			} else {
				columnsAlongK(ks, w, m, n, k, alpha, a, lda, b, ldb, 1, beta, c, ldc, ks.fromMemory(m, k))
			}
			w.giveBack()
			return
		case asDots, asDotsOfRows:
			dots(ks, way == asDotsOfRows, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
			return
		case asTurnedDots:
			w := borrowWorkspace[T](caller)
			dots(ks, true, m, n, k, alpha, turnedRows(ks, w, m, k, a, lda), k, b, ldb, beta, c, ldc)
			w.giveBack()
			return
		}
	}
	p := product[T]{ks: ks, way: way, m: m, n: n, k: k, alpha: alpha, beta: beta, c: c, ldc: ldc}
	p.a.set(a, lda, transA)
	p.b.set(b, ldb, transB)
	if e != nil {
		p.e = *e
	}
	p.compute(o)
}

// checkGemm checks the arguments of a product, and reports whether there is
// one: if not, A and B are not read.
func checkGemm[T Float](fn string, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, c []T, ldc int) bool {
	checkSize(fn, "m", m)
	checkSize(fn, "n", n)
	checkSize(fn, "k", k)
	checkMatrix(fn, "c", "ldc", c, m, n, ldc)
	if m == 0 || n == 0 || k == 0 || alpha == 0 {
		return false
	}
	aRows, aCols := stored(transA, m, k)
	bRows, bCols := stored(transB, k, n)
	checkMatrix(fn, "a", "lda", a, aRows, aCols, lda)
	checkMatrix(fn, "b", "ldb", b, bRows, bCols, ldb)
	checkNoSharedElement(fn, "c", "a", c, m, n, ldc, a, aRows, aCols, lda)
	checkNoSharedElement(fn, "c", "b", c, m, n, ldc, b, bRows, bCols, ldb)
	return true
}

// scale is C = beta*C.
func scale[T Float](m, n int, beta T, c []T, ldc int) {
	if n == 0 {
		return
	}
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		switch beta {
		case 0:
			clear(row)
		case 1:
		default:
			for j := range row {
				row[j] *= beta
			}
		}
	}
}

// stored returns the rows and columns of a matrix as it is stored, which may be transposed.
func stored(trans bool, rows, cols int) (int, int) {
	if trans {
		return cols, rows
	}
	return rows, cols
}

// An operand is a matrix with any strides: element (i, j) is at i*row + j*col.
type operand[T Float] struct {
	data     []T
	row, col int
	trans    bool // whether columns are contiguous, which a stride of 1 may leave open
	inOrder  bool // whether sums over k may not be split, whatever the strides
}

// set makes x the operand that is stored with leading dimension ld.
func (x *operand[T]) set(data []T, ld int, trans bool) {
	x.data, x.row, x.col, x.trans = data, ld, 1, trans
	if trans {
		x.row, x.col = 1, ld
	}
}

// ld returns the leading dimension: one of the strides is 1.
func (x *operand[T]) ld() int { return x.row * x.col }

func stridesOf[T Float](data []T, ld int, trans bool) (x operand[T]) {
	x.set(data, ld, trans)
	return x
}

// from returns the operand that starts at element (i, j).
func (x operand[T]) from(i, j int) operand[T] {
	x.data = x.data[i*x.row+j*x.col:]
	return x
}

// transposed returns the transpose of x.
func (x operand[T]) transposed() operand[T] {
	return operand[T]{data: x.data, row: x.col, col: x.row, trans: !x.trans}
}
