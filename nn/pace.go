package nn

import (
	"slices"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// A pace decides how many threads the steps of a Stepper use: as many as they may,
// or one where that is faster. Threads hand the batch and the weights to each other from
// cache to cache, and where their processors are far apart, as those of a virtual machine
// may be at one time and not at another, a step of 100 samples takes up to 1.7 times as
// long on two as on one; where they are near, 0.75. So some steps are timed, now and
// again. Results are the same bits either way.
type pace[T kernels.Float] struct {
	ops  [2]kernels.Ops[T] // on as many threads as they may use, and on one
	now  func() time.Time
	best int // of ops

	samples int // of the largest step: smaller ones tell nothing about it
	step    int // since the trial began
	began   time.Time
	times   [2][trialSteps]time.Duration
}

const (
	trialSteps = 15   // that are timed on either
	trialRun   = 5    // one after the other
	trialEvery = 2000 // steps
)

func newPace[T kernels.Float](ops kernels.Ops[T]) pace[T] {
	return pace[T]{ops: [2]kernels.Ops[T]{ops, ops.Threads(1)}, now: time.Now}
}

// begin returns what a step is to run on.
func (p *pace[T]) begin() kernels.Ops[T] {
	p.began = p.now()
	return p.ops[p.turn()]
}

// turn is whose turn it is in a trial, and the better one afterwards.
func (p *pace[T]) turn() int {
	if p.step < 2*trialSteps {
		return p.step / trialRun % 2
	}
	return p.best
}

// end tells that the step of n samples is done, but for what comes after the gradient.
func (p *pace[T]) end(n int) {
	if n > p.samples { // the trial is to be of such steps
		p.samples, p.step = n, 0
		return
	}
	if n < p.samples {
		return
	}
	if p.step < 2*trialSteps {
		p.times[p.turn()][p.step/(2*trialRun)*trialRun+p.step%trialRun] = p.now().Sub(p.began)
	}
	p.step++
	if p.step == trialEvery {
		p.step = 0
	}
	if p.step == 2*trialSteps {
		for i := range p.times {
			slices.Sort(p.times[i][:])
		}
		p.best = 0
		if p.times[1][trialSteps/2] < p.times[0][trialSteps/2] {
			p.best = 1
		}
	}
}
