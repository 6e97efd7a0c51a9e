package kernels

// An uprightKernel computes a product of few columns, with a transposed A,
//
//	for i in 0..rows-1, j in 0..columns-1:
//		c[i*ldc + j] = sum over p in 0..k-1 of a[p*aCol + i] * b[p*bRow + j*bCol]
//
// where columns is the kernel's own, in vectors that run down the columns of C, and are turned when
// they are written. These are fuller than rows of few columns, and a transposed B is read as it is.
// Each sum is that of a tile, to the bit. The kernel's width is counted in units: (w-1)*unit < rows
// <= w*unit. bRow or bCol is 1.
type uprightKernel[T Float] func(k int, a *T, aCol int, b *T, bRow, bCol int, c *T, ldc, rows int)

// goesUpright reports whether a product with a transposed A is computed by upright kernels, if
// alpha = 1 and beta = 0. With a transposed B these save turning it, a third of a cycle for an
// element and a hundred before it, and the turning of C takes a quarter. Over 1300 random shapes of
// TT this loses 1 to 1.5% against the better way, and over 1200 of TN the rule of savesUpright 1%.
// 15x2x7 TT takes 0.4 of the time, 32x8x32 0.8, 16x2x31 TN 0.5, 104x6x36 in float64 0.8.
func (ks *kernelSet[T]) goesUpright(m, n, k int, transB bool) bool {
	few := ks.tuning.UprightColumns
	switch {
	case few == 0 || m < 2 || n < 2 || k > ks.tuning.KC && ks.depth(n, k, true) < k:
		return false
	case !transB:
		return ks.mayGoUpright(m, n, k) && ks.savesUpright(m, n, k)
	case n <= min(few, fewUpright): // the smallest have no time to ask
		return true
	}
	upright := max(n*ks.inUnits(m), (n+7)/8*ks.atLeast)
	return ks.costs.vector*k*(max(m*ks.inUnits(n), ks.atLeast)-upright) > ks.lanes*(m*n-k*n*5/4-beforeRows)
}

// mayGoUpright reports whether a product with a transposed A alone may go upright: with more than a
// few columns, and deeper than UprightDepth, rows of the transpose that end in a pair are better.
func (ks *kernelSet[T]) mayGoUpright(m, n, k int) bool {
	return n <= ks.tuning.UprightColumns && m > latency && k > shallowest && (n <= fewUpright || k <= ks.tuning.UprightDepth || !ks.endsInPair(m))
}

// fewUpright is up to how many columns no other way with vectors along m is better.
const fewUpright = 8

// savesUpright reports, for more rows than latency, whether vectors along m are so much fuller than
// those of few columns that it saves the time of turning them: an eighth of a cycle for an element
// of C, and some sixteen. Rows of a single unit wait for A, which they read for each multiply-add:
// 40x4x295 in float64 takes 0.75 of the time upright.
func (ks *kernelSet[T]) savesUpright(m, n, k int) bool {
	tiles := m * ks.inUnits(n)
	if n <= ks.unit {
		tiles += tiles / 8
	}
	return ks.costs.vector*k*(tiles-max(n*ks.inUnits(m), ks.atLeast)) > ks.lanes*(m*n/2+64) ||
		k >= ks.tuning.LoneDepth && ks.savesLoads(m, n, k)
}

// savesLoads is savesUpright where tiles of one vector, or of half of one, take as long as their
// loads, a quarter longer than the multiply-adds of others, at least; and vectors along m, of which
// there are three and more, do not. A full panel is no such tile, as it may be thin; of more columns
// than a vector this says no more than savesUpright.
func (ks *kernelSet[T]) savesLoads(m, n, k int) bool {
	tiles, upright := m*ks.lanes*5/4, n*((m+ks.lanes-1)&^(ks.lanes-1))
	return n != ks.nr() && m > 2*ks.lanes && wholeVectors*k*(tiles-upright) > ks.lanes*(m*n/2+64)
}

// mostUpright is the largest UprightColumns, far more than pay: with more, what is plain could have
// blocks of another depth than what is not.
func (ks *kernelSet[T]) mostUpright() int {
	if ks.upright == nil {
		return 0
	}
	return 64
}

// inUnits returns the number of columns that take as long as n.
func (ks *kernelSet[T]) inUnits(n int) int { return (n + ks.unit - 1) &^ (ks.unit - 1) }

// uprightly computes a product with a transposed A by upright kernels, in groups of as many columns
// as there are kernels for.
func uprightly[T Float](ks *kernelSet[T], m, n, k int, a *T, lda int, b *T, ldb int, transB bool, c *T, ldc int) {
	bRow, bCol := ldb, 1
	if transB {
		bRow, bCol = 1, ldb
	}
	vectors := (m-1)>>ks.unitShift + 1
	if vectors <= len(ks.upright) && n <= len(ks.upright[vectors-1]) { // 144 instructions would go before it otherwise
		ks.upright[vectors-1][n-1](k, a, lda, b, bRow, bCol, c, ldc, m)
		return
	}
	// As many as kernels of two whole vectors have: those of one, with AVX-512, load so much for each
	// multiply-add that Ice Lake, which loads or broadcasts 1.1 vectors of 512 bits a cycle, has half the speed.
	each := evenly(n, len(ks.upright[min(vectors, 2<<(ks.laneShift-ks.unitShift))-1]), 1)
	widest := min(vectors, len(ks.upright))
	for len(ks.upright[widest-1]) < each {
		widest--
	}
	rows := widest << ks.unitShift
	for first := 0; first < n; first += each {
		cols := min(each, n-first)
		b, c, i := shifted(b, first*bCol), shifted(c, first), 0
		for ; m-i > rows; i += rows {
			if i&(callRows-1) < rows {
				preemptible()
			}
			ks.upright[widest-1][cols-1](k, shifted(a, i), lda, b, bRow, bCol, shifted(c, i*ldc), ldc, rows)
		}
		ks.upright[(m-i-1)>>ks.unitShift][cols-1](k, shifted(a, i), lda, b, bRow, bCol, shifted(c, i*ldc), ldc, m-i)
	}
}
