package kernels

import (
	"math/rand/v2"
	"testing"
)

// Every byte divided by every divisor has the bits of the division.
func TestGatherBytesDivides(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testGatherBytesDivides(t, o) },
		func(t *testing.T, o Ops[float64]) { testGatherBytesDivides(t, o) })
}

func testGatherBytesDivides[T Float](t *testing.T, o Ops[T]) {
	src := make([]uint8, 256)
	for i := range src {
		src[i] = uint8(i)
	}
	dst := make([]T, 256)
	for d := 1; d <= 255; d++ {
		for _, n := range []int{256, 1} { // as vectors and one by one
			rows := make([]int, 256/n)
			for i := range rows {
				rows[i] = i
			}
			clear(dst)
			o.GatherBytes(dst, src, rows, n, uint8(d))
			for i, got := range dst {
				if want := T(i) / T(d); got != want {
					t.Fatalf("%d / %d = %v in rows of %d, want %v", i, d, got, n, want)
				}
			}
		}
	}
}

// Every length of a row from nothing to past two cache lines, rows in any order, the last of src
// among them, and more than once.
func TestGatherBytesRows(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testGatherBytesRows(t, o) },
		func(t *testing.T, o Ops[float64]) { testGatherBytesRows(t, o) })
}

func testGatherBytesRows[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(41, 42))
	for n := range 150 {
		for _, rows := range [][]int{nil, {6}, {6, 0}, {3, 3, 6, 1, 3}} {
			src := make([]uint8, 7*n)
			for i := range src {
				src[i] = uint8(rng.IntN(256))
			}
			dst := newGuarded[T](len(rows) * n)
			o.GatherBytes(dst.data, src, rows, n, 255)
			dst.check(t, "dst")
			for i, got := range dst.data {
				if want := T(src[rows[i/n]*n+i%n]) / 255; got != want {
					t.Fatalf("rows %v of %d: element %d is %v, want %v", rows, n, i, got, want)
				}
			}
		}
	}
}

// What is asked for fits a part of the cache, however short or long the rows are.
func TestFetchBytesIsBounded(t *testing.T) {
	o, asked := On[float32](portable), -1
	ks := *o.ks
	ks.fetch = func(_ *uint8, rows []int, n int) { asked = len(rows) }
	o.ks = &ks
	rows := make([]int, 1<<16)
	for _, c := range []struct{ n, rows, want int }{
		{784, 100, 100}, {784, 1 << 16, fetchLines / 14}, {1, 1 << 16, fetchLines / 2}, {64 * fetchLines, 1 << 16, -1}, {784, 0, -1},
	} {
		asked = -1
		o.FetchBytes(make([]uint8, c.n), rows[:c.rows], c.n)
		if asked != c.want {
			t.Errorf("%d rows of %d bytes: %d asked for, want %d", c.rows, c.n, asked, c.want)
		}
	}
}
