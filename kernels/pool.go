package kernels

import (
	"runtime"
	"slices"
	"sync"
)

// A pool keeps what calls have done with for those that follow. It hands out what
// the same thread gave back last, or else what came back last of all: that is most
// likely in the thread's caches still, and what another core has written to would come
// from that core's, line by line. It lets go of
// what no call needed between two garbage collections: memory that is not used
// any more goes the way of all garbage, with no call to make, no timer, and no
// goroutine of ours. A sync.Pool would keep values for each P, and make new
// ones whenever the scheduler moves a worker to another.
type pool[E any] struct {
	mu     sync.Mutex
	free   []returned[E] // a stack
	unused int           // so many at its bottom were not needed since the last collection
	limit  int           // of free, 0 before the first value is made
}

// returned is a value that is free, and the thread that gave it back.
type returned[E any] struct {
	value  *E
	thread int
}

// caller is the thread that calls, whichever it is, and any that computes products of a batch. Workers have numbers.
const caller = 0

func (p *pool[E]) borrow(thread int) *E {
	p.mu.Lock()
	if last := len(p.free) - 1; last >= 0 {
		i := last
		for i >= 0 && p.free[i].thread != thread {
			i--
		}
		if i < 0 {
			i = last
		}
		e := p.free[i].value
		p.free = slices.Delete(p.free, i, i+1)
		if i < p.unused {
			p.unused--
		}
		p.mu.Unlock()
		return e
	}
	p.mu.Unlock()

	limit := 3 * runtime.GOMAXPROCS(0) // as many as can run, each of which may hold two, and what was preempted
	p.mu.Lock()
	if p.limit == 0 {
		onCollection(p.age)
	}
	p.limit = limit
	p.mu.Unlock()
	return new(E)
}

func (p *pool[E]) giveBack(e *E, thread int) {
	p.mu.Lock()
	if len(p.free) < p.limit {
		p.free = append(p.free, returned[E]{e, thread})
	}
	p.mu.Unlock()
}

// age drops what was not needed since it was last called.
func (p *pool[E]) age() {
	p.mu.Lock()
	p.free = slices.Delete(p.free, 0, p.unused)
	p.unused = len(p.free)
	p.mu.Unlock()
}

// onCollection has f called after every garbage collection: a sentinel that
// nothing points to is found, and put up again.
func onCollection(f func()) { runtime.SetFinalizer(&sentinel{f}, (*sentinel).found) }

type sentinel struct{ call func() }

func (s *sentinel) found() {
	s.call()
	runtime.SetFinalizer(s, (*sentinel).found)
}
