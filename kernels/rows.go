package kernels

// The operations of this file work on the rows of contiguous m x n matrices.

// AddBias adds bias, of length n, to every row of the m x n matrix src:
// dst[i,j] = src[i,j] + bias[j]. dst may be src, but may not overlap it
// otherwise, and may not overlap bias.
func AddBias[T Float](dst, src, bias []T, m, n int) { defaultOps[T]().AddBias(dst, src, bias, m, n) }

// AddBias is [AddBias] on o's implementation.
func (o Ops[T]) AddBias(dst, src, bias []T, m, n int) {
	dst = contiguous("AddBias", "dst", dst, m, n)
	src = contiguous("AddBias", "src", src, m, n)
	checkLen("AddBias", "bias", len(bias), n)
	bias = bias[:n]
	checkInPlace("AddBias", "dst", "src", dst, src)
	checkApart("AddBias", "dst", "bias", dst, bias)
	for i := 0; i < len(dst); i += n {
		row, x := dst[i:i+n], src[i:i+n]
		for from, to := range stretches[T](n) {
			o.ks.add(row[from:to], x[from:to], bias[from:to])
		}
	}
}

// BiasGrad is the backward pass of [AddBias] for the bias: it sets dst, of
// length n, to the sum of the rows of the m x n matrix grad, added from the
// first row to the last. dst may not overlap grad.
func BiasGrad[T Float](dst, grad []T, m, n int) { defaultOps[T]().BiasGrad(dst, grad, m, n) }

// BiasGrad is [BiasGrad] on o's implementation.
func (o Ops[T]) BiasGrad(dst, grad []T, m, n int) {
	grad = contiguous("BiasGrad", "grad", grad, m, n)
	checkLen("BiasGrad", "dst", len(dst), n)
	dst = dst[:n]
	checkApart("BiasGrad", "dst", "grad", dst, grad)
	clear(dst)
	w := borrowWorkspace[T](caller)
	most := len(o.ks.addRows)
	w.b = room(w.b, most)
	for i := range w.b {
		w.b[i] = 1
	}
	for j := 0; j < n; j += alongM {
		for i := 0; i < m; i += most {
			preemptible()
			h := min(most, m-i)
			o.ks.addRows[h-1](min(alongM, n-j), &w.b[0], &grad[i*n+j], n, &dst[j])
		}
	}
	w.giveBack()
}

// Argmax returns the index of the largest element of x, the first one if there
// are several. NaN counts as the largest, as in NumPy. It panics if x is empty.
func Argmax[T Float](x []T) int {
	if len(x) == 0 {
		panicf("Argmax: len(x) = 0, want >= 1")
	}
	best := 0
	for i, v := range x {
		if v != v {
			return i
		}
		if v > x[best] {
			best = i
		}
	}
	return best
}

// ArgmaxRows sets dst[i] to [Argmax] of row i of the m x n matrix x, n >= 1.
func ArgmaxRows[T Float](dst []int, x []T, m, n int) {
	x = contiguous("ArgmaxRows", "x", x, m, n)
	checkLen("ArgmaxRows", "dst", len(dst), m)
	if m > 0 && n == 0 {
		panicf("ArgmaxRows: n = 0, want >= 1")
	}
	for i := range m {
		dst[i] = Argmax(x[i*n : (i+1)*n])
	}
}

// contiguous checks that a holds an m x n matrix and cuts off what is behind it.
func contiguous[T Float](fn, name string, a []T, m, n int) []T {
	checkSize(fn, "m", m)
	checkSize(fn, "n", n)
	checkLen(fn, name, len(a), extent(m, n, n))
	return a[:m*n]
}
