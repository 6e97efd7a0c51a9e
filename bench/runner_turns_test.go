package bench

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTurns checks the order of the turns, what comes before each, and that a row is their sum.
func TestTurns(t *testing.T) {
	var j journal
	long := j.contender("long", 100*time.Millisecond)
	r := j.runner(2, j.group("A", j.contender("x", 5*time.Millisecond), j.contender("y", 20*time.Millisecond), long))
	r.sample = 50 * time.Millisecond
	r.turns = turns{count: 4, fewest: 2, warm: 15 * time.Millisecond}
	var done []int
	r.progress = func(p Progress) {
		if p.Phase == Measuring {
			done = append(done, p.Done)
		}
	}
	rounds := j.take(t, r)

	// x: 10 iterations fit, which are 4 turns of 2 or 3, and 15 ms are 3 of them. y: 3 turns of one,
	// which take part in the last turns. long: 2 turns, though not one of them fits, and one
	// more is not run before the second.
	first := map[string]string{"x": "x x1, x x2", "y": "y x1, y x1", "long": "long x1, long x1"}
	even := map[string]string{"x": "x x3, x x3", "y": "y x1, y x1", "long": "long x1"}
	odd := map[string]string{"x": "x x3, x x2", "y": "y x1, y x1"}
	turn := func(calls map[string]string, names ...string) (all []string) {
		for _, name := range names {
			for call := range strings.SplitSeq(calls[name], ", ") {
				all = append(all, "A "+call)
			}
		}
		return all
	}
	want := slices.Concat(
		turn(first, "x"), turn(even, "x"), turn(first, "y", "long"), turn(odd, "x", "y"), turn(even, "x", "y", "long"), []string{"round 1"},
		turn(first, "x"), turn(first, "long", "y"), turn(even, "x"), turn(odd, "y", "x"), turn(even, "long", "y", "x"), []string{"round 2"},
	)
	if got := j.calls[len(j.calls)-len(want):]; !slices.Equal(got, want) {
		t.Errorf("turns\n%q, want\n%q", got, want)
	}
	if want := []int{0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5}; !slices.Equal(done, want) {
		t.Errorf("progress %v, want %v", done, want)
	}
	for i, round := range rounds {
		rows := described(round.Rows)
		if want := []string{"A/n=1/impl=x 10 5e+06", "A/n=1/impl=y 3 2e+07", "A/n=1/impl=long 2 1e+08"}; !slices.Equal(rows, want) {
			t.Errorf("round %d: rows %q, want %q", i+1, rows, want)
		}
	}
}

// TestSumOfTurns checks what a row says of turns that differ: times and counts are summed up, and
// the peak is that beside each turn, for as long as the turn took.
func TestSumOfTurns(t *testing.T) {
	for _, ownClock := range []bool{false, true} {
		var j journal
		perOp, perStep, allocations := time.Millisecond, time.Microsecond, 0
		var took time.Duration
		var sink []byte
		c := Contender{Impl: "x", bind: func(any) task {
			return task{
				check: func() error { return nil },
				run: func(n int) {
					for range allocations {
						sink = make([]byte, 1024)
					}
					took = time.Duration(n) * perOp
					j.t += took
				},
			}
		}}
		if ownClock { // twice as fast as the runner's
			bind := c.bind
			c.bind = func(operands any) task {
				task := bind(operands)
				task.took = func() (time.Duration, error) { return took / 2, nil }
				return task
			}
		}
		c.peak = &peakProbe{
			impl: "x", typ: "f32", steps: 10, links: 10,
			fma: func(n int) (int, int) { j.t += time.Duration(n) * perStep; return 1000 * n, n },
		}
		r := j.runner(1, j.group("A", c))
		r.turns = turns{count: 2}
		seen := 0
		r.progress = func(p Progress) {
			if p.Phase == Measuring && seen > 0 { // the second turn: everything slows down, the peak most
				perOp, perStep, allocations = 3*time.Millisecond, 6*time.Microsecond, 10
			}
			if p.Phase == Measuring {
				seen++
			}
		}
		if err := r.run(t.Context(), func(round Round) error {
			row := round.Rows[0]
			// 5 ms and 15 ms for 10 iterations of 1000 FLOP, at peaks of 1e9 and 1e9/6 FLOP/s.
			wantNs, wantShare := 2e6, 100*10*1000/(5e-3*1e9+15e-3*1e9/6)
			if ownClock {
				wantNs, wantShare = wantNs/2, wantShare*2
			}
			if row.Iterations != 10 || row.NsPerOp != wantNs || row.AllocsPerOp != 1 || row.BytesPerOp != 1024 {
				t.Errorf("own clock %v: %d iterations of %v ns, %d B and %d allocations, want 10 of %v, 1024 and 1",
					ownClock, row.Iterations, row.NsPerOp, row.BytesPerOp, row.AllocsPerOp, wantNs)
			}
			if share := row.metrics[1]; share.unit != unitPeak || math.Abs(share.value/wantShare-1) > 1e-9 {
				t.Errorf("own clock %v: %v, want a %%peak of %v", ownClock, row.metrics, wantShare)
			}
			if math.Round(round.Peaks["f32/x"]) != 1e9 {
				t.Errorf("peaks %v, want 1e9 of the first turn", round.Peaks)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if seen != 2 || len(sink) != 1024 {
			t.Errorf("%d turns, want 2", seen)
		}
	}
}

// TestTurnWithoutAPeak checks that a sample of which one turn has no peak, as the clock stood still
// while it was probed, has no share of it.
func TestTurnWithoutAPeak(t *testing.T) {
	for _, still := range []bool{false, true} {
		var j journal
		c, perStep, seen := j.contender("x", time.Millisecond), time.Microsecond, 0
		c.peak = &peakProbe{
			impl: "x", typ: "f32", steps: 10, links: 10,
			fma: func(n int) (int, int) { j.t += time.Duration(n) * perStep; return 1000 * n, n },
		}
		r := j.runner(1, j.group("A", c))
		r.turns = turns{count: 2}
		r.progress = func(p Progress) {
			if p.Phase == Measuring {
				if seen++; seen == 2 && still {
					perStep = 0
				}
			}
		}
		row := j.take(t, r)[0].Rows[0]
		if has := slices.ContainsFunc(row.metrics, func(m metric) bool { return m.unit == unitPeak }); has == still {
			t.Errorf("the clock stands still %v: %v", still, row.metrics)
		}
	}
}

// TestEveryTurnIsChecked checks that what each turn leaves is verified before another contender
// overwrites it, and that a run ends between two turns.
func TestEveryTurnIsChecked(t *testing.T) {
	var j journal
	result, wrongAt, cancelAt, runs := "", 0, 0, 0
	ctx, cancel := context.WithCancel(t.Context())
	contender := func(name string) Contender {
		return Contender{Impl: name, bind: func(any) task {
			return task{
				run: func(n int) {
					j.t += time.Duration(n) * time.Millisecond
					result = name
					if runs++; runs == cancelAt {
						cancel()
					}
					if runs == wrongAt {
						result = "wrong"
					}
				},
				spoil: func() { result = "spoiled" },
				verify: func() error {
					j.calls = append(j.calls, name)
					if result != name {
						return errors.New("the result is " + result)
					}
					return nil
				},
			}
		}}
	}
	newRunner := func() *runner {
		j.calls, runs = nil, 0
		r := j.runner(1, j.group("A", contender("x"), contender("y")))
		r.turns = turns{count: 3}
		return r
	}
	r := newRunner()
	if err := r.run(ctx, func(Round) error { return nil }); err != nil {
		t.Fatal(err)
	}
	// Before the round, before the first turn and after each.
	if want := strings.Fields("x y  x x y y  x y  x y"); !slices.Equal(j.calls, want) {
		t.Errorf("verified %q, want %q", j.calls, want)
	}

	all := runs

	// What nobody else overwrites is verified when all is done.
	own := contender("own")
	bind := own.bind
	own.bind = func(operands any) task {
		task := bind(operands)
		task.spoil, task.check = nil, func() error { result = "own"; return nil }
		return task
	}
	r = newRunner()
	r.groups = []*Group{j.group("A", own)}
	if err := r.run(ctx, func(Round) error { return nil }); err != nil || !slices.Equal(j.calls, []string{"own"}) {
		t.Errorf("%v, verified %q, want it once", err, j.calls)
	}

	r, wrongAt = newRunner(), all
	if err := r.run(ctx, nil); err == nil || err.Error() != "A/n=1/impl=y computes a wrong result in round 1: the result is wrong" {
		t.Errorf("error %v, want that of the last turn", err)
	}
	r, wrongAt, cancelAt = newRunner(), 0, all-2 // the last turn has not begun
	if err := r.run(ctx, nil); err != context.Canceled || runs != all-2 {
		t.Errorf("error %v after %d runs, want %v after %d", err, runs, context.Canceled, all-2)
	}
}
