package kernels

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

// Misuse by the programmer ends in a panic whose message names the function,
// the argument, its value and what was needed. The checks are small enough to
// be inlined; what builds the message is kept out of line.

//go:noinline
func panicf(format string, args ...any) {
	panic("kernels: " + fmt.Sprintf(format, args...))
}

func checkSize(fn, name string, v int) {
	if v < 0 {
		panicf("%s: %s = %d, want >= 0", fn, name, v)
	}
}

func checkLen(fn, name string, have, need int) {
	if have < need {
		panicf("%s: len(%s) = %d, want >= %d", fn, name, have, need)
	}
}

func checkSameLen(fn, name string, have int, ref string, need int) {
	if have != need {
		panicf("%s: len(%s) = %d, want len(%s) = %d", fn, name, have, ref, need)
	}
}

// checkMatrix checks that a holds a rows x cols matrix with leading dimension ld.
func checkMatrix[T Float](fn, name, ldName string, a []T, rows, cols, ld int) {
	if ld < cols {
		panicf("%s: %s = %d, want >= %d (the row length of %s)", fn, ldName, ld, cols, name)
	}
	if need := extent(rows, cols, ld); len(a) < need {
		panicf("%s: len(%s) = %d, want >= %d (%d rows of %d, %s = %d)", fn, name, len(a), need, rows, cols, ldName, ld)
	}
}

// checkVector checks that x holds n elements that are inc apart.
func checkVector[T Float](fn, name, incName string, x []T, n, inc int) {
	if inc < 1 {
		panicf("%s: %s = %d, want >= 1", fn, incName, inc)
	}
	if need := extent(n, 1, inc); len(x) < need {
		panicf("%s: len(%s) = %d, want >= %d (%d elements, %s = %d)", fn, name, len(x), need, n, incName, inc)
	}
}

// reaches reports whether a is seen at once to be long enough for a rows x cols matrix, 0 < rows
// and 0 < cols <= ld: with so many rows, no more apart than a is long, nothing overflows.
func reaches[T Float](a []T, rows, cols, ld int) bool {
	return rows <= 1<<14 && ld <= len(a) && reach(rows, cols, ld) <= uint64(len(a))
}

// reach is how many elements a matrix reaches over of which reaches says that a slice holds it.
func reach(rows, cols, ld int) uint64 { return uint64(rows-1)*uint64(ld) + uint64(cols) }

// disjoint reports whether the first n elements of a and the first m of b lie in different memory:
// more of both may be one arena.
func disjoint[T Float](a []T, n uint64, b []T, m uint64) bool {
	var z T
	size := uint64(unsafe.Sizeof(z))
	first, second := uint64(address(a)), uint64(address(b))
	return first+n*size <= second || second+m*size <= first
}

// extent is how many elements a rows x cols matrix reaches over.
func extent(rows, cols, ld int) int {
	if rows == 0 || cols == 0 {
		return 0
	}
	return span(rows, cols, ld)
}

// span is extent for a matrix that is not empty. Where int does not reach, it
// is the largest int, which no slice is as long as.
func span(rows, cols, ld int) int {
	high, low := bits.Mul64(uint64(rows-1), uint64(ld))
	if n := low + uint64(cols); high == 0 && n <= math.MaxInt && n >= low {
		return int(n)
	}
	return math.MaxInt
}

// checkInPlace checks that dst is src itself or does not overlap it: an
// elementwise operation may run in place, but not shifted.
func checkInPlace[T Float](fn, dstName, srcName string, dst, src []T) {
	if len(dst) == 0 || len(src) == 0 {
		return
	}
	d, s := address(dst), address(src)
	if d == s || d+byteLen(dst) <= s || s+byteLen(src) <= d {
		return
	}
	panicf("%s: %s overlaps %s without being the same slice", fn, dstName, srcName)
}

// checkApart checks that dst does not overlap src at all.
func checkApart[T Float](fn, dstName, srcName string, dst, src []T) {
	if len(dst) == 0 || len(src) == 0 {
		return
	}
	d, s := address(dst), address(src)
	if d+byteLen(dst) <= s || s+byteLen(src) <= d {
		return
	}
	panicf("%s: %s overlaps %s", fn, dstName, srcName)
}

func address[T any](s []T) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s))) }

func byteLen[T any](s []T) uintptr { var z T; return uintptr(len(s)) * unsafe.Sizeof(z) }

// checkNoSharedElement checks that no element of the matrix c is one of the
// matrix a. Address ranges may interleave: the blocks of one larger matrix do.
func checkNoSharedElement[T Float](fn, cName, aName string, c []T, cRows, cCols, ldc int, a []T, aRows, aCols, lda int) {
	c, a = c[:extent(cRows, cCols, ldc)], a[:extent(aRows, aCols, lda)]
	if len(c) == 0 || len(a) == 0 {
		return
	}
	c0, a0 := address(c), address(a)
	if c0+byteLen(c) <= a0 || a0+byteLen(a) <= c0 {
		return
	}
	if cRows == 1 { // its ld means nothing, and may be any number
		ldc = cCols
	}
	if aRows == 1 {
		lda = ldc
	}
	var z T
	size := int(unsafe.Sizeof(z))
	// Row i of c starts d + i*ldc*size bytes past the first row of a.
	d, i := int(c0)-int(a0), 0
	if ldc == lda {
		// Blocks of one matrix. Were a endless, each row of c would meet the rows of a below those that
		// the row before met: the first one to meet any but those above a's own tells for all.
		i = max(0, -floorDiv(d+cCols*size-1, lda*size))
		cRows = min(cRows, i+1)
	}
	for ; i < cRows; i++ {
		lo := d + i*ldc*size
		hi := lo + cCols*size
		// The only rows of a that can meet [lo, hi) start in (lo - aCols*size, hi).
		first := max(0, floorDiv(lo-aCols*size, lda*size)+1)
		if first < aRows && first*lda*size < hi {
			panicf("%s: row %d of %s shares elements with row %d of %s", fn, i, cName, first, aName)
		}
	}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
