package kernels

// GemmBatched computes count products of one shape, in one call:
//
//	C[i] = alpha * op(A[i]) * op(B[i]) + beta * C[i]    for i in 0..count-1
//
// where A[i] begins at a[i*strideA], and B[i] and C[i] likewise: the
// products are shared out among threads, or, where they are fewer than threads,
// each of them is.
// strideA and strideB may be 0, so that all products have that operand in
// common. The rest is as in [Gemm], with these differences: the products'
// results may not share elements with each other, which strideC >= (m-1)*ldc + n
// makes sure of, or strideC >= n with ldc >= (count-1)*strideC + n, where the
// rows of all results interleave; and the memory that c spans must not overlap
// that of a or b at all.
//
// GemmBatched panics as Gemm does, and on a negative count or stride. It does
// not allocate in steady state.
func GemmBatched[T Float](count int, transA, transB bool, m, n, k int, alpha T, a []T, lda, strideA int, b []T, ldb, strideB int, beta T, c []T, ldc, strideC int) {
	defaultOps[T]().GemmBatched(count, transA, transB, m, n, k, alpha, a, lda, strideA, b, ldb, strideB, beta, c, ldc, strideC)
}

// GemmBatched is [GemmBatched] on o's implementation.
func (o Ops[T]) GemmBatched(count int, transA, transB bool, m, n, k int, alpha T, a []T, lda, strideA int, b []T, ldb, strideB int, beta T, c []T, ldc, strideC int) {
	const fn = "GemmBatched"
	checkSize(fn, "count", count)
	checkSize(fn, "strideA", strideA)
	checkSize(fn, "strideB", strideB)
	checkSize(fn, "strideC", strideC)
	if count == 0 {
		return
	}
	last := count - 1
	product := checkGemm(fn, transA, transB, m, n, k, alpha, a, lda, b, ldb, c, ldc)
	cAll := checkBatch(fn, "c", c, m, n, ldc, last, strideC)
	if last > 0 && m > 0 && n > 0 && strideC < extent(m, n, ldc) && (strideC < n || ldc < extent(count, n, strideC)) {
		panicf("%s: strideC = %d with ldc = %d makes results share elements, want strideC >= %d", fn, strideC, ldc, extent(m, n, ldc))
	}
	if m == 0 || n == 0 {
		return
	}
	if !product {
		a, b = nil, nil // not read
	} else {
		aRows, aCols := stored(transA, m, k)
		bRows, bCols := stored(transB, k, n)
		checkApart(fn, "c", "a", cAll, checkBatch(fn, "a", a, aRows, aCols, lda, last, strideA))
		checkApart(fn, "c", "b", cAll, checkBatch(fn, "b", b, bRows, bCols, ldb, last, strideB))
	}
	w := borrowParcel[T]()
	w.batch = batch[T]{
		o: o.Threads(1), count: count, transA: transA, transB: transB, m: m, n: n, k: k,
		alpha: alpha, a: a, lda: lda, strideA: strideA, b: b, ldb: ldb, strideB: strideB,
		beta: beta, c: c, ldc: ldc, strideC: strideC,
	}
	threads := o.threadsFor(product3(product3(m, n, k), count, 1), o.ks.tuning.ThreadWork)
	w.batch.each = count
	if o.threadsFor(product3(m, n, k), o.ks.tuning.ThreadWork) > count { // few and large
		w.batch.o, threads = o, 1
	}
	threads = min(threads, count)
	if threads > 1 { // several pieces a thread even out what else the machine does
		w.batch.each = (count + 4*threads - 1) / (4 * threads)
	}
	share(&w.batch, (count+w.batch.each-1)/w.batch.each, threads)
	w.giveBack()
}

// checkBatch checks that a holds matrices of one size up to the last one, and
// returns what they span.
func checkBatch[T Float](fn, name string, a []T, rows, cols, ld, last, stride int) []T {
	if rows == 0 || cols == 0 {
		return nil
	}
	need := extent(last+1, extent(rows, cols, ld), stride)
	checkLen(fn, name, len(a), need)
	return a[:need]
}

// batch is the task of computing products, so many a piece, one after the other.
type batch[T Float] struct {
	o                         Ops[T]
	count, each               int
	transA, transB            bool
	m, n, k                   int
	alpha, beta               T
	a, b, c                   []T
	lda, ldb, ldc             int
	strideA, strideB, strideC int
}

func (t *batch[T]) piece(i, _ int) {
	for j := i * t.each; j < min((i+1)*t.each, t.count); j++ {
		var a, b []T
		if t.a != nil { // there is something to multiply
			a, b = t.a[j*t.strideA:], t.b[j*t.strideB:]
		}
		t.o.Gemm(t.transA, t.transB, t.m, t.n, t.k, t.alpha, a, t.lda, b, t.ldb, t.beta, t.c[j*t.strideC:], t.ldc)
	}
}
