package bench

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// probe returns an aloneProbe of a core that issues four instructions a cycle, of a nanosecond, and so
// many while it is shared.
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
	for fewer, want := range map[float64]bool{2: false, 3.6: false, 3.92: true, 6: true} {
		var j journal
		shared := false
		p := j.probe(func() bool { return shared }, fewer)
		p.learn(j.now)
		for range 2 {
			shared = false
			if !p.alone(j.now) {
				t.Error("a core that is alone is said to be shared")
			}
			shared = true
			if p.alone(j.now) != want {
				t.Errorf("a core that issues %g instructions of 4 is said to be alone: %v", fewer, !want)
			}
		}
	}
}

// TestAloneProbeLearns checks that the most is what several probes in a row agree on, whenever that is.
func TestAloneProbeLearns(t *testing.T) {
	for _, test := range []struct {
		what   string
		issued []float64 // by each probe; the last one stays
		want   float64
	}{
		{"at once", []float64{4}, 4},
		{"later", []float64{2, 2, 2, 2, 2, 3, 4}, 4},
		{"within the tolerance", []float64{4, 3.985, 4, 3.985, 4, 2}, 3.985},
		{"too few in a row", []float64{2, 2, 2, 2, 2, 4, 4, 4, 4, 2}, 2},
		{"disturbed ones, which do not agree", []float64{4, 4, 4, 4, 4, 6, 5, 6.1, 5.2, 7, 5.5, 6.3, 4}, 4},
		{"none that agree", []float64{1, 2, 3, 4, 5, 6, 7, 8}, 0},
	} {
		var j journal
		i, loops := 0, 0
		p := j.probe(func() bool { return true }, 0)
		p.issue = func(n int) int {
			if n == 1 {
				return 4
			}
			j.t += time.Duration(n)
			x := test.issued[min(i, len(test.issued)-1)]
			if loops++; loops%aloneLoops == 0 {
				i++
			}
			return int(math.Round(x * float64(n)))
		}
		for range len(test.issued) + 4 {
			if i >= len(test.issued) && test.want == 0 {
				break // what stays agrees
			}
			p.perCycle(j.now)
		}
		if math.Abs(p.most-test.want) > 1e-9 {
			t.Errorf("%s: %g, want %g", test.what, p.most, test.want)
		}
	}
	var j journal
	p := j.probe(func() bool { return j.t < aloneFirst/2 }, 2)
	if !p.learn(j.now) || p.most != 4 {
		t.Errorf("a core that is shared for half of the time: %g, want 4", p.most)
	}
	for agree, want := range map[time.Duration]bool{aloneLast / 2: true, 2 * aloneLast: false} {
		var j journal
		i := 0
		p := j.probe(func() bool { i++; return false }, 0)
		p.clock = func(n int) int {
			if j.t < agree { // none is as the one before
				j.t += time.Duration(n * (10 + i%7))
			}
			j.t += time.Duration(n)
			return n
		}
		if p.learn(j.now) != want || want != (p.most == 4) || j.t > aloneLast+time.Second {
			t.Errorf("probes that agree after %v have learnt %g in %v", agree, p.most, j.t)
		}
	}
}

// TestAloneProbeTakesTheBest disturbs all loops of a probe but one of each kind.
func TestAloneProbeTakesTheBest(t *testing.T) {
	var j journal
	p := j.probe(func() bool { return false }, 0)
	loops := 0
	late := func(f func(int) int, undisturbed int) func(int) int {
		return func(n int) int {
			if n > 1 {
				if loops++; loops%(2*aloneLoops) != undisturbed {
					j.t += time.Microsecond
				}
			}
			return f(n)
		}
	}
	p.issue, p.clock = late(p.issue, 3), late(p.clock, 4)
	if got := p.perCycle(j.now); got != 4 {
		t.Errorf("%g instructions a cycle, want 4", got)
	}
}

func TestAloneProbeWithAStoppedClock(t *testing.T) {
	p := &aloneProbe{issue: func(n int) int { return n }, clock: func(n int) int { return n }}
	if p.alone(func() time.Duration { return 0 }) || p.most != 0 {
		t.Errorf("without a clock, %g instructions a cycle", p.most)
	}
}

// TestRealAloneProbe runs the loops of the kernels: what they find is for no test to say.
func TestRealAloneProbe(t *testing.T) {
	if got := newAloneProbe().perCycle(wallClock()); !(got > 0) {
		t.Errorf("%g instructions a cycle", got)
	}
}

// product is a contender whose turns wait, as those of matrix products do, or not.
func (j *journal) product(perOp time.Duration, waits bool) Contender {
	c := j.contender("x", perOp)
	bind := c.bind
	c.bind = func(operands any) task {
		task := bind(operands)
		if task.waits = waits; waits {
			task.spoil = func() { j.calls = append(j.calls, "A spoil") }
		}
		return task
	}
	return c
}

// of returns what row says in a unit, -1 if nothing.
func (row Row) of(unit string) float64 {
	for _, m := range row.metrics {
		if m.unit == unit {
			return m.value
		}
	}
	return -1
}

// TestPatience has a neighbour who is there for seven of twenty milliseconds.
func TestPatience(t *testing.T) {
	for _, test := range []struct {
		patience float64
		waits    bool
		alone    bool // all turns
	}{{0, true, false}, {100, true, true}, {100, false, false}} {
		var j journal
		r := j.runner(3, j.group("A", j.product(time.Millisecond, test.waits)))
		r.turns = turns{count: 5}
		r.others = j.probe(func() bool { return j.t%(20*time.Millisecond) < 7*time.Millisecond }, 2)
		r.patience = test.patience
		var waited time.Duration
		for i, round := range j.take(t, r) {
			waited += round.Waited
			row := round.Rows[0]
			if row.Iterations != 10 || row.NsPerOp != 1e6 {
				t.Errorf("%+v: %d iterations of %v ns, want 10 of a millisecond", test, row.Iterations, row.NsPerOp)
			}
			alone, shared := row.of(unitAlone), round.Noise.SharedShare
			if !test.waits {
				if alone != -1 || shared != -1 || round.Waited != 0 {
					t.Errorf("%+v: alone for %g%%, shared for %g of the round, waited %v, of what is not watched", test, alone, shared, round.Waited)
				}
				continue
			}
			if math.Abs(shared-(1-alone/100)) > 1e-9 {
				t.Errorf("%+v: shared for %g of the round, alone for %g%% of its only row", test, shared, alone)
			}
			if i == 0 {
				continue // there is no time to spend yet
			}
			if test.alone != (alone == 100) || alone < 10 || test.alone != (round.Waited > 0) {
				t.Errorf("%+v: round %d alone for %g%%, waited %v", test, i+1, alone, round.Waited)
			}
		}
		if a := r.accounts["A/n=1/impl=x"]; (a != nil) != test.waits || a != nil && waited != a.waited {
			t.Errorf("%+v: waited for %v in rounds, %+v all in all", test, waited, a)
		}
	}
}

// TestPatienceEnds has a neighbour who stays, or comes whenever a turn is being taken and goes soon. No contender waits
// on what another has saved.
func TestPatienceEnds(t *testing.T) {
	for _, stays := range []time.Duration{500 * time.Microsecond, time.Hour} {
		var j journal
		until, shared := time.Duration(0), false
		bothered := j.product(time.Millisecond, true)
		bind := bothered.bind
		bothered.Impl, bothered.bind = "y", func(operands any) task {
			task := bind(operands)
			run := task.run
			task.run = func(n int) {
				run(n)
				if n > 1 { // a turn
					until = j.t + stays
				}
			}
			return task
		}
		r := j.runner(4, j.group("A", j.product(time.Millisecond, true), bothered))
		r.turns = turns{count: 5}
		r.others = j.probe(func() bool { return shared || j.t < until }, 2)
		r.patience = 2
		rounds := j.take(t, r)
		for _, round := range rounds {
			for _, row := range round.Rows {
				if row.Name == "A/n=1/impl=y" && row.of(unitAlone) != 0 {
					t.Errorf("stays %v: round %d: %v of a contender who is never alone", stays, round.Number, row.metrics)
				}
			}
		}
		a := r.accounts["A/n=1/impl=y"]
		if most := 2*a.kept + 5*time.Millisecond; a.waited > most || a.waited < a.kept {
			t.Errorf("stays %v: waited %v for turns of %v, want about twice as long", stays, a.waited, a.kept)
		}
	}
}

// TestWaiting has a neighbour who leaves after a while: what waits runs. Turns that are too long do not wait.
func TestWaiting(t *testing.T) {
	for _, test := range []struct {
		perOp time.Duration
		want  string
		wait  bool
	}{
		// Warm-up, a little of it between probes of 0.18 ms while the neighbour is there, and the turn.
		{time.Millisecond, "x x3, spoil, x x1, spoil, x x1, spoil, x x1, spoil, x x1, spoil, x x5", true},
		{50 * time.Microsecond, "x x60, spoil" + strings.Repeat(", x x4, spoil", 11) + ", x x100", true},
		{7 * time.Millisecond, "x x1, spoil, x x1, spoil, x x1", true},
		{9 * time.Millisecond, "x x1, spoil, x x1", false},
		{60 * time.Millisecond, "spoil, x x1", false},
	} {
		var j journal
		until := time.Duration(0)
		r, s := j.waiting(test.perOp, func() bool { return j.t < until })
		until = j.t + 8*time.Millisecond
		turn, err := r.turnAlone(t.Context(), s)
		if got := strings.ReplaceAll(strings.Join(j.calls, ", "), "A ", ""); got != test.want || err != nil || turn.watched != test.wait || turn.alone != test.wait {
			t.Errorf("%v an iteration: %s, %+v, %v; want %s", test.perOp, got, turn, err, test.want)
		}
		a := r.accounts[s.name]
		least, most := 4*time.Millisecond, 8*time.Millisecond
		if len(test.want) < 20 {
			least, most = 0, 0
		}
		kept := time.Second
		if test.wait {
			kept += time.Duration(turn.iterations) * test.perOp
		}
		if a.waited < least || a.waited > most || a.kept < kept || !test.wait && a.kept > kept || r.waited != a.waited {
			t.Errorf("%v an iteration: waited for %v, kept %v, %v in the round", test.perOp, a.waited, a.kept-time.Second, r.waited)
		}
	}
}

// waiting returns a runner and a contender who has a second to wait, behind its first turn.
func (j *journal) waiting(perOp time.Duration, shared func() bool) (*runner, *sampling) {
	r := j.runner(1, j.group("A", j.product(perOp, true)))
	r.sample = 50 * time.Millisecond
	r.iterations = map[string]int{"A/n=1/impl=x": max(1, int(r.sample/perOp))}
	r.turns = turns{count: 10, warm: 3 * time.Millisecond}
	r.others = j.probe(shared, 2)
	r.others.learn(j.now)
	r.patience, r.accounts = 1, map[string]*account{"A/n=1/impl=x": {kept: time.Second}}
	s := r.sampling(r.groups[0], &r.groups[0].Contenders[0])
	s.task, s.taken = s.contender.bind("A"), 1
	j.calls = nil
	return r, s
}

// TestTurnTakenAgain has a neighbour who comes during the first turn: the second counts, alone.
func TestTurnTakenAgain(t *testing.T) {
	for taken, warmUp := range []string{"x x8", "x x3"} { // before the first turn of a sample, and before others
		var j journal
		came := time.Duration(math.MaxInt64)
		r, s := j.waiting(time.Millisecond, func() bool { return j.t >= came && j.t < came+3*time.Millisecond })
		s.taken = taken
		warm := []time.Duration{8 * time.Millisecond, 3 * time.Millisecond}[taken]
		came = j.t + warm + 2500*time.Microsecond
		turn, err := r.turnAlone(t.Context(), s)
		want := warmUp + ", spoil, x x5, x x1, spoil, x x5"
		if got := strings.ReplaceAll(strings.Join(j.calls, ", "), "A ", ""); got != want || err != nil || !turn.alone || turn.elapsed != 5*time.Millisecond {
			t.Errorf("%s, %+v, %v; want %s", got, turn, err, want)
		}
		first := warm + 5*time.Millisecond
		if a := r.accounts[s.name]; a.waited < first || a.waited > first+time.Millisecond || a.kept > time.Second+7*time.Millisecond {
			t.Errorf("waited for %v, kept %v, want the first turn and the second", a.waited, a.kept-time.Second)
		}
	}
}

// TestNeighbourWhoLeaves has one who leaves during the turn of a contender that has no patience.
func TestNeighbourWhoLeaves(t *testing.T) {
	var j journal
	until := time.Duration(0)
	r, s := j.waiting(time.Millisecond, func() bool { return j.t < until })
	r.patience = 0
	until = j.t + 6*time.Millisecond
	if turn, err := r.turnAlone(t.Context(), s); turn.alone || !turn.watched || err != nil || r.waited != 0 {
		t.Errorf("%+v, waited for %v, %v", turn, r.waited, err)
	}
}

// TestWaitingIsBounded has a neighbour who stays, and a contender who has saved a lot; and one who is interrupted.
func TestWaitingIsBounded(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		var j journal
		shared := false
		r, s := j.waiting(time.Millisecond, func() bool { return shared })
		r.accounts[s.name].kept = time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		want := longestWait
		if shared = true; interrupted {
			cancel()
			want = 0
		}
		turn, err := r.turnAlone(ctx, s)
		if w := r.waited; turn.alone || err != nil || w < want-60*time.Millisecond || w > want+60*time.Millisecond {
			t.Errorf("interrupted %v: waited for %v, alone: %v, %v; want %v", interrupted, w, turn.alone, err, want)
		}
	}
}

// TestPeakAlone has a core that is shared during every other turn, in which everything takes twice as long.
func TestPeakAlone(t *testing.T) {
	var j journal
	perOp, shared := time.Millisecond, false
	c := j.product(0, true)
	bind := c.bind
	c.bind = func(operands any) task {
		task := bind(operands)
		task.run = func(n int) { j.t += time.Duration(n) * perOp }
		return task
	}
	c.peak = &peakProbe{
		impl: "x", typ: "f32", steps: 10, links: 10,
		fma: func(n int) (int, int) { j.t += time.Duration(n) * time.Microsecond; return 1000 * n, n },
	}
	r := j.runner(1, j.group("A", c))
	r.turns = turns{count: 2}
	r.others = j.probe(func() bool { return shared }, 2)
	r.progress = func(p Progress) {
		if p.Phase == Measuring && p.Done == 0 {
			shared, perOp = !shared, 3*time.Millisecond-perOp
		}
	}
	row := j.take(t, r)[0].Rows[0]
	// Ten iterations of 1000 FLOP in 5 ms alone and 10 ms not, or the other way round, at a peak of 1e9.
	for unit, want := range map[string]float64{unitAlone: 100 * 5.0 / 15, unitFLOPsAlone: 5 * 1000 / 5e-3, unitPeakAlone: 100 * 5 * 1000 / (5e-3 * 1e9), unitPeak: 100 * 10 * 1000 / (15e-3 * 1e9)} {
		if got := row.of(unit); math.Abs(got/want-1) > 1e-6 {
			t.Errorf("%g %s, want %g: %v", got, unit, want, row.metrics)
		}
	}
}

func TestSharedShare(t *testing.T) {
	var j journal
	round := j.take(t, j.runner(1, j.group("A", j.product(time.Millisecond, true))))[0]
	if round.Noise.SharedShare != -1 || round.Rows[0].of(unitAlone) != -1 {
		t.Errorf("nobody looked: %+v, %v", round.Noise, round.Rows[0].metrics)
	}
	for share, want := range map[float64]string{-1: "quiet", 0.04: "quiet", 0.06: "shared"} {
		n := Noise{Duration: time.Second, SharedShare: share}
		if n.Label() != want || n.Noisy() != (want != "quiet") {
			t.Errorf("shared for %g of the time: %q", share, n.Label())
		}
	}
	n := Noise{Duration: time.Second, StealShare: 0.02, InvoluntarySwitches: 30, SharedShare: 0.5}
	want := "steal+switches+shared, 2.0% of the processor time stolen, 30 involuntary switches in 1.0 s, the core shared during 50% of what was watched"
	if n.String() != want {
		t.Errorf("%q, want %q", n, want)
	}
	if n.InvoluntarySwitches = 3; strings.Contains(n.String(), "switches") {
		t.Errorf("%q tells of switches that are few", n)
	}
}

// TestRivalRunsWatch checks that runs beside rivals look for neighbours, on one thread, and have the patience asked for.
func TestRivalRunsWatch(t *testing.T) {
	for threads, watched := range map[int]bool{1: true, 2: false} {
		o := RivalOptions{Part: RivalPart{Threads: threads}, Patience: 3, Rounds: 5}
		r := (&RivalRun{Options: o, implementation: kernels.Default()}).runner()
		if (r.others != nil) != watched || r.patience != 3 || r.rounds != 5 || r.threads != threads {
			t.Errorf("%d threads: watched %v, patience %g", threads, r.others != nil, r.patience)
		}
	}
	if !bindGEMM[float32](nil)(newGEMMOperands[float32](square(2), operandSource(&Group{}, 0))).waits {
		t.Error("matrix products do not wait")
	}
}
