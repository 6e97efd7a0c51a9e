package kernels

// Gemv is the product of a matrix and a vector of the BLAS, row-major:
//
//	y = alpha * op(A) * x + beta * y
//
// A is m x n, stored as in [Gemm] with leading dimension lda >= n. Without
// trans, x has n elements and y m; with it, op(A) is the transpose of A, x has m
// elements and y n. Element i of x is x[i*incX], that of y y[i*incY]: an
// increment of 1 is a contiguous vector, one of ld a column of a row-major matrix
// with leading dimension ld. Increments are positive.
//
// The rest is as in Gemm. If beta = 0, y is not read. If alpha = 0 or x has no
// elements, A and x are not read (and may be nil), and y is scaled by beta. No
// element of y may also be one of A or x, but all three may interleave in one
// larger matrix. Sums are accumulated in T, in an order that depends on m, n,
// trans and the implementation, and on nothing else: every number of threads
// gives the same bits, which need not be those of Gemm. The error is within
// gamma(k+2) * (|alpha| |A| |x| + |beta| |y|), where k is the length of x.
//
// Gemv panics on a negative size, an increment below 1, a leading dimension
// shorter than the row, a slice that ends before the last element used, and a
// shared element; y is unchanged then. It does not allocate in steady state.
func Gemv[T Float](trans bool, m, n int, alpha T, a []T, lda int, x []T, incX int, beta T, y []T, incY int) {
	defaultOps[T]().Gemv(trans, m, n, alpha, a, lda, x, incX, beta, y, incY)
}

// Gemv is [Gemv] on o's implementation.
func (o Ops[T]) Gemv(trans bool, m, n int, alpha T, a []T, lda int, x []T, incX int, beta T, y []T, incY int) {
	rows, k := m, n // of op(A)
	if trans {
		rows, k = n, m
	}
	// As in Gemm: what is in order is seen by a few comparisons.
	if m <= 0 || n <= 0 || alpha == 0 || lda < n || incX < 1 || incY < 1 ||
		!reaches(a, m, n, lda) || !reaches(x, k, 1, incX) || !reaches(y, rows, 1, incY) ||
		!disjoint(y, reach(rows, 1, incY), a, reach(m, n, lda)) || !disjoint(y, reach(rows, 1, incY), x, reach(k, 1, incX)) {
		if !checkGemv(m, n, rows, k, alpha, a, lda, x, incX, y, incY) {
			scale(rows, 1, beta, y, incY)
			return
		}
	}
	if trans && o.ks.fitsRegisters(rows, k) {
		vecMat(o.ks, rows, k, alpha, x, incX, a, lda, beta, y, incY)
		return
	}
	if product3(rows, 1, k)/2 < o.ks.tuning.ThreadWork {
		oneColumn(o.ks, rows, k, alpha, a, lda, trans, x, incX, beta, y, incY)
		return
	}
	// y is a matrix of one column, which has the increment for a leading dimension.
	p := product[T]{
		ks: o.ks, m: rows, n: 1, k: k,
		alpha: alpha, a: stridesOf(a, lda, trans), b: operand[T]{data: x, row: incX, col: 1}, beta: beta, c: y, ldc: incY,
	}
	p.asColumns(o)
}

// checkGemv checks the arguments of Gemv for an op(A) of rows x k, and reports
// whether there is a product: if not, A and x are not read.
func checkGemv[T Float](m, n, rows, k int, alpha T, a []T, lda int, x []T, incX int, y []T, incY int) bool {
	const fn = "Gemv"
	checkSize(fn, "m", m)
	checkSize(fn, "n", n)
	checkVector(fn, "y", "incY", y, rows, incY)
	if rows == 0 || k == 0 || alpha == 0 {
		return false
	}
	checkMatrix(fn, "a", "lda", a, m, n, lda)
	checkVector(fn, "x", "incX", x, k, incX)
	checkNoSharedElement(fn, "y", "a", y, rows, 1, incY, a, m, n, lda)
	checkNoSharedElement(fn, "y", "x", y, rows, 1, incY, x, k, 1, incX)
	return true
}
