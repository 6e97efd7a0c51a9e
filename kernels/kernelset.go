package kernels

import "unsafe"

// kernelSet is what an implementation brings for one element type. An
// instruction set starts from portableSet and overrides what it does better;
// everything above this struct is written once for all of them.
type kernelSet[T Float] struct {
	im        *Implementation // whose kernels they are
	lanes     int             // elements in a vector
	laneShift uint            // and its binary logarithm: a division takes as long as a small product

	costs     costs
	unit      int  // of how many columns more take more time: lanes, or half of it if there are kernels of halves
	unitShift uint // and its binary logarithm
	atLeast   int  // fewer columns of a row take as long as so many, as their sums wait for each other

	unevenFrom  int     // from this depth on a product may be uneven: it is two and a half blocks
	leastPacked int     // up to so many rows of A, no B is packed that is not transposed
	leastCopied [16]int // how many elements A has at least, by the columns of the last vector, for these to be copied
	blockOfA    int     // elements of A in MC rows of depth KC: no more than that are one block, however many rows they are
	blockOfB    int     // elements of B in NC columns of depth KC, of which the same is true

	// GEMM. micro[v-1][h-1] computes tiles of h rows and v vectors, halves[v-1][h-1]
	// of half a vector less, if there is such a kernel; dot[v-1][h-1] of h rows and v
	// columns. packing[v-1], copying[v-1], turning[v-1] and pack[v-1] pack panels of v vectors;
	// fetching[v-1] fetch rows of A, or of a panel of B that few tiles are multiplied by, and following[v-1]
	// panels line by line, in the same heights, the tallest first.
	micro     [][]microKernel[T]
	halves    [][]microKernel[T]
	packing   []panelKernel[T]
	copying   []panelKernel[T]
	turning   []panelKernel[T]
	fetching  [][]panelKernel[T]
	following [][]panelKernel[T]
	beside    besideKernels[T]
	around    aroundKernels[T]
	dot       [][]dotKernel[T]
	zipped    [][]dotKernel[T]   // zipped[v-2][h-1], for a B of v columns, v elements from row to row
	dotFar    []dotKernel[T]     // those of one column, for an A that comes from memory; or nil
	addRows   []addRowsKernel[T] // by the number of rows, less 1
	addFar    addRowsKernel[T]   // the last of them, for rows that come from memory; or nil
	vecMat    []vecMatKernel[T]  // by their width in vectors, less 1; or nil
	pack      []packKernel[T]
	square    transposer[T]
	copyRows  func(rows, cols int, src *T, srcRow int, dst *T, dstRow int) // of a matrix into another
	tuning    Tuning
	pairs     pairKernels[T]
	alone     aloneKernels[T]
	// upright[w-1][n-1] is of n columns, and of w half vectors or, where there are no kernels of halves, whole ones.
	upright [][]uprightKernel[T]

	// byColumns[n-1][p][h-1] is the one of these micro-kernels for a panel of n columns.
	byColumns [][pairings][]microKernel[T]

	// Elementwise kernels. Slices have equal lengths, which the caller has checked.
	relu     func(dst, src []T)      // dst[i] = 0 if src[i] <= 0, else src[i]
	reluGrad func(dst, grad, x []T)  // dst[i] = 0 if x[i] <= 0, else grad[i]
	add      func(dst, x, y []T)     // dst[i] = x[i] + y[i]
	axpy     func(alpha T, x, y []T) // y[i] += alpha*x[i], rounded twice

	exp func(dst, src []T) // dst[i] = exp(src[i])

	// bytes converts n chunks of bytes: for from, to = chunks[2*c], chunks[2*c+1] it sets
	// dst[to+i] = T(src[from+i])/divisor for each i < chunkBytes, divisor being a whole
	// number in 1..255 and high+low its reciprocal to twice T's precision. Chunks are
	// converted in order, as one may write over another. The same chunks of next are what
	// is to be read next, and may be fetched into the cache.
	bytes func(dst *T, src, next *uint8, chunks *int, n int, divisor, high, low T)

	// bytesInUse sets bit j%64 of used[j/64] if src[rows[i]*n+j] is not 0 for some i, and
	// clears it otherwise, for each j < usedBlock.
	bytesInUse func(used *columnBits, src *uint8, rows []int, n int)

	// fetch has rows of n > 0 bytes of src fetched into the L2 cache, or does nothing.
	fetch func(src *uint8, rows []int, n int)

	// Kernels for the rows, n > 0 elements each, of x. softmax sets dst to p =
	// exp(x - max(x)) / sum(exp(x - max(x))); softmaxGrad sets dst to
	// (p - onehot(labels[i])) / batch, and picked[i] to p[labels[i]].
	softmax     func(dst, x []T, n int)
	softmaxGrad func(dst, x []T, n int, labels []int, batch T, picked []T)

	// fmaProbe runs n steps of a loop that does nothing but independent
	// multiply-adds in registers, probeFMAs instructions a step.
	fmaProbe  func(n int)
	probeFMAs int
}

// besideKernels compute tiles of v vectors and, from the same reads of A, up to
// len(run) columns of B behind them, t of them by run[t-1], in vectors along m. A
// is transposed: aRow = 1. There are kernels of h-1 and of h rows, for one panel:
// microKernels that also compute, for each tile,
//
//	for i in 0..h-1, j in 0..t-1:
//		sums[j*sumsRow + i] = alpha * sum over p in 0..k-1 of a[i + p*aCol] * b[p*bRow + v*lanes + j]
//	sums += h
type besideKernels[T Float] struct {
	v, h int
	run  [][2]microKernel[T]
}

// aroundKernels, by height, are micro-kernels of v vectors that write C past the
// caches: beta = 0, cols = v*lanes, and all rows of c begin with a cache line.
type aroundKernels[T Float] struct {
	v   int
	run []microKernel[T]
}

// A panelKernel is a microKernel for one panel, as wide as it can be, and tiles of h rows, that does
// something else as well, which costs next to nothing behind the multiply-adds:
//
//   - packing, for one tile: packs the panel that it reads in place, as a packKernel does, into panel.
//
// The others look ahead: in each tile they do a piece, so many elements, after every few steps of k
// of the first k/4*4. They do none in four of these steps behind which so many steps are left that
// steps & rests is not 0: with 4*(pace-1), for a pace that is a power of two, they do in every pace-th four.
//
//   - copying, for packed panels: packs up to left rows of the next one, a row at a time, from rows of B at
//     from that are fromRow apart, into panel.
//   - turning, for packed panels: packs up to left groups of rows of the next one, as many rows as a piece
//     has elements, into panel, from columns of a transposed B at from that are fromRow apart. There are each
//     columns, and their pieces of a group are turned one after the other.
//   - fetching: has up to left rows at from that are fromRow apart fetched into the L2 cache, in pieces, of
//     which each row has each.
//   - following: has the next packed panel, or what is left of it, at from, fetched there: a line after
//     each four steps of k, whatever left and rests are, and also behind its end.
//
// Where a row is one piece, as in copying, or there are no rows, another call may go on: see goOn.
type panelKernel[T Float] struct {
	h            int
	every, piece int // steps of k, and elements
	run          microKernel[T]
}

// pieces returns how many pieces there is time for in tiles of depth k, at this pace.
func (kernel *panelKernel[T]) pieces(k, tiles, pace int) int {
	return (k/4 + pace - 1) / pace * (4 / kernel.every) * tiles
}

// A dotKernel computes, for each of the given number of tiles, one below the other,
//
//	for i in 0..h-1, j in 0..v-1:
//		s = sum over p in 0..k-1 of a[i*aRow + p] * b[j*bCol + p]
//		c[i*cRow + j*cCol] = alpha*s + beta*c[i*cRow + j*cCol]    (c is not read if beta = 0)
//	a += h*aRow;  c += h*cRow
//
// where h and v are the kernel's own. The order of the sum is the same for all h.
type dotKernel[T Float] func(tiles, k int, a *T, aRow int, b *T, bCol int, c *T, cRow, cCol int, alpha, beta T)

// An addRowsKernel adds multiples of its own number h of rows to a vector:
//
//	for i in 0..h-1, j in 0..n-1: y[j] += x[i] * a[i*aRow + j]
//
// in the order of i. n > 0.
type addRowsKernel[T Float] func(n int, x, a *T, aRow int, y *T)

// A vecMatKernel computes a row of a product with a matrix in place,
//
//	for j in 0..cols-1: y[j] = sum over p in 0..k-1 of x[p*xStep] * b[p*bRow + j]
//
// where (v-1)*lanes < cols <= v*lanes. The order of the sum depends on v.
type vecMatKernel[T Float] func(k int, x *T, xStep int, b *T, bRow int, y *T, cols int)

// A packKernel copies k rows of cols columns, bRow apart, into a panel whose
// rows follow each other, v vectors wide; columns behind the last become 0.
// (v-1)*lanes < cols <= v*lanes.
type packKernel[T Float] func(k int, b *T, bRow int, panel *T, cols int)

// A transposer copies columns of an operand that is stored by columns into
// rows of a panel:
//
//	for p in 0..k-1, j in 0..cols-1: panel[p*width + j] = b[j*bCol + p]
//
// in squares of its own side: cols is not less than that. The order is open, and
// some elements are copied twice.
type transposer[T Float] struct {
	side int
	run  func(k, cols int, b *T, bCol int, panel *T, width int)
}

// pairKernels are micro-kernels for panels of v vectors that end in a pair of columns, or in one of
// a pair, behind v-1 whole vectors, or behind half a vector if v = 1: those columns are computed
// together, as a vector of each of their rows would be mostly empty. alongK[v-1][h-1] is for an A
// whose rows are contiguous, alongM for one whose columns are. alongM adds up in the order of k, as
// all other tiles do, and has no kernels for v = 1; for others there are as many of the one as of
// the other.
type pairKernels[T Float] struct{ alongK, alongM [][]microKernel[T] }

// mr and nr are the size of the tiles that large products are made of.
func (ks *kernelSet[T]) mr() int { return len(ks.tiles(ks.tuning.Vectors, ks.nr())) }
func (ks *kernelSet[T]) nr() int { return ks.tuning.Vectors * ks.lanes }

// panel returns the width of the next micro-panel, in vectors and in columns,
// when there are so many columns left and panels are wide vectors wide. Wider ones
// at the end, one or two, are better than a narrow one, in which A is read more often.
func (ks *kernelSet[T]) panel(left, wide int) (v, cols int) {
	if v = (left + ks.lanes - 1) >> ks.laneShift; v <= wide {
		return v, left
	}
	if ks.endsWider(v, wide+1, wide) || ks.endsWider(v, 2*(wide+1), wide) {
		return wide + 1, min((wide+1)*ks.lanes, left)
	}
	return wide, wide * ks.lanes
}

// panels is panel, and how many panels as wide follow each other, this one counted.
func (ks *kernelSet[T]) panels(left, wide int) (v, cols, equal int) {
	vectors := (left + ks.lanes - 1) >> ks.laneShift
	if vectors <= wide {
		return vectors, left, 1
	}
	equal = int(uint(vectors-1) / uint(wide)) // before the last one
	switch last := vectors - equal*wide; {
	case last == 1 && ks.endsWider(wide+1, wide+1, wide):
		equal--
	case last == 2 && equal > 1 && ks.endsWider(2*(wide+1), 2*(wide+1), wide):
		equal -= 2
	case last == wide && left&(ks.lanes-1) == 0: // as wide
		equal++
	}
	if equal > 0 {
		return wide, wide * ks.lanes, equal
	}
	cols = (wide + 1) * ks.lanes
	switch {
	case left < cols:
		return wide + 1, left, 1
	case left == 2*cols:
		return wide + 1, cols, 2
	}
	return wide + 1, cols, 1
}

// endsWider reports whether so many vectors are v vectors, and make panels wider than wide.
func (ks *kernelSet[T]) endsWider(vectors, v, wide int) bool {
	return vectors == v && v%wide > 0 && wide < len(ks.micro)
}

// widthInPlace returns how many vectors wide the panels of a B in place are, for m rows of A: NR,
// or the widest there are, if with so few rows this makes larger tiles, and more sums that do not
// wait for each other. Few columns make few panels, which had better be equal. Of a large B, which
// comes from memory, they are not widened to a line and a half: with such panels 4x2000x4000 in
// float32 takes 2.4 times as long, in float64 2.0 times, and 4x1400x1000 of 5.6 MB 0.89.
func (ks *kernelSet[T]) widthInPlace(m, n int, large bool) int {
	const line = 64 // bytes
	var z T
	wide, widest := ks.tuning.Vectors, len(ks.micro)
	if n < 3*widest*ks.lanes || ks.mayEndInPair(n) || // a pair is always in the same panel
		large && widest*ks.lanes*int(unsafe.Sizeof(z))%line != 0 {
		return wide
	}
	sums := func(v int) int {
		tallest := len(ks.tiles(v, v*ks.lanes))
		tiles := (m + tallest - 1) / tallest
		return (m + tiles - 1) / tiles * v
	}
	if sums(widest) > sums(wide) {
		return widest
	}
	return wide
}

// regular returns how many of n columns come before the wider panels.
func (ks *kernelSet[T]) regular(n int) int {
	wide, vectors := ks.tuning.Vectors, (n+ks.lanes-1)>>ks.laneShift
	for _, v := range []int{2 * (wide + 1), wide + 1} {
		if vectors >= v && (vectors-v)%wide == 0 && ks.endsWider(v, v, wide) {
			return (vectors - v) * ks.lanes
		}
	}
	return n
}

// halfLast reports whether there are kernels of v vectors, the last one half,
// and so many columns fit them.
func (ks *kernelSet[T]) halfLast(v, cols int) bool {
	return v <= len(ks.halves) && 2*cols <= (2*v-1)*ks.lanes
}

// tiles returns the micro-kernels for so many columns in v vectors, by height.
func (ks *kernelSet[T]) tiles(v, cols int) []microKernel[T] {
	if ks.halfLast(v, cols) {
		return tunedRows(ks, v, ks.halves[v-1])
	}
	return tunedRows(ks, v, ks.micro[v-1])
}

// tunedRows returns those of the kernels, for v vectors, that the tuning leaves.
func tunedRows[T Float, K any](ks *kernelSet[T], v int, kernels []K) []K {
	if tu := &ks.tuning; v == tu.Vectors && tu.Rows > 0 {
		return kernels[:min(tu.Rows, len(kernels))]
	}
	return kernels
}

// A pairing says how the pair at the end of a panel is computed, if there is one.
type pairing int

const (
	noPairs pairing = iota
	pairsAlongK
	pairsAlongM
	pairings
)

// pairDepth is from how many steps of k on there are pairs along k: what is in one
// vector has to be added up in the end. Along m, two multiply-adds for all rows of a
// tile replace half of one for each, and it takes more of both.
const pairDepth, turnedPairDepth, turnedPairRows = 16, 32, 10

// pairingOf returns that of m rows and depth k. Along k it does not depend on m, as
// the bits do depend on it.
func pairingOf(m, k int, transA bool) pairing {
	switch {
	case !transA && k >= pairDepth:
		return pairsAlongK
	case transA && k >= turnedPairDepth && m >= turnedPairRows:
		return pairsAlongM
	}
	return noPairs
}

// endsInPair reports whether the last of the columns of a panel are a pair, or one of a pair,
// behind whole vectors or behind half of one, for which there are kernels. Panels of one vector
// have no room for pairs.
func (ks *kernelSet[T]) endsInPair(cols int) bool {
	behind := cols - ks.lanes
	if behind < 0 {
		behind += ks.lanes / 2
	}
	return behind > 0 && (behind-1)&(ks.lanes-1) < 2 && ks.tuning.Vectors > 1 && len(ks.pairs.alongK) > 0
}

// mayEndInPair reports whether the last panel of n columns may end in a pair.
func (ks *kernelSet[T]) mayEndInPair(n int) bool {
	return ks.endsInPair(n) || ks.endsInPair(n&(ks.lanes-1))
}

// arranged returns ks with its micro-kernels by columns, as the tuning has them.
func (ks kernelSet[T]) arranged() kernelSet[T] {
	ks.byColumns = make([][pairings][]microKernel[T], len(ks.micro)*ks.lanes)
	for i := range ks.byColumns {
		cols, v := i+1, i>>ks.laneShift+1
		tiles := ks.tiles(v, cols)
		ks.byColumns[i] = [pairings][]microKernel[T]{tiles, tiles, tiles}
		if ks.endsInPair(cols) && v <= len(ks.pairs.alongK) {
			ks.byColumns[i][pairsAlongK] = tunedRows(&ks, v, ks.pairs.alongK[v-1])
			if v > 1 {
				ks.byColumns[i][pairsAlongM] = tunedRows(&ks, v, ks.pairs.alongM[v-1])
			}
		}
	}
	ks.arrangeAlone()
	ks.unevenFrom = (product3(ks.tuning.UnevenDepth, 5, 1) + 1) / 2
	ks.leastPacked = min(ks.tuning.PackRows, ks.tuning.LargeRows, ks.tuning.FetchedRows, ks.tuning.CrowdedRows, nearCrowdingRows)
	ks.blockOfA, ks.blockOfB = product3(ks.tuning.MC, ks.tuning.KC, 1), product3(ks.tuning.NC, ks.tuning.KC, 1)
	ks.unitShift = ks.laneShift
	if ks.halves != nil {
		ks.unitShift--
	}
	ks.unit = 1 << ks.unitShift
	ks.atLeast = ks.unit * latency
	for last := range ks.leastCopied {
		ks.leastCopied[last] = ks.leastForCopy(last)
	}
	return ks
}

// blockOfColumns is evenly for the columns of B, in blocks that have the same
// panels as the whole matrix.
func (ks *kernelSet[T]) blockOfColumns(n, limit int) int {
	block, regular := evenly(n, limit, ks.nr()), ks.regular(n)
	for block < n && (n-1)/block*block > regular {
		block += ks.nr() // the last block would begin behind a wider panel
	}
	return block
}

// bound returns implementations whose kernels know that they are theirs.
func bound(ims ...*Implementation) []*Implementation {
	for _, im := range ims {
		im.f32.im, im.f64.im = im, im
	}
	return ims
}

// kernelsOf returns the kernels of im for T.
func kernelsOf[T Float](im *Implementation) *kernelSet[T] {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return (*kernelSet[T])(unsafe.Pointer(&im.f32)) // T is float32
	}
	return (*kernelSet[T])(unsafe.Pointer(&im.f64)) // T is float64
}
