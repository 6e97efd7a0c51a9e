package bench

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// probe returns an aloneProbe whose cores execute four instructions a cycle, of a nanosecond, and so
// many where they are shared.
func (j *journal) probe(shared func() bool, fewer float64) *aloneProbe {
	return &aloneProbe{
		issue: func(n int) int {
			perCycle := 4.0
			if shared() {
				perCycle = fewer
			}
			j.t += time.Duration(n)
			return int(perCycle * float64(n))
		},
		clock: func(n int) int { j.t += time.Duration(n); return n },
	}
}

func TestAloneProbe(t *testing.T) {
	for _, test := range []struct {
		fewer float64
		alone bool
	}{{2, false}, {3.6, false}, {3.92, true}, {6, true}, {math.NaN(), false}} {
		var j journal
		shared := false
		p := j.probe(func() bool { return shared }, test.fewer)
		for range 2 {
			shared = false
			if !p.alone(j.now) {
				t.Error("a core that is alone is said to be shared")
			}
			shared = true
			if p.alone(j.now) != test.alone {
				t.Errorf("a core that issues %g instructions of 4 is said to be alone: %v", test.fewer, !test.alone)
			}
		}
	}
}

// TestAloneProbeFindsTheMost checks that a core which is shared at first is known to be so later.
func TestAloneProbeFindsTheMost(t *testing.T) {
	var j journal
	p := j.probe(func() bool { return j.t < aloneFirst/2 }, 2)
	if p.alone(j.now); p.most != 4 {
		t.Errorf("%g instructions a cycle after %v, want 4", p.most, j.t)
	}
	shared := true
	p = j.probe(func() bool { return shared }, 2)
	if !p.alone(j.now) || p.most != 2 {
		t.Errorf("%g instructions a cycle, want 2, which is all that was seen", p.most)
	}
	shared = false
	for range 3 {
		p.alone(j.now)
	}
	if shared = true; p.alone(j.now) || p.most != 4 {
		t.Errorf("half of %g instructions a cycle, want 4, are said to be all", p.most)
	}
}

func TestAloneProbeWithAStoppedClock(t *testing.T) {
	p := &aloneProbe{issue: func(n int) int { return n }, clock: func(n int) int { return n }}
	p.looked = true
	if !p.alone(func() time.Duration { return 0 }) || p.most != 0 {
		t.Errorf("without a clock, %g instructions a cycle", p.most)
	}
}

// TestAloneProbeOnThreads has the slowest core decide.
func TestAloneProbeOnThreads(t *testing.T) {
	real := newAloneProbe(2)
	real.alone(wallClock())
	if !(real.most > 0) || math.IsInf(real.most, 0) {
		t.Errorf("%g instructions a cycle", real.most)
	}
	calls := make(chan int, 2*(1+aloneLoops))
	p := &aloneProbe{threads: 2, clock: func(n int) int { return n }, issue: func(n int) int { calls <- n; return n }}
	ticks := make(chan time.Duration) // a clock for goroutines
	done := make(chan struct{})
	go func() {
		for at := time.Duration(0); ; at += time.Microsecond {
			select {
			case ticks <- at:
			case <-done:
				return
			}
		}
	}()
	p.perCycle(func() time.Duration { return <-ticks })
	close(done)
	if len(calls) != 2*(1+aloneLoops) {
		t.Errorf("%d probes on two threads, want %d", len(calls), 2*(1+aloneLoops))
	}
}

// multiplier is a contender that may be taken again, of a millisecond an iteration; learner is one that
// may not.
func (j *journal) multiplier(again bool) Contender {
	return Contender{Impl: "x", bind: func(any) task {
		t := task{
			run:   func(n int) { j.calls = append(j.calls, "run"); j.t += time.Duration(n) * time.Millisecond },
			check: func() error { return nil },
		}
		if again {
			t.spoil = func() { j.calls = append(j.calls, "spoil") }
		}
		return t
	}}
}

// TestPatience has a neighbour who is there for seven of twenty milliseconds.
func TestPatience(t *testing.T) {
	for _, test := range []struct {
		patience float64
		again    bool
		alone    bool // all turns
	}{{0, true, false}, {100, true, true}, {100, false, false}} {
		var j journal
		r := j.runner(3, j.group("A", j.multiplier(test.again)))
		r.turns = turns{count: 5}
		r.cores = j.probe(func() bool { return j.t%(20*time.Millisecond) < 7*time.Millisecond }, 2)
		r.patience = test.patience
		rounds := j.take(t, r)
		share := 0.0
		for _, round := range rounds[1:] { // the first one has no time to spend yet
			row := round.Rows[0]
			if row.Iterations != 10 || row.NsPerOp != 1e6 {
				t.Errorf("%+v: %d iterations of %v ns, want 10 of a millisecond", test, row.Iterations, row.NsPerOp)
			}
			i := slices.IndexFunc(row.metrics, func(m metric) bool { return m.unit == unitAlone })
			if i < 0 {
				t.Fatalf("%+v: no %s in %v", test, unitAlone, row.metrics)
			}
			if got, want := round.Noise.SharedShare, 1-row.metrics[i].value/100; math.Abs(got-want) > 1e-9 {
				t.Errorf("%+v: shared for %g of the round, %g of its only row", test, got, want)
			}
			share += row.metrics[i].value / 2
		}
		if test.alone != (share == 100) || share < 10 {
			t.Errorf("%+v: alone for %g%% of the time", test, share)
		}
		if test.alone != (r.waited > 0) {
			t.Errorf("%+v: waited for %v", test, r.waited)
		}
	}
}

// TestWaiting has a neighbour who leaves after a while: what waits runs, unless that takes long.
func TestWaiting(t *testing.T) {
	for perOp, want := range map[time.Duration]string{
		// Three iterations to warm up, one at a time between probes of 0.18 ms while the neighbour is there, and the turn.
		time.Millisecond:      "x x3, x x1, x x1, x x1, x x1, x x1, x x50",
		30 * time.Millisecond: "x x1",
	} {
		var j journal
		c := j.contender("x", perOp)
		bind := c.bind
		c.bind = func(operands any) task {
			task := bind(operands)
			task.spoil = func() {}
			return task
		}
		r := j.runner(1, j.group("A", c))
		r.sample = 50 * time.Millisecond
		r.iterations = map[string]int{"A/n=1/impl=x": max(1, int(r.sample/perOp))}
		r.turns = turns{count: 1, warm: 3 * time.Millisecond}
		until := time.Duration(0)
		r.cores = j.probe(func() bool { return j.t < until }, 2)
		r.cores.alone(j.now)
		r.patience, r.kept = 1, time.Second
		s := r.sampling(r.groups[0], &r.groups[0].Contenders[0])
		s.task, s.taken = c.bind("A"), 1
		until = j.t + 8500*time.Microsecond
		j.calls = nil
		turn, err := r.turnAlone(t.Context(), s)
		if got := strings.ReplaceAll(strings.Join(j.calls, ", "), "A ", ""); got != want || err != nil || turn.alone != turn.elapsed {
			t.Errorf("%v an iteration: %s, alone for %v of %v, %v; want %s", perOp, got, turn.alone, turn.elapsed, err, want)
		}
		if waited := r.waited; waited <= 0 || waited > 9*time.Millisecond || r.kept <= time.Second {
			t.Errorf("%v an iteration: waited for %v, kept %v", perOp, waited, r.kept-time.Second)
		}
	}
}

// TestPatienceEnds has a neighbour who comes as soon as a turn is taken, for so long.
func TestPatienceEnds(t *testing.T) {
	for _, stays := range []time.Duration{time.Millisecond, time.Hour} {
		var j journal
		until := time.Duration(0)
		c := j.multiplier(true)
		bind := c.bind
		c.bind = func(operands any) task {
			task := bind(operands)
			run := task.run
			task.run = func(n int) { run(n); until = j.t + stays }
			return task
		}
		r := j.runner(4, j.group("A", c))
		r.turns = turns{count: 5}
		r.cores = j.probe(func() bool { return j.t < until }, 2)
		r.cores.alone(j.now)
		r.patience = 2
		for _, round := range j.take(t, r) {
			if label := round.Noise.Label(); label != "shared" {
				t.Errorf("stays %v: round %d says %q, want shared", stays, round.Number, label)
			}
		}
		if most := 2*r.kept + 20*time.Millisecond; r.waited > most || r.waited < r.kept {
			t.Errorf("stays %v: waited %v for turns of %v, want about twice as long", stays, r.waited, r.kept)
		}
	}
}

func TestSharedShare(t *testing.T) {
	var j journal
	round := j.take(t, j.runner(1, j.group("A", j.multiplier(true))))[0]
	if round.Noise.SharedShare != -1 || slices.ContainsFunc(round.Rows[0].metrics, func(m metric) bool { return m.unit == unitAlone }) {
		t.Errorf("nobody looked: %+v, %v", round.Noise, round.Rows[0].metrics)
	}
	for share, want := range map[float64]string{-1: "quiet", 0.04: "quiet", 0.06: "shared"} {
		n := Noise{Duration: time.Second, SharedShare: share}
		if n.Label() != want || n.Noisy() != (want != "quiet") {
			t.Errorf("shared for %g of the time: %q", share, n.Label())
		}
	}
	n := Noise{Duration: time.Second, StealShare: 0.02, InvoluntarySwitches: 30, SharedShare: 0.5}
	if want := "steal+switches+shared, 2.0% of the processor time stolen, 30 involuntary switches in 1.0 s, cores shared for 50% of the time"; n.String() != want {
		t.Errorf("%q, want %q", n, want)
	}
}
