package kernels

import (
	"fmt"
	"testing"
	"unsafe"
)

// What is packed and what is read in place, on both sides of each threshold.
func TestWhatIsPacked(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { whatIsPacked(t, o) },
		func(t *testing.T, o Ops[float64]) { whatIsPacked(t, o) })
}

func whatIsPacked[T Float](t *testing.T, o Ops[T]) {
	withoutSplits := o.Tuning()
	withoutSplits.SplitDepth = never
	o = o.Tuned(withoutSplits)
	ks, tu := o.ks, o.ks.tuning
	for _, c := range []struct {
		n, more int // than the stride that packs A
		want    bool
	}{
		{tu.PackColumns, 0, false}, {tu.PackColumns + 1, 0, true}, {tu.PackColumns + 1, -1, false}, {1 << 20, 1, true}, {1, 1, false},
	} {
		for _, trans := range []bool{false, true} {
			ld := strideThatPacksA(tu, trans) + c.more
			if got := ks.packsA(1, c.n, 1, ld, trans); got != c.want {
				t.Errorf("A, transposed %v, with ld = %d for %d columns: packed is %v, want %v", trans, ld, c.n, got, c.want)
			}
		}
	}
	for _, c := range []struct {
		m, n, k int
		trans   bool
		want    bool
	}{
		{tu.TurnRows, tu.PackColumns + 1, tu.TurnDepth, true, true}, {tu.TurnRows, tu.PackColumns + 1, tu.TurnDepth, false, false},
		{tu.TurnRows, tu.PackColumns + 1, tu.TurnDepth - 1, true, false}, {tu.TurnRows, tu.PackColumns, tu.TurnDepth, true, false},
		{tu.TurnRows - 1, tu.PackColumns + 1, tu.TurnDepth, true, false},
	} {
		if got := ks.packsA(c.m, c.n, c.k, 10, c.trans); got != c.want {
			t.Errorf("A, transposed %v, with ld = 10 for %d, %d, %d: packed is %v, want %v", c.trans, c.m, c.n, c.k, got, c.want)
		}
	}
	size := int(unsafe.Sizeof(T(0)))
	crowded := ks.packing != nil || tu.PackDepth < 47 && tu.PackRows < 47 // or all are packed
	for _, c := range []struct {
		m, k  int
		trans bool
		ld    int
		want  bool
	}{
		{tu.CrowdedRows, 1 << 20, false, 1 << 20, false}, {tu.PackRows + 1, 1 << 20, false, 10, true},
		{tu.PackRows + 1, tu.PackDepth, false, 10, false}, {1 << 20, tu.PackDepth, false, 10, false},
		{tu.PackRows + 1, tu.PackDepth + 1, false, 10, true}, {4000, max(tu.PackDepth, 1), false, farRow, true},
		{1, 1, true, 10, true}, {1 << 20, 1, true, 10, true},
		{tu.PackRows + 1, 48, false, 1536 / size, crowded}, {33, 48, false, 2048 / size, crowded}, {1 << 20, tu.PackDepth, false, 1536 / size, ks.packing != nil},
		{48, 48, false, 1024 / size, crowded && ks.packing == nil}, {48, 48, false, 1544 / size, crowded && ks.packing == nil},
		{96, 32, false, 2064 / size, tu.PackRows < 96 && tu.PackWork < 3072}, {96, 33, false, 2064 / size, tu.PackRows < 96}, {96, 32, false, 2060 / size, tu.PackRows < 96},
		{96, 32, false, 4088 / size, tu.PackRows < 96}, {96, 32, false, 4080 / size, tu.PackRows < 96 && tu.PackWork < 3072},
		{tu.CrowdedRows + 1, 1 << 20, false, 2048 / size, tu.CrowdedRows == tu.PackRows},
		{tu.CrowdedRows + 1, 9, false, 3 * 2048 / size, true}, {min(tu.CrowdedRows, 40) + 1, 8, false, 3 * 2048 / size, tu.CrowdedRows <= 40 && tu.PackDepth < 8},
		{max(tu.CrowdedRows+1, callWork/8*size/(3*2048)+1), 8, false, 3 * 2048 / size, true},
		{tu.CrowdedRows + 1, 16, false, 3 * 2048 / size, true}, {tu.CrowdedRows, 16, false, 3 * 2048 / size, false},
		{tu.PackRows, 1000, false, farRow + 10, false}, {min(tu.FetchedRows, tu.PackRows), 1 << 20, false, farRow + 10, false},
		{tu.PackRows, 6 << 20 / size / 700, false, 700, false}, {min(tu.LargeRows, tu.PackRows), 6<<20/size/700 + 1, false, 700, false},
		{tu.PackRows, 6<<20/size/700 + 1, false, 700, tu.LargeRows < tu.PackRows}, {tu.LargeRows + 1, 11 << 20 / size / 700, false, 700, true},
		{tu.LargeRows + 1, 11<<20/size/700 + 1, false, 700, tu.LargeRows == tu.FetchedRows}, {min(tu.FetchedRows, tu.PackRows), 11<<20/size/700 + 1, false, 700, false},
		{tu.FetchedRows + 1, 11<<20/size/700 + 1, false, 700, true}, {tu.CrowdedRows + 1, 1 << 20, false, farRow + 10, tu.CrowdedRows == tu.PackRows},
		{tu.PackRows + 1, 47, false, 1536 / size, crowded && ks.packing == nil}, {33, 47, false, 2048 / size, crowded && ks.packing == nil},
		{32, 48, false, 2048 / size, crowded && ks.packing == nil}, {max(tu.PackRows, 33), 48, false, 1536 / size, crowded && ks.packing == nil},
	} {
		if got := ks.packsB(c.m, c.ld, c.k, c.ld, c.trans); got != c.want {
			t.Errorf("B, transposed %v, ld = %d, for %d rows and a depth of %d: packed is %v, want %v", c.trans, c.ld, c.m, c.k, got, c.want)
		}
	}

	splits := *ks
	splits.tuning.PackRows, splits.tuning.PackDepth, splits.tuning.SplitDepth, splits.tuning.PackWork, splits.leastPacked = 40, 256, 100, 1<<30, 32
	for _, c := range []struct {
		m, n, k, ld int
		want        bool
	}{
		{41, 301, 101, 201, true}, {40, 301, 101, 201, false}, {41, 301, 100, 201, false}, {41, 301, 101, 208, false}, {41, 301, 101, 216, false},
		{96, 301, 51, 201, false}, {97, 301, 51, 201, true}, {97, 301, 50, 201, false}, {97, 211, 51, 201, false}, {97, 212, 51, 201, true},
		{97, 301, 101, 601, false}, {4000, len(ks.byColumns), 101, 201, false}, {4000, len(ks.byColumns) + 1, 101, 201, true},
	} {
		if got := splits.packsB(c.m, c.n, c.k, c.ld, false); got != c.want {
			t.Errorf("B in rows of %d elements, for %dx%dx%d: packed is %v, want %v", c.ld, c.m, c.n, c.k, got, c.want)
		}
	}

	pages := *ks
	pages.tuning.TurnStride, pages.tuning.TurnDepth, pages.tuning.TurnColumns, pages.tuning.TurnPages = 3, never, 0, 10
	pages.tuning.PackColumns = never
	n := max(pages.nr(), fewUpright) + 1
	for _, c := range []struct {
		n, k, ld int
		trans    bool
		want     bool
	}{
		{n, 40, 1024 / size, true, true}, {n, 39, 1024 / size, true, false}, {n, 40, 1024/size - 1, true, false}, {n, 80, 512 / size, true, true},
		{n - 1, 40, 1024 / size, true, false}, {n, 40, 1024 / size, false, false}, {n, 1 << 20, 2, true, false},
	} {
		if got := pages.packsA(100, c.n, c.k, c.ld, c.trans); got != c.want {
			t.Errorf("A, transposed %v, of %d columns %d apart, for %d columns of B: packed is %v, want %v", c.trans, c.k, c.ld, c.n, got, c.want)
		}
		if c.trans && c.want && pages.nearColumns(100, c.n, c.k, c.ld) {
			t.Errorf("A, transposed, of %d columns %d apart, for %d columns of B is in place at a glance", c.k, c.ld, c.n)
		}
	}
	crowding := *ks
	crowding.tuning.PackRows, crowding.tuning.LargeRows, crowding.tuning.FetchedRows, crowding.tuning.PackDepth = 40, 40, 40, 0
	crowding.tuning.CrowdedRows, crowding.tuning.CrowdedBytes, crowding.leastPacked = 10, 1<<20, 0
	for _, c := range []struct {
		m, n, k int
		want    bool
	}{
		{10, 8192, 128, false}, {11, 8192, 128, true}, {11, 8192, 129, false}, {40, 8192, 129, false}, {41, 8192, 129, true},
		{11, 4096, 129, true}, {11, 4096, 257, false}, // half of each row
	} {
		if got := crowding.packsB(c.m, c.n/size, c.k, 8192/size, false); got != c.want {
			t.Errorf("a B of %d rows of 8 KiB that share sets, %d bytes of each, for %d rows: packed is %v, want %v", c.k, c.n, c.m, got, c.want)
		}
	}

	apart := setPeriod / size // columns share sets of the cache
	for apart < tu.TurnStride && tu.TurnStride < never {
		apart *= 2
	}
	few := min(max(tu.TurnColumns, ks.nr()), max(tu.PackColumns, ks.nr()))
	for _, c := range []struct {
		n, ld       int
		trans, want bool
	}{
		{few, apart, true, false}, {few + 1, apart, true, tu.TurnStride < never}, {few + 1, apart + 1, true, tu.TurnStride < never},
		{few + 1, apart + 16, true, few >= tu.PackColumns && tu.TurnStride < never}, {few + 1, apart, false, few >= tu.PackColumns && apart >= tu.PackStride},
	} {
		if got := ks.packsA(100, c.n, 20, c.ld, c.trans); got != c.want {
			t.Errorf("A, transposed %v, with ld = %d for %d columns: packed is %v, want %v", c.trans, c.ld, c.n, got, c.want)
		}
		if c.trans && c.want && ks.nearColumns(100, c.n, shallowest, c.ld) {
			t.Errorf("A, transposed, with ld = %d for %d columns is in place at a glance", c.ld, c.n)
		}
	}

	// It really happens: what a product packed is left in the buffers it gave back.
	wide := columnsThatPackA(o)
	if ks.tailColumns(1, wide, 1<<20, false) > 0 {
		t.Fatalf("%d columns have a tail", wide)
	}
	for _, trans := range transposes {
		for _, rows := range []int{min(tu.PackRows, 9), tu.PackRows + 2} {
			for _, n := range []int{ks.nr(), wide} {
				for _, apart := range []bool{false, true} {
					for _, k := range []int{21, tu.PackDepth + 3} {
						lda, ldb := k, n
						if trans[0] {
							lda = rows
						}
						if trans[1] {
							ldb = k
						}
						if apart {
							lda += padToPack(tu, trans[0])
						}
						a, b, c := make([]T, max(rows, k)*lda), make([]T, max(n, k)*ldb), make([]T, rows*n)
						wantA := n > tu.PackColumns && (lda >= strideThatPacksA(tu, trans[0]) || trans[0] && k >= tu.TurnDepth && rows >= tu.TurnRows)
						dots := trans[1] && !trans[0] && ks.dotsPay(rows, n, k)
						wantB := trans[1] || rows > tu.PackRows && (k > tu.PackDepth || ldb*int(unsafe.Sizeof(T(0))) > 2048 && rows*k > tu.PackWork)
						gotA, gotB := packedBy(func() {
							o.Threads(1).Gemm(trans[0], trans[1], rows, n, k, 1, a, lda, b, ldb, 0, c, n)
						}, workspaces[T]())
						switch {
						case dots:
							wantA, wantB = false, false
						case trans[0] && trans[1] && ks.turnedDotsPay(rows, n, k):
							wantA, wantB = true, false // A's buffer holds its transpose
						case trans[0] && ks.goesUpright(rows, n, k, trans[1]):
							wantA, wantB = false, false
						case trans[0] && ks.betterAsRows(rows, n, k, trans[1]):
							wantA, wantB = true, false // A's buffer holds the transpose of C
						}
						if gotA != wantA || gotB != wantB {
							t.Errorf("%s: A packed %v, B packed %v; want %v, %v",
								fmt.Sprint(rows, n, k, trans, " lda ", lda), gotA, gotB, wantA, wantB)
						}
					}
				}
			}
		}
	}
}

// packedBy reports which buffers a call that uses one workspace has filled.
func packedBy[T Float](call func(), p *pool[workspace[T]]) (a, b bool) {
	p.mu.Lock()
	p.free = nil // so that the call makes its own
	p.unused = 0
	p.mu.Unlock()
	call()
	w := p.borrow(caller)
	defer p.giveBack(w, caller)
	return len(w.a) > 0, len(w.b) > 0
}
