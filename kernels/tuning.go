package kernels

// tuning holds the numbers that decide how a product is computed: data, set
// by measurement, one value an instruction set and element type.
type tuning struct {
	vectors    int // width of the micro-kernel of large products, in vectors
	mc, kc, nc int // blocks of the five loops, in elements

	// Products with at most packRows rows read B in place: it would not be read
	// often enough to pay for packing it.
	packRows int
	// Products with more than packColumns columns pack A if its rows (or, if it
	// is transposed, its columns) are at least packStride elements apart: so far
	// apart they share sets of the cache, and entries of the TLB.
	packColumns, packStride int
	// A last vector of at most tailColumns columns is computed by columns.
	tailColumns int
	// A thread is worth waking up for at least threadWork multiply-adds.
	threadWork int
}

// tailColumns says how many of the last columns of a product are computed on
// their own: a few columns would take as long as a whole vector of them.
func (ks *kernelSet[T]) tailColumns(n int) int {
	last := n & (ks.lanes - 1)
	if n == 1 || (last > 0 && last <= ks.tuning.tailColumns && n > ks.lanes) {
		return max(last, 1)
	}
	return 0
}
