package bench

import (
	"math"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// An aloneProbe tells whether the core that this thread runs on executes for it alone, or for somebody
// else on the core's other thread as well, whom a virtual machine does not see: such a core issues half
// of its instructions at worst, and kernels that keep it busy have 0.7 of their speed, while the peak of
// the multiply-adds, which leave half of its places free, is as ever (kernels/MEASURED.md, "Neighbours").
type aloneProbe struct {
	issue func(n int) (instructions int) // of n steps
	clock func(n int) (cycles int)       // likewise
	most  float64                        // instructions a cycle, the highest that probes agreed on so far
	last  [aloneInARow - 1]float64       // instructions a cycle in the probes before, in some order
	next  int                            // place in last
}

func newAloneProbe() *aloneProbe {
	return &aloneProbe{issue: kernels.ProbeIssue, clock: kernels.ProbeClock}
}

const (
	aloneCycles = 30_000                 // of a loop, some 10 us
	aloneLoops  = 3                      // of each of two in a probe: the best counts, as what disturbs one only makes it slower
	aloneFirst  = 200 * time.Millisecond // spent at first on finding out what is the most,
	aloneLast   = 5 * time.Second        // or so long, as neighbours may leave no quiet moment in it
	aloneInARow = 5                      // probes that have to agree on that
	aloneAgree  = 0.005                  // by how much they may differ
	aloneShare  = 0.97                   // of the most; on Ice Lake a core that is alone issues 3.92 to 3.93 instructions a cycle, another 1.9 to 3.6
)

// learn looks for the most for a while, and reports whether probes agreed on it: else the clock is too coarse, or
// neighbours never pause.
func (p *aloneProbe) learn(now clock) bool {
	for start := now(); now()-start < aloneFirst || p.most == 0 && now()-start < aloneLast; {
		p.perCycle(now)
	}
	return p.most > 0
}

// alone reports whether the core executes for this thread alone, at this moment.
func (p *aloneProbe) alone(now clock) bool { return p.perCycle(now) >= aloneShare*p.most }

// perCycle returns the instructions that the core issues in a cycle; NaN where the clock is too coarse.
func (p *aloneProbe) perCycle(now clock) float64 {
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
	if issued == 0 || hz == 0 {
		return math.NaN()
	}
	found := issued / hz
	// A core that is alone issues the same each time. One probe in a thousand has more, at times several in a
	// row, as what tells its clock was disturbed, but these do not agree.
	low, high := found, found
	for _, x := range p.last {
		low, high = min(low, x), max(high, x)
	}
	if low > p.most && high-low < aloneAgree*high {
		p.most = low
	}
	p.last[p.next] = found
	p.next = (p.next + 1) % len(p.last)
	return found
}
