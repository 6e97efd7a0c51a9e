package kernels

import "math"

// GatherBytes makes a batch of samples that are kept as bytes: it sets row i of
// the len(rows) x n matrix dst to row rows[i] of the bytes src, n of them to a
// row, each converted to T and divided by divisor, rounded as T(x)/T(divisor) is:
// all implementations give the same bits. A row may be taken more than once.
// GatherBytes panics if divisor is 0, or if src has no row of that number.
func GatherBytes[T Float](dst []T, src []uint8, rows []int, n int, divisor uint8) {
	defaultOps[T]().GatherBytes(dst, src, rows, n, divisor)
}

// gatherAhead is how many rows before it is read a row is fetched into the L2
// cache: samples lie all over memory, and one takes less time to convert than to arrive.
const gatherAhead = 6

// GatherBytes is [GatherBytes] on o's implementation.
func (o Ops[T]) GatherBytes(dst []T, src []uint8, rows []int, n int, divisor uint8) {
	checkSize("GatherBytes", "n", n)
	checkLen("GatherBytes", "dst", len(dst), extent(len(rows), n, n))
	if divisor == 0 {
		panicf("GatherBytes: divisor = 0, want 1..255")
	}
	if n == 0 {
		return
	}
	checkRows("GatherBytes", src, rows, n)
	high, low := reciprocal[T](divisor)
	for i, row := range rows {
		next := rows[min(i+gatherAhead, len(rows)-1)] * n
		for from, to := range stretches[T](n) {
			o.ks.bytes(dst[i*n+from:i*n+to], &src[row*n+from], &src[next+from], T(divisor), high, low)
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

// checkRows checks that src has rows of n > 0 bytes of these numbers.
func checkRows(fn string, src []uint8, rows []int, n int) {
	have := len(src) / n
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
