package kernels

import (
	"math/bits"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// withProcs runs the test as if on a machine of n CPUs.
func withProcs(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

func workersStarted() int {
	workers.mu.Lock()
	defer workers.mu.Unlock()
	return len(workers.all)
}

// awaitWorkers returns when all workers are idle.
func awaitWorkers() {
	idle := func() (n int) {
		workers.mu.Lock()
		defer workers.mu.Unlock()
		for _, word := range workers.idle {
			n += bits.OnesCount64(word)
		}
		return n
	}
	for idle() < workersStarted() {
		time.Sleep(time.Millisecond)
	}
}

// The number of threads changes no bit of a product, whichever way it is computed.
func TestThreadsGiveTheSameBits(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { sameBitsForThreads(t, o) },
		func(t *testing.T, o Ops[float64]) { sameBitsForThreads(t, o) })
}

func sameBitsForThreads[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(11, 12))
	share := o.ks.tuning.ThreadWork
	for _, s := range [][2]int{{100, 50}, {130, 163}, {64, 4*o.ks.nr() + 3}, {1, 300}, {300, 1}, {33, 3*o.ks.lanes + 1}} {
		m, n := s[0], s[1]
		k := 5*share/(m*n) + 1
		a, b := randomMatrix[T](rng, 1, m*k, m*k).data, randomMatrix[T](rng, 1, k*n, k*n).data
		e := Epilogue[T]{Bias: b[:n], ReLU: true}
		for _, trans := range transposes {
			lda, ldb := leadingDims(trans, m, n, k)
			want := make([]T, m*n)
			o.Threads(1).GemmFused(trans[0], trans[1], m, n, k, 1, a, lda, b, ldb, 0, want, n, e)
			for threads := range 5 {
				got := newGuarded[T](m * n)
				o.Threads(threads).GemmFused(trans[0], trans[1], m, n, k, 1, a, lda, b, ldb, 0, got.data, n, e)
				got.check(t, "c")
				if !slices.Equal(got.data, want) {
					t.Fatalf("%dx%dx%d, trans %v: %d threads give other bits than one", m, n, k, trans, threads)
				}
			}
		}
	}
}

// Many callers at once share the workers and get right results.
func TestThreadsShared(t *testing.T) {
	withProcs(t, 4)
	most := max(workersStarted(), 3) // earlier tests may have had more CPUs
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		o := On[float32](im)
		rng := rand.New(rand.NewPCG(13, 14))
		const m, n, k = 120, 130, 140
		a, b := randomMatrix[float32](rng, m, k, k).data, randomMatrix[float32](rng, k, n, n).data
		want := make([]float32, m*n)
		o.Threads(1).MatMul(want, a, b, m, n, k)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				c := make([]float32, m*n)
				for range 25 {
					clear(c)
					o.MatMul(c, a, b, m, n, k)
					if !slices.Equal(c, want) {
						t.Error("a product differs")
						return
					}
				}
			})
		}
		wg.Wait()
		if got := workersStarted(); got > most {
			t.Errorf("%d workers for 4 CPUs, want at most %d", got, most)
		}
	})
}

func TestThreadsFor(t *testing.T) {
	withProcs(t, 4)
	o := On[float32](portable)
	for _, c := range []struct{ limit, work, want int }{
		{0, 0, 1}, {0, 199, 1}, {0, 200, 2}, {0, 399, 3}, {0, 400, 4}, {0, 1 << 30, 4},
		{1, 1 << 30, 1}, {2, 1 << 30, 2}, {9, 1 << 30, 4},
	} {
		want := c.want
		if maxThreads > 0 { // the environment of the test has its say
			want = min(want, maxThreads)
		}
		if got := o.Threads(c.limit).threadsFor(c.work, 100); got != want {
			t.Errorf("cap %d, work %d of 100 a thread: %d threads, want %d", c.limit, c.work, got, want)
		}
	}
}

func TestReadThreads(t *testing.T) {
	for value, want := range map[string]int{"": 0, "1": 1, "16": 16, "0": 0, "-1": 0, "many": 0, "2.5": 0} {
		said, err := os.CreateTemp(t.TempDir(), "stderr")
		if err != nil {
			t.Fatal(err)
		}
		if got := readThreads(value, said); got != want {
			t.Errorf("%s=%s: a cap of %d, want %d", ThreadsVariable, value, got, want)
		}
		text, err := os.ReadFile(said.Name())
		if err != nil {
			t.Fatal(err)
		}
		refused := want == 0 && value != ""
		if refused != (strings.Contains(string(text), ThreadsVariable+"="+value) && strings.Count(string(text), "\n") == 1) || !refused && len(text) > 0 {
			t.Errorf("%s=%s says %q", ThreadsVariable, value, text)
		}
	}
}

// Every piece is done once, for every number of pieces and threads.
func TestShare(t *testing.T) {
	withProcs(t, 4)
	for pieces := range 9 {
		for threads := 1; threads <= 6; threads++ {
			c := &countingTask{done: make([]int, pieces)}
			for round := 1; round <= 50; round++ {
				share(c, pieces, threads)
				for i, n := range c.done {
					if n != round {
						t.Fatalf("%d pieces, %d threads: piece %d done %d times in %d rounds", pieces, threads, i, n, round)
					}
				}
			}
		}
	}
}

type countingTask struct{ done []int }

func (c *countingTask) piece(i, _ int) { c.done[i]++ }

// A thread begins with pieces of its own part, the same worker in call after call: neither starts a
// second piece before both have begun.
func TestShareInParts(t *testing.T) {
	withProcs(t, 4)
	share(&countingTask{done: make([]int, 4)}, 4, 4) // so that there are workers to choose from
	for range 20 {
		awaitWorkers()
		p := &partsTask{meeting: meeting{here: make(chan struct{}), met: true}}
		share(p, 4, 2)
		if !p.met || p.early.Load() || p.by[0] != caller || p.by[2] != 1 {
			t.Fatalf("pieces 0 and 2 of 4 by threads %d and %d, want the caller, %d, and worker 1 at the same time", p.by[0], p.by[2], caller)
		}
	}
}

// partsTask is a task of two parts of two pieces, the first of which wait for each other.
type partsTask struct {
	meeting
	both, early atomic.Bool // whether both parts have begun, and whether a second piece did before
	by          [4]int
}

func (p *partsTask) piece(i, thread int) {
	p.by[i] = thread
	if i%2 == 0 {
		p.meeting.piece(i, thread)
		p.both.Store(true)
	} else if !p.both.Load() {
		p.early.Store(true)
	}
}

// A piece packs into a workspace of the thread that computes it.
func TestPiecesPackForTheirThread(t *testing.T) {
	o := On[float64](Supported()[0])
	tu := o.Tuning()
	tu.PackRows, tu.PackDepth = 0, 0
	o = o.Tuned(tu)
	const m, n, k = 300, 300, 300
	p := product[float64]{ks: o.ks, m: m, n: n, k: k, kc: k, alpha: 1, c: make([]float64, m*n), ldc: n, way: inBlocks}
	p.a.set(make([]float64, m*k), k, false)
	p.b.set(make([]float64, k*n), n, false)
	whole := pieces[float64]{whole: p, rows: m, cols: n, across: 1}
	spaces := workspaces[float64]()
	for _, thread := range []int{2, caller, 1, 2} {
		spaces.mu.Lock()
		spaces.free, spaces.unused = nil, 0
		spaces.mu.Unlock()
		whole.piece(0, thread)
		if len(spaces.free) != 1 || spaces.free[0].thread != thread || len(spaces.free[0].value.b) == 0 {
			t.Errorf("thread %d gave back %+v, want a workspace of its own, into which B is packed", thread, spaces.free)
		}
	}
}

// What few threads need is all that is kept, whatever other calls needed before: they are the same threads.
func TestFewThreadsNeedFewWorkspaces(t *testing.T) {
	withProcs(t, 5)
	var p pool[int]
	work := borrowing{&p}
	share(work, 5, 5)
	for range 3 {
		p.age()
		for range 20 {
			awaitWorkers()
			share(work, 2, 2)
		}
	}
	p.age()
	if n := len(p.free); n > 2 {
		t.Errorf("%d values are kept where two threads work, want at most 2", n)
	}
}

// borrowing is a task whose pieces borrow something for a moment.
type borrowing struct{ from *pool[int] }

func (b borrowing) piece(_, thread int) {
	e := b.from.borrow(thread)
	time.Sleep(50 * time.Microsecond)
	b.from.giveBack(e, thread)
}

// There is a piece for each thread, none of which is much larger than its share, and two threads
// have halves of what is longer.
func TestPieces(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { piecesAreEven(t, o) },
		func(t *testing.T, o Ops[float64]) { piecesAreEven(t, o) })
}

func piecesAreEven[T Float](t *testing.T, o Ops[T]) {
	for _, s := range [][2]int{{2000, 2000}, {500, 8000}, {8000, 500}, {9000, 9000}} {
		p := product[T]{ks: o.ks, m: s[0], n: s[1], k: 500}
		for threads := 2; threads <= 12; threads++ {
			rows, cols := p.pieceOfC(threads)
			down, across := (p.m+rows-1)/rows, (p.n+cols-1)/cols
			if n := down * across; n > threads || float64(rows*cols*threads) > 1.2*float64(p.m*p.n) {
				t.Errorf("%dx%d for %d threads: %d pieces, the first of %dx%d", p.m, p.n, threads, n, rows, cols)
			}
			if threads == 12 && s[0] == s[1] && (down < 2 || across < 2) {
				t.Errorf("%dx%d for 12 threads: pieces of %dx%d read too much", p.m, p.n, rows, cols)
			}
			if threads == 2 && p.m != p.n && (down == 2) != (p.m > p.n) {
				t.Errorf("%dx%d for two threads: pieces of %dx%d", p.m, p.n, rows, cols)
			}
		}
	}
}

// A second goroutine really works: each of two pieces waits for the other.
func TestShareHiresWorkers(t *testing.T) {
	withProcs(t, 2)
	for range 20 {
		awaitWorkers() // one may still be on its way back
		m := &meeting{here: make(chan struct{}), met: true}
		share(m, 2, 2)
		if !m.met {
			t.Fatal("two pieces for two threads were done one after the other")
		}
	}
}

type meeting struct {
	here chan struct{}
	met  bool
}

func (m *meeting) piece(int, int) {
	select {
	case m.here <- struct{}{}:
	case <-m.here:
	case <-time.After(20 * time.Second): // on a machine under any load
		m.met = false
	}
}

// Workers that have gone to sleep wake up, whenever the next task comes.
func TestShareAfterSleep(t *testing.T) {
	withProcs(t, 3)
	for round := range 300 {
		time.Sleep(time.Duration(round) * time.Microsecond / 2) // shorter and longer than workers look around
		c := &countingTask{done: make([]int, 6)}
		share(c, 6, 3)
		for i, n := range c.done {
			if n != 1 {
				t.Fatalf("round %d: piece %d done %d times", round, i, n)
			}
		}
	}
}

// Every kind of large call asks for a second thread. The only idle worker here
// is one that never comes, which the calls do not wait for.
func TestLargeCallsHireWorkers(t *testing.T) {
	withProcs(t, 3)
	o := On[float64](portable)
	const m, n = 64, 64
	k := 4*o.ks.tuning.ThreadWork/(m*n) + 1
	small := 3 * o.ks.tuning.ThreadWork / 2 / (m * n) // one product is work for one thread, two are work for three
	a, b, c := make([]float64, m*k), make([]float64, k*n), make([]float64, 2*m*n)
	long := make([]float64, m*n*k)
	old := workers
	defer func() { workers = old }()
	for name, call := range map[string]func(){
		"blocks":  func() { o.MatMul(c, a, b, m, n, k) },
		"gemv":    func() { o.Gemv(false, m*n, k, 1, long, k, b, 1, 0, c, 1) },
		"columns": func() { o.MatMul(c, long, b, m*n, 1, k) },
		"packed":  func() { o.GemmPacked(false, m, 1, a, k, o.PackB(false, k, n, b, n), 0, c, n, Epilogue[float64]{}) },
		"batch":   func() { o.GemmBatched(4, false, false, 16, n, k, 1, a, k, 16*k, b, n, 0, 0, c, n, 16*n) },
		"pair":    func() { o.GemmBatched(2, false, false, m, n, small, 1, a, small, m*small, b, n, 0, 0, c, n, m*n) },
	} {
		late := &worker{number: 1, wake: make(chan struct{}, 1)}
		workers = &staff{all: []*worker{late}}
		workers.takeBack(late)
		call()
		if late.crew.Load() == nil {
			t.Errorf("%s: no second thread was asked for", name)
		}
	}
}
