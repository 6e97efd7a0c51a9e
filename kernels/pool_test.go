package kernels

import (
	"runtime"
	"testing"
	"time"
	"weak"
)

// What was used last comes first, what is not needed from one collection to the
// next is dropped, and what is needed stays.
func TestPool(t *testing.T) {
	withProcs(t, 2)
	var p pool[int]
	a, b, c := p.borrow(caller), p.borrow(caller), p.borrow(caller)
	if a == b || b == c || a == c {
		t.Fatal("a value is lent twice")
	}
	p.giveBack(a, caller)
	p.giveBack(b, caller)
	p.giveBack(c, caller)
	if got := p.borrow(caller); got != c {
		t.Error("what came back last is not lent first")
	}
	p.giveBack(c, caller)
	if got := p.borrow(1); got != c {
		t.Error("a thread that gave nothing back does not get what came back last")
	}
	p.giveBack(c, 1)
	if got := p.borrow(caller); got != b {
		t.Error("a thread does not get what it gave back last itself")
	}
	p.giveBack(b, caller)
	if got := p.borrow(1); got != c {
		t.Error("another thread does not get what it gave back itself")
	}
	p.giveBack(c, caller)

	// Collections that the test does not ask for age as well, and change nothing of this.
	needed := func(n int) {
		var lent []*int
		for range n {
			lent = append(lent, p.borrow(caller))
		}
		for _, e := range lent {
			p.giveBack(e, caller)
		}
	}
	p.age() // all three may have been used since the collection before
	needed(2)
	p.age()
	if n := len(p.free); n != 2 {
		t.Errorf("%d values are kept when 2 were needed at once, want 2", n)
	}
	for range 3 {
		needed(2)
		p.age()
	}
	p.giveBack(p.borrow(7), 7) // of two, the one on top is another thread's now
	p.age()
	p.giveBack(p.borrow(7), 7)
	p.age()
	if n := len(p.free); n != 1 {
		t.Errorf("%d values are kept when a thread needed the one on top, want 1", n)
	}
	needed(2)
	p.age()
	if n := len(p.free); n != 2 {
		t.Errorf("%d values are kept while 2 are in use, want 2", n)
	}
	lent := p.borrow(caller)
	p.age()
	p.age()
	p.giveBack(lent, caller)
	if n := len(p.free); n != 1 || p.free[0].value != lent {
		t.Errorf("%d values are kept, want the one that was lent meanwhile", n)
	}
	p.age()
	p.age()
	if n := len(p.free); n != 0 {
		t.Errorf("%d values are kept of which none was needed, want 0", n)
	}
}

// However many calls run at once, what is kept is bounded.
func TestPoolIsBounded(t *testing.T) {
	withProcs(t, 3)
	var p pool[int]
	var lent []*int
	for range 100 {
		lent = append(lent, p.borrow(caller))
	}
	for _, e := range lent {
		p.giveBack(e, caller)
	}
	if n := len(p.free); n != 9 {
		t.Errorf("%d values are kept for 3 processors, want 9", n)
	}
}

// collected runs garbage collections until done reports true. What they set
// going is done by another goroutine, so that the test has to wait.
func collected(done func() bool) bool {
	for range 2000 {
		runtime.GC()
		if done() {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// Garbage collections alone bring the memory of pack buffers back.
func TestBuffersAreReleased(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { buffersAreReleased(t, o) },
		func(t *testing.T, o Ops[float64]) { buffersAreReleased(t, o) })
}

func buffersAreReleased[T Float](t *testing.T, o Ops[T]) {
	p := workspaces[T]()
	for range 2 { // what is gone can be had again
		packEverything(o)
		w := p.borrow(caller)
		p.giveBack(w, caller)
		if len(w.a) == 0 || len(w.b) == 0 {
			t.Fatalf("buffers of %d and %d elements: the test has packed nothing", len(w.a), len(w.b))
		}
		a, b := weak.Make(&w.a[0]), weak.Make(&w.b[0])
		kept := 0
		if !collected(func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			kept = len(p.free)
			return kept == 0
		}) {
			t.Fatalf("%d workspaces are still kept", kept)
		}
		if !collected(func() bool { return a.Value() == nil && b.Value() == nil }) {
			t.Fatal("somebody holds on to the buffers")
		}
	}
}

// packEverything computes a product on one thread that packs both operands, in
// whole blocks and more, by a tuning that does so sooner than others.
func packEverything[T Float](o Ops[T]) {
	tu := o.Tuning()
	tu.PackRows, tu.PackDepth, tu.PackColumns, tu.PackStride = 0, 0, 0, 1
	o = o.Tuned(tu)
	m, n, k := tu.MC+1, 2*o.ks.nr()+1, tu.KC+1
	a, b, c := make([]T, m*k), make([]T, k*n), make([]T, m*n)
	o.Threads(1).Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
}
