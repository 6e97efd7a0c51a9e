package bench

import (
	"math"
	"sync"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// An aloneProbe tells whether cores execute for this program alone, or for somebody else on their
// other threads as well, whom a virtual machine does not see: such a core issues half of its
// instructions at worst, and kernels that keep it busy have 0.7 of their speed, while the peak of the
// multiply-adds alone, which leave half of its places free, is as ever (ARCHITECTURE.md).
type aloneProbe struct {
	threads int                            // 0 is one
	issue   func(n int) (instructions int) // of n steps, by one thread
	clock   func(n int) (cycles int)       // likewise
	most    float64                        // instructions a cycle, the highest that probes agreed on
	last    [2]float64                     // of the probes before
	looked  bool                           // whether it was looked for
}

func newAloneProbe(threads int) *aloneProbe {
	return &aloneProbe{threads: threads, issue: kernels.ProbeIssue, clock: kernels.ProbeClock}
}

const (
	aloneCycles = 30_000                 // of a loop, some 10 us: a probe is of two
	aloneLoops  = 3                      // of each: the best counts, as what disturbs one only makes it slower
	aloneFirst  = 200 * time.Millisecond // spent at first on finding out what is the most
	aloneAgree  = 0.005                  // by how much three probes in a row may differ that agree
	aloneShare  = 0.97                   // of the most; on Ice Lake a core that is alone issues 3.92 to 3.93 instructions a cycle, another 2.2 to 3.6
)

// alone reports whether every core that threads run on executes for them alone, at this moment. It
// says so, too, where it cannot tell: the clock is too coarse, or no probes have agreed.
func (p *aloneProbe) alone(now clock) bool {
	if !p.looked {
		for start := now(); now()-start < aloneFirst; {
			p.perCycle(now)
		}
		p.looked = true
	}
	return !(p.perCycle(now) < aloneShare*p.most)
}

// perCycle returns the instructions a cycle of the thread that has the fewest.
func (p *aloneProbe) perCycle(now clock) float64 {
	rates := make([]float64, max(p.threads, 1))
	var others sync.WaitGroup
	for i := range rates[1:] {
		others.Go(func() { rates[i+1] = p.onThread(now) })
	}
	rates[0] = p.onThread(now)
	others.Wait()
	fewest := rates[0]
	for _, r := range rates {
		fewest = min(fewest, r) // NaN if one is
	}
	// A core that is alone issues the same each time. One probe in a thousand has more: what tells its
	// clock was disturbed.
	low, high := min(fewest, p.last[0], p.last[1]), max(fewest, p.last[0], p.last[1])
	if low > p.most && high-low < aloneAgree*high {
		p.most = low
	}
	p.last = [2]float64{p.last[1], fewest}
	return fewest
}

// onThread probes the core that it runs on; NaN where the clock is too coarse.
func (p *aloneProbe) onThread(now clock) float64 {
	var issued, hz float64
	issueSteps, clockSteps := 4*aloneCycles/p.issue(1), aloneCycles/p.clock(1)
	for range aloneLoops {
		t := now()
		n := p.issue(issueSteps)
		issued = max(issued, rate(n, now()-t))
		t = now()
		n = p.clock(clockSteps)
		hz = max(hz, rate(n, now()-t))
	}
	if hz == 0 {
		return math.NaN()
	}
	return issued / hz
}
