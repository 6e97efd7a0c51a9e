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

// Ranges of all lengths, at all places, in rows shorter and longer than a kernel takes at once.
func TestGatherColumns(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testGatherColumns(t, o) },
		func(t *testing.T, o Ops[float64]) { testGatherColumns(t, o) })
}

func testGatherColumns[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(45, 46))
	check := func(n int, columns []Range) {
		t.Helper()
		src, rows := make([]uint8, 5*n), []int{4, 0, 4, 2}
		for i := range src {
			src[i] = uint8(rng.IntN(256))
		}
		width := widthOf(columns)
		ldd := width + 3
		dst := newGuarded[T](extent(len(rows), width, ldd))
		o.GatherColumns(dst.data, ldd, src, rows, n, columns, 251)
		dst.check(t, "dst")
		want := newGuarded[T](len(dst.data)).data
		for i, row := range rows {
			at := i * ldd
			for _, r := range columns {
				for j := r.From; j < r.To; j++ {
					want[at] = T(src[row*n+j]) / 251
					at++
				}
			}
		}
		for i, got := range dst.data {
			if got != want[i] {
				t.Fatalf("columns %v of %d: row %d, column %d is %v, want %v", columns, n, i/ldd, i%ldd, got, want[i])
			}
		}
	}
	check(0, nil)
	check(20, nil)
	check(20, []Range{{4, 4}})
	for n := 1; n < 3*chunkBytes; n++ {
		for first := 1; first <= n; first++ {
			check(n, []Range{{0, first}, {first, n}})
			check(n, []Range{{0, first / 2}, {first, n}})
			check(n, []Range{{first - 1, n}})
			check(n, []Range{{0, first}})
		}
	}
	for range 200 {
		n, columns := 1+rng.IntN(3*chunkBytes*chunksTogether), []Range(nil)
		for at, most := 0, 1+rng.IntN(60); ; {
			r := Range{at + rng.IntN(most), 0}
			r.To = r.From + rng.IntN(most+1)
			if at = r.To; at > n {
				break
			}
			columns = append(columns, r)
		}
		check(n, columns)
	}
}

// The columns in use are those that have a byte that is not 0, and what makes the last
// range long enough, in as few ranges as there can be.
func TestColumnsInUse(t *testing.T) {
	eachType(t, testColumnsInUse[float32], testColumnsInUse[float64])
}

func testColumnsInUse[T Float](t *testing.T, o Ops[T]) {
	if got := o.ColumnsInUse(nil, nil, nil, 3*usedBlock); len(got) != 0 {
		t.Errorf("no rows use the columns %v", got)
	}
	rng := rand.New(rand.NewPCG(47, 48))
	check := func(n int, used func(j int) bool) {
		t.Helper()
		const samples = 4
		src, rows := make([]uint8, samples*n), []int{1} // once, and all that a kernel looks at later is 0
		for range usedRows + 5 {
			rows = append(rows, 3)
		}
		rows = append(rows, 2)
		inUse := make([]bool, n)
		for j := range n {
			src[j] = 255 // a row that is not asked for
			if used(j) {
				inUse[j] = true
				src[(1+rng.IntN(2))*n+j] = uint8(1 << rng.IntN(8))
			}
		}
		before := Range{-5, 0} // ends where the next one may begin
		got := o.ColumnsInUse([]Range{before}, src, rows, n)
		if got[0] != before {
			t.Fatalf("%d columns: what was there before became %v", n, got[0])
		}
		got = got[1:]
		at := 0
		for i, r := range got {
			if r.Len() < 1 || r.To > n || i > 0 && r.From <= at || i == len(got)-1 && r.Len() < min(n, chunkBytes) {
				t.Fatalf("%d columns: range %d of %v", n, i, got)
			}
			for j := at; j < r.From; j++ {
				if inUse[j] {
					t.Fatalf("column %d of %d is in use, but not in %v", j, n, got)
				}
			}
			for j := r.From; j < r.To && i < len(got)-1; j++ {
				if !inUse[j] {
					t.Fatalf("column %d of %d is not in use, but in %v", j, n, got)
				}
			}
			at = r.To
		}
		if last := len(got) - 1; last >= 0 { // no longer than it has to be
			end := at - 1
			for end >= 0 && !inUse[end] {
				end--
			}
			if at != max(end+1, min(n, chunkBytes)) {
				t.Fatalf("%d columns: the last range of %v ends at %d, and the last column in use is %d", n, got, at, end)
			}
		}
		for j := at; j < n; j++ {
			if inUse[j] {
				t.Fatalf("column %d of %d is in use, but not in %v", j, n, got)
			}
		}
	}
	for _, n := range []int{0, 1, 5, 15, 16, 17, 33, 63, 64, 65, 255, 256, 257, 300, 511, 512, 513, 784, 1000} {
		check(n, func(int) bool { return false })
		check(n, func(int) bool { return true })
		for _, only := range []int{0, 3, 62, 64, 255, 256, n / 2, n - 17, n - 16, n - 2, n - 1} {
			check(n, func(j int) bool { return j == only })
			check(n, func(j int) bool { return j != only })
		}
		for _, run := range []int{1, 7, 64, 100} {
			check(n, func(j int) bool { return j/run%3 > 0 })
		}
		for range 10 {
			share := rng.Float64()
			check(n, func(int) bool { return rng.Float64() < share })
		}
	}
}
