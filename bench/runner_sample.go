package bench

import (
	"context"
	"math"
	"runtime"
	"time"
)

// turns says how the contenders of a group take turns within a sample. The zero value has
// them take it whole.
type turns struct {
	count  int           // turns of a sample of as many iterations or more
	fewest int           // iterations of a sample, if not more of them fit
	warm   time.Duration // how long a contender runs before each turn but the first, an iteration at least
}

// longIteration is what is too long for one more to be run before every turn. It matters little then.
const longIteration = 20 * time.Millisecond

// most is the number of turns that no sample has more of.
func (t turns) most() int { return max(t.count, 1) }

// sums are what turns add up to.
type sums struct {
	iterations    int
	elapsed       time.Duration
	possible      float64 // FLOP that the peak beside each turn amounts to in its time
	bytes, allocs uint64
}

func (s *sums) add(t sums) {
	s.iterations += t.iterations
	s.elapsed += t.elapsed
	s.possible += t.possible
	s.bytes += t.bytes
	s.allocs += t.allocs
}

// A turn is what was found in one turn of a sampling.
type turn struct {
	sums
	watched bool          // whether a probe before and one after looked for others on the core
	alone   bool          // whether neither found any
	waited  time.Duration // before it, for the core
}

// A sampling is a sample under way: that of one contender, in one round. It is taken in
// turns with those of the other contenders of its group.
type sampling struct {
	group     *Group
	contender *Contender
	name      string
	fit       int // iterations that fit the length of a sample
	n, turns  int // iterations, and in how many turns
	taken     int // turns
	task      task

	sum, alone sums // over the turns, and over those alone
	watched    bool // whether some turn was

	peak peakSample // instead, of a contender without a task
}

// sampling returns a sample of c that is to be taken.
func (r *runner) sampling(g *Group, c *Contender) *sampling {
	s := &sampling{group: g, contender: c, name: g.Name(c), turns: 1}
	if c.bind != nil {
		s.fit = r.iterations[s.name]
		s.n = max(s.fit, r.turns.fewest)
		s.turns = min(r.turns.most(), s.n)
	}
	return s
}

// takesPart reports whether s takes one of its turns in this one of so many. Those of a few
// iterations are spread over all.
func (s *sampling) takesPart(turn, of int) bool { return turn*s.turns/of < (turn+1)*s.turns/of }

// iterations is how many the next turn has.
func (s *sampling) iterations() int { return (s.taken+1)*s.n/s.turns - s.taken*s.n/s.turns }

// takeTurn takes the next turn of s. The error is that of a result that was wrong, or of a
// process that failed.
func (r *runner) takeTurn(ctx context.Context, s *sampling, operands any) error {
	c := s.contender
	if c.bind == nil {
		s.peak = c.peak.sample(r.sample, r.now)
		r.notePeak(c.peak, s.peak.flops)
		return nil
	}
	if s.taken == 0 {
		s.task = c.bind(operands)
		if s.task.verify != nil {
			if err := s.task.checkOnce(); err != nil { // the operands are new in every round
				return err
			}
		}
	}
	t, err := r.turnAlone(ctx, s)
	if err != nil {
		return err
	}
	s.sum.add(t.sums)
	if t.watched {
		s.watched = true
		r.watched += t.elapsed
	}
	if t.alone {
		s.alone.add(t.sums)
		r.alone += t.elapsed
	}
	s.taken++
	// What others overwrite is verified now, and else when all is done.
	if s.task.verify != nil && (s.task.spoil != nil || s.taken == s.turns) {
		return s.task.verify()
	}
	return nil
}

// turn takes a turn, for the first time or again, and the peak beside it. mayWait, which is nil for a turn that is not
// watched, tells whether to wait on.
func (r *runner) turn(s *sampling, again bool, mayWait func() bool) (t turn, err error) {
	c := s.contender
	peak := 0.0
	if c.peak != nil {
		peak = c.peak.beside(r.now)
	}
	if t, err = r.time(s, again, mayWait); err != nil {
		return turn{}, err
	}
	if c.peak != nil {
		peak = max(peak, c.peak.beside(r.now))
		r.notePeak(c.peak, peak)
	}
	if peak == 0 {
		peak = math.NaN() // there is none, or the clock is too coarse: no share of it is reported
	}
	t.possible = peak * t.elapsed.Seconds()
	return t, nil
}

// time warms up, waits as long as it may for a core that nobody else uses, and times the iterations of a turn.
func (r *runner) time(s *sampling, again bool, mayWait func() bool) (found turn, err error) {
	t := s.task
	found.iterations, found.watched = s.iterations(), mayWait != nil
	var before, after runtime.MemStats
	s.contender.where(func() {
		if warm := r.warmUp(s, again); warm > 0 {
			t.run(warm)
		}
		if t.spoil != nil {
			t.spoil()
		}
		if found.watched {
			found.alone, found.waited = r.waitAlone(s, mayWait)
		}
		runtime.ReadMemStats(&before)
		start := r.now()
		t.run(found.iterations)
		found.elapsed = r.now() - start
		found.alone = found.alone && r.others.alone(r.now)
		runtime.ReadMemStats(&after)
	})
	found.bytes = after.TotalAlloc - before.TotalAlloc
	found.allocs = after.Mallocs - before.Mallocs
	if t.took != nil {
		found.elapsed, err = t.took()
	}
	return found, err
}

// row sums up the turns.
func (s *sampling) row() Row {
	if s.contender.bind == nil {
		return Row{Name: s.name, Iterations: s.peak.steps, NsPerOp: 1e9 * s.peak.seconds / float64(s.peak.steps), metrics: s.peak.metrics()}
	}
	row := Row{
		Name: s.name, Iterations: s.n, NsPerOp: float64(s.sum.elapsed.Nanoseconds()) / float64(s.n),
		BytesPerOp: int64(s.sum.bytes) / int64(s.n), AllocsPerOp: int64(s.sum.allocs) / int64(s.n),
		metrics: s.task.metrics(s.group.workOf(s.contender), s.sum.elapsed.Seconds()/float64(s.n), s.sum.possible/s.sum.elapsed.Seconds()),
	}
	row.metrics = append(row.metrics, s.aloneMetrics()...)
	return row
}

// warmTime is how long a contender runs before it is timed. Caches, branch predictors and
// buffer pools want less; but a core that was not under such a load just before holds
// instructions back for a while: on Zen 4, products with AVX-512 that keep the
// multiply-add units busy start with 71% of their speed, for 4 to 5 ms, whatever ran before,
// while probes of the peak and products that are slower anyway do not.
const warmTime = 8 * time.Millisecond

// warmUp returns how many iterations that is, at least one but for long ones, and one if the turn is
// taken again.
func (r *runner) warmUp(s *sampling, again bool) int {
	switch {
	case again:
		return 1
	case s.taken == 0:
		return max(r.during(s, warmTime), 1)
	case r.during(s, longIteration) == 0:
		return 0
	}
	return max(r.during(s, r.turns.warm), 1)
}

// during returns how many iterations of s fit a time.
func (r *runner) during(s *sampling, d time.Duration) int {
	return int(int64(s.fit) * int64(d) / int64(r.sample))
}

// where calls f where c is to run: here, or for what uses goroutines in one that is not
// locked to the runner's thread. The clock and the counters are read inside f, which
// leaves out what the goroutine itself takes.
func (c *Contender) where(f func()) {
	if !c.spawns {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
