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
	// MC is how many rows of A a block has, for the second-level cache, and NC how
	// many columns of B, for the third. Both are rounded up to whole tiles; half as
	// many rows again are still one block. A block deeper than KC has so many fewer rows, or if three times as
	// many are all there are, those.
	MC, NC int

	// Products with at most PackRows rows read a B that is not transposed in
	// place: it would not be read often enough to pay for packing it. So do those of
	// a depth of at most PackDepth if the rows of B are near each other, up to
	// 2 KiB: a panel of it then stays in the first-level cache as it is.
	PackRows, PackDepth int
	// Products with more than PackColumns columns pack A if its rows are at least
	// PackStride elements apart, or if it is transposed, its columns at least
	// TurnStride: so far apart they share sets of the cache, and entries of the TLB. A
	// transposed A is turned thereby, as a tile reads little of each cache line. With 16 rows or
	// more, a depth of TurnDepth has more lines than the first-level cache, however near they are.
	PackColumns, PackStride, TurnStride, TurnDepth int
	// A last vector of at most TailColumns columns, behind two whole ones, is
	// computed by columns if k is at least TailDepth, where that saves more than bringing them together costs: a sum
	// along k ends in adding up a vector. All columns of a product, fewer than a vector, are from a depth of 24 on if
	// they are so few, and from 64 on in any case, where that saves as much.
	TailColumns, TailDepth int
	// A product with a transposed B, and with A as it is, is computed as dot products, both
	// in place, if k is at least DotDepth for each row, or for each column, of which there are
	// 32 at most: turning B takes as long as some rows of the product, and adding up a vector
	// as long as some steps of k. With a B of up to 4 KiB it is 12 less: what goes before turning counts.
	DotDepth int
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
		{"PackRows", t.PackRows, 0, math.MaxInt}, {"PackDepth", t.PackDepth, 0, math.MaxInt},
		{"PackColumns", t.PackColumns, 0, math.MaxInt}, {"PackStride", t.PackStride, 0, math.MaxInt}, {"TurnStride", t.TurnStride, 0, math.MaxInt}, {"TurnDepth", t.TurnDepth, 0, math.MaxInt},
		{"TailColumns", t.TailColumns, 0, o.ks.lanes - 1}, {"TailDepth", t.TailDepth, 0, math.MaxInt}, {"DotDepth", t.DotDepth, 1, math.MaxInt},
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

// inPlace reports whether a product is one block, for one thread, whose
// operands are read where they are. B must be contiguous along n.
func (ks *kernelSet[T]) inPlace(m, n, k, lda, ldb int, transA bool) bool {
	tu := &ks.tuning
	return m > 1 && k <= ks.depth(n, k, transA) && ks.blockOfRows(m, n, k, math.MaxInt) == m && n <= tu.NC && !ks.packsB(m, k, ldb, false) && !ks.packsA(m, n, k, lda, transA) &&
		ks.tailColumns(m, n, k, transA) == 0 && product3(m, n, k)/2 < tu.ThreadWork
}

// fitsStrips reports whether a product is so small that no call has to be bounded, and rows of its A are so
// near that tiles of all heights read them.
func (ks *kernelSet[T]) fitsStrips(m, n, k, lda int, transA bool) bool {
	return product3(m, n, k) <= callWork && rowsAtOnce[T](lda, transA) == math.MaxInt
}

// small reports whether a product is of a size at which inPlace depends on nothing but
// packsA, packsB and tailColumns. It is a few comparisons in line, as are nearRows and nearColumns,
// which tell that A is not packed, and mayHaveTail.
func (ks *kernelSet[T]) small(m, n, k int) bool {
	tu := &ks.tuning
	return m <= tu.MC && n <= tu.NC && product3(m, n, k) <= min(callWork, tu.ThreadWork)
}

// nearRows reports whether rows are so near that they are not packed, and tiles of all heights read them.
func (ks *kernelSet[T]) nearRows(lda int) bool {
	var z T
	return lda < ks.tuning.PackStride && lda*int(unsafe.Sizeof(z)) < setPeriod-setNear
}

// nearColumns reports of a small product whose A is transposed, and which has no tail, that A is
// not packed, and that it cannot be betterAsRows, which saves no more than what vectors of C have behind
// the last column.
func (ks *kernelSet[T]) nearColumns(m, n, k int) bool {
	return n <= ks.tuning.PackColumns && (k <= shallow || 2*m*k*(-n&(ks.lanes-1)) <= ks.lanes*(m*n+beforeRows))
}

// goesBeside reports whether the columns behind the last panel are computed beside
// it, if A is transposed, all is in place and k one block.
func (ks *kernelSet[T]) goesBeside(m, n, k int) bool {
	by, tu := &ks.beside, &ks.tuning
	tail := n & (ks.lanes - 1)
	return tail > 0 && tail <= len(by.run) && k >= tu.TailDepth && m >= by.leastRows() && n > tail && (n-tail)%ks.nr() == 0 &&
		by.v == tu.Vectors && (tu.Rows == 0 || tu.Rows >= by.h)
}

// leastRows is from how many rows on all can be cut into tiles of h and of h-1.
func (by *besideKernels[T]) leastRows() int { return (by.h - 1) * (by.h - 2) }

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

// betterAsRows reports whether a product with a transposed A is computed as its
// transpose, whose vectors run along m: with few columns, if they are so much fuller that
// it saves half a vector of multiply-adds for each element of C, about the time that the
// copy takes, and some two hundred and fifty cycles for what goes before. A transposed B is then
// read as it is, and need not be turned, which may be the larger copy, more so element by element.
// 50x10x100 gains 6 to 28%, 300x3x300 up to 2.8 times; TT 12x20x400 1.5, 3x50x400 in float64 1.8.
func (ks *kernelSet[T]) betterAsRows(m, n, k int, transB bool) bool {
	before, turning := 2*beforeRows, k*n // in half vectors, four to a cycle
	if ks.halves != nil {
		before, turning = beforeRows, k*n/2 // two to a cycle
	}
	if n < ks.square.side {
		turning *= 2
	}
	if n == 1 || k <= shallow || n > ks.nr() && (!transB || product3(m, n, k) > callWork) {
		return false
	}
	atLeast := ks.computed(1, false) * latency
	tail := ks.tailColumns(m, n, k, true)
	if tail == n {
		return true // it would come to that
	}
	asRows := max(n*ks.computed(m, !transB), atLeast)
	asTiles := max(m*ks.computed(n-tail, !transB)+tail*ks.computed(m, !transB), atLeast)
	saved := 2 * k * (asTiles - asRows)
	if transB {
		saved += ks.lanes * (turning + before/2)
	}
	return saved > ks.lanes*(m*n+before)
}

// latency is how many multiply-adds of vectors it takes for none to wait for another.
const latency = 8

// beforeRows is what goes before betterAsRows, in half vectors of multiply-adds.
const beforeRows = 500

// shallow is up to what depth A is read once for so few steps that no other way is better.
const shallow = 16

// computed returns how many columns a micro-kernel could compute in the time of n,
// the last of which may be a pair.
func (ks *kernelSet[T]) computed(n int, pairs bool) int {
	unit := ks.lanes
	if ks.halves != nil {
		unit /= 2
	}
	if pairs && n > ks.lanes && ks.endsInPair(n) {
		return (n-1)&^(ks.lanes-1) + 2
	}
	return (n + unit - 1) &^ (unit - 1)
}

// tailColumns says how many of the last columns of a product are computed on
// their own: a few columns would take as long as a whole vector of them. Behind one
// or two whole vectors it does not pay, nor for a pair, which costs its panel
// little, nor for few rows, as columns are copied for it.
func (ks *kernelSet[T]) tailColumns(m, n, k int, transA bool) int {
	last := n & (ks.lanes - 1)
	switch {
	case n == 1:
		return 1
	case !ks.mayHaveTail(m, n, k) || n != last && ks.endsInPair(n),
		n != last && (n <= 2*ks.lanes || k < ks.tuning.TailDepth),
		transA && !ks.savesPanel(m, n, k), !transA && !ks.savesCopy(m, last, k):
		return 0
	}
	return last
}

// savesPanel reports whether the last of n columns, computed as rows of the transpose if A is transposed, save so much
// of the last panel that it pays: some 1500 cycles, if there are enough rows for sums that do not wait for each other.
func (ks *kernelSet[T]) savesPanel(m, n, k int) bool {
	last, vector := n&(ks.lanes-1), 4 // quarters of a cycle
	if ks.halves == nil {
		vector = 2
	}
	if n == last {
		return m >= 64 && n <= ks.tuning.TailColumns
	}
	return m >= 16 && m*k*(2*ks.lanes-vector*last) >= 6000*ks.lanes
}

// mayHaveTail reports whether tailColumns may be other than 0, if there are two columns or more: it is a few
// comparisons in line.
func (ks *kernelSet[T]) mayHaveTail(m, n, k int) bool {
	last, tu := n&(ks.lanes-1), &ks.tuning
	return last > 0 && (last <= tu.TailColumns && k >= 24 && (m*k >= 2304 || k >= tu.TailDepth && m*k >= 1280) || n == last && k >= 64 && m*k >= 8192)
}

// savesCopy reports whether m rows of n columns, fewer than a vector, are computed so
// much faster as dot products that bringing the columns together pays, half a cycle for an
// element and some two hundred. In tiles, a step of k takes half a cycle for each row and unit of columns; a dot
// product ends in adding up a vector, which takes little more than one if several are
// added up together, and no more are than there are kernels for. 33x2x100 gains 1.8, 100x4x80 1.5 times, with
// AVX2 33x2x128 2.2, and 100x10x784 in float32 1.4.
func (ks *kernelSet[T]) savesCopy(m, n, k int) bool {
	inTiles, vector, adding := 2*m*k*ks.computed(n, false)/ks.computed(1, false), 4, 12 // in quarters of a cycle
	if ks.halves == nil {
		vector, adding = 2, 30
	}
	var asDots int
	if n <= len(ks.dot) {
		asDots = m * n * (vector*k>>ks.laneShift + 5)
	} else { // in groups, each of which reads A
		asDots = m * n * (vector*((k+ks.lanes-1)>>ks.laneShift) + adding) * 9 / 8
		half := m * k * 5 / 2 // half vectors wait for A, which they read for each multiply-add
		switch {
		case ks.endsInPair(n):
			inTiles = half + m*k*8/ks.lanes
		case 2*n <= ks.lanes && ks.halves != nil:
			inTiles = half
		}
	}
	return inTiles-asDots > 2*n*k+900
}

// dotsPay reports whether a product with a transposed B, and with A as it is, is
// computed as dot products. Each group of rows reads the other operand anew, so that
// there should not be many. Over 200 random shapes this loses 1 to 2.5% against the better way.
func (ks *kernelSet[T]) dotsPay(m, n, k int) bool {
	const most, small, before = 32, 4 << 10, 12 // rows, bytes of B, and steps of k
	var z T
	if k*n <= small/int(unsafe.Sizeof(z)) {
		k += before
	}
	return min(m, n) <= min(k/ks.tuning.DotDepth, most)
}

// turnedDotsPay reports whether a product of two transposed operands turns A, of few rows, to be computed
// as dot products: B, of more columns, takes longer to turn. 2x229x198 takes half the time that it takes in
// tiles, 4x291x147 0.6, 10x269x384 0.7; of the better way for each of 100 random shapes 1 to 5% are lost. A copy
// of A is bounded as that of columns is.
func (ks *kernelSet[T]) turnedDotsPay(m, n, k int) bool {
	most := ks.lanes / 2 // rows
	if ks.halves != nil {
		most = 10 // with twice the registers
	}
	return 2*m <= n && m <= min(k/(2*ks.tuning.DotDepth), most) && k <= columnDepth
}

// packsA reports whether A, lda elements from row to row of what is stored, is
// packed for an m x n product of depth k: not for one panel, which reads it but once.
func (ks *kernelSet[T]) packsA(m, n, k, lda int, trans bool) bool {
	tu := &ks.tuning
	switch {
	case n <= max(tu.PackColumns, ks.nr()):
		return false
	case trans:
		return lda >= tu.TurnStride || k >= tu.TurnDepth && m >= 16
	}
	return lda >= tu.PackStride
}

// packsB reports whether B is packed for a product of m rows and depth k.
func (ks *kernelSet[T]) packsB(m, k, ldb int, trans bool) bool {
	const far = 2048 // bytes from row to row, at which the micro-kernels fetch ahead
	var z T
	tu := &ks.tuning
	return trans || m > tu.PackRows && (k > tu.PackDepth || ldb*int(unsafe.Sizeof(z)) > far)
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
