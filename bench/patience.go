package bench

import (
	"context"
	"time"
)

// On a machine that is shared, turns can wait for a core that nobody else uses, as far as patience goes.
// Those of tasks that say so do (task.waits): they do the same each time, in this process and on one thread. Training
// learns, in processes of its own, and several threads wake up later than a probe takes.

// MaxPatience is the most patience there is.
const MaxPatience = 100

const (
	longestWait = 2 * time.Second        // the most that is spent on waiting for one turn
	longestTurn = 8 * time.Millisecond   // of those that wait: cores are shared and not within less, so that probes at both ends say nothing of longer ones
	runsBetween = 200 * time.Microsecond // of a contender that waits, from probe to probe
)

// An account is that of a contender, in all rounds: how long it waits is a matter of its own turns, and
// no one waits on what others have saved.
type account struct{ kept, waited time.Duration } // time of turns that count, warm-up and peak included; and of what does not

// left is how long the next turn may wait.
func (a *account) left(patience float64) time.Duration {
	return min(time.Duration(patience*float64(a.kept))-a.waited, longestWait)
}

// watches reports whether probes before and after the next turn of s look for others on the core.
func (r *runner) watches(s *sampling) bool {
	return r.others != nil && s.task.waits && s.iterations()*int(r.sample) <= s.fit*int(longestTurn)
}

// turnAlone takes a turn while nobody else is on the core, as far as patience goes: it waits for that
// before, and takes the turn again if somebody is there after. A turn that is not watched is taken at once.
func (r *runner) turnAlone(ctx context.Context, s *sampling) (turn, error) {
	if !r.watches(s) {
		return r.turn(s, false, nil)
	}
	a := r.accounts[s.name]
	if a == nil {
		a = new(account)
		r.accounts[s.name] = a
	}
	begin, left := r.now(), a.left(r.patience)
	mayWait := func() bool { return r.now()-begin < left && ctx.Err() == nil }
	for start, again := begin, false; ; start, again = r.now(), true {
		t, err := r.turn(s, again, mayWait)
		if t.alone || err != nil || !mayWait() {
			waited := start - begin + t.waited
			a.kept += r.now() - begin - waited
			a.waited += waited
			r.waited += waited
			return t, err
		}
	}
}

// waitAlone waits until nobody else is on the core, or until s may wait no longer. It reports whether nobody is now,
// and how long it waited. What waits runs meanwhile, as the core has to be used to its load, and spoils the result again.
func (r *runner) waitAlone(s *sampling, mayWait func() bool) (alone bool, waited time.Duration) {
	alone = r.others.alone(r.now)
	for begin := r.now(); !alone && mayWait(); waited = r.now() - begin {
		s.task.run(max(r.during(s, runsBetween), 1))
		s.task.spoil()
		alone = r.others.alone(r.now)
	}
	return alone, waited
}

// sharedShare is Noise.SharedShare of the round under way.
func (r *runner) sharedShare() float64 {
	if r.watched == 0 {
		return -1
	}
	return 1 - r.alone.Seconds()/r.watched.Seconds()
}

// aloneMetrics returns what is told of the turns of s that were alone; nothing if none was watched.
func (s *sampling) aloneMetrics() (ms []metric) {
	if !s.watched {
		return nil
	}
	ms = append(ms, metric{100 * s.alone.elapsed.Seconds() / s.sum.elapsed.Seconds(), unitAlone})
	if flop := s.group.workOf(s.contender).FLOP * float64(s.alone.iterations); flop > 0 {
		ms = append(ms, metric{flop / s.alone.elapsed.Seconds(), unitFLOPsAlone})
		if share := 100 * flop / s.alone.possible; share > 0 { // NaN without a peak
			ms = append(ms, metric{share, unitPeakAlone})
		}
	}
	return ms
}
