package kernels

// PackedB is a matrix B in the order in which the micro-kernels of one
// implementation and [Tuning] read it: pack once, multiply many times. It holds a copy, so
// that the matrix it was made from may change or go. It is immutable, and safe
// for concurrent use. Make one with [PackB].
type PackedB[T Float] struct {
	im     *Implementation
	tuning Tuning
	k, n   int
	kc     int // depth of a block
	padded int // columns with the padding, whole vectors
	data   []T
}

// Dims returns the size of the matrix: k rows and n columns.
func (b *PackedB[T]) Dims() (k, n int) { return b.k, b.n }

// Implementation returns the implementation that b was packed for.
func (b *PackedB[T]) Implementation() *Implementation { return b.im }

// PackB packs op(B), k x n, for products on the default implementation: b
// holds B as a k x n matrix with leading dimension ldb >= n or, with transB, as
// an n x k matrix with ldb >= k. It panics as [Gemm] does. It allocates what the
// packed matrix needs: k*n elements, n rounded up to whole vectors.
func PackB[T Float](transB bool, k, n int, b []T, ldb int) *PackedB[T] {
	return defaultOps[T]().PackB(transB, k, n, b, ldb)
}

// PackB is [PackB] for o's implementation.
func (o Ops[T]) PackB(transB bool, k, n int, b []T, ldb int) *PackedB[T] {
	checkSize("PackB", "k", k)
	checkSize("PackB", "n", n)
	if transB {
		checkMatrix("PackB", "b", "ldb", b, n, k, ldb)
	} else {
		checkMatrix("PackB", "b", "ldb", b, k, n, ldb)
	}
	p := &PackedB[T]{im: o.ks.im, tuning: o.ks.tuning, k: k, n: n}
	if k == 0 || n == 0 {
		return p
	}
	p.kc = o.ks.depth(n, k, false)
	p.padded = (n + o.ks.lanes - 1) / o.ks.lanes * o.ks.lanes
	p.data = Aligned[T](k * p.padded)
	op := stridesOf(b, ldb, transB)
	for pc := 0; pc < k; pc += p.kc {
		kb := min(p.kc, k-pc)
		packPanels(o.ks, p.data[pc*p.padded:][:kb*p.padded], op.from(pc, 0), kb, n)
	}
	return p
}

// panels returns the panels of block pc of k from column col on, a multiple of NR.
func (b *PackedB[T]) panels(pc, col int) panels[T] {
	kb := min(b.kc, b.k-pc)
	return panels[T]{data: b.data[pc*b.padded+col*kb:], step: kb}
}

// GemmPacked is [GemmFused] with a packed B: C = e(alpha*op(A)*B + beta*C), with
// op(A) m x k and C m x n, where k and n are those of b. The bits of the result
// depend on m, n, k, transA, the implementation and its tuning alone; they need not be those
// of Gemm. It panics as GemmFused does, and if b was packed for another
// implementation, or with other Vectors or KC of its Tuning. It does not allocate in steady state.
func GemmPacked[T Float](transA bool, m int, alpha T, a []T, lda int, b *PackedB[T], beta T, c []T, ldc int, e Epilogue[T]) {
	defaultOps[T]().GemmPacked(transA, m, alpha, a, lda, b, beta, c, ldc, e)
}

// GemmPacked is [GemmPacked] on o's implementation.
func (o Ops[T]) GemmPacked(transA bool, m int, alpha T, a []T, lda int, b *PackedB[T], beta T, c []T, ldc int, e Epilogue[T]) {
	const fn = "GemmPacked"
	if b == nil {
		panicf("%s: b = nil, want a matrix from PackB", fn)
	}
	if b.im != o.ks.im {
		panicf("%s: b was packed for %s, want %s", fn, b.im, o.ks.im)
	}
	if was, is := &b.tuning, &o.ks.tuning; was.Vectors != is.Vectors || was.KC != is.KC {
		panicf("%s: b was packed with Vectors = %d and KC = %d, want %d and %d: the tuning that multiplies packs", fn, was.Vectors, was.KC, is.Vectors, is.KC)
	}
	k, n := b.k, b.n
	checkSize(fn, "m", m)
	checkMatrix(fn, "c", "ldc", c, m, n, ldc)
	ep := e.check(fn, m, n, c, ldc)
	if m == 0 || n == 0 || k == 0 || alpha == 0 {
		scale(m, n, beta, c, ldc)
		ep.apply(c, m, n, ldc)
		return
	}
	aRows, aCols := stored(transA, m, k)
	checkMatrix(fn, "a", "lda", a, aRows, aCols, lda)
	checkNoSharedElement(fn, "c", "a", c, m, n, ldc, a, aRows, aCols, lda)
	p := product[T]{
		ks: o.ks, way: inBlocks, m: m, n: n, k: k, kc: b.kc,
		alpha: alpha, a: stridesOf(a, lda, transA), packed: b, beta: beta, c: c, ldc: ldc, e: ep,
	}
	p.asBlocks(o)
}
