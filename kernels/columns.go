package kernels

// columns computes p where B has so few columns that a vector of them would
// be mostly empty: vectors run along k where A's rows are contiguous, and along
// m where its columns are. GEMV is the case n = 1. It leaves the epilogue to the caller.
func (p *product[T]) columns() {
	w := borrowWorkspace[T]()
	if p.a.col == 1 {
		columnsAlongK(p.ks, w, p.m, p.n, p.k, p.alpha, p.a, p.b, p.beta, p.c, p.ldc)
	} else {
		columnsAlongM(p.ks, w, p.m, p.n, p.k, p.alpha, p.a, p.b, p.beta, p.c, p.ldc)
	}
	w.giveBack()
}

// dotDepth is how far dot products run at a time, in elements: a column of B
// stays in the cache meanwhile. dotWork is how many multiply-adds a call of
// assembly does: it cannot be preempted, and A may come from memory.
const dotDepth, dotWork = 8192, 1 << 18

func columnsAlongK[T Float](ks *kernelSet[T], w *workspace[T], m, n, k int, alpha T, a, b operand[T], beta T, c []T, ldc int) {
	bData, bCol := b.data, b.col
	if b.row != 1 && k > 1 {
		w.b = room(w.b, n*k)
		for j := range n {
			column, src := w.b[j*k:][:k], b.data[j*b.col:][:(k-1)*b.row+1]
			for p := range column {
				column[p] = src[p*b.row]
			}
		}
		bData, bCol = w.b, k
	}
	kernels := ks.dot[n-1]
	h := len(kernels)
	for pc := 0; pc < k; pc += dotDepth {
		kb := min(dotDepth, k-pc)
		mb := max(dotWork/(kb*n)/h, 1) * h // rows of a call
		for ic := 0; ic < m; ic += mb {
			rows := min(mb, m-ic)
			if whole := rows / h; whole > 0 {
				kernels[h-1](whole, kb, &a.data[ic*a.row+pc], a.row, &bData[pc], bCol, &c[ic*ldc], ldc, alpha, beta)
			}
			if rest := rows % h; rest > 0 {
				at := ic + rows - rest
				kernels[rest-1](1, kb, &a.data[at*a.row+pc], a.row, &bData[pc], bCol, &c[at*ldc], ldc, alpha, beta)
			}
		}
		beta = 1
	}
}

// Blocks of the product along m: so many elements of a column of C stay in the
// L1 cache while so many columns of A stream by.
const alongM, alongMDepth = 2048, 16

func columnsAlongM[T Float](ks *kernelSet[T], w *workspace[T], m, n, k int, alpha T, a, b operand[T], beta T, c []T, ldc int) {
	direct := n == 1 && ldc == 1 && alpha == 1 && beta == 0 // the sums are the result
	w.a = room(w.a, n*min(m, alongM))
	width := len(ks.micro) * ks.lanes
	for ic := 0; ic < m; ic += alongM {
		mb := min(alongM, m-ic)
		sums, be := w.a, T(0)
		if direct {
			sums = c[ic:]
		}
		for pc := 0; pc < k; pc += alongMDepth {
			kb := min(alongMDepth, k-pc)
			for i := 0; i < mb; i += width {
				cols := min(width, mb-i)
				v := (cols + ks.lanes - 1) / ks.lanes
				ks.micro[v-1][n-1](1, kb, &b.data[pc*b.row], b.col, b.row, &a.data[ic+i+pc*a.col], a.col, &sums[i], mb, cols, 1, be, nil, nil, 0, 0)
			}
			be = 1
		}
		if direct {
			continue
		}
		for i := range mb {
			row := c[(ic+i)*ldc:][:n]
			for j := range row {
				s := alpha * sums[j*mb+i]
				if beta != 0 {
					s += beta * row[j]
				}
				row[j] = s
			}
		}
	}
}
