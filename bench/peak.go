package bench

import (
	"sync"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// peakFamily is the benchmark of the peaks themselves.
const peakFamily = "FMAPeak"

// A peakProbe measures how fast one implementation can multiply and add at this
// moment, without memory: what the hardware allows, to which %peak relates the rest.
// Single probes are short, and the best of several counts: whatever disturbs one can
// only make it slower, and a peak that the CPU reached is one that it has.
type peakProbe struct {
	impl string
	typ  string
	fma  func(n int) (flops, instructions int) // by one thread

	threads int           // 0 is one
	length  time.Duration // of one probe
	steps   int           // length of one probe, set by the first
	links   int           // length of one chain for the clock, likewise
}

func newPeakProbe[T kernels.Float](ops kernels.Ops[T]) *peakProbe {
	return &peakProbe{impl: ops.Implementation().Name(), typ: typeName[T](), fma: ops.ProbeFMA, length: probeTime}
}

// onThreads makes p a probe of so many threads at once. It is long enough for the start
// of a goroutine to count little: probes of 5 ms found the same.
func (p *peakProbe) onThreads(n int) *peakProbe {
	if p.threads = n; n > 1 {
		p.length = 10 * probeTime
	}
	return p
}

// probe multiplies and adds, on all threads of p.
func (p *peakProbe) probe(steps int) (flops, instructions int) {
	var others sync.WaitGroup
	for range p.threads - 1 {
		others.Go(func() { p.fma(steps) })
	}
	flops, instructions = p.fma(steps)
	others.Wait()
	threads := max(p.threads, 1)
	return threads * flops, threads * instructions
}

// key names the probe in the sidecar.
func (p *peakProbe) key() string { return p.typ + "/" + p.impl }

const (
	probeTime    = 100 * time.Microsecond // of one probe
	chainTime    = 2 * time.Microsecond   // of the chain behind it: cores change their clock every few microseconds
	probesBeside = 3                      // probes on each side of a sample
)

// fit sets the length of a probe, by one thread: where others wake up late, a few steps would
// seem to last as long, and find a tenth of the peak.
func (p *peakProbe) fit(now clock) {
	if p.steps == 0 {
		p.steps = fitIterations(func(n int) { p.fma(n) }, p.length, now)
		p.links = fitIterations(func(n int) { kernels.ProbeClock(n) }, chainTime, now)
	}
}

// beside returns the best FLOP/s of a few probes, to be taken just before and after
// a sample. The first ones also wake the wide vector units before the sample does.
func (p *peakProbe) beside(now clock) float64 {
	p.fit(now)
	best := 0.0
	for range probesBeside {
		t := now()
		flops, _ := p.probe(p.steps)
		best = max(best, rate(flops, now()-t))
	}
	return best
}

// peakSample is what the peak benchmark finds.
type peakSample struct {
	flops   float64 // FLOP/s of the best probe
	perHz   float64 // multiply-add instructions per cycle of that clock
	hz      float64 // clock that a chain of dependent additions shows right behind the best probe
	steps   int     // iterations of a probe
	seconds float64 // time of the best probe
}

// sample probes for the given time, multiply-adds and clock in turn. What counts is the clock right
// behind the best probe: multiply-adds may lower it, and a core without them soon climbs back.
func (p *peakProbe) sample(length time.Duration, now clock) peakSample {
	p.fit(now)
	s := peakSample{steps: p.steps}
	instructionsPerSecond := 0.0
	for start := now(); s.hz == 0 || now()-start < length; {
		t := now()
		flops, instructions := p.probe(p.steps)
		dt := now() - t
		t = now()
		cycles := kernels.ProbeClock(p.links)
		hz := rate(cycles, now()-t)
		if r := rate(flops, dt); r > s.flops && hz > 0 {
			s.flops, s.seconds, s.hz = r, dt.Seconds(), hz
			instructionsPerSecond = rate(instructions, dt)
		}
	}
	s.perHz = instructionsPerSecond / s.hz
	return s
}

// metrics returns what s reports beside ns/op.
func (s peakSample) metrics() []metric {
	return []metric{{s.flops, unitFLOPs}, {s.perHz, unitFMA}, {s.hz, unitHz}}
}

// rate is n per second, 0 where the clock is too coarse to tell.
func rate(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// peakGroup is the benchmark of the peaks. Its contenders have no task: the runner
// measures their peak itself.
func (cs contenders[T]) peakGroup() *Group {
	g := &Group{Family: peakFamily, Params: "type=" + typeName[T]()}
	for i, ops := range cs.ops {
		g.Contenders = append(g.Contenders, Contender{Impl: ops.Implementation().Name(), peak: cs.peaks[i]})
	}
	return g
}
