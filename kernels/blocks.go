package kernels

import "unsafe"

// How tall tiles are, and how deep and how tall blocks: by sizes, transposes and tuning.

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
		const asked = 8 // as many divisions: of many tiles, a few that are lower make no odds
		fewest := tall + short
		for tiles := fewest + 1; tiles <= fewest+min(fewest/2, asked); tiles++ {
			if m%tiles == 0 {
				return m / tiles, tiles, 0
			}
		}
	}
	return h, tall, short
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
// beside the last panel is asked first. Few columns go upright, or as rows, but for a full panel.
func (ks *kernelSet[T]) isThin(m, n, k int) bool {
	const least, few, large = 1 << 18, 96, 4 << 20 // multiply-adds, and bytes of a row and of A
	var z T
	tu, size := &ks.tuning, int(unsafe.Sizeof(z))
	cut := n <= len(ks.byColumns) && n&(ks.lanes-1) > tu.TailColumns
	return n <= tu.ThinColumns && (n > max(tu.UprightColumns, fewUpright) || n == ks.nr() && n > ks.unit) &&
		k > tu.ThinDepth+tu.ThinDepth/2 && max(m, n) > few/size && !(cut && m*k > large/size) && product3(m, n, k) >= least &&
		!ks.goesBeside(m, n, k)
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

// isUneven reports whether a product with B as it is has blocks of UnevenDepth: it goes by n, not by
// how far apart rows of B really are, as the bits depend on it. Of shorter rows a panel is much of
// the lines that it lies in, and blocks cost more than they save: in float32, 70 columns and fewer
// take 1.05 to 1.1 times as long. Who is in a hurry looks at unevenFrom first.
func (ks *kernelSet[T]) isUneven(m, n, k int) bool {
	const long = 320 // bytes of a row
	var z T
	return k >= ks.unevenFrom && n&(ks.lanes-1) != 0 && n > long/int(unsafe.Sizeof(z)) &&
		m > len(ks.micro[ks.tuning.Vectors-1]) && m <= ks.rowsInPlace(k, n)
}

// depthOfBlocks returns how deep the blocks of a product in the five loops are.
func (ks *kernelSet[T]) depthOfBlocks(by way, m, n, k int, transA, transB bool) int {
	switch {
	case by == inThinBlocks:
		return ks.thinDepth(n, k)
	case by == inUnevenBlocks:
		return min(ks.depthOf(m, n, k, transA), evenly(k, ks.tuning.UnevenDepth, 1))
	case transB:
		return ks.depth(n, k, transA)
	}
	return ks.depthOf(m, n, k, transA)
}

// depthOf is depth for m rows, if B is not transposed: less where a few of them go through a large
// B of n columns whose rows share sets of the cache. What a panel reads of a deep block shares
// them, in all caches, and comes from memory one line at a time; shallow blocks are read in long
// pieces, though each adds to C once more. It goes by n, not by how far apart rows really are, as
// the bits depend on it. On Zen 3 with AVX2, n = k = 4096: 2 and 4 rows 1.9 to 2.2 times as fast, 6
// rows 1.4 to 1.7, 10 to 32 rows 1.1 to 1.4, in blocks of 512 bytes of a row of A; if rows are 16 elements longer than n, 12 and 48 rows
// take 1.1 and 1.2 times as long. More rows read and write more of C for each block: of 1024
// bytes of it, nine shapes of 36 to 256 rows are 1.03 times as fast as in blocks of KC (0.92 to 1.12).
func (ks *kernelSet[T]) depthOf(m, n, k int, transA bool) int {
	kc := ks.depth(n, k, transA)
	const oneTile, forFew = 8, 64                     // steps of k: 8 are the ways of a set
	const fewRows, forMore = 32, 1024                 // rows of A, and bytes of each
	const manyForOne, manyForFew = 16 << 20, 32 << 20 // bytes of B
	var z T
	size := int(unsafe.Sizeof(z))
	if m < 2 || n <= nearRow/size {
		return kc
	}
	bytes, oneRow := n*k*size, m <= ks.mr()
	switch {
	case m > ks.tuning.ShallowRows, !sharesSets[T](n), oneRow && bytes <= manyForOne, !oneRow && bytes <= manyForFew:
		return min(kc, ks.depthInPages(m, n, k))
	case oneRow:
		return min(kc, oneTile)
	case m <= fewRows:
		return min(kc, forFew)
	}
	return min(kc, forMore/size)
}

// depthInPages returns how deep the blocks of a B as it is, of n columns, are if a few rows of A go
// through it: a panel has a piece of each of its rows, and if these are in more pages than the
// first TLB has places, each piece waits for its page. On Ice Lake, which has 64 places, 12x2048x1024
// is 2.4 times as fast in blocks of 64 as in one of 1024, 16x3072x768 and 16x512x512 in float64 1.8,
// 16x1000x1000 1.0 to 1.1 in blocks of 128. What is small enough for a few comparisons to find its
// way (see small) is one block, as always.
func (ks *kernelSet[T]) depthInPages(m, n, k int) int {
	const few, large, long = 32, 1 << 20, 8 << 10 // rows of A, bytes of B and of a row
	var z T
	size := int(unsafe.Sizeof(z))
	switch depth := ks.tuning.PageDepth; {
	case m > few || k <= depth || n*k < large/size || product3(m, n, k) <= callWork:
		return k
	case n > long/size || crowds[T](n):
		return evenly(k, depth, 1)
	case k <= 2*depth:
		return k
	default:
		return evenly(k, 2*depth, 1)
	}
}

// blockOfRows returns how many rows of A make a block of depth k for n columns: MC at most, all of up to twice
// as many, or TallRows, all of up to half as many again; of a block deeper than KC so many fewer, or all if they are few enough to be one block.
// Blocks are whole tiles of at most so many rows. A tall block of a transposed A stays in the L1
// cache, as its lines are read in parts.
func (ks *kernelSet[T]) blockOfRows(m, n, k, atOnce int, transA bool) int {
	const near = 24 << 10 // bytes
	var z T
	tall := min(ks.tuning.TallRows, ks.blockOfA/(k+n))
	if transA {
		tall = min(tall, near/int(unsafe.Sizeof(z))/k)
	}
	most := max(ks.tuning.MC, tall)
	few := m-ks.tuning.MC <= ks.tuning.MC || m-most <= most/2
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
