package kernels

import (
	"math/bits"
	"runtime"
	"sync"
)

// mostWorkers bounds how many workers there are.
const mostWorkers = 1024

// A staff is workers, some of them idle. It hires the one with the lowest number, so that one call after
// another for so many threads gets the same ones, whose caches have what it works on, and others sleep.
type staff struct {
	mu   sync.Mutex
	all  []*worker                // by number, from 1 on
	idle [mostWorkers / 64]uint64 // a bit for each
}

var workers = new(staff)

// hire returns an idle worker, or a new one while there are fewer than GOMAXPROCS leaves beside a
// caller, or nil.
func (s *staff) hire() *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, word := range s.idle {
		if word != 0 {
			s.idle[i] &= word - 1
			return s.all[64*i+bits.TrailingZeros64(word)]
		}
	}
	if len(s.all) >= min(runtime.GOMAXPROCS(0)-1, mostWorkers) {
		return nil
	}
	w := &worker{number: len(s.all) + 1, wake: make(chan struct{}, 1)}
	s.all = append(s.all, w)
	go w.loop(s)
	return w
}

// takeBack makes w, which hire returned, idle again.
func (s *staff) takeBack(w *worker) {
	i := w.number - 1
	s.mu.Lock()
	s.idle[i/64] |= 1 << (i % 64)
	s.mu.Unlock()
}
