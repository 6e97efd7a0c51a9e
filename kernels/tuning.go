package kernels

import (
	"fmt"
	"math"
	"unsafe"
)

// Tuning holds the numbers that decide how an implementation computes products
// of one element type: data, set by measurement ("lanewise tune" repeats it),
// and blocks that follow from the CPU's caches. [Ops.Tuning] tells them, and
// [Ops.Tuned] takes others. What they change is the time that a product takes, and
// its bits, which depend on them as on the implementation, within the same bound.
type Tuning struct {
	// Vectors and Rows are the width, in vectors, and the height of the tiles that
	// large products are made of. Rows = 0 is the tallest there are of that width.
	Vectors, Rows int
	// KC is the depth of a block of the five loops, in elements: for so many
	// multiply-adds an element of C is loaded and stored. Half as much again is still one
	// block; and where B has so few columns that it takes little of the cache, blocks are deeper, up to 4096.
	KC int
	// MC is how many rows of A a block has, for the second-level cache, and NC how many columns of
	// B, for the third. Both are rounded up to whole tiles; half as many rows again are still one
	// block. A block deeper than KC has so many fewer rows, or if three times as many are all there
	// are, those; and a small product whose A is no larger than MC rows of depth KC, and B than NC
	// columns, is one block.
	MC, NC int

	// Products with at most PackRows rows read a B that is not transposed in place: it would not be
	// read often enough to pay for packing it. So do those of a depth of at most PackDepth if the
	// rows of B are near each other, up to 2 KiB: a panel of it then stays in the first-level cache
	// as it is. It does not with rows of 1.5 or 2 KiB: AVX2 packs them from 48 rows of A and k = 48
	// on. Of rows that are further apart, a few steps of k stay there, too: products whose A has at
	// most PackWork elements read them in place, unless they are about a multiple of 2 KiB apart.
	// Where they are, and k is more than 8 or the product large, products with more than
	// CrowdedRows rows pack them, if these are fewer than PackRows.
	PackRows, CrowdedRows, PackDepth, PackWork int
	// Products with more than PackColumns columns pack A if its rows are at least PackStride
	// elements apart, or if it is transposed, its columns at least TurnStride: so far apart they
	// share sets of the cache, and entries of the TLB. A transposed A is turned thereby, as a tile
	// reads little of each cache line. However near they are, so is one of at least TurnRows rows
	// and a depth of TurnDepth: each tile would read all of its lines, which with those of B are
	// more than the first-level cache has.
	PackColumns, PackStride, TurnStride, TurnDepth, TurnRows int
	// For a transposed A whose columns are at least TurnStride apart and share sets of the cache,
	// as those about a multiple of 4 KiB apart do, the smaller one of PackColumns and TurnColumns
	// counts.
	TurnColumns int
	// A product with a transposed A alone that has more columns than 8 and UprightColumns, and at
	// most ThinColumns, is thin, unless it is small, or m and n are no more than 96 bytes of
	// elements: it reads A in place whatever the stride, or where its columns share sets of the
	// cache turns it, in blocks of depth ThinDepth instead of KC. Each step of k takes a cache line
	// of A, little of which the tile reads: of so few steps, these lines and the panel of B stay in
	// the first-level cache for the tiles that read the rest. 0 columns are for no product.
	ThinColumns, ThinDepth int
	// A last vector of at most TailColumns columns, behind two whole ones, is computed by columns
	// if k is at least TailDepth, where that saves more than bringing them together costs: a sum
	// along k ends in adding up a vector. With a transposed A, all columns of a product are
	// computed by columns if they are so few and k is at least 24. Where A is large, or transposed,
	// AVX2 leaves them in their tiles if reading A again for them takes longer than they save.
	TailColumns, TailDepth int
	// A product with a transposed B, and with A as it is, is computed as dot products, both in
	// place, if k is at least DotDepth for each row, or for each column, of which there are 32 at
	// most: turning B takes as long as some rows of the product, and adding up a vector as long as
	// some steps of k. With AVX2, fewer are: tiles of many rows whose vectors are full are faster.
	// A few rows or columns, as many as there are kernels for, take a quarter of that and a vector,
	// and less if the product is small.
	DotDepth int
	// Products with a transposed A and at most UprightColumns columns are computed in vectors along
	// m, if these are so much fuller; with B transposed, too, small products are whose columns are
	// few, up to eight of these, or which save more by not turning it. 0 leaves all of them to
	// other ways.
	UprightColumns int
	// A product of a few rows and two columns, with both operands as they are, is computed as dot
	// products if k is at least NarrowDepth, of three or four columns from twice that on, where
	// that is faster; with more rows than a tile has, from less depth on.
	NarrowDepth int
	// A product of at most ShallowRows rows with a large B, as it is, has blocks of little depth if
	// rows of n elements share sets of the cache: 8 steps of k where all rows are one row of tiles
	// and B is larger than 16 MiB; and if they are more and B is larger than 32 MiB, 512 bytes of a
	// row of A, or 1024 from 33 rows on. 0 is for no product.
	ShallowRows int
	// A product of at most LowDepth steps of k, whose C, or what a thread computes of it, has long
	// rows, takes two rows of tiles of A at a time through all of B, so that C is written row by
	// row: if C is large, or its rows are about a multiple of 2 KiB apart, or 256 and more of them
	// of 1 KiB. Of these rows, it takes one row of tiles for a third of so many steps. 0 is for no
	// product.
	LowDepth int
	// A small product with both operands as they are, alpha = 1 and beta = 0 is computed by a call
	// for each tile if k is at least AloneDepth and half of n, and n at least a vector, else by
	// fewer calls of kernels that do more. A panel of one or two tiles, and panels of one tile each
	// and a few steps of k, are at any depth. Where there are no kernels for that, nothing is.
	AloneDepth int
	// A matrix of more than FetchBytes bytes that is multiplied by one vector comes from memory:
	// its rows are fetched ahead. From 1<<31 - 1 on, none is, however large.
	FetchBytes int
	// A thread is worth waking up for at least ThreadWork multiply-adds.
	ThreadWork int
}

// never is a threshold that is not reached.
const never = math.MaxInt32

// Tuning returns the numbers by which o computes products.
func (o Ops[T]) Tuning() Tuning { return o.ks.tuning }

// Tuned returns o with other numbers: for measuring what they change, and for
// programs that know which are better. o, and what else runs on its implementation,
// stay as they are. A [PackedB] that was packed with other Vectors or KC is refused.
// Tuned allocates, so call it once, and panics where [Ops.CheckTuning] returns an error.
func (o Ops[T]) Tuned(t Tuning) Ops[T] {
	if err := o.CheckTuning(t); err != nil {
		panicf("Tuned: %v", err)
	}
	ks := *o.ks
	ks.tuning = t
	ks = ks.arranged()
	o.ks = &ks
	return o
}

// CheckTuning tells which number of t is none that o's implementation can work
// by, and what it has to be: its micro-kernels have certain widths and heights.
func (o Ops[T]) CheckTuning(t Tuning) error {
	vectors := len(o.ks.micro)
	if t.Vectors < 1 || t.Vectors > vectors {
		return fmt.Errorf("t.Vectors = %d, want 1..%d", t.Vectors, vectors)
	}
	for _, field := range []struct {
		name               string
		value, least, most int
	}{
		{"Rows", t.Rows, 0, len(o.ks.micro[t.Vectors-1])},
		{"KC", t.KC, 1, deepest}, {"MC", t.MC, 1, math.MaxInt}, {"NC", t.NC, 1, math.MaxInt},
		{"PackRows", t.PackRows, 0, math.MaxInt}, {"CrowdedRows", t.CrowdedRows, 0, math.MaxInt}, {"PackDepth", t.PackDepth, 0, math.MaxInt}, {"PackWork", t.PackWork, 0, math.MaxInt},
		{"PackColumns", t.PackColumns, 0, math.MaxInt}, {"PackStride", t.PackStride, 0, math.MaxInt}, {"TurnStride", t.TurnStride, 0, math.MaxInt}, {"TurnDepth", t.TurnDepth, 0, math.MaxInt}, {"TurnRows", t.TurnRows, 0, math.MaxInt}, {"TurnColumns", t.TurnColumns, 0, math.MaxInt},
		{"ThinColumns", t.ThinColumns, 0, math.MaxInt}, {"ThinDepth", t.ThinDepth, 1, deepest},
		{"TailColumns", t.TailColumns, 0, o.ks.lanes - 1}, {"TailDepth", t.TailDepth, 0, math.MaxInt}, {"DotDepth", t.DotDepth, 1, math.MaxInt},
		{"UprightColumns", t.UprightColumns, 0, o.ks.mostUpright()}, {"NarrowDepth", t.NarrowDepth, 1, math.MaxInt},
		{"ShallowRows", t.ShallowRows, 0, math.MaxInt}, {"LowDepth", t.LowDepth, 0, math.MaxInt}, {"AloneDepth", t.AloneDepth, 0, math.MaxInt}, {"FetchBytes", t.FetchBytes, 0, math.MaxInt},
		{"ThreadWork", t.ThreadWork, 1, math.MaxInt},
	} {
		if field.value >= field.least && field.value <= field.most {
			continue
		}
		if field.most == math.MaxInt {
			return fmt.Errorf("t.%s = %d, want >= %d", field.name, field.value, field.least)
		}
		return fmt.Errorf("t.%s = %d, want %d..%d", field.name, field.value, field.least, field.most)
	}
	return nil
}

// split cuts m rows into as few tiles as there can be of at most so many rows:
// tall ones of h rows, then short ones of h-1. They are equally tall, as a thin one at
// the end would wait for its own sums.
func split(m, most int) (h, tall, short int) {
	if m <= most {
		return m, 1, 0
	}
	tiles := int(uint(m+most-1) / uint(most)) // a signed division takes longer
	h = int(uint(m+tiles-1) / uint(tiles))
	tall = m - tiles*(h-1)
	return h, tall, tiles - tall
}

// splitEqually is split for a small product: somewhat lower tiles in one call
// are better than the tallest ones in two.
func splitEqually(m, most int) (h, tall, short int) {
	h, tall, short = split(m, most)
	if short > 0 {
		fewest := tall + short
		for tiles := fewest + 1; tiles <= fewest+fewest/2; tiles++ {
			if m%tiles == 0 {
				return m / tiles, tiles, 0
			}
		}
	}
	return h, tall, short
}

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
	return !ks.packsB(m, k, ldb, false) && ks.tailColumns(m, n, k, transA) == 0 && product3(m, n, k) <= callWork
}

// inPlace reports whether a product is one block, for one thread, whose operands are read where
// they are. B must be contiguous along n. A is one block if it is no larger than one of depth KC,
// however many rows that are: on a CPU whose L2 cache leaves AVX2 30 rows of float64, 48x48x48
// takes 0.9 of the time, 50x15x3 0.45. So is B, however many columns: 3x2500x3 with a transposed B
// takes 0.4.
func (ks *kernelSet[T]) inPlace(m, n, k, lda, ldb int, transA bool) bool {
	tu := &ks.tuning
	return m > 1 && k <= ks.depthOf(m, n, k, transA) && (m*k <= ks.blockOfA || ks.blockOfRows(m, n, k, math.MaxInt) == m) && n*k <= ks.blockOfB && !ks.packsB(m, k, ldb, false) && !ks.packsA(m, n, k, lda, transA) &&
		ks.tailColumns(m, n, k, transA) == 0 && product3(m, n, k)/2 < tu.ThreadWork
}

// fitsStrips reports whether a product is so small that no call has to be bounded, and rows of its A are so
// near that tiles of all heights read them.
func (ks *kernelSet[T]) fitsStrips(m, n, k, lda int, transA bool) bool {
	return product3(m, n, k) <= callWork && rowsAtOnce[T](lda, transA) == math.MaxInt
}

// stripsInPlace reports whether a product is in place and fits strips.
func (ks *kernelSet[T]) stripsInPlace(m, n, k, lda, ldb int, transA bool) bool {
	return ks.inPlace(m, n, k, lda, ldb, transA) && ks.fitsStrips(m, n, k, lda, transA)
}

// small reports whether a product is of a size at which inPlace depends on nothing but packsA,
// packsB, tailColumns and, before it is asked, isThin. It is a few comparisons in line, as are
// nearRows and nearColumns, which tell that A is not packed, and mayHaveTail.
func (ks *kernelSet[T]) small(m, n, k int) bool {
	tu := &ks.tuning
	return m*k <= ks.blockOfA && n*k <= ks.blockOfB && product3(m, n, k) <= min(callWork, tu.ThreadWork)
}

// nearRows reports whether rows are so near that they are not packed, and tiles of all heights read them.
func (ks *kernelSet[T]) nearRows(lda int) bool {
	var z T
	return lda < ks.tuning.PackStride && lda*int(unsafe.Sizeof(z)) < setPeriod-setNear
}

// deepest bounds the depth of a block, and with it the time that a tile takes.
const deepest = 4096

// depth returns how deep the blocks of a product are: KC at most, or all of k if that is not much more, or
// more where B has so few columns that a deep block fits the second-level cache. The rows of A,
// each of which is used but once or twice, then come from memory in longer pieces:
// 4096x16x4096 is 1.4 times as fast as with 512, 2000x48x4096 1.1 times. With
// a transposed A it is the slower way. The limit is no cache's, as the bits depend on it.
func (ks *kernelSet[T]) depth(n, k int, transA bool) int {
	most := ks.tuning.KC
	if k-most <= min(most/2, deepest-most) {
		return k
	}
	if !transA {
		const narrow = 256 << 10 // bytes of B
		var z T
		most = max(most, min(deepest, narrow/int(unsafe.Sizeof(z))/n))
	}
	return evenly(k, most, 1)
}

// isThin reports whether a product with a transposed A, and with B as it is, is thin, and k more
// than one of its blocks. One of less work gains less than the blocks after the first cost:
// 12x28x321 would take 1.1 times as long. So does one of which both m and n are few: 11x17x14240
// 1.12. Nor is one whose only panel is cut, for which no kernel fetches the next block of A, if
// that is large: 3000x22x1000 in float32 would take 1.5 times as long, 1500x14x1000 1.2. What goes
// beside is one block.
func (ks *kernelSet[T]) isThin(m, n, k int) bool {
	const least, few, large = 1 << 18, 96, 4 << 20 // multiply-adds, and bytes of a row and of A
	var z T
	tu, size := &ks.tuning, int(unsafe.Sizeof(z))
	cut := n <= len(ks.byColumns) && n&(ks.lanes-1) > tu.TailColumns
	return n <= tu.ThinColumns && n > max(tu.UprightColumns, fewUpright) && k > tu.ThinDepth+tu.ThinDepth/2 && max(m, n) > few/size && !(cut && m*k > large/size) && product3(m, n, k) >= least && !ks.goesBeside(m, n, k)
}

// thinDepth is depth for a thin product.
func (ks *kernelSet[T]) thinDepth(n, k int) int {
	return min(ks.depth(n, k, true), evenly(k, ks.tuning.ThinDepth, 1))
}

// thinRows returns how many of m rows make a block of depth kc as large as one of MC rows of depth KC.
func (ks *kernelSet[T]) thinRows(m, kc int) int {
	rows := float64(ks.tuning.MC) * float64(ks.tuning.KC) / float64(kc)
	return evenly(m, max(1, int(min(rows, float64(m)))), ks.mr())
}

// depthOf is depth for m rows, if B is not transposed: less where a few of them go through a large
// B of n columns whose rows share sets of the cache. What a panel reads of a deep block shares
// them, in all caches, and comes from memory one line at a time; shallow blocks are read in long
// pieces, though each adds to C once more. It goes by n, not by how far apart rows really are, as
// the bits depend on it. On Zen 3 with AVX2, n = k = 4096: 2 and 4 rows 1.9 to 2.2 times as fast, 6
// rows 1.4 to 1.7, 10 to 32 rows 1.1 to 1.4; if rows are 16 elements longer than n, 12 and 48 rows
// take 1.1 and 1.2 times as long. More rows read and write more of C for each block: of twice the
// depth, nine shapes of 36 to 256 rows are 1.03 times as fast as in blocks of KC (0.92 to 1.12).
func (ks *kernelSet[T]) depthOf(m, n, k int, transA bool) int {
	kc := ks.depth(n, k, transA)
	const oneTile = 8                                 // steps of k: as many as there are ways of a set
	const fewRows, forFew, forMore = 32, 512, 1024    // rows of A, and bytes of each
	const manyForOne, manyForFew = 16 << 20, 32 << 20 // bytes of B
	var z T
	size := int(unsafe.Sizeof(z))
	if m < 2 || m > ks.tuning.ShallowRows || !sharesSets[T](n) {
		return kc
	}
	switch bytes := n * k * size; {
	case m <= ks.mr() && bytes > manyForOne:
		return min(kc, oneTile)
	case m <= ks.mr() || bytes <= manyForFew:
		return kc
	case m <= fewRows:
		return min(kc, forFew/size)
	}
	return min(kc, forMore/size)
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

// blockOfRows returns how many rows of A make a block of depth k for n columns: MC
// at most, of a block deeper than KC so many fewer, or all if they are few enough to be one block. Blocks are
// whole tiles of at most so many rows.
func (ks *kernelSet[T]) blockOfRows(m, n, k, atOnce int) int {
	most := ks.tuning.MC
	few := m-most <= most/2
	if k > ks.tuning.KC {
		deep := float64(most) * float64(ks.tuning.KC) / float64(k)
		most, few = max(int(deep), 1), float64(m) <= 3*deep // any MC is legal
	}
	if few {
		return m
	}
	h := ks.mr()
	if v, _ := ks.panel(n, ks.tuning.Vectors); n < ks.nr() && v <= len(ks.fetching) {
		h = ks.fetching[v-1][0].h // of tiles that fetch the next block
	}
	return evenly(m, most, min(h, atOnce))
}

// packsA reports whether A, lda elements from row to row of what is stored, is
// packed for an m x n product of depth k: not for one panel, which reads it but once.
func (ks *kernelSet[T]) packsA(m, n, k, lda int, trans bool) bool {
	tu := &ks.tuning
	switch {
	case n <= ks.nr():
		return false
	case trans && ks.turnsShared(n, lda):
		return true
	case n <= tu.PackColumns:
		return false
	case trans:
		return lda >= tu.TurnStride || k >= tu.TurnDepth && m >= tu.TurnRows
	}
	return lda >= tu.PackStride
}

// turnsShared reports whether a transposed A is turned for n columns because its own share sets of the cache.
func (ks *kernelSet[T]) turnsShared(n, lda int) bool {
	return n > max(ks.tuning.TurnColumns, ks.nr()) && lda >= ks.tuning.TurnStride && sharesSets[T](lda)
}

// nearRow is how many bytes rows of B are apart at most for no micro-kernel to fetch what the next
// panel has of them, and nearBytes how many all of them span at most, if they are further apart:
// farRow and farBytes in asm. AVX2 goes by other things.
const nearRow, nearBytes = 2 << 10, 512 << 10

// isLarge reports whether k rows of B in place, so many elements apart, span so much that they come
// from memory: on Zen 3 of 32 MiB, what they span from 12 MiB on is up to 2.8 times as fast if it
// is fetched by panels, up to 10 MiB 0.7 to 0.9 times, and at 11 either.
func isLarge[T Float](k, row int) bool {
	const least = 11 << 20 // bytes
	var z T
	return k*row >= least/int(unsafe.Sizeof(z))
}

// packsB reports whether B is packed for a product of m rows and depth k: in line, if there are few rows.
func (ks *kernelSet[T]) packsB(m, k, ldb int, trans bool) bool {
	return trans || m > min(ks.tuning.PackRows, ks.tuning.CrowdedRows) && ks.packsRows(m, k, ldb)
}

// packsRows is packsB for a B that is not transposed, and more rows than are never enough.
func (ks *kernelSet[T]) packsRows(m, k, ldb int) bool {
	// Of the L1 cache: so few steps do not crowd it. Large products, ldb taken for n, pack B all
	// the same, as its panels are read in many blocks.
	const ways = 8
	var z T
	tu := &ks.tuning
	row := ldb * int(unsafe.Sizeof(z))
	apart := row > nearRow
	crowding := crowds[T](ldb) && (k > ways || product3(m, ldb, k) > callWork)
	if m <= tu.PackRows && !(crowding && m > tu.CrowdedRows) {
		return false
	}
	return k > tu.PackDepth || crowding || apart && m*k > tu.PackWork || (row == crowded || row == nearRow) && ks.packsCrowded(m, k)
}

// crowds reports whether rows so many elements apart, more than nearRow, share sets of the L1
// cache, or do by turns.
func crowds[T Float](ld int) bool {
	const period = setPeriod / 2
	var z T
	row := ld * int(unsafe.Sizeof(z))
	return row > nearRow && (row+sharing)%period <= 2*sharing
}

// Rows of B that are crowded bytes apart, or nearRow, are too many for their sets of the L1 cache,
// and too far apart for what they miss there to come unasked: those of 512 and 1024 bytes do.
const crowded = 1536

// packsCrowded reports whether m rows of A read such a B so often that packing it pays, with AVX2,
// which packs in its tiles: on Zen 3 1.03 to 1.14 times as fast in float64 (n = 192 and 256), up to
// 1.1 in float32 (384 and 512); for 20 rows 0.8.
func (ks *kernelSet[T]) packsCrowded(m, k int) bool {
	return ks.packing != nil && m >= 48 && k >= 48
}

// Caches that nobody told us about are taken to be of these sizes, in bytes, and
// those that are told are believed within limits: a virtual machine may report
// nothing, or the total of its host.
const (
	assumedL2, leastL2, mostL2 = 1 << 20, 256 << 10, 4 << 20
	assumedL3, leastL3, mostL3 = 16 << 20, 2 << 20, 64 << 20
)

// fit returns tu with the blocks that suit the caches: of the L2 cache, a block
// of A takes a fifth, which leaves room for the panels of B and of C that pass
// by; of the L3 cache, which other cores use as well, a block of B takes an eighth.
func (tu Tuning) fit(mr, nr, size int, cpu CPUInfo) Tuning {
	l2, l3 := cacheSize(cpu.L2, assumedL2, leastL2, mostL2), cacheSize(cpu.L3, assumedL3, leastL3, mostL3)
	tu.MC = max(l2/5/(tu.KC*size)/mr, 2) * mr
	tu.NC = max(l3/8/(tu.KC*size)/nr, 4) * nr
	return tu
}

// largestCache is the size of the last-level cache, in bytes.
var largestCache = cacheSize(readCPU().L3, assumedL3, leastL3, mostL3)

func cacheSize(told, assumed, least, most int) int {
	if told <= 0 {
		return assumed
	}
	return min(max(told, least), most)
}
