package kernels

import "unsafe"

// Epilogue is what a product does to C on the way to memory, in this order.
// The zero Epilogue does nothing.
type Epilogue[T Float] struct {
	// Bias, if not nil, is added to every row of C. It has n elements.
	Bias []T
	// ReLU replaces by 0 what is <= 0, as [ReLU] does.
	ReLU bool
	// Mask, if not nil, is an m x n matrix with leading dimension LDMask, and C
	// becomes 0 where it is <= 0: the product with the mask of a stored
	// activation, as [ReLUGrad] does.
	Mask   []T
	LDMask int
}

// GemmFused is [Gemm] with an epilogue: C = e(alpha*op(A)*op(B) + beta*C), in one
// pass over C. The forward pass of a layer is a product with Bias and ReLU, its
// backward pass one with Mask, and beta = 1 accumulates. The rules of Gemm
// hold; the epilogue is applied where alpha or k is 0 as well. Bias and Mask
// may not share elements with C. GemmFused panics on a Bias, Mask or LDMask that
// is too short.
func GemmFused[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int, e Epilogue[T]) {
	defaultOps[T]().GemmFused(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, e)
}

// GemmFused is [GemmFused] on o's implementation.
func (o Ops[T]) GemmFused(transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int, e Epilogue[T]) {
	multiplies := checkGemm("GemmFused", transA, transB, m, n, k, alpha, a, lda, b, ldb, c, ldc)
	ep := e.check("GemmFused", m, n, c, ldc)
	if multiplies {
		o.anyGemm(undecided, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, &ep)
		return
	}
	scale(m, n, beta, c, ldc)
	ep.apply(c, m, n, ldc)
}

// check checks the arguments of e for an m x n matrix c, and returns e as the
// kernels take it.
func (e Epilogue[T]) check(fn string, m, n int, c []T, ldc int) (ep epilogue[T]) {
	if e.Bias != nil {
		checkLen(fn, "e.Bias", len(e.Bias), n)
		checkNoSharedElement(fn, "c", "e.Bias", c, m, n, ldc, e.Bias, 1, n, n)
		ep.bias = unsafe.SliceData(e.Bias)
	}
	if e.Mask != nil {
		checkMatrix(fn, "e.Mask", "e.LDMask", e.Mask, m, n, e.LDMask)
		checkNoSharedElement(fn, "c", "e.Mask", c, m, n, ldc, e.Mask, m, n, e.LDMask)
		ep.mask, ep.ldmask = unsafe.SliceData(e.Mask), e.LDMask
	}
	if e.ReLU {
		ep.relu = 1
	}
	return ep
}

// epilogue is an Epilogue as the micro-kernels take it.
type epilogue[T Float] struct {
	bias, mask   *T // nil for none
	ldmask, relu int
}

// at returns the epilogue of the part of C that begins at (i, j).
func (e epilogue[T]) at(i, j int) epilogue[T] {
	e.bias, e.mask = shiftedIf(e.bias, j), shiftedIf(e.mask, i*e.ldmask+j)
	return e
}

// apply does what e says to an m x n matrix c, for those parts of a product
// that no micro-kernel computes.
func (e epilogue[T]) apply(c []T, m, n, ldc int) {
	if e.bias == nil && e.mask == nil && e.relu == 0 || n == 0 {
		return
	}
	for i := range m {
		row := c[i*ldc:][:n]
		if e.bias != nil {
			for j, x := range unsafe.Slice(e.bias, n) {
				row[j] += x
			}
		}
		if e.relu != 0 {
			portableReLU(row, row)
		}
		if e.mask != nil {
			portableReLUGrad(row, row, unsafe.Slice(e.at(i, 0).mask, n))
		}
	}
}
