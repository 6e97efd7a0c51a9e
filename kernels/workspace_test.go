package kernels

import (
	"math"
	"testing"
	"unsafe"
)

// Every buffer starts at a cache line, large ones at a huge page, and is as
// long as was asked for.
func TestBuffersAreAligned(t *testing.T) {
	t.Run("float32", buffersAreAligned[float32])
	t.Run("float64", buffersAreAligned[float64])
	for _, n := range []int{0, 1, hugePage} {
		if s := Aligned[uint8](n); len(s) != n || cap(s) != n || n == hugePage && address(s)%hugePage != 0 {
			t.Errorf("%d bytes: %d of %d at %#x", n, len(s), cap(s), address(s))
		}
	}
}

func buffersAreAligned[T Float](t *testing.T) {
	var z T
	size := int(unsafe.Sizeof(z))
	many := hugePage / size
	check := func(what string, s []T, n int) {
		t.Helper()
		want := cacheLine
		if n >= many {
			want = hugePage
		}
		if len(s) != n || address(s)%uintptr(want) != 0 {
			t.Errorf("%s of %d: %d elements at %#x, which is no multiple of %d", what, n, len(s), address(s), want)
		}
	}
	for _, n := range []int{1, 2, 15, 16, 17, 63, 64, 65, 100, 1000, 4096, 12345, many - 1, many, many + 1, 3*many + 5} {
		for range 3 { // the allocator's answers differ
			s := Aligned[T](n)
			check("a new buffer", s, n)
			s[0], s[n-1] = 1, 1
		}
	}
	var buf []T
	for n := 1; n < 3*many; n += 1 + n/3 {
		buf = room(buf, n)
		check("a growing buffer", buf, n)
	}
	if address(room(buf, many)) != address(buf) {
		t.Error("a buffer that is large enough is not used again")
	}

	o := On[T](Supported()[0])
	packEverything(o)
	tall := 2*alongM + 1
	o.Gemm(true, false, tall, 1, 3, 2, make([]T, 3*tall), tall, make([]T, 3), 1, 0, make([]T, tall), 1) // along m
	p := workspaces[T]()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.free {
		w := w.value
		for name, s := range map[string][]T{"a": w.a, "b": w.b} {
			if address(s)%cacheLine != 0 {
				t.Errorf("buffer %s of a workspace begins at %#x", name, address(s))
			}
		}
	}
	if len(p.free) == 0 {
		t.Error("no workspace is left after two products")
	}
	packed := o.PackB(false, 3, 5, make([]T, 15), 5)
	if address(packed.data)%cacheLine != 0 {
		t.Errorf("a packed matrix begins at %#x", address(packed.data))
	}
}

// Whatever the size of the operands, buffers hold a block, or some columns of it.
func TestBuffersAreBounded(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { buffersAreBounded(t, o) },
		func(t *testing.T, o Ops[float64]) { buffersAreBounded(t, o) })
}

func buffersAreBounded[T Float](t *testing.T, o Ops[T]) {
	ks := o.ks
	tu, mr, nr := ks.tuning, ks.mr(), ks.nr()
	w := new(workspace[T])
	for n := range 2 { // a product of more than one block in every direction, and one on the way there
		m, n, k := 2*tu.MC+n*mr, tu.NC+n*nr+3, tu.KC+n*7+1
		mc, nc, kc := ks.blockOfRows(m, n, tu.KC, math.MaxInt, false), ks.blockOfColumns(n, tu.NC), ks.depth(n, k, false)
		roomForPanels(ks, w, kc, nc, false)
		roomForPanels(ks, w, kc, nc, true)
		packA(ks, w, operand[T]{data: make([]T, m*k), row: k, col: 1}, mc, kc)
		packA(ks, w, operand[T]{data: make([]T, m*k), row: 1, col: m, trans: true}, mc, kc)
	}
	// An eighth is for growing; rows are padded to spread over the cache's sets.
	if most := tu.KC * (tu.NC + nr) * 9 / 8; cap(w.b) > most {
		t.Errorf("a block of B takes %d elements, want at most %d", cap(w.b), most)
	}
	rows := 2 * tu.MC
	if most := max((rows+32)*tu.KC, rows*(tu.KC+32)) * 9 / 8; cap(w.a) > most {
		t.Errorf("a block of A takes %d elements, want at most %d", cap(w.a), most)
	}

	for n := 1; n <= 4*nr; n++ { // deep blocks for few columns
		kc := ks.depth(n, 1<<20, false)
		for m := 1; m <= 4*tu.MC; m++ {
			if block := ks.blockOfRows(m, n, kc, math.MaxInt, false) * kc; ks.packsA(m, n, kc, never, false) && block > 3*(tu.MC+mr)*tu.KC {
				t.Fatalf("a block of A for %d columns, of %d rows, takes %d elements", n, m, block)
			}
		}
	}

	w = new(workspace[T])
	const long = 5*columnDepth + 3
	for n := 1; n < max(ks.lanes, 2); n++ {
		b := operand[T]{data: make([]T, long*(n+1)), row: n + 1, col: 1} // columns that are not contiguous
		columnsAlongK(ks, w, 2, n, long, 1, make([]T, 2*long), long, b.data, b.row, b.col, 0, make([]T, 2*n), n, true)
		a := operand[T]{data: make([]T, 2*long), row: 1, col: long, trans: true}
		if n == 1 {
			columnAlongM(ks, w, long, 2, 2, a, b, 0, make([]T, long), 1, true)
		} else {
			columnsAsRows(ks, w, long, n, 2, 2, 2, a.data, a.col, b.data, b.row, false, 0, make([]T, long*n), n)
		}
	}
	const mostTurned = 16 // rows
	for m := 1; m <= mostTurned; m++ {
		if ks.turnedDotsPay(m, 2*m, columnDepth+1) {
			t.Errorf("%d rows are copied whatever their depth", m)
		}
		if ks.turnedDotsPay(m, 2*m, columnDepth) {
			turnedRows(ks, w, m, columnDepth, make([]T, m*columnDepth), m)
		}
	}
	if most := max(ks.lanes-1, mostTurned) * max(columnDepth, alongM) * 9 / 8; cap(w.a) > most || cap(w.b) > most {
		t.Errorf("columns take %d and %d elements, want at most %d", cap(w.a), cap(w.b), most)
	}
}
