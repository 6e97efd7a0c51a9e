package kernels

import (
	"math"
	"unsafe"
)

// What is read where it is, and what is packed: by sizes, how far rows are apart, and tuning.

// onePanel reports whether a small product is computed as one panel of tiles, all operands
// in place. B must be contiguous along n.
func (ks *kernelSet[T]) onePanel(m, n, k, ldb int, transA bool) bool {
	const addedRows = 8
	if n > len(ks.byColumns) || k > ks.tuning.KC || m < 2 {
		return false
	}
	if m <= len(ks.byColumns[n-1][pairingOf(m, k, transA)]) {
		return n > 1 || k < ks.tuning.TailDepth || transA && m < addedRows // or vectors along k or m are better filled
	}
	return !ks.packsB(m, n, k, ldb, false) && ks.tailColumns(m, n, k, transA) == 0 && product3(m, n, k) <= callWork
}

// inPlace reports whether a product is one block, for one thread, whose operands are read where
// they are. B must be contiguous along n. A is one block if it is no larger than one of depth KC,
// however many rows that are: on a CPU whose L2 cache leaves AVX2 30 rows of float64, 48x48x48
// takes 0.9 of the time, 50x15x3 0.45. So is B, however many columns: 3x2500x3 with a transposed B
// takes 0.4.
func (ks *kernelSet[T]) inPlace(m, n, k, lda, ldb int, transA bool) bool {
	return m > 1 && k <= ks.depthOf(m, n, k, transA) &&
		(m*k <= ks.blockOfA || ks.blockOfRows(m, n, k, math.MaxInt, transA) == m) && n*k <= ks.blockOfB &&
		!ks.packsB(m, n, k, ldb, false) && !ks.packsA(m, n, k, lda, transA) &&
		ks.tailColumns(m, n, k, transA) == 0 && ks.forOneThread(product3(m, n, k))
}

// fitsStrips reports whether a product is so small that its multiply-adds need not be bounded, and
// rows of its A are so near that tiles of all heights read them.
func (ks *kernelSet[T]) fitsStrips(m, n, k, lda int, transA bool) bool {
	return product3(m, n, k) <= callWork && rowsAtOnce[T](lda, transA) == math.MaxInt
}

// stripsInPlace reports whether a product is in place and fits strips.
func (ks *kernelSet[T]) stripsInPlace(m, n, k, lda, ldb int, transA bool) bool {
	return ks.inPlace(m, n, k, lda, ldb, transA) && ks.fitsStrips(m, n, k, lda, transA)
}

// turnedAtOnce returns how many columns of a transposed B are turned at a time for a product that is
// small enough in strips then, and how far apart the rows are that they are turned to; 0 if it is
// not. They are all columns or, of few steps of k, as many as stay in the L2 cache, without which
// 2x50000x4 would take twice the time.
func (ks *kernelSet[T]) turnedAtOnce(m, n, k, lda int, transA bool) (cols, width int) {
	const near = 128 << 10 // bytes of B, which stay in the L2 cache
	var z T
	most := near / int(unsafe.Sizeof(z))
	cols = n
	if n*k > most && k < turnedSingly {
		cols = ks.blockOfColumns(n, most/k)
	}
	// An odd number of vectors from row to row: an even one would share sets of the L1 cache.
	width = ((cols+ks.lanes-1)>>ks.laneShift | 1) << ks.laneShift
	if ks.onePanel(m, n, k, width, transA) ||
		(cols < n || k*width <= most) && ks.stripsInPlace(m, n, k, lda, width, transA) {
		return cols, width
	}
	return 0, 0
}

// small reports whether a product is of a size at which inPlace depends on nothing but packsA,
// packsB, tailColumns and, before it is asked, isThin and isUneven. nearRows and
// nearColumns tell that A is not packed.
func (ks *kernelSet[T]) small(m, n, k int) bool {
	work := product3(m, n, k)
	return m*k <= ks.blockOfA && n*k <= ks.blockOfB && work < callWork && ks.forOneThread(work)
}

// nearRows reports whether rows are so near that they are not packed, and tiles of all heights read them.
func (ks *kernelSet[T]) nearRows(lda int) bool {
	var z T
	return lda < ks.tuning.PackStride && lda*int(unsafe.Sizeof(z)) < setPeriod-setNear
}

// sharing is by how many bytes more or less than a multiple of setPeriod rows may be apart to share
// sets of the caches: as in asm.
const sharing = 15

// sharesSets reports whether rows so many elements apart share sets of the caches, not only of the
// first-level one.
func sharesSets[T Float](ld int) bool {
	var z T
	row := ld * int(unsafe.Sizeof(z))
	return row >= setPeriod-sharing && (row+sharing)%setPeriod <= 2*sharing
}

// packsA reports whether A, lda elements from row to row of what is stored, is
// packed for an m x n product of depth k: not for one panel, which reads it but once, nor for a few
// columns, for which Gemm does not ask.
func (ks *kernelSet[T]) packsA(m, n, k, lda int, trans bool) bool {
	tu := &ks.tuning
	switch {
	case n <= max(ks.nr(), fewUpright):
		return false
	case trans && ks.turnsScattered(n, k, lda):
		return true
	case n <= tu.PackColumns:
		return false
	case trans:
		return lda >= tu.TurnStride || k >= tu.TurnDepth && m >= tu.TurnRows
	}
	return lda >= tu.PackStride
}

// turnsScattered reports whether a transposed A is turned for n columns because of where its own are.
func (ks *kernelSet[T]) turnsScattered(n, k, lda int) bool {
	return n > max(ks.tuning.TurnColumns, ks.nr()) && lda >= ks.tuning.TurnStride && ks.scattered(k, lda)
}

// scattered reports whether k columns, so many elements apart, share sets of the cache or are in too many pages.
func (ks *kernelSet[T]) scattered(k, lda int) bool {
	const page = 4 << 10
	var z T
	return sharesSets[T](lda) || product3(k, lda, int(unsafe.Sizeof(z)))/page >= ks.tuning.TurnPages
}

// nearRow is how many bytes rows of B are apart at most for no micro-kernel to fetch what the next
// panel has of them, and nearBytes how many all of them span at most, if they are further apart:
// farRow and farBytes in asm. AVX2 goes by other things.
const nearRow, nearBytes = 2 << 10, 512 << 10

// nearBytesOf reports whether k rows of B, so many elements apart, span so little that they are near.
func nearBytesOf[T Float](k, row int) bool {
	var z T
	return k*row < nearBytes/int(unsafe.Sizeof(z))
}

// isLarge reports whether k rows of an operand in place, so many elements apart, span so much that
// they come from memory: of B, on Zen 3 of 32 MiB, what they span from 12 MiB on is up to 2.8 times
// as fast if it is fetched by panels, up to 10 MiB 0.7 to 0.9 times, and at 11 either.
func isLarge[T Float](k, row int) bool {
	const least = 11 << 20 // bytes
	var z T
	return k*row >= least/int(unsafe.Sizeof(z))
}

// packsB reports whether B, of n columns, is packed for a product of m rows and depth k: in line, if there are few rows.
func (ks *kernelSet[T]) packsB(m, n, k, ldb int, trans bool) bool {
	return trans || m > ks.leastPacked && ks.packsRows(m, n, k, ldb)
}

// packsRows is packsB for a B that is not transposed, and more rows than are never enough.
func (ks *kernelSet[T]) packsRows(m, n, k, ldb int) bool {
	// Of the L1 cache: so few steps do not crowd it. Large products, ldb taken for n, pack B all
	// the same, as its panels are read in many blocks.
	const ways = 8
	var z T
	tu := &ks.tuning
	row := ldb * int(unsafe.Sizeof(z))
	apart := row > nearRow
	crowding := crowds[T](ldb) && (k > ways || product3(m, ldb, k) > callWork)
	nearCrowding := ks.nearCrowds(m, k, row)
	crowded := crowding && m > tu.CrowdedRows && product3(n, k, int(unsafe.Sizeof(z))) <= tu.CrowdedBytes
	if m <= ks.rowsInPlace(k, ldb) && !crowded && !nearCrowding {
		return false
	}
	return k > tu.PackDepth || ks.splits(m, n, k, row) || crowding || apart && m*k > tu.PackWork || nearCrowding
}

// splits reports whether a B in place, in rows so many bytes long, would be slower for that: where
// these are no multiple of half a cache line, vectors lie in two lines, and a panel takes a line more
// of the L1 cache for each row. On Ice Lake 250x250x250 in place takes 1.21 times as long as packed,
// 80 random shapes 1.1 times on average (float64 1.07). For one panel packing makes no difference, but
// 784x50x100 with a transposed A, computed beside it, would take 1.12 times as long; and a product of less than
// callWork/2 would be done in the time of packing.
func (ks *kernelSet[T]) splits(m, n, k, row int) bool {
	const half, many = 32, 96 // bytes, and rows of A
	depth := ks.tuning.SplitDepth
	if m > many {
		depth /= 2
	}
	return k > depth && n > len(ks.byColumns) && row <= nearRow && row%half != 0 && product3(m, n, k) >= callWork/2
}

// rowsInPlace returns how many rows of A read k rows of B in place, so many elements apart, whatever
// else there is to be said of them.
func (ks *kernelSet[T]) rowsInPlace(k, ldb int) int {
	const large = 6 << 20 // bytes
	var z T
	switch tu := &ks.tuning; {
	case isLarge[T](k, ldb):
		return min(tu.PackRows, tu.FetchedRows)
	case k*ldb >= large/int(unsafe.Sizeof(z)):
		return min(tu.PackRows, tu.LargeRows)
	default:
		return tu.PackRows
	}
}

// crowds reports whether rows so many elements apart, more than nearRow, share sets of the L1
// cache, or do by turns.
func crowds[T Float](ld int) bool {
	const period = setPeriod / 2
	var z T
	row := ld * int(unsafe.Sizeof(z))
	return row > nearRow && (row+sharing)%period <= 2*sharing
}

// nearCrowdingRows is how many rows of A read a B in place however near its rows crowd.
const nearCrowdingRows = 32

// nearCrowds reports whether rows of B, so many bytes apart and no more than nearRow, share sets of
// the L1 cache, and m rows of A read them so often that packing B pays, with AVX2, which packs in
// its tiles: on Zen 3 those of 2 KiB 1.05 to 1.15 times as fast from 33 rows on (for 20 0.8), and
// those of 1.5 KiB, of more than PackRows, 1.03 to 1.1. Rows of 512 and 1024 bytes do not.
func (ks *kernelSet[T]) nearCrowds(m, k, row int) bool {
	const crowded = 1536 // bytes
	return ks.packing != nil && m > nearCrowdingRows && k >= 48 && (row == nearRow || row == crowded && m > ks.tuning.PackRows)
}
