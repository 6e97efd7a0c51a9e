package kernels

import (
	"runtime"
	"slices"
	"sync"
)

// A pool keeps what calls have done with for those that follow. It hands out
// what came back last, which is most likely in the caches still, and lets go of
// what no call needed between two garbage collections: memory that is not used
// any more goes the way of all garbage, with no call to make, no timer, and no
// goroutine of ours. A sync.Pool would keep values for each P, and make new
// ones whenever the scheduler moves a worker to another.
type pool[E any] struct {
	mu     sync.Mutex
	free   []*E // a stack
	unused int  // so many at its bottom were not needed since the last collection
	limit  int  // of free, 0 before the first value is made
}

func (p *pool[E]) borrow() *E {
	p.mu.Lock()
	if last := len(p.free) - 1; last >= 0 {
		e := p.free[last]
		p.free[last] = nil
		p.free = p.free[:last]
		p.unused = min(p.unused, last)
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

func (p *pool[E]) giveBack(e *E) {
	p.mu.Lock()
	if len(p.free) < p.limit {
		p.free = append(p.free, e)
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
