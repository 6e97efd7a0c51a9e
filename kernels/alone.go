package kernels

// An aloneKernel computes a tile that is a product of its own,
//
//	for i in 0..h-1, j in 0..cols-1:
//		c[i*ldc + j] = sum over p in 0..k-1 of a[i*aRow + p] * b[p*bRow + j]
//
// to the bits of the microKernel for it, and in less time: its arguments fit registers. A store of
// one in memory takes a place in the store queue, behind those of C, and where there are no more, the CPU waits for the
// multiply-adds of the product before. 8x8x8 takes 0.95 of the time, 4x48x4 in float32 0.75.
type aloneKernel[T Float] func(k int, a *T, aRow int, b *T, bRow int, c *T, ldc, cols int)

// aloneKernels are those for the micro-kernels of micro, of halves and of pairs along k.
type aloneKernels[T Float] struct {
	whole, halves, pairs [][]aloneKernel[T]

	// byColumns[n-1][p][h-1] is the one of them for n columns. There is none along m.
	byColumns [][pairsAlongM][]aloneKernel[T]
}

// arrangeAlone brings ks.alone in the order of columns.
func (ks *kernelSet[T]) arrangeAlone() {
	alone := &ks.alone
	alone.byColumns = make([][pairsAlongM][]aloneKernel[T], len(alone.whole)*ks.lanes)
	for i := range alone.byColumns {
		cols, v := i+1, i>>ks.laneShift+1
		tiles := alone.whole[v-1]
		if ks.halfLast(v, cols) {
			tiles = alone.halves[v-1]
		}
		pairs := tiles
		if ks.endsInPair(cols) && v <= len(alone.pairs) {
			pairs = alone.pairs[v-1]
		}
		alone.byColumns[i] = [pairsAlongM][]aloneKernel[T]{noPairs: tiles, pairsAlongK: pairs}
	}
}

// twoAlone computes m rows in two tiles.
func twoAlone[T Float](kernels []aloneKernel[T], m, n, k int, a *T, lda int, b *T, ldb int, c *T, ldc int) {
	upper := (m + 1) / 2
	kernels[upper-1](k, a, lda, b, ldb, c, ldc, n)
	kernels[m-upper-1](k, shifted(a, upper*lda), lda, b, ldb, shifted(c, upper*ldc), ldc, n)
}
