package kernels

// tuning holds the numbers that decide how a product is computed: data, set
// by measurement, one value an instruction set and element type.
type tuning struct {
	vectors int // width of the micro-kernel of large products, in vectors
	kc      int // depth of a block of the five loops, in elements
	mc, nc  int // its rows and columns, which fit sets by the caches

	// Products with at most packRows rows read a B that is not transposed in
	// place: it would not be read often enough to pay for packing it.
	packRows int
	// Products with more than packColumns columns pack A if its rows (or, if it
	// is transposed, its columns) are at least packStride elements apart: so far
	// apart they share sets of the cache, and entries of the TLB.
	packColumns, packStride int
	// A last vector of at most tailColumns columns, behind two whole ones, is
	// computed by columns if k is at least tailDepth: a sum along k ends in adding up
	// a vector.
	tailColumns, tailDepth int
	// A thread is worth waking up for at least threadWork multiply-adds.
	threadWork int
}

// onePanel returns the kernel and the number of tiles that compute a product of
// this size in one call, as one panel of equal tiles, or no kernel. B must be
// contiguous along n.
func (ks *kernelSet[T]) onePanel(m, n, k int) (kernel microKernel[T], tiles int) {
	v := (n - 1) >> ks.laneShift
	if v >= len(ks.micro) || k > ks.tuning.kc || m < 2 {
		return nil, 0
	}
	kernels := ks.tiles(v+1, n)
	if m <= len(kernels) {
		return kernels[m-1], 1
	}
	if m > ks.tuning.packRows || ks.tailColumns(n, k) > 0 {
		return nil, 0
	}
	tiles = (m + len(kernels) - 1) / len(kernels)
	if h := m / tiles; h*tiles == m {
		return kernels[h-1], tiles
	}
	return nil, 0
}

// inPlace reports whether a product is one block, for one thread, whose
// operands are read where they are. B must be contiguous along n.
func (ks *kernelSet[T]) inPlace(m, n, k, lda int) bool {
	tu := &ks.tuning
	return m > 1 && m <= tu.packRows && m <= tu.mc && k <= tu.kc && n <= tu.nc && (n <= tu.packColumns || lda < tu.packStride) &&
		ks.tailColumns(n, k) == 0 && product3(m, n, k) < 2*tu.threadWork
}

// tailColumns says how many of the last columns of a product are computed on
// their own: a few columns would take as long as a whole vector of them.
func (ks *kernelSet[T]) tailColumns(n, k int) int {
	last := n & (ks.lanes - 1)
	if n == 1 || (last > 0 && last <= ks.tuning.tailColumns && n > 2*ks.lanes && k >= ks.tuning.tailDepth) {
		return max(last, 1)
	}
	return 0
}

// Caches that nobody told us about are taken to be of these sizes, in bytes, and
// those that are told are believed within limits: a virtual machine may report
// nothing, or the total of its host.
const (
	assumedL2, leastL2, mostL2 = 1 << 20, 256 << 10, 4 << 20
	assumedL3, leastL3, mostL3 = 16 << 20, 2 << 20, 64 << 20
)

// fit returns tu with the blocks that suit the caches: of the L2 cache, a block
// of A takes about a third, which leaves room for the panels of B that pass
// by; of the L3 cache, which other cores use as well, a block of B takes an eighth.
func (tu tuning) fit(mr, nr, size int, cpu CPUInfo) tuning {
	l2, l3 := cacheSize(cpu.L2, assumedL2, leastL2, mostL2), cacheSize(cpu.L3, assumedL3, leastL3, mostL3)
	tu.mc = max(l2*3/10/(tu.kc*size)/mr, 2) * mr
	tu.nc = max(l3/8/(tu.kc*size)/nr, 4) * nr
	return tu
}

func cacheSize(told, assumed, least, most int) int {
	if told <= 0 {
		return assumed
	}
	return min(max(told, least), most)
}
