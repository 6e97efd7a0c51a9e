package kernels

import "unsafe"

// columns computes p where B has so few columns that a vector of them would
// be mostly empty: vectors run along k where A's rows are contiguous, and along
// m where its columns are. Gemv is the case n = 1. p has no epilogue.
func (p *product[T]) columns() {
	w := borrowWorkspace[T](p.thread)
	switch {
	case !p.a.trans:
		columnsAlongK(p.ks, w, p.m, p.n, p.k, p.alpha, p.a.data, p.a.row, p.b.data, p.b.row, p.b.col, p.beta, p.c, p.ldc, p.far)
	case p.n > 1:
		columnsAsRows(p.ks, w, p.m, p.n, p.k, p.kc, p.alpha, p.a.data, p.a.ld(), p.b.data, p.b.ld(), p.b.trans, p.beta, p.c, p.ldc)
	default:
		columnAlongM(p.ks, w, p.m, p.k, p.alpha, p.a, p.b, p.beta, p.c, p.ldc, p.far)
	}
	w.giveBack()
}

// oneColumn computes a product of one column in one thread, as asColumns does. It takes no product, as
// filling one in takes as long as many a small one's sums.
func oneColumn[T Float](ks *kernelSet[T], m, k int, alpha T, a []T, lda int, transA bool, b []T, bRow int, beta T, c []T, ldc int) {
	w := borrowWorkspace[T](caller)
	far := ks.fromMemory(m, k)
	if transA {
		columnAlongM(ks, w, m, k, alpha, stridesOf(a, lda, true), operand[T]{data: b, row: bRow, col: 1}, beta, c, ldc, far)
	} else {
		columnsAlongK(ks, w, m, 1, k, alpha, a, lda, b, bRow, 1, beta, c, ldc, far)
	}
	w.giveBack()
}

// dots computes p, both of whose operands are contiguous along k as they lie, and which has no epilogue.
func (p *product[T]) dots() {
	dots(p.ks, p.way == asDotsOfRows, p.m, p.n, p.k, p.alpha, p.a.data, p.a.row, p.b.data, p.b.col, p.beta, p.c, p.ldc)
}

// dots is Gemm with B transposed, where A or B has so few rows that turning B would take as long as the
// product, in one thread. They are the few columns of the product, or ofRows, of its transpose, in groups for
// which there are kernels. It takes no product, as filling one in takes as long as a small one's sums.
func dots[T Float](ks *kernelSet[T], ofRows bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	const near = 128 << 10 // bytes of the other operand, which stay in the L2 cache from group to group
	var z T
	size := int(unsafe.Sizeof(z))
	// Columns of a group stay in the L1 cache while the other operand streams by.
	depth, most := evenly(k, 5<<10/size, 64), len(ks.dot)
	cRow, cCol := ldc, 1
	if ofRows {
		m, n, a, lda, b, ldb, cRow, cCol = n, m, b, ldb, a, lda, 1, ldc
	}
	if n <= most && k <= depth && m*k <= near/size {
		// One group and one piece, and less than dotWork: dotTiles in line. 2x2x109 takes 0.8 of
		// the time, 7x3x30 0.9.
		kernels := ks.dot[n-1]
		whole, rest := 0, m
		if h := len(kernels); m >= h {
			whole = int(uint(m) / uint(h))
			kernels[h-1](whole, k, &a[0], lda, &b[0], ldb, &c[0], cRow, cCol, alpha, beta)
			rest -= whole * h
		}
		if rest > 0 {
			kernels[rest-1](1, k, &a[(m-rest)*lda], lda, &b[0], ldb, &c[(m-rest)*cRow], cRow, cCol, alpha, beta)
		}
		return
	}
	groups, block := int(uint(n+most-1)/uint(most)), m
	if m*k > near/size {
		block = max(near/size/k, 16)
	}
	for ic := 0; ic < m; ic += block {
		for i := range groups {
			first, next := int(uint(i*n)/uint(groups)), int(uint((i+1)*n)/uint(groups))
			added := beta
			for pc := 0; pc < k; pc += depth {
				dotTiles(ks.dot[next-first-1], min(block, m-ic), next-first, min(depth, k-pc), alpha,
					&a[ic*lda+pc], lda, &b[first*ldb+pc], ldb, added, &c[ic*cRow+first*cCol], cRow, cCol)
				added = 1
			}
		}
	}
}

// turnedRows returns the m x k matrix that is stored by columns, lda apart, in w, row by row.
func turnedRows[T Float](ks *kernelSet[T], w *workspace[T], m, k int, a []T, lda int) []T {
	w.a = room(w.a, m*k)
	packTransposed(ks.square, a, lda, w.a, m, k, k)
	return w.a
}

// columnDepth is how far dot products of the columns of a matrix run at a time, in
// elements: a column of B stays in the cache meanwhile. dotWork is how many multiply-adds a call of
// assembly does, of at most dotRows rows: it cannot be preempted, and A may come from memory.
const columnDepth, dotWork, dotRows = 8192, 1 << 18, 1 << 13

// columnsAlongK computes a product of few columns, in blocks of k. Columns of B that are not
// contiguous are brought together in w, unless there are kernels that take them as they are. far
// says that A comes from memory.
func columnsAlongK[T Float](ks *kernelSet[T], w *workspace[T], m, n, k int, alpha T, a []T, lda int, b []T, bRow, bCol int, beta T, c []T, ldc int, far bool) {
	zipped := ks.zippedFor(m, n, bRow)
	for pc := 0; pc < k; pc += columnDepth {
		kb := min(columnDepth, k-pc)
		columns, apart := b[pc*bRow:], bCol
		if bRow != 1 && k > 1 && zipped == nil { // they are brought together
			w.b = room(w.b, n*kb)
			if n > 1 {
				packTransposed(ks.square, columns, bRow, w.b, n, kb, kb)
			} else {
				for p := range w.b {
					w.b[p] = columns[p*bRow]
				}
			}
			columns, apart = w.b, kb
		}
		switch {
		case zipped != nil:
			dotTiles(zipped, m, n, kb, alpha, &a[pc], lda, &columns[0], 1, beta, &c[0], ldc, 1)
		case far && n == 1 && ks.dotFar != nil:
			dotTiles(ks.dotFar, m, n, kb, alpha, &a[pc], lda, &columns[0], apart, beta, &c[0], ldc, 1)
		case n <= len(ks.dot):
			dotTiles(ks.dot[n-1], m, n, kb, alpha, &a[pc], lda, &columns[0], apart, beta, &c[0], ldc, 1)
		default:
			dots(ks, false, m, n, kb, alpha, a[pc:], lda, columns, apart, beta, c, ldc)
		}
		beta = 1
	}
}

// zippedFor returns the kernels for m rows and n columns of B, with rows of bRow elements, that
// take these columns as they are, or nil. They take them apart for each tile anew, so that with
// many rows bringing them together is better.
func (ks *kernelSet[T]) zippedFor(m, n, bRow int) []dotKernel[T] {
	if bRow != n || n < 2 || n-2 >= len(ks.zipped) || m*n > 16*len(ks.zipped[n-2]) {
		return nil
	}
	return ks.zipped[n-2]
}

// dotTiles computes tiles of dot products of n columns, by the kernels for so many, whose elements (i, j)
// go to c[i*cRow + j*cCol].
func dotTiles[T Float](kernels []dotKernel[T], m, n, k int, alpha T, a *T, aRow int, b *T, bCol int, beta T, c *T, cRow, cCol int) {
	h := len(kernels)
	mb := m // rows of a call
	if m*n*k > dotWork || m > dotRows {
		mb = max(min(dotWork/(k*n), dotRows)/h, 1) * h
	}
	for ic := 0; ic < m; ic += mb {
		preemptible()
		rows := min(mb, m-ic)
		whole := int(uint(rows) / uint(h))
		if whole > 0 {
			kernels[h-1](whole, k, shifted(a, ic*aRow), aRow, b, bCol, shifted(c, ic*cRow), cRow, cCol, alpha, beta)
		}
		if rest := rows - whole*h; rest > 0 {
			at := ic + rows - rest
			kernels[rest-1](1, k, shifted(a, at*aRow), aRow, b, bCol, shifted(c, at*cRow), cRow, cCol, alpha, beta)
		}
	}
}

// fromMemory reports whether an m x k matrix is so large that it may be in no cache, and had better
// be fetched.
func (ks *kernelSet[T]) fromMemory(m, k int) bool {
	var z T
	return ks.tuning.FetchBytes < never && m*k > ks.tuning.FetchBytes/int(unsafe.Sizeof(z))
}

// alongM is how many sums stay in the L1 cache while what is added to them
// streams by.
const alongM = 4096

// columnAlongM adds multiples of A's columns, contiguous, to the column of C. far is as above.
func columnAlongM[T Float](ks *kernelSet[T], w *workspace[T], m, k int, alpha T, a, b operand[T], beta T, c []T, ldc int, far bool) {
	direct := ldc == 1 && alpha == 1 && beta == 0 // the sums are the result
	w.a = room(w.a, min(m, alongM))
	most := len(ks.addRows)
	addMost := ks.addRows[most-1]
	if far && ks.addFar != nil {
		addMost = ks.addFar
	}
	w.b = room(w.b, most)
	for ic := 0; ic < m; ic += alongM {
		mb := min(alongM, m-ic)
		column, sums := c[ic*ldc:], w.a[:mb]
		if direct {
			sums = column[:mb]
		}
		clear(sums)
		for p := 0; p < k; p += most {
			preemptible()
			h := min(most, k-p)
			for i := range h {
				w.b[i] = b.data[(p+i)*b.row]
			}
			add := addMost
			if h < most {
				add = ks.addRows[h-1]
			}
			add(mb, &w.b[0], &a.data[ic+p*a.col], a.col, &sums[0])
		}
		if direct {
			continue
		}
		for i, s := range sums {
			s *= alpha
			if beta != 0 {
				s += beta * column[i*ldc]
			}
			column[i*ldc] = s
		}
	}
}

// columnsAsRows computes the transpose of C, of which a block stays in the L1
// cache, from the transpose of B and from A, transposed, as it is, whose columns are contiguous:
// vectors run along m and are full. Each sum is that of a tile, to the bit.
func columnsAsRows[T Float](ks *kernelSet[T], w *workspace[T], m, n, k, kc int, alpha T, a []T, lda int, b []T, ldb int, transB bool, beta T, c []T, ldc int) {
	mc := evenly(m, max(alongM/n, 1), ks.nr())
	w.a = room(w.a, n*mc)
	rows := w.a
	// What is added to C can wait until the sums are there, if all are in one block of k: one copy less.
	adds := beta == 1 && n < ks.square.side && k <= kc
	if adds {
		beta = 0
	}
	for ic := 0; ic < m; ic += mc {
		mb := min(mc, m-ic)
		if beta != 0 {
			packTransposed(ks.square, c[ic*ldc:], ldc, rows, n, mb, mc)
		}
		if k <= kc && ks.fitsStrips(n, mb, k, ldb, !transB) && !isLarge[T](k, lda) { // which strips do not fetch
			rowsInStrips(ks, n, mb, k, alpha, &b[0], ldb, !transB, &a[ic], lda, beta, &rows[0], mc)
		} else {
			rowsInBlocks(ks, n, mb, k, kc, alpha, b, ldb, !transB, a[ic:], lda, beta, rows, mc)
		}
		if adds {
			addTransposed(rows, mc, c[ic*ldc:], mb, n, ldc)
		} else {
			packTransposed(ks.square, rows, mc, c[ic*ldc:], mb, n, ldc)
		}
	}
}

// rowsInStrips computes an m x n block of the transpose, of a product that fits strips. It takes no
// product, as filling one in takes as long as some of the tiles.
func rowsInStrips[T Float](ks *kernelSet[T], m, n, k int, alpha T, a *T, lda int, transA bool, b *T, ldb int, beta T, c *T, ldc int) {
	var x microArgs[T]
	x.set(k, alpha, a, lda, transA, b, ldb, beta, c, ldc)
	ending := noPairs
	if transA {
		ending = pairingOf(m, k, true)
	}
	x.compute(ks, m, n, ending)
}

// rowsInBlocks is rowsInStrips for any product.
func rowsInBlocks[T Float](ks *kernelSet[T], m, n, k, kc int, alpha T, a []T, lda int, transA bool, b []T, ldb int, beta T, c []T, ldc int) {
	rows := stridesOf(a, lda, transA)
	rows.inOrder = true
	block := product[T]{ks: ks, m: m, n: n, alpha: alpha, beta: beta, c: c, ldc: ldc}
	large := isLarge[T](k, ldb)
	for pc := 0; pc < k; pc += kc {
		block.k, block.a = min(kc, k-pc), rows.from(0, pc)
		block.macroKernel(&panels[T]{data: b[pc*ldb:], row: ldb, step: 1, large: large}, nil)
		block.beta = 1
	}
}

// addTransposed adds an n x m matrix of few rows to the transpose of one, c.
func addTransposed[T Float](rows []T, ld int, c []T, m, n, ldc int) {
	for ; n >= 2; n -= 2 {
		first, second := rows[:m], rows[ld:][:m]
		for i, x := range first {
			pair := (*[2]T)(c[i*ldc:])
			pair[0] += x
			pair[1] += second[i]
		}
		rows, c = rows[2*ld:], c[2:]
	}
	if n > 0 {
		for i, x := range rows[:m] {
			c[i*ldc] += x
		}
	}
}
