package nn

import (
	"cmp"
	"slices"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// A pace decides how many threads the steps of a Stepper use: as many as they may,
// or one where that is faster, and nothing between. Threads hand the batch and the weights
// to each other from cache to cache, and where their processors are far apart, as those of
// a virtual machine may be at one time and not at another, a step of 100 samples takes up
// to 1.7 times as long on two as on one; where they are near, 0.75. So some steps are timed
// now and again, few where the answer is clear. Results are the same bits either way.
type pace[T kernels.Float] struct {
	ops      [2]kernels.Ops[T] // on as many threads as they may use, and on one
	now      func() time.Time
	best     int // of ops
	samples  int // of the largest step so far: smaller ones tell nothing about it
	trial    bool
	step     int // since the trial began, or ended
	interval int // steps from its end to the next one
	times    [2][]time.Duration

	// The step that is under way, if one is: on which of ops it runs, and since when.
	open  bool
	ran   int
	began time.Time
}

const (
	trialRun      = 3 // steps on either, one after the other
	trialRuns     = 5 // of either, unless one is clearly faster
	clearlyFaster = 1.25

	firstInterval, lastInterval = 2000, 64000 // doubled as long as the answer stays the same, and clear
)

func newPace[T kernels.Float](ops kernels.Ops[T]) pace[T] {
	p := pace[T]{ops: [2]kernels.Ops[T]{ops, ops.Threads(1)}, now: time.Now, interval: firstInterval}
	for i := range p.times {
		p.times[i] = make([]time.Duration, 0, trialRun*trialRuns)
	}
	return p
}

// begin returns what a step of n samples is to run on.
func (p *pace[T]) begin(n int) kernels.Ops[T] {
	p.open, p.ran = true, p.best
	switch {
	case n > p.samples:
		p.ran = 0 // nothing is known of such steps
	case n == p.samples && p.trial:
		p.ran = p.step / trialRun % 2
	}
	p.began = p.now()
	return p.ops[p.ran]
}

// end tells that the gradient of the n samples of a step is done. A step may end
// without it, and what ends twice counts once.
func (p *pace[T]) end(n int) {
	if !p.open {
		return
	}
	p.open = false
	switch {
	case n < p.samples:
		return
	case n > p.samples:
		p.samples = n
		p.start()
		return
	}
	p.step++
	switch {
	case p.trial:
		p.times[p.ran] = append(p.times[p.ran], p.now().Sub(p.began))
		if p.step%(2*trialRun) == 0 {
			p.judge()
		}
	case p.step >= p.interval:
		p.start()
	}
}

// start begins a trial.
func (p *pace[T]) start() {
	p.trial, p.step = true, 0
	for i := range p.times {
		p.times[i] = p.times[i][:0]
	}
}

// judge ends the trial if one side is clearly faster, or it has lasted long enough.
func (p *pace[T]) judge() {
	many, one := median(p.times[0]), median(p.times[1])
	isClear := float64(max(many, one)) > clearlyFaster*float64(min(many, one))
	if !isClear && p.step < 2*trialRun*trialRuns {
		return
	}
	verdict := 0
	if one < many {
		verdict = 1
	}
	if isClear && verdict == p.best {
		p.interval = min(2*p.interval, lastInterval)
	} else {
		p.interval = firstInterval
	}
	p.best, p.trial, p.step = verdict, false, 0
}

// median sorts its argument.
func median[E cmp.Ordered](values []E) E {
	slices.Sort(values)
	return values[len(values)/2]
}
