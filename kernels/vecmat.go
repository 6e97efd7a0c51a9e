package kernels

import "unsafe"

// What is a vector times a matrix whose rows are contiguous: a product of one row or, transposed, of
// one column.

// vecMatWork and vecMatRows bound the multiply-adds of a call of a vecMatKernel and the rows of the
// matrix, which may come from memory, and each from a page of its own.
const vecMatWork, vecMatRows = 1 << 17, 1 << 10

// vecMatDepth is how many steps of k a call for so many columns takes, at most: sums of more are
// added up, so that the bits depend on it.
func vecMatDepth(cols int) int { return min(vecMatWork/cols, vecMatRows) }

// fitsRegisters reports whether a vector times a k x n matrix is computed in registers, in panels of
// as many columns as there are kernels for, and in one thread: a matrix so near that reading a part of
// each of its rows at a time is no loss, or one of a single panel, which is read as it lies, and which
// threads would not share.
func (ks *kernelSet[T]) fitsRegisters(n, k int) bool {
	var z T
	return product3(n, k, int(unsafe.Sizeof(z))) <= ks.tuning.VecMatBytes && len(ks.vecMat) > 0 ||
		n <= len(ks.vecMat)*ks.lanes && (n <= leastOfColumns || product3(n, k, 1) <= vecMatWork)
}

// vecMatKernel returns the kernel that computes a vector times a k x n matrix in a call, nil if there
// is none. Such a product fitsRegisters.
func (ks *kernelSet[T]) vecMatKernel(n, k int) vecMatKernel[T] {
	if v := (n - 1) >> ks.laneShift; v < len(ks.vecMat) && k <= vecMatDepth(n) {
		return ks.vecMat[v]
	}
	return nil
}

// inOneRow computes a product whose op(A) is a row and op(B) stored as it is, or whose op(B) is a
// column and op(A) stored as its transpose. It takes no product, as filling one in takes as long as
// many a small one's sums.
func inOneRow[T Float](ks *kernelSet[T], m, n, k int, alpha T, a []T, lda int, transA bool, b []T, ldb int, transB bool, beta T, c []T, ldc int) {
	if m == 1 && n > 1 {
		step := 1
		if transA {
			step = lda
		}
		vecMat(ks, n, k, alpha, a, step, b, ldb, beta, c, 1)
		return
	}
	step := ldb
	if transB {
		step = 1
	}
	vecMat(ks, m, k, alpha, b, step, a, lda, beta, c, ldc)
}

// vecMat is y = alpha*x*B + beta*y, of n columns.
func vecMat[T Float](ks *kernelSet[T], n, k int, alpha T, x []T, xStep int, b []T, ldb int, beta T, y []T, yStep int) {
	if yStep == 1 && alpha == 1 && beta == 0 { // the sums are the result
		vecMatSums(ks, n, k, x, xStep, b, ldb, y)
		return
	}
	w := borrowWorkspace[T](caller)
	w.a = room(w.a, n)
	vecMatSums(ks, n, k, x, xStep, b, ldb, w.a)
	for j, s := range w.a {
		s *= alpha
		if beta != 0 {
			s += beta * y[j*yStep]
		}
		y[j*yStep] = s
	}
	w.giveBack()
}

// vecMatSums is y = x*B.
func vecMatSums[T Float](ks *kernelSet[T], n, k int, x []T, xStep int, b []T, ldb int, y []T) {
	cols := evenly(n, len(ks.vecMat)*ks.lanes, ks.lanes)
	for depth := vecMatDepth(cols); n > 0; n -= cols {
		cols = min(cols, n)
		kernel := ks.vecMat[(cols-1)>>ks.laneShift]
		kernel(min(k, depth), &x[0], xStep, &b[0], ldb, &y[0], cols)
		if k > depth {
			part := borrowWorkspace[T](caller)
			part.b = room(part.b, cols)
			for pc := depth; pc < k; pc += depth {
				preemptible()
				kernel(min(k-pc, depth), &x[pc*xStep], xStep, &b[pc*ldb], ldb, &part.b[0], cols)
				ks.add(y[:cols], y[:cols], part.b)
			}
			part.giveBack()
		}
		if n > cols {
			preemptible()
			b, y = b[cols:], y[cols:]
		}
	}
}
