package kernels

import (
	"fmt"
	"math"
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
	// B, for the third. Both are rounded up to whole tiles; twice as many rows are still one
	// block, but of a thin product. A block deeper than KC has so many fewer rows, or if three times as many are all there
	// are, those; and a small product whose A is no larger than MC rows of depth KC, and B than NC
	// columns, is one block. Of a B in place that one block of A goes through, as
	// many columns are one block as make a C of three blocks of A, if those are more than NC.
	MC, NC int
	// TallRows is how many rows a block of A has at most instead of MC where, of little depth and for
	// few columns, so many and their rows of C are no larger than MC rows of depth KC: else as many as
	// are no larger, and of a transposed A as 24 KiB hold.
	TallRows int

	// Products with at most PackRows rows read a B that is not transposed in place: it would not be
	// read often enough to pay for packing it; of a B that spans 6 MiB and more, those with at most
	// LargeRows, and of 11 MiB and more, whose rows are fetched by panels, with at most FetchedRows.
	// So do those of a depth of at most PackDepth if the rows of B are near each other, up
	// to 2 KiB: a panel of it then stays in the first-level cache as it is. It does not with rows of
	// just 1.5 or 2 KiB: AVX2 packs them for more rows of A than PackRows, those of 2 KiB from 33 on,
	// if k is at least 48. Of rows that are further apart, a few steps of k stay there, too: products
	// whose A has at most PackWork elements read them in place, unless they are about a multiple of 2
	// KiB apart. Where they are, and k is more than 8 or the product large, products with more than
	// CrowdedRows rows pack them, if these are fewer, unless B has more than CrowdedBytes bytes; 1 GiB counts as no limit.
	// Rows that are near each other, and no multiple of half a cache line apart, are packed, too, if k is more
	// than SplitDepth, or half of it for more than 96 rows of A, and the product has several panels and
	// 1<<20 multiply-adds or more.
	PackRows, LargeRows, FetchedRows, CrowdedRows, CrowdedBytes, PackDepth, SplitDepth, PackWork int
	// Products with more than PackColumns columns pack A if its rows are at least PackStride
	// elements apart, or if it is transposed, its columns at least TurnStride: so far apart they
	// share sets of the cache, and entries of the TLB. A transposed A is turned thereby, as a tile
	// reads little of each cache line. However near they are, so is one of at least TurnRows rows
	// and a depth of TurnDepth: each tile would read all of its lines, which with those of B are
	// more than the first-level cache has.
	PackColumns, PackStride, TurnStride, TurnDepth, TurnRows int
	// For a transposed A whose columns are at least TurnStride apart and share sets of the cache,
	// as those about a multiple of 4 KiB apart do, the smaller one of PackColumns and TurnColumns
	// counts; so it does where the k columns of A, or of a block of a thin product, span TurnPages pages
	// of 4 KiB or more, as each step of k is then in a page that the CPU has to look up.
	TurnColumns, TurnPages int
	// A product with a transposed A alone that has more columns than 8 and UprightColumns, or those
	// of a large tile, and at most ThinColumns, is thin, unless it is small, or m and n are no more
	// than 96 bytes of elements: it reads A in place whatever the stride, or where its columns share
	// sets of the cache, or are in TurnPages pages, turns it, in blocks of depth ThinDepth instead of KC. Each step of k takes a
	// cache line of A, little of which the tile reads: of so few steps, these lines and the panel of
	// B stay in the first-level cache for the tiles that read the rest. 0 columns are for no product.
	ThinColumns, ThinDepth int
	// A product with B as it is, of more rows than a tile and at most PackRows, LargeRows or FetchedRows, has
	// blocks of depth UnevenDepth if k is two and a half times that or more, and rows of n elements
	// are longer than 320 bytes and no multiple of a vector: B is mostly read in place, where vectors
	// of such rows lie in two cache lines, and a panel of so few steps stays in the first-level cache
	// from tile to tile. With a transposed A, what is thin is thin all the same.
	UnevenDepth int
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
	// other ways; 64 is the most. Those with a transposed A alone, more columns than 8, and a number of
	// rows that vectors and a pair behind them fill, are if k is at most UprightDepth. From a depth of
	// LoneDepth on, so are those with a transposed A alone and more rows than two vectors whose columns
	// are a vector, or half of one, at most, and nearly as full: tiles of one vector load an element
	// for each multiply-add.
	UprightColumns, UprightDepth, LoneDepth int
	// A large product with a transposed A alone and a depth of at least AsRowsDepth is computed in
	// vectors along m, too, if it has as many columns as a vector, and twelve times as many rows; and
	// where A has 11 MiB or more if k is at least 400, in float64 those with a part of a vector more
	// columns than a large tile as well.
	AsRowsDepth int
	// A product of two transposed operands that is large, and has 2 to TransposeColumns columns, 16 rows
	// or more and a depth of 32 or more, is computed as its transpose, which turns no operand but C,
	// unless one of the ways before and after this one takes it. 0 is for no product.
	TransposeColumns int
	// A large product with a transposed B and 2 to TransposeRows rows, fewer than it has columns, and a
	// depth of 64 and twice its rows, or more, is computed as its transpose, too, if that fills
	// vectors: A is turned then, if it is not transposed, and not B. Those of no more rows than a
	// vector are if B has 11 MiB or more. 0 is for no product.
	TransposeRows int
	// A product of a few rows and two columns, with both operands as they are, is computed as dot
	// products if k is at least NarrowDepth, of three or four columns from twice that on, where
	// that is faster; with more rows than a tile has, from less depth on.
	NarrowDepth int
	// A product of at most ShallowRows rows with a large B, as it is, has blocks of little depth if
	// rows of n elements share sets of the cache: 8 steps of k where all rows are one row of tiles
	// and B is larger than 16 MiB; and if they are more and B is larger than 32 MiB, 64 steps, or
	// 1024 bytes of a row of A from 33 rows on. 0 is for no product.
	ShallowRows int
	// Another product of 2 to 32 rows, and not small, with a B, as it is, of 1 MiB and more in rows longer
	// than 2 KiB has blocks of depth PageDepth if these are longer than 8 KiB, or about a multiple of 2
	// KiB, else of twice that: each of so many rows is in a page of its own, and the CPU knows where few
	// pages are.
	PageDepth int
	// A product of at most LowDepth steps of k, whose C, or what a thread computes of it, has long
	// rows, takes two rows of tiles of A at a time through all of B, so that C is written row by
	// row: if C has 4 MiB, or with a quarter of so many steps 1 MiB, or its rows are about a multiple of
	// 2 KiB apart, or 256 and more of them of 1 KiB. Of these rows, it takes one row of tiles for a
	// third of so many steps. Where LowDepth is more than 32, the quarter and the third are of 32. What is written past the caches is not. 0 is for no product.
	LowDepth int
	// A C of at least AroundBytes bytes that is written once and not read, and whose rows begin with
	// cache lines, is written past the caches, if there are kernels of Vectors for it. From 1<<31 - 1 on, none is, however large.
	// With fewer steps of k than AroundDepth it has to be twice as large: so few do not hide how long such writes take.
	AroundBytes, AroundDepth int
	// A small product with A as it is, B as it is or turned at once, alpha = 1 and beta = 0 is computed in
	// tiles of their own, by calls for those of one panel that are equally tall, if it has at most 2048 rows,
	// k is at least AloneDepth, and it is one panel, or k at least half of n, or C has at most AloneBytes;
	// else by fewer calls of kernels that do more. With less than four steps of k, several panels of C are
	// only if they have at most four times as many columns as rows. A panel of one or two tiles, panels of
	// one tile each and a few steps of k, and a panel of two vectors and more, at most 128 rows and four
	// steps of k or more, are in any case. Where there are no kernels for that, nothing is.
	AloneDepth, AloneBytes int
	// AVX-512 stores vectors of C whole if C, or what is computed of it at a time, has at most WholeBytes
	// bytes, or k is at least 32, else as two halves each, as tiles that also pack or fetch do. 0 is for
	// no C but that of tiles of their own.
	WholeBytes int
	// Where SpareLoads is 1, tiles of their own load less often, if there are kernels for that: those of
	// one vector some elements of A several at once, to broadcast each in registers, and those of one and
	// a half each element once. It is faster where the CPU does not load two vectors in the time of
	// two multiply-adds.
	SpareLoads int
	// A vector is multiplied by a matrix of at most VecMatBytes, whose rows are contiguous, in panels
	// of a few vectors, whose sums stay in registers: so is any of one panel and at most 64 columns, or
	// 1<<17 elements. Of others, whole rows are added up in memory. From 1<<30 on, none is another.
	VecMatBytes int
	// A matrix of more than FetchBytes bytes that is multiplied by one vector, and not in registers, comes
	// from memory: its rows are fetched ahead. From 1<<31 - 1 on, none is, however large.
	FetchBytes int
	// Packed panels of a block of B of more than PanelBytes bytes come from the last-level cache, or from
	// one that is slow, too: while one is multiplied, the next one is fetched, unless most tiles are too low. From 1<<30 on, none is.
	PanelBytes int
	// Where TurnAtOnce is 1, a block of a transposed B that several blocks of a thread's rows of A go through is turned before
	// it is multiplied, as is one of less than 64 steps of k; of others, each panel while the one before it is multiplied.
	TurnAtOnce int
	// While a panel is multiplied, a row of the next one is packed, or a piece of it fetched if tiles are few, in
	// every four steps of k; or if there are tiles enough, in every other four, or fewer, down to one of
	// AheadTurns: no more is asked for than arrives. Of others than powers of two, the next lower one counts.
	AheadTurns int
	// A thread is worth waking up for at least ThreadWork multiply-adds.
	ThreadWork int
}

// mostTransposed bounds how many columns or rows of C are turned, of which a copy has whole ones.
const mostTransposed = 1024

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
	mostWhole := 0
	if o.ks.halves != nil { // AVX-512
		mostWhole = math.MaxInt
	}
	vectors := len(o.ks.micro)
	if t.Vectors < 1 || t.Vectors > vectors {
		return fmt.Errorf("t.Vectors = %d, want 1..%d", t.Vectors, vectors)
	}
	for _, field := range []struct {
		name               string
		value, least, most int
	}{
		{"Rows", t.Rows, 0, len(o.ks.micro[t.Vectors-1])},
		{"KC", t.KC, 1, deepest},
		{"MC", t.MC, 1, math.MaxInt},
		{"NC", t.NC, 1, math.MaxInt},
		{"TallRows", t.TallRows, 0, math.MaxInt},
		{"PackRows", t.PackRows, 0, math.MaxInt},
		{"LargeRows", t.LargeRows, 0, math.MaxInt},
		{"FetchedRows", t.FetchedRows, 0, math.MaxInt},
		{"CrowdedRows", t.CrowdedRows, 0, math.MaxInt},
		{"CrowdedBytes", t.CrowdedBytes, 0, math.MaxInt},
		{"PackDepth", t.PackDepth, 0, math.MaxInt},
		{"SplitDepth", t.SplitDepth, 0, math.MaxInt},
		{"PackWork", t.PackWork, 0, math.MaxInt},
		{"PackColumns", t.PackColumns, 0, math.MaxInt},
		{"PackStride", t.PackStride, 0, math.MaxInt},
		{"TurnStride", t.TurnStride, 0, math.MaxInt},
		{"TurnDepth", t.TurnDepth, 0, math.MaxInt},
		{"TurnRows", t.TurnRows, 0, math.MaxInt},
		{"TurnColumns", t.TurnColumns, 0, math.MaxInt},
		{"TurnPages", t.TurnPages, 0, math.MaxInt},
		{"ThinColumns", t.ThinColumns, 0, math.MaxInt},
		{"ThinDepth", t.ThinDepth, 1, deepest},
		{"UnevenDepth", t.UnevenDepth, 1, math.MaxInt},
		{"TailColumns", t.TailColumns, 0, o.ks.lanes - 1},
		{"TailDepth", t.TailDepth, 0, math.MaxInt},
		{"DotDepth", t.DotDepth, 1, math.MaxInt},
		{"UprightColumns", t.UprightColumns, 0, o.ks.mostUpright()},
		{"UprightDepth", t.UprightDepth, 0, math.MaxInt},
		{"LoneDepth", t.LoneDepth, 0, math.MaxInt},
		{"AsRowsDepth", t.AsRowsDepth, 0, math.MaxInt},
		{"TransposeColumns", t.TransposeColumns, 0, mostTransposed},
		{"TransposeRows", t.TransposeRows, 0, mostTransposed},
		{"NarrowDepth", t.NarrowDepth, 1, math.MaxInt},
		{"ShallowRows", t.ShallowRows, 0, math.MaxInt},
		{"PageDepth", t.PageDepth, 1, math.MaxInt},
		{"LowDepth", t.LowDepth, 0, math.MaxInt},
		{"AroundBytes", t.AroundBytes, 0, math.MaxInt},
		{"AroundDepth", t.AroundDepth, 0, math.MaxInt},
		{"AloneDepth", t.AloneDepth, 0, math.MaxInt},
		{"AloneBytes", t.AloneBytes, 0, math.MaxInt},
		{"WholeBytes", t.WholeBytes, 0, mostWhole},
		{"SpareLoads", t.SpareLoads, 0, min(len(o.ks.alone.sparing), 1)},
		{"VecMatBytes", t.VecMatBytes, 0, math.MaxInt},
		{"FetchBytes", t.FetchBytes, 0, math.MaxInt},
		{"PanelBytes", t.PanelBytes, 0, math.MaxInt},
		{"TurnAtOnce", t.TurnAtOnce, 0, 1},
		{"AheadTurns", t.AheadTurns, 1, 64},
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
