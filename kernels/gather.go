package kernels

import (
	"math"
	"math/bits"
	"runtime"
	"unsafe"
)

// A Range is the columns From, From+1, ..., To-1 of a matrix.
type Range struct{ From, To int }

// Len returns how many columns they are.
func (r Range) Len() int { return r.To - r.From }

func widthOf(columns []Range) (width int) {
	for _, r := range columns {
		width += r.Len()
	}
	return width
}

// GatherBytes makes a batch of samples that are kept as bytes: it sets row i of
// the len(rows) x n matrix dst to row rows[i] of the bytes src, n of them to a
// row, each converted to T and divided by divisor, rounded as T(x)/T(divisor) is:
// all implementations give the same bits. A row may be taken more than once.
// GatherBytes panics if divisor is 0, or if src has no row of that number.
func GatherBytes[T Float](dst []T, src []uint8, rows []int, n int, divisor uint8) {
	defaultOps[T]().GatherBytes(dst, src, rows, n, divisor)
}

// GatherBytes is [GatherBytes] on o's implementation.
func (o Ops[T]) GatherBytes(dst []T, src []uint8, rows []int, n int, divisor uint8) {
	checkSize("GatherBytes", "n", n)
	checkLen("GatherBytes", "dst", len(dst), extent(len(rows), n, n))
	checkDivisor("GatherBytes", divisor)
	if n == 0 {
		return
	}
	checkRows("GatherBytes", src, rows, n)
	all := [1]Range{{0, n}}
	g := gathering[T]{ops: o, dst: dst, ldd: n, src: src, rows: rows, n: n, divisor: divisor}
	g.run(all[:])
}

// GatherColumns is [Ops.GatherBytes] of some of the columns: it sets row i of the matrix
// dst, of leading dimension ldd, to those bytes of row rows[i] of src that lie in columns,
// which are in ascending order and do not overlap, one range behind the other. Between
// the rows of dst it writes nothing. GatherColumns panics where GatherBytes does, and if
// columns are not as described or outside 0..n.
func (o Ops[T]) GatherColumns(dst []T, ldd int, src []uint8, rows []int, n int, columns []Range, divisor uint8) {
	checkSize("GatherColumns", "n", n)
	before := 0
	for i, r := range columns {
		if r.From < before || r.To < r.From || r.To > n {
			panicf("GatherColumns: columns[%d] = %d..%d, want it within %d..%d", i, r.From, r.To, before, n)
		}
		before = r.To
	}
	width := widthOf(columns)
	checkMatrix("GatherColumns", "dst", "ldd", dst, len(rows), width, ldd)
	checkDivisor("GatherColumns", divisor)
	if n == 0 {
		return
	}
	checkRows("GatherColumns", src, rows, n)
	g := gathering[T]{ops: o, dst: dst, ldd: ldd, src: src, rows: rows, n: n, divisor: divisor}
	g.run(columns)
}

// chunkBytes is how many bytes a kernel converts at a time, chunksTogether for how many
// chunks it is called at most, and gatherAhead how many rows before it is read a row is
// fetched into the L2 cache: samples lie all over memory, and one takes less time to
// convert than to arrive.
const chunkBytes, chunksTogether, gatherAhead = 16, 64, 6

// A gathering is a call of GatherColumns. Rows are converted in chunks, which are the
// same for all of them. A chunk may reach over the end of its range: what it writes
// there is written again with the next range. At the end of the row nothing comes next,
// so the last chunk of a range ends with it, and repeats a part of the one before;
// what is left of shorter ranges there is converted byte by byte.
type gathering[T Float] struct {
	ops     Ops[T]
	dst     []T
	ldd     int
	src     []uint8
	rows    []int
	n       int
	divisor uint8

	chunks [2 * chunksTogether]int // columns of src and dst where they begin
	count  int
}

func (g *gathering[T]) run(columns []Range) {
	width, to := widthOf(columns), 0
	for _, r := range columns {
		for from := r.From; from < r.To; {
			left := r.To - from
			step := min(left, chunkBytes)
			switch {
			case left >= chunkBytes || to+chunkBytes <= width: // src has as much behind as dst, or more
				g.add(from, to)
			case r.Len() >= chunkBytes:
				g.add(from+left-chunkBytes, to+left-chunkBytes)
			default:
				g.convert()
				g.oneByOne(from, to, left)
			}
			from, to = from+step, to+step
		}
	}
	g.convert()
}

// add has a chunk converted, now or later.
func (g *gathering[T]) add(from, to int) {
	if g.count == chunksTogether {
		g.convert()
	}
	g.chunks[2*g.count], g.chunks[2*g.count+1] = from, to
	g.count++
}

// convert converts the chunks that were added.
func (g *gathering[T]) convert() {
	if g.count == 0 {
		return
	}
	high, low := reciprocal[T](g.divisor)
	for i, row := range g.rows {
		preemptible()
		next := g.rows[min(i+gatherAhead, len(g.rows)-1)]
		// No kernel keeps a pointer, which the compiler does not know: see [microArgs.run].
		chunks := (*int)(hidden(unsafe.Pointer(&g.chunks)))
		g.ops.ks.bytes(&g.dst[i*g.ldd], &g.src[row*g.n], &g.src[next*g.n], chunks, g.count, T(g.divisor), high, low)
	}
	runtime.KeepAlive(g)
	g.count = 0
}

// oneByOne converts so many bytes of every row.
func (g *gathering[T]) oneByOne(from, to, bytes int) {
	for i, row := range g.rows {
		dst := g.dst[i*g.ldd+to:][:bytes]
		for j, v := range g.src[row*g.n+from:][:bytes] {
			dst[j] = T(v) / T(g.divisor)
		}
	}
}

// usedBlock is how many columns a kernel looks at for bytes that are not 0, and usedRows
// in how many rows at a time.
const usedBlock, usedRows = 256, 512

// ColumnsInUse appends to columns those of the bytes src, n to a row, in which some of
// the rows listed have a byte that is not 0: where samples are pictures on a black ground, a third
// of the pixels are black in a whole batch, and products need not multiply with them. The ranges
// are in ascending order, and there are columns between any two. The last one is at least
// 16 columns long, if n is, with which [Ops.GatherColumns] is fastest; some of its columns may be 0.
// ColumnsInUse allocates only for more ranges than columns has room for. It panics
// if src has no row of that number.
func (o Ops[T]) ColumnsInUse(columns []Range, src []uint8, rows []int, n int) []Range {
	checkSize("ColumnsInUse", "n", n)
	if n == 0 || len(rows) == 0 {
		return columns
	}
	checkRows("ColumnsInUse", src, rows, n)
	first := len(columns)
	for from := 0; from < n; from += usedBlock {
		begin := max(0, min(from, n-usedBlock)) // all blocks are whole, if one fits
		used := o.bytesInUse(src[begin:], rows, n)
		end := min(from+usedBlock, n) - begin
		for j := nextColumn(&used, from-begin, end, true); j < end; {
			to := nextColumn(&used, j, end, false)
			if last := len(columns) - 1; last >= first && columns[last].To == begin+j {
				columns[last].To = begin + to
			} else {
				columns = append(columns, Range{begin + j, begin + to})
			}
			j = nextColumn(&used, to, end, true)
		}
	}
	if len(columns) == first {
		return columns
	}
	last := columns[len(columns)-1]
	last.From = max(0, min(last.From, last.To-chunkBytes))
	last.To = max(last.To, min(n, chunkBytes))
	columns = columns[:len(columns)-1]
	for len(columns) > first && columns[len(columns)-1].To >= last.From {
		last.From = min(last.From, columns[len(columns)-1].From)
		columns = columns[:len(columns)-1]
	}
	return append(columns, last)
}

// columnBits has a bit for each column of a block.
type columnBits = [usedBlock / 64]uint64

// nextColumn returns the first column in from..end-1 whose bit is as wanted, or end.
func nextColumn(u *columnBits, from, end int, set bool) int {
	for from < end {
		word := u[from/64]
		if !set {
			word = ^word
		}
		if word >>= from % 64; word != 0 {
			return min(from+bits.TrailingZeros64(word), end)
		}
		from = from&^63 + 64
	}
	return end
}

// bytesInUse tells of the first columns of src, a block or all there are, whether some of
// the rows have a byte there that is not 0.
func (o Ops[T]) bytesInUse(src []uint8, rows []int, n int) (used columnBits) {
	if n < usedBlock {
		anyInUse(&used, src, rows, n, n)
		return used
	}
	for len(rows) > 0 {
		preemptible()
		together := min(len(rows), usedRows)
		var some columnBits
		o.ks.bytesInUse((*columnBits)(hidden(unsafe.Pointer(&some))), &src[0], rows[:together], n)
		runtime.KeepAlive(&some)
		for i, word := range some {
			used[i] |= word
		}
		rows = rows[together:]
	}
	return used
}

// anyInUse is the bytesInUse of a kernelSet for the first width columns.
func anyInUse(used *columnBits, src []uint8, rows []int, n, width int) {
	var seen [usedBlock]uint8
	for _, row := range rows {
		for j, v := range src[row*n:][:width] {
			seen[j] |= v
		}
	}
	*used = columnBits{}
	for j, v := range seen {
		if v != 0 {
			used[j/64] |= 1 << (j % 64)
		}
	}
}

// fetchLines bounds the cache lines that FetchBytes asks for: what is asked for too
// early pushes other things out of the L2 cache, and is pushed out itself.
const fetchLines = 2048

// FetchBytes has the rows of bytes that rows lists, of n bytes each, brought into
// the L2 cache, as far as they fit a part of it, and does not wait for them. Called some
// time before a [GatherBytes] of the same rows, it makes that one faster; it does nothing
// else. FetchBytes panics if src has no row of that number.
func (o Ops[T]) FetchBytes(src []uint8, rows []int, n int) {
	checkSize("FetchBytes", "n", n)
	if n == 0 {
		return
	}
	checkRows("FetchBytes", src, rows, n)
	lines := n/cacheLine + 2 // that a row may lie on
	if rows = rows[:min(len(rows), fetchLines/lines)]; len(rows) > 0 {
		o.ks.fetch(&src[0], rows, n)
	}
}

func checkDivisor(fn string, divisor uint8) {
	if divisor == 0 {
		panicf("%s: divisor = 0, want 1..255", fn)
	}
}

// checkRows checks that src has rows of n > 0 bytes of these numbers.
func checkRows(fn string, src []uint8, rows []int, n int) {
	have := len(src) / n
	if have == 0 && len(rows) > 0 {
		panicf("%s: len(src) = %d, want >= %d: a whole row", fn, len(src), n)
	}
	for i, row := range rows {
		if row < 0 || row >= have {
			panicf("%s: rows[%d] = %d, want 0..%d, the whole rows in len(src) = %d", fn, i, row, have-1, len(src))
		}
	}
}

// reciprocal returns 1/d as the sum of a T and a rest. x*high + x*low, with
// both roundings that a fused multiply-add leaves, is then the quotient x/d of two
// bytes rounded once: that is either a T, or further from the middle between two of
// them than the error, as the distance is a multiple of 1/d in units of the last place.
func reciprocal[T Float](d uint8) (high, low T) {
	high = 1 / T(d)
	// For float32, 1 - high*d is exact even without the fusion.
	return high, T(math.FMA(-float64(high), float64(d), 1)) / T(d)
}
