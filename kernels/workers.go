package kernels

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"
)

// ThreadsVariable is the environment variable that caps the number of threads
// one call uses. It is read once, when the package is initialised.
const ThreadsVariable = "LANEWISE_THREADS"

// maxThreads is the cap that the environment sets, 0 for none.
var maxThreads = readThreads(os.Getenv(ThreadsVariable), os.Stderr)

func readThreads(value string, complain *os.File) int {
	if value == "" {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		fmt.Fprintf(complain, "lanewise: %s=%s refused, using as many threads as GOMAXPROCS: want a whole number >= 1\n", ThreadsVariable, value)
		return 0
	}
	return n
}

// Threads returns o with a cap of n on the threads that one call uses, the
// calling goroutine counted: 1 keeps a call to itself, 0 takes the cap off. The
// caps of GOMAXPROCS and of LANEWISE_THREADS hold in any case, and small calls
// use one thread. The result is the same bits for every number of threads.
func (o Ops[T]) Threads(n int) Ops[T] {
	checkSize("Threads", "n", n)
	o.threads = n
	return o
}

// threadsFor says how many threads a call may use, for an amount of work in
// multiply-adds of which one thread should have at least share.
func (o Ops[T]) threadsFor(work, share int) int {
	if work/2 < share || o.threads == 1 || maxThreads == 1 {
		return 1
	}
	n := min(runtime.GOMAXPROCS(0), work/share)
	if o.threads > 0 {
		n = min(n, o.threads)
	}
	if maxThreads > 0 {
		n = min(n, maxThreads)
	}
	return n
}

// forOneThread reports whether a product of so much work is for one thread, however many there are, as
// threadsFor says.
func (ks *kernelSet[T]) forOneThread(work int) bool { return work/2 < ks.tuning.ThreadWork }

// A task is work in numbered pieces that any thread may take: the worker of that
// number, or the caller.
type task interface {
	piece(i, thread int)
}

// A crew is a call's workers and their common task. Its fields are reused by
// later calls.
type crew struct {
	task     task
	pieces   int
	parts    []part
	finished atomic.Int64  // pieces that are done
	asleep   atomic.Bool   // whether the caller waits for done
	done     chan struct{} // told when all are, if it does
	refs     atomic.Int64  // who may still look at the crew
}

// A part is the pieces that one thread begins with: one of a product, several of a batch.
type part struct {
	first, end int
	next       atomic.Int64                            // how many of them are taken
	_          [128 - 2*unsafe.Sizeof(int(0)) - 8]byte // to a cache line of its own, and the one that comes with it
}

// work does pieces of part i, and then of those after it, as long as there are any, and
// returns how many. For product after product of one size, a thread thus reads the same rows of A
// and writes the same of C, which are in its cache, unless it comes after others have begun with them.
func (c *crew) work(i, thread int) (n int) {
	for range c.parts {
		p := &c.parts[i]
		for size := p.end - p.first; int(p.next.Load()) < size; {
			taken := int(p.next.Add(1)) - 1
			if taken >= size {
				break
			}
			c.task.piece(p.first+taken, thread)
			n++
		}
		if i++; i == len(c.parts) {
			i = 0
		}
	}
	return n
}

func (c *crew) isDone() bool { return int(c.finished.Load()) == c.pieces }

// finish tells that n pieces are done.
func (c *crew) finish(n int) {
	if n > 0 && int(c.finished.Add(int64(n))) == c.pieces && c.asleep.CompareAndSwap(true, false) {
		c.done <- struct{}{}
	}
}

// release gives the crew back for reuse when the last one lets go of it.
func (c *crew) release() {
	if c.refs.Add(-1) != 0 {
		return
	}
	c.task = nil
	select {
	case crews <- c:
	default:
	}
}

// A worker is a goroutine that lives as long as the process. Between tasks it
// looks for the next one a little while, as a product may follow a product,
// and then sleeps.
type worker struct {
	number int // from 1 on
	part   int // of the crew's, that it begins with
	crew   atomic.Pointer[crew]
	asleep atomic.Bool
	wake   chan struct{}
}

// patience is how long a thread looks for what it waits for before it sleeps.
// Waking it up takes up to 100 microseconds, on a virtual machine, in which the
// other thread falls asleep in turn: of products of 150 microseconds, two threads
// then compute hardly one at a time.
const patience = 200 * time.Microsecond

// yieldEvery is how often a worker that has nothing to do lets other goroutines run.
const yieldEvery = 20 * time.Microsecond

// spin looks until ready says true, or for as long as patience lasts, and
// reports which. If yielding, it lets other goroutines run now and then. Two
// goroutines that do so all the time end up on one processor: what yields goes to a
// queue, from which one takes both, and nobody wakes the other one up for it.
func spin(yielding bool, ready func() bool) bool {
	start, yielded := time.Now(), time.Duration(0)
	for {
		for range 64 {
			if ready() {
				return true
			}
		}
		waited := time.Since(start)
		if waited > patience {
			return false
		}
		if yielding && waited-yielded > yieldEvery {
			runtime.Gosched()
			yielded = waited
		}
	}
}

var crews = make(chan *crew, mostWorkers)

func (w *worker) loop(s *staff) {
	for {
		spin(true, func() bool { return w.crew.Load() != nil })
		c := w.crew.Load()
		if c == nil {
			w.asleep.Store(true)
			if c = w.crew.Load(); c == nil {
				<-w.wake
			} else if !w.asleep.CompareAndSwap(true, false) {
				<-w.wake // whoever gave the task has seen w asleep
			}
			continue
		}
		w.crew.Store(nil)
		n := c.work(w.part, w.number)
		s.takeBack(w) // before the caller learns that all is done, as the next call follows at once
		c.finish(n)
		c.release()
	}
}

func (w *worker) give(c *crew) {
	w.crew.Store(c)
	if w.asleep.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}

// share runs t's pieces on up to the given number of threads, the calling one
// among them, and returns when all are done. It takes workers that are idle
// and, while there are fewer than GOMAXPROCS allows, starts new ones; what
// other calls are using is left to them.
func share(t task, pieces, threads int) {
	if threads <= 1 || pieces <= 1 {
		for i := range pieces {
			t.piece(i, caller)
		}
		return
	}
	var c *crew
	select {
	case c = <-crews:
	default:
		c = &crew{done: make(chan struct{}, 1)}
	}
	c.task, c.pieces = t, pieces
	c.finished.Store(0)
	c.refs.Store(1)
	threads = min(threads, pieces)
	if cap(c.parts) < threads {
		c.parts = make([]part, threads)
	}
	c.parts = c.parts[:threads]
	for i := range c.parts {
		p := &c.parts[i]
		p.first, p.end = i*pieces/threads, (i+1)*pieces/threads
		p.next.Store(0)
	}
	for i := 1; i < threads; i++ {
		w := workers.hire()
		if w == nil {
			break
		}
		w.part = i
		c.refs.Add(1)
		w.give(c)
	}
	c.finished.Add(int64(c.work(0, caller)))
	// What is waited for is the pieces that others have taken, not the others: on
	// a busy machine a worker may come late, find nothing left, and go.
	if !spin(false, c.isDone) {
		c.asleep.Store(true)
		if !c.isDone() || !c.asleep.CompareAndSwap(true, false) {
			<-c.done // whoever did the last piece has seen the caller asleep, or will
		}
	}
	c.release()
}
