package bench

import (
	"context"
	"time"
)

// On a machine that is shared, turns can wait for cores that nobody else uses, as far as patience goes.
// Matrix products do: they do the same each time, in this process and on one thread. Training learns, in
// processes of its own, and the threads of several products wake up later than a probe takes.

// MaxPatience is the most patience: a run then takes a hundred times as long.
const MaxPatience = 100

// longestWait is the most that is spent on waiting for one turn.
const longestWait = 2 * time.Second

// An account is that of a contender, in all rounds: whether it waits is a matter of its own turns, and
// no one waits on what others have saved.
type account struct{ kept, waited time.Duration } // time of turns that count, and for what did not

// left is how long the next turn may wait.
func (a *account) left(patience float64) time.Duration {
	return min(time.Duration(patience*float64(a.kept))-a.waited, longestWait)
}

// watched reports whether it is known of the turns of s if they had their core alone.
func (r *runner) watched(s *sampling) bool { return r.cores != nil && s.task.spoil != nil }

// isAlone reports whether nobody else is on the core; false for what is not watched.
func (r *runner) isAlone(s *sampling) bool { return r.watched(s) && r.cores.alone(r.now) }

// turnAlone takes a turn when nobody else is on the core, as far as patience goes: it waits for that
// before, and takes the turn again if somebody is there after.
func (r *runner) turnAlone(ctx context.Context, s *sampling) (turn, error) {
	a := r.accounts[s.name]
	if a == nil {
		a = new(account)
		r.accounts[s.name] = a
	}
	begin, left := r.now(), a.left(r.patience)
	mayWait := func() bool { return r.watched(s) && r.now()-begin < left && ctx.Err() == nil }
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

// waitAlone waits until nobody else is on the core, or s may wait no longer, and reports which, and how long that
// took. What waits runs, if its iterations are short, as the core has to be used to its load, and spoils the
// result again.
func (r *runner) waitAlone(s *sampling, mayWait func() bool, long bool) (alone bool, waited time.Duration) {
	alone = r.isAlone(s)
	for begin := r.now(); !alone && mayWait(); waited = r.now() - begin {
		if !long {
			s.task.run(1)
			s.task.spoil()
		}
		alone = r.isAlone(s)
	}
	return alone, waited
}

// sharedShare is Noise.SharedShare of the round under way.
func (r *runner) sharedShare() float64 {
	if r.sum.elapsed == 0 {
		return -1
	}
	return 1 - r.alone.elapsed.Seconds()/r.sum.elapsed.Seconds()
}

// aloneMetrics returns what is told of a sample that is watched, and adds it to the round.
func (r *runner) aloneMetrics(s *sampling) (ms []metric) {
	if !r.watched(s) {
		return nil
	}
	r.sum.add(s.sum)
	r.alone.add(s.alone)
	ms = append(ms, metric{100 * s.alone.elapsed.Seconds() / s.sum.elapsed.Seconds(), unitAlone})
	if share := 100 * s.group.workOf(s.contender).FLOP * float64(s.alone.iterations) / s.alone.possible; share > 0 { // NaN without a turn, or a peak
		ms = append(ms, metric{share, unitPeakAlone})
	}
	return ms
}
