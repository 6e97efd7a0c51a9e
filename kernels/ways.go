package kernels

import (
	"math"
	"unsafe"
)

// A way is how a product, or a piece of one, is computed.
type way int

const (
	inTiles        way = iota // tiles, of which tilesOf says more
	inTilesAlone              // tiles of their own, of operands in place
	onePanelAlone             // these, of one panel
	lowPanelsAlone            // these, one to a panel
	inBlocks                  // tiles, in the five loops
	inThinBlocks              // the five loops, of less depth, for few columns
	inUnevenBlocks            // the five loops, of less depth, for few rows
	inOneBlock                // tiles, of operands in place
	inStrips                  // tiles, of operands in place, in few calls
	inTurnedStrips            // tiles, of a B that is turned, in few calls
	besidePanels              // tiles, the last columns beside the last panel
	upright                   // vectors along m, whose tiles are turned
	inColumns                 // vectors along m or k, for few columns
	turningC                  // vectors along m, to turn no operand
	turningA                  // tiles of the transpose, to turn no B
	asDots                    // vectors along k, in groups of columns
	asDotsOfRows              // vectors along k, in groups of rows
	asTurnedDots              // vectors along k, of an A that is turned
	inRegisters               // a vector times a matrix, whose sums stay in registers
	undecided                 // what smallWay leaves to wayOf
)

// What the rules below say of cycles, or have from costs, was fitted to random shapes. A product is
// plain with alpha = 1, beta = 0, no epilogue and so little work that it is for one thread: that
// decides only between ways that add up in the same order.

// smallWay is the way of a small product with a B that is not transposed, in few comparisons, to the
// bits of what wayOf and tilesOf say; undecided if it is theirs to decide. plain is as above, but for
// the work.
func (ks *kernelSet[T]) smallWay(transA bool, m, n, k, lda, ldb int, plain bool) way {
	if m == 1 || n == 1 || k > ks.tuning.KC {
		return undecided
	}
	alone := plain && !transA && nearRowsOfB[T](k, ldb) // what an aloneKernel computes
	if alone && n <= len(ks.alone.byColumns) {
		if tallest := len(ks.alone.byColumns[n-1][ks.depthClass(k)]); m <= tallest || ks.inOnePanelAlone(m, n, k, lda, ldb, tallest) {
			return onePanelAlone
		}
	}
	if !ks.small(m, n, k) || ks.packsB(m, n, k, ldb, false) || k >= ks.unevenFrom && ks.isUneven(m, n, k) {
		return undecided
	}
	switch {
	case alone && ks.inLowPanels(m, n, k):
		return lowPanelsAlone
	case !transA && ks.mayGoAlongK(m, n, k) && ks.goesAlongK(m, n, k):
		return inColumns
	case transA && ks.mayGoUpright(m, n, k) && ks.savesUpright(m, n, k):
		if plain {
			return upright
		}
		return undecided // as its transpose
	case transA && ks.mayHaveTail(m, n, k), ks.mayCopyTail(m, n, k) && ks.tailColumns(m, n, k, false) > 0:
		return undecided // the last columns are on their own, or may be
	case alone && n <= narrow && ks.aloneKernel(m, n, pairingOf(m, k, false)) != nil:
		return onePanelAlone
	case alone && ks.savesAlone(m, n, k) && ks.nearRows(lda):
		return inTilesAlone
	case !transA && ks.nearRows(lda), transA && (n <= fewUpright && n != ks.nr() || ks.nearColumns(m, n, k, lda)):
		return inStrips
	}
	return undecided
}

// wayOf is the way of a product.
func (ks *kernelSet[T]) wayOf(transA, transB bool, m, n, k int, plain bool) way {
	switch {
	case (m == 1 && n > 1 && !transB || n == 1 && transA) && ks.fitsRegisters(m*n, k):
		return inRegisters
	case transA && transB:
		switch {
		case ks.turnsA(m, n, k, true):
			return turningA
		case ks.turnedDotsPay(m, n, k):
			return asTurnedDots
		case plain && ks.goesUpright(m, n, k, true):
			return upright
		case plain && ks.tuning.UprightColumns > 0 && product3(m, n, k) < callWork && k <= ks.tuning.KC:
			// What goesUpright leaves would gain nothing.
		case ks.betterAsRows(m, n, k, true):
			return inColumns
		case ks.turnsC(m, n, k):
			return turningC
		}
	case transB:
		switch {
		case ks.turnsA(m, n, k, false):
			return turningA
		case !ks.dotsPay(m, n, k):
			return inTiles
		case n > m:
			return asDotsOfRows
		}
		return asDots
	case transA:
		switch {
		case ks.goesBeside(m, n, k):
			return besidePanels
		case plain && ks.mayGoUpright(m, n, k) && ks.goesUpright(m, n, k, false):
			return upright
		case ks.betterAsRows(m, n, k, false), ks.fewAsRows(m, n, k):
			return inColumns
		case ks.isThin(m, n, k):
			return inThinBlocks
		case n > ks.tuning.UprightColumns && ks.isUneven(m, n, k): // fewer go upright if they are plain
			return inUnevenBlocks
		}
	case ks.goesAlongK(m, n, k):
		return inColumns
	case ks.isUneven(m, n, k):
		return inUnevenBlocks
	}
	return inTiles
}

// isRowOfB reports of a product with a transposed B alone that op(B) is a single row, stored as one,
// and better not transposed: 2x112x1 takes 0.6 of the time.
func (ks *kernelSet[T]) isRowOfB(transA, transB bool, m, n, k, ldb int) bool {
	const few = 8 // columns
	return transB && !transA && k == 1 && ldb == 1 && m > 1 && n > few && ks.lanes > 1
}

// tilesOf is the way of a product in tiles.
func (ks *kernelSet[T]) tilesOf(m, n, k, lda, ldb int, transA, transB bool) way {
	switch {
	case transB:
		if cols, _ := ks.turnedAtOnce(m, n, k, lda, transA); cols > 0 {
			return inTurnedStrips
		}
		return inBlocks
	case ks.onePanel(m, n, k, ldb, transA):
		return inStrips
	case !ks.inPlace(m, n, k, lda, ldb, transA):
		return inBlocks
	case ks.fitsStrips(m, n, k, lda, transA):
		return inStrips
	}
	return inOneBlock
}

// nearColumns reports of a small product whose A is transposed, and which has no tail, that A is
// not packed, that it is one block of k, and that it neither savesUpright nor is betterAsRows, as
// what tiles have behind the last column of C takes so little time.
func (ks *kernelSet[T]) nearColumns(m, n, k, lda int) bool {
	tu := &ks.tuning
	return (lda < tu.TurnStride && k < tu.TurnDepth || n <= tu.PackColumns && (n <= tu.TurnColumns || !ks.scattered(k, lda))) &&
		(k <= shallowest || ks.costs.vector*m*k*(-n&(ks.unit-1)) <= ks.lanes*(m*n+beforeRows)) &&
		!ks.isThin(m, n, k)
}

// behindColumns is how long it takes to multiply what tiles have behind the last column of C, in
// quarters of a cycle times lanes: betterAsRows saves no more, but for tails.
func (ks *kernelSet[T]) behindColumns(m, n, k int) int {
	return ks.costs.vector * k * max(m*ks.inUnits(n)-max(m*n, ks.atLeast), 0)
}

// goesBeside reports whether the columns behind the last panel are computed beside it, if A is
// transposed: where all is in place and k is one block, for one thread, to the bits of others.
func (ks *kernelSet[T]) goesBeside(m, n, k int) bool {
	by, tu := &ks.beside, &ks.tuning
	tail := n & (ks.lanes - 1)
	return tail > 0 && tail <= len(by.run) && k >= tu.TailDepth && m >= by.leastRows() && n > tail && (n-tail)%ks.nr() == 0 &&
		by.v == tu.Vectors && (tu.Rows == 0 || tu.Rows >= by.h)
}

// leastRows is from how many rows on all can be cut into tiles of h and of h-1.
func (by *besideKernels[T]) leastRows() int { return (by.h - 1) * (by.h - 2) }

// betterAsRows reports whether a product with a transposed A is computed as its transpose, whose
// vectors run along m: with few columns, if they are so much fuller that it saves the time of
// transposing C. A transposed B is then read as it is, and need not be turned, which takes a
// quarter of a cycle an element, or twice that element by element. 50x10x100 gains 6 to 28%,
// 300x3x300 up to 2.8 times, 385x2x14 1.4 to 2.1; TT 12x20x400 1.5, 3x50x400 in float64 1.8. Over
// 270 random shapes this loses 0.6 to 1.6% against the better way.
func (ks *kernelSet[T]) betterAsRows(m, n, k int, transB bool) bool {
	if m == 1 || n == 1 || k <= shallowest || transB && k <= shallow || n > ks.nr() && (!transB || product3(m, n, k) > callWork) {
		return false
	}
	if !transB && ks.loadsAsItMultiplies(m) && n > ks.lanes && !ks.endsInPair(n) {
		return false
	}
	longer := ks.transposing(m, n)
	if transB {
		turning := k * n
		if n < ks.square.side {
			turning *= 2
		}
		longer -= turning + beforeRows/2
	}
	longer *= ks.lanes
	tail := 0
	if ks.mayHaveTail(m, n, k) {
		tail = ks.tailColumns(m, n, k, true)
	} else if ks.behindColumns(m, n, k) <= longer {
		return false
	}
	if tail == n {
		return true // it would come to that
	}
	asRows := max(n*ks.computed(m, !transB), ks.atLeast)
	asTiles := max(m*ks.computed(n-tail, !transB)+tail*ks.computed(m, !transB), ks.atLeast)
	return ks.costs.vector*k*(asTiles-asRows) > longer
}

// loadsAsItMultiplies reports whether tiles of so many columns are a whole vector of AVX-512 wide, of
// which each multiply-add loads an element of A. On Ice Lake a load of 512 bits takes 0.9 cycles, and
// wider tiles do two multiply-adds a cycle: leaving at most half a vector of them empty, 8x21x250 TN
// in float64 takes 0.56 of the time that it took as its transpose, 16x27x63 0.7, 16x20x800 1.12.
func (ks *kernelSet[T]) loadsAsItMultiplies(cols int) bool {
	return ks.halves != nil && cols <= ks.lanes && 2*cols > ks.lanes
}

// fewAsRows reports whether a product with a transposed A alone, and few columns, is computed as
// its transpose for other reasons than betterAsRows. Where the columns are a vector, tiles are too
// few sums, and read a few elements of each row of A at a step of k, to come back for the rest of
// their lines: on Zen 3 2000x8x140 takes 0.66 of the time, 900x4x577 in float64 0.53, while
// less work is for strips, or upright; but of an A from memory only where k is deep,
// 1500x4x2000 in float64 0.63 and 60000x4x40 1.45. And where in float64 they are a large tile and a
// part of a vector, whose last tiles have four rows, of such an A: 1300x9x1500 0.5.
func (ks *kernelSet[T]) fewAsRows(m, n, k int) bool {
	const manyRows, deep = 12, 400 // rows for each column, and steps of k
	var z T
	switch large := isLarge[T](k, m); {
	case k < ks.tuning.AsRowsDepth, product3(m, n, k) < callWork, large && k < deep:
		return false
	case n == ks.lanes:
		return m >= manyRows*n
	default:
		return large && unsafe.Sizeof(z) == 8 && n > ks.nr() && n < ks.nr()+ks.lanes
	}
}

// turnsC reports whether a product of two transposed operands, too large for strips, is computed as
// its transpose, for another reason: it reads both as they are, and of few columns C is smaller
// than what would be turned of A and B. Over 40 random shapes AVX2 on Zen 3 is 1.04 times as fast
// in float32 and 1.11 in float64.
func (ks *kernelSet[T]) turnsC(m, n, k int) bool {
	return n > 1 && n <= ks.tuning.TransposeColumns && m >= shallow && k >= 2*shallow &&
		product3(m, n, k) >= callWork
}

// turnsA reports whether a product with a transposed B, and few rows, is computed as its transpose,
// so that B, which is larger than A, is neither turned nor read by several groups of dot products:
// where m fills vectors well enough, and k is so deep that turning C takes less time. Over 190
// random shapes of up to 80 rows AVX2 on Zen 3 is 1.12 times as fast (0.85 to 1.7), 16x300x3000
// 1.25 to 1.5 and 64x500x500 in float64 1.35; 130 of a tenth of the work gain 1.03 to 1.08, and
// others of so little lose. Dot products of float64 are the slower ones, so that less will do
// there. Of one vector of rows it pays where B comes from memory: 8x2418x1588 1.6, 8x700x500 0.96.
func (ks *kernelSet[T]) turnsA(m, n, k int, transA bool) bool {
	if m > ks.tuning.TransposeRows || m >= n || k < max(2*m, 64) || m <= ks.lanes && !isLarge[T](n, k) || m == 1 {
		return false
	}
	least := callWork / 2
	switch {
	case transA && k > ks.tuning.KC && m > ks.lanes: // no other way is that of a small product
		least = callWork / 16
	case transA:
		least = callWork
	case m > 16:
		least = callWork / 4
	}
	var z T
	filled := 8 // tenths
	if unsafe.Sizeof(z) == 8 {
		filled = 6
	}
	return product3(m, n, k) >= least && 10*m >= filled*ks.inUnits(m)
}

// shallow is up to what depth saving steps of k is not worth asking how many, shallowest to what
// depth none are worth what it costs.
const shallow, shallowest = 16, 4

// latency is how many multiply-adds of vectors it takes for none to wait for another.
const latency = 8

// transposing is how long an m x n matrix of few columns takes to be transposed, and what goes
// before it, in quarters of a cycle.
func (ks *kernelSet[T]) transposing(m, n int) int {
	return m*n*ks.costs.turning/2 + beforeRows
}

const beforeRows = 400

// computed returns how many columns a micro-kernel could compute in the time of n,
// the last of which may be a pair.
func (ks *kernelSet[T]) computed(n int, pairs bool) int {
	if pairs && n > ks.lanes && ks.endsInPair(n) {
		return (n-1)&^(ks.lanes-1) + 2
	}
	return ks.inUnits(n)
}

// tailColumns says how many of the last columns of a product are computed on
// their own: a few columns would take as long as a whole vector of them. Behind one
// or two whole vectors it does not pay, nor for a pair, which costs its panel
// little, nor for few rows, as columns are copied for it. All columns of a product are, if A is transposed.
func (ks *kernelSet[T]) tailColumns(m, n, k int, transA bool) int {
	last := n & (ks.lanes - 1)
	switch {
	case n == 1:
		return 1
	case !ks.mayHaveTail(m, n, k) || n != last && ks.endsInPair(n),
		n == last && !transA, n != last && (n <= 2*ks.lanes || k < ks.tuning.TailDepth),
		transA && !ks.savesPanel(m, n, k), !transA && !ks.savesCopy(m, last, k):
		return 0
	}
	return last
}

// savesPanel reports whether the last of n columns, computed as rows of the transpose if A is
// transposed, save so much of the last panel that it pays: some 1500 cycles, if there are enough
// rows for sums that do not wait for each other.
func (ks *kernelSet[T]) savesPanel(m, n, k int) bool {
	last := n & (ks.lanes - 1)
	if n == last {
		return m >= 64 && n <= ks.tuning.TailColumns
	}
	saved := 2*ks.lanes - ks.costs.vector*last // quarters of a cycle times lanes, for each element of A
	if ks.costs.rereads && saved <= ks.lanes*max(1, ks.readingAgain(m, k)) {
		return false
	}
	return m >= 16 && m*k*saved >= 6000*ks.lanes
}

// readingAgain is how long it takes to read an m x k A once more, for columns on their own, in
// quarters of a cycle for each element: what is in the second-level cache takes no time, if A is
// not transposed, and what comes from memory twice as long for each byte. On Zen 3, in float64,
// 2808x22x1338 TN takes 0.78 of the time without a tail, 2413x37x1166 TN 0.9, 3047x38x127 0.94. In
// float32 tails pay however large A is.
func (ks *kernelSet[T]) readingAgain(m, k int) int {
	const near, far = 512 << 10, 12 << 20 // bytes
	var z T
	size := int(unsafe.Sizeof(z))
	switch bytes := float64(m) * float64(k) * float64(size); {
	case bytes <= near:
		return 0
	case bytes <= far:
		return 1
	}
	return size / 4
}

// mayHaveTail reports whether tailColumns may be other than 0, if there are two columns or more: it is a few
// comparisons in line.
func (ks *kernelSet[T]) mayHaveTail(m, n, k int) bool {
	last, tu := n&(ks.lanes-1), &ks.tuning
	return last > 0 && last <= tu.TailColumns && k >= 24 && (m*k >= 2304 || k >= tu.TailDepth && m*k >= 1280)
}

// mayCopyTail reports whether tailColumns may be other than 0 for two columns or more and an A that is
// not transposed, in line: of lanes there are 16 at most, which the compiler is told.
func (ks *kernelSet[T]) mayCopyTail(m, n, k int) bool {
	return n > 2*ks.lanes && k >= ks.tuning.TailDepth && m*k >= ks.leastCopied[n&(ks.lanes-1)&15]
}

// leastForCopy returns how many elements an A has that savesCopy takes, at least, if the last of
// more columns than a vector are so many: what depends on m alone, and on k, is more.
func (ks *kernelSet[T]) leastForCopy(last int) int {
	saved := 2*ks.inUnits(last)*ks.lanes/ks.unit - ks.costs.vector*last // quarters of a cycle times lanes, for each element
	if last == 0 || last > ks.tuning.TailColumns || saved <= 0 {
		return math.MaxInt
	}
	return ks.costs.copying(last) * ks.lanes / saved
}

// mayGoAlongK reports whether a product may go along k, in line: with more rows than in a tile, or
// so deep that it loses little where columns have to be brought together.
func (ks *kernelSet[T]) mayGoAlongK(m, n, k int) bool {
	return n < ks.lanes && k >= pairDepth &&
		(n <= narrow && (m > len(ks.micro[0]) && m*k >= 1280 || ks.narrowIsDeep(n, k)) || m >= 32 && k >= 64 && m*k >= 8192)
}

// narrow is how many columns at most go along k with few rows.
const narrow = 4

// narrowIsDeep reports whether k is so deep that so many columns do: NarrowDepth for two, twice
// that for more.
func (ks *kernelSet[T]) narrowIsDeep(n, k int) bool { return k>>((n-1)>>1) >= ks.tuning.NarrowDepth }

// goesAlongK reports whether a product of fewer columns than a vector, with both operands as they
// are, is computed as dot products. Over 600 random shapes this loses 0.5 to 1.5% against the
// better way: 2x2x188 takes 0.3 of the time, 18x2x97 0.5, and with AVX2, in float32, 171x3x88 0.6. Columns that
// have to be brought together are some 0.9 times as fast in dot products of few rows as in tiles.
func (ks *kernelSet[T]) goesAlongK(m, n, k int) bool {
	if m < 2 || n < 2 || !ks.mayGoAlongK(m, n, k) {
		return false
	}
	is := ks.costs.alongK
	if ks.zippedFor(m, n, n) != nil {
		is = ks.costs.zippedColumns(n)
	}
	step := is.row * m * ks.inUnits(n) >> ks.unitShift
	if ks.endsInPair(n) {
		step = is.row*m + 16*m>>ks.laneShift
	}
	return max(step, 4*latency)*k-m*n*(is.vector*k>>ks.laneShift+is.sum) > is.copied*n*k+is.before
}

// savesCopy reports whether m rows of the last n columns, fewer than a vector, are computed so much
// faster as dot products that bringing the columns together pays, which takes half a cycle for an
// element. In tiles, a step of k takes half a cycle for each row and unit of columns; a dot product
// ends in adding up a vector, which takes little more than one if several are added up together,
// and no more are than there are kernels for.
func (ks *kernelSet[T]) savesCopy(m, n, k int) bool {
	inTiles := 2 * m * k * ks.computed(n, false) / ks.unit // in quarters of a cycle
	var asDots int
	if n <= len(ks.dot) {
		asDots = m * n * (ks.costs.vector*k>>ks.laneShift + 5)
		if ks.costs.rereads {
			asDots += m * k * ks.readingAgain(m, k)
		}
	} else { // in groups, each of which reads A
		asDots = m * n * (ks.costs.vector*((k+ks.lanes-1)>>ks.laneShift) + ks.costs.summing) * 9 / 8
	}
	return inTiles-asDots > 2*n*k+ks.costs.copying(n)
}

// dotsPay reports whether a product with a transposed B, and with A as it is, is computed as dot
// products. Each group of rows reads the other operand anew, so that there should not be many. A
// single group wins from less depth on, at which a vector of k is full and its sums are added up in
// the time of turning B, and small ones from still less. Over 260 random shapes of up to 64 rows
// and columns this loses 0.5 to 1.5% against the better way, over 70 of 2 to 4 rows or columns and
// 64 to 1024 of the others 0.4 to 6%.
func (ks *kernelSet[T]) dotsPay(m, n, k int) bool {
	const most, before = 32, 320 // rows, and steps of k for all of them
	few, depth := min(m, n), ks.tuning.DotDepth
	if few <= len(ks.dot) {
		if few > 1 && n == ks.lanes && 8*k < min(m, 1024) {
			return false // so many tiles of a full vector are 1.05 to 1.2 times as fast: 614x4x23 in float64
		}
		missing := ks.lanes + few*min(depth, 1<<20)/4 - k // in a row
		return missing <= 0 || missing <= before/max(m, n)
	}
	if few > min(k/depth, most) {
		return false
	}
	// With AVX2, dot products are slow beside full tiles, and have the speed of tiles of one vector,
	// for which B is turned in the time of five rows: on Zen 3, of 460 shapes of 5 to 28 rows or
	// columns these lose up to 15% against the better way where rows are 18 to 24 and k is 250, or
	// columns 18 and rows hundreds. A vector that is full wants more steps of k: 60x8x100 in float32
	// is 1.2 times as fast in tiles, 60x8x600 0.9.
	const rows, deep = 5, 128
	switch {
	case !ks.costs.slowDots:
		return true
	case n == ks.lanes && m > most:
		return k >= deep
	}
	return n <= ks.lanes || 5*ks.inUnits(n)*(m+rows) > 6*m*n
}

// turnedDotsPay reports whether a product of two transposed operands turns A, of few rows, to be
// computed as dot products: B, of more columns, takes longer to turn. 2x229x198 takes half the time
// that it takes in tiles, 4x291x147 0.6, 10x269x384 0.7; of the better way for each of 100 random
// shapes 1 to 5% are lost. A copy of A is bounded as that of columns is. With AVX2, two rows, in
// float32 three, pay from half the depth on: 2x785x30 takes 0.67 of the time, 2x63x19 0.7 to 0.76.
// Other ways have vectors along m, which are better if they are full, or C has few columns:
// 5x301x150 takes 0.6 to 0.84, 3x9x37 in float64 would take 1.6. Products too large for these ways
// gain with more rows: 12x301x500 takes 0.9, 16x301x500 0.78.
func (ks *kernelSet[T]) turnedDotsPay(m, n, k int) bool {
	if ks.lanes == 1 { // no vector is fuller
		return false
	}
	most, depth := 10, 2*ks.tuning.DotDepth // rows, and steps of k for each
	if ks.costs.slowDots {
		switch {
		case m > ks.lanes/2 && n < 32:
			return false
		case product3(m, n, k) >= callWork:
			most = 16
		case 5*ks.inUnits(m) < 6*m:
			return false
		}
		if m <= min(3, ks.lanes/2) && n >= 16 {
			depth = ks.tuning.DotDepth
		}
	}
	return 2*m <= n && m <= min(k/depth, most) && k <= columnDepth
}
