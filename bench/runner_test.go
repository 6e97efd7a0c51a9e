package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeTime is a clock that only the benchmarks under test move.
type fakeTime struct{ t time.Duration }

func (f *fakeTime) now() time.Duration { return f.t }

// journal notes what a runner asks its benchmarks to do.
type journal struct {
	fakeTime
	calls []string
}

// contender is a benchmark whose iterations take perOp on the fake clock.
func (j *journal) contender(name string, perOp time.Duration) Contender {
	return Contender{Impl: name, bind: func(operands any) task {
		return task{
			run: func(n int) {
				j.calls = append(j.calls, fmt.Sprintf("%v %s x%d", operands, name, n))
				j.t += time.Duration(n) * perOp
			},
			check: func() error { j.calls = append(j.calls, fmt.Sprintf("%v %s check", operands, name)); return nil },
		}
	}}
}

func (j *journal) group(family string, contenders ...Contender) *Group {
	return &Group{
		Family: family, Params: "n=1", Work: Work{FLOP: 1000}, Contenders: contenders,
		operands: func(int) any { return family },
	}
}

func (j *journal) runner(rounds int, groups ...*Group) *runner {
	return &runner{
		groups: groups, rounds: rounds, sample: 10 * time.Millisecond, now: j.now,
		noise: func() noiseReading { return noiseReading{at: time.Unix(0, 0).Add(j.t)} },
	}
}

// take has r take its rounds, and notes where each ends.
func (j *journal) take(t *testing.T, r *runner) (rounds []Round) {
	t.Helper()
	if err := r.run(t.Context(), func(round Round) error {
		rounds = append(rounds, round)
		j.calls = append(j.calls, fmt.Sprintf("round %d", round.Number))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rounds
}

// described tells of rows what TestRounds and TestTurns compare.
func described(rows []Row) (all []string) {
	for _, row := range rows {
		all = append(all, fmt.Sprintf("%s %d %g", row.Name, row.Iterations, row.NsPerOp))
	}
	return all
}

func TestFitIterations(t *testing.T) {
	for _, test := range []struct {
		perOp, target time.Duration
		want          int
	}{
		{time.Microsecond, 10 * time.Millisecond, 10_000},
		{3 * time.Millisecond, 10 * time.Millisecond, 3},
		{4 * time.Millisecond, 10 * time.Millisecond, 3}, // 2.5 is rounded
		{time.Second, 10 * time.Millisecond, 1},
		{time.Nanosecond, time.Second, 1_000_000_000},
	} {
		var f fakeTime
		ran := time.Duration(0)
		got := fitIterations(func(n int) { f.t += time.Duration(n) * test.perOp; ran += time.Duration(n) * test.perOp }, test.target, f.now)
		if got != test.want {
			t.Errorf("%v an iteration, %v a sample: %d iterations, want %d", test.perOp, test.target, got, test.want)
		}
		if limit := max(2*test.target, 2*test.perOp); ran > limit {
			t.Errorf("%v an iteration, %v a sample: %v spent, want at most %v", test.perOp, test.target, ran, limit)
		}
	}
}

// A trial that was disturbed does not settle for few iterations, whichever it is, nor one whose
// repetition was.
func TestFitIterationsDisturbed(t *testing.T) {
	for _, test := range []struct{ perOp, by, want time.Duration }{
		{40, 50 * time.Millisecond, 2500}, {400, 60 * time.Microsecond, 250}, {60 * time.Microsecond, 50 * time.Millisecond, 2},
	} {
		for disturbed := 0; ; disturbed++ {
			var f fakeTime
			trials := 0
			got := time.Duration(fitIterations(func(n int) {
				f.t += time.Duration(n) * test.perOp
				if trials == disturbed {
					f.t += test.by
				}
				trials++
			}, 100*time.Microsecond, f.now))
			if got <= test.want*3/5 || got > test.want*11/10 { // a disturbance that does not double a trial may pass
				t.Errorf("trial %d was disturbed: %d iterations of %v, want about %d for 100µs", disturbed, got, test.perOp, test.want)
			}
			if trials <= disturbed {
				if disturbed < 2 {
					t.Errorf("%v an iteration: %d trials, want several", test.perOp, trials)
				}
				break
			}
		}
	}
}

func TestFitIterationsWithACoarseClock(t *testing.T) {
	var f fakeTime
	coarse := func() time.Duration { return f.t.Truncate(15 * time.Millisecond) }
	got := fitIterations(func(n int) { f.t += time.Duration(n) * time.Microsecond }, 100*time.Millisecond, coarse)
	if got < 80_000 || got > 120_000 {
		t.Errorf("%d iterations of 1µs, want about 100000 for 100ms", got)
	}
}

func TestFitIterationsWithAStoppedClock(t *testing.T) {
	total := 0
	fitIterations(func(n int) { total += n }, time.Second, func() time.Duration { return 0 }) // has to end
	if total == 0 {
		t.Error("never ran")
	}
}

func TestRounds(t *testing.T) {
	var j journal
	a := j.group("A", j.contender("x", time.Millisecond), j.contender("y", 2*time.Millisecond))
	b := j.group("B", j.contender("x", 5*time.Millisecond))
	r := j.runner(3, a, b)
	rounds := j.take(t, r)

	forward := []string{"A x x8", "A x x10", "A y x4", "A y x5", "B x x1", "B x x2"} // each warmed up
	backward := []string{"B x x1", "B x x2", "A y x4", "A y x5", "A x x8", "A x x10"}
	want := slices.Concat(forward, []string{"round 1"}, backward, []string{"round 2"}, forward, []string{"round 3"})
	prepared := len(j.calls) - len(want)
	if got := j.calls[prepared:]; !slices.Equal(got, want) {
		t.Errorf("samples\n%q, want\n%q", got, want)
	}
	for _, name := range []string{"A x", "A y", "B x"} {
		first := slices.IndexFunc(j.calls, func(c string) bool { return strings.HasPrefix(c, name) })
		if j.calls[first] != name+" check" {
			t.Errorf("%s was run before it was checked: %q", name, j.calls[:prepared])
		}
	}

	for i, round := range rounds {
		rows, want := described(round.Rows), []string{"A/n=1/impl=x 10 1e+06", "A/n=1/impl=y 5 2e+06", "B/n=1/impl=x 2 5e+06"}
		if !slices.Equal(rows, want) {
			t.Errorf("round %d: rows %q, want %q", i+1, rows, want)
		}
		// 8 + 10 iterations of x, and so on; nothing else moves the clock.
		if want := (18 + 18 + 15) * time.Millisecond; round.Noise.Duration != want {
			t.Errorf("round %d took %v, want %v", i+1, round.Noise.Duration, want)
		}
		if got := round.Rows[0].metrics; !slices.Equal(got, []metric{{1e6, "FLOP/s"}}) {
			t.Errorf("round %d: metrics %v, want 1000 FLOP in 1ms", i+1, got)
		}
	}
}

// TestPeakOfTheSameRound checks that %peak is relative to probes taken beside the sample.
func TestPeakOfTheSameRound(t *testing.T) {
	var j journal
	perStep := time.Microsecond // 1000 FLOP a step: a peak of 1 GFLOP/s
	c := j.contender("x", 2*time.Microsecond)
	c.peak = &peakProbe{
		impl: "x", typ: "f32", steps: 10, links: 10,
		fma: func(n int) (int, int) {
			j.calls = append(j.calls, "probe")
			j.t += time.Duration(n) * perStep
			return 1000 * n, n
		},
	}
	r := j.runner(2, j.group("A", c))
	var shares []float64
	if err := r.run(context.Background(), func(round Round) error {
		m := round.Rows[0].metrics
		if m[1].unit != "%peak" {
			t.Fatalf("metrics %v", m)
		}
		shares = append(shares, math.Round(m[1].value))
		perStep = 4 * time.Microsecond // the CPU slows down, the peak with it
		if peak := round.Peaks["f32/x"]; round.Number == 1 && math.Round(peak) != 1e9 {
			t.Errorf("peaks %v, want 1e9 for f32/x", round.Peaks)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []float64{50, 200}; !slices.Equal(shares, want) {
		t.Errorf("%%peak %v, want %v", shares, want)
	}
	calls := strings.Join(j.calls, ", ")
	if !strings.Contains(calls, "probe, probe, probe, A x x4000, A x x5000, probe, probe, probe") {
		t.Errorf("probes are not beside the samples: %s", calls)
	}
}

func TestWrongResultIsNotMeasured(t *testing.T) {
	var j journal
	wrong := j.contender("wrong", time.Millisecond)
	wrong.bind = func(any) task {
		return task{
			run:   func(int) { t.Error("a kernel that failed its check was timed") },
			check: func() error { return errors.New("C[0,0] = 1, want 2") },
		}
	}
	err := j.runner(1, j.group("A", j.contender("right", time.Millisecond), wrong)).run(context.Background(), func(Round) error {
		t.Error("a round was kept")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "A/n=1/impl=wrong") || !strings.Contains(err.Error(), "C[0,0] = 1, want 2") {
		t.Errorf("error %v, want one that names the benchmark and what is wrong", err)
	}
}

// TestResultsOfEveryRoundAreChecked checks that the first and the last iteration of a
// sample are compared, on operands of the round, and that a wrong one ends the run.
func TestResultsOfEveryRoundAreChecked(t *testing.T) {
	var j journal
	wrongIn := "" // the operands with which it goes wrong while it is timed
	c := Contender{Impl: "x", bind: func(operands any) task {
		right, last := true, 0
		return task{
			run: func(n int) {
				j.t += time.Duration(n) * time.Millisecond
				right, last = n == 1 || operands != wrongIn, n
			},
			spoil: func() { right, last = false, 0 },
			verify: func() error {
				j.calls = append(j.calls, fmt.Sprintf("%v x%d", operands, last))
				if !right {
					return errors.New("C[0,0] = 1, want 2")
				}
				return nil
			},
		}
	}}
	g := j.group("A", c)
	g.operands = func(round int) any { return fmt.Sprintf("operands %d", round) }
	kept := 0
	keep := func(Round) error { kept++; return nil }
	if err := j.runner(2, g).run(context.Background(), keep); err != nil {
		t.Fatal(err)
	}
	want := []string{"operands 0 x1", "operands 1 x1", "operands 1 x10", "operands 2 x1", "operands 2 x10"}
	if !slices.Equal(j.calls, want) {
		t.Errorf("verified %q, want %q", j.calls, want)
	}

	wrongIn, kept = "operands 2", 0
	err := j.runner(3, g).run(context.Background(), keep)
	if err == nil || err.Error() != "A/n=1/impl=x computes a wrong result in round 2: C[0,0] = 1, want 2" || kept != 1 {
		t.Errorf("error %v after %d whole rounds, want one that names benchmark and round, after 1", err, kept)
	}
}

// TestThreadOfTheRunner checks that everything runs on one system thread, except what
// uses goroutines.
func TestThreadOfTheRunner(t *testing.T) {
	var j journal
	main := ""
	goroutine := func() string { // its head: "goroutine 7 [running, locked to thread]:"
		head, _, _ := strings.Cut(string(debug.Stack()), "\n")
		return head
	}
	see := func(spawns bool) Contender {
		return Contender{Impl: fmt.Sprint("spawns=", spawns), spawns: spawns, bind: func(any) task {
			return task{check: func() error { main = goroutine(); return nil }, run: func(n int) {
				j.t += time.Duration(n) * time.Millisecond
				if here := goroutine(); (here != main) != spawns || strings.Contains(here, "locked") == spawns {
					t.Errorf("spawns=%v runs in %q, the runner in %q", spawns, here, main)
				}
			}}
		}}
	}
	r := j.runner(1, j.group("A", see(false), see(true)))
	r.threads = 2
	if err := r.run(context.Background(), func(Round) error {
		if n := runtime.GOMAXPROCS(0); n != 2 {
			t.Errorf("GOMAXPROCS = %d for 2 threads", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestCountsTheContenderAlone checks that a sample of one iteration, which nothing is
// divided by, counts what the contender allocates and not what runs it.
func TestCountsTheContenderAlone(t *testing.T) {
	var j journal
	var sink []byte
	allocating := func(spawns bool, size int) Contender {
		return Contender{Impl: fmt.Sprintf("spawns=%v,size=%d", spawns, size), spawns: spawns, bind: func(any) task {
			return task{check: func() error { return nil }, run: func(n int) {
				j.t += time.Duration(n) * time.Second
				if size > 0 {
					for range n {
						sink = make([]byte, size)
					}
				}
			}}
		}}
	}
	var cs []Contender
	var want []int64
	for _, spawns := range []bool{false, true} {
		for _, size := range []int{0, 4096} {
			cs, want = append(cs, allocating(spawns, size)), append(want, int64(size))
		}
	}
	r := j.runner(1, j.group("A", cs...))
	if err := r.run(t.Context(), func(round Round) error {
		for i, row := range round.Rows {
			if allocs := min(want[i], 1); row.Iterations != 1 || row.BytesPerOp != want[i] || row.AllocsPerOp != allocs {
				t.Errorf("%s: %d B/op, %d allocs/op in %d iterations, want %d and %d in one",
					row.Name, row.BytesPerOp, row.AllocsPerOp, row.Iterations, want[i], allocs)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(sink)
}

func TestInterruptedBetweenSamples(t *testing.T) {
	var j journal
	ctx, cancel := context.WithCancel(context.Background())
	r := j.runner(5, j.group("A", j.contender("x", time.Millisecond), j.contender("y", time.Millisecond)))
	r.progress = func(p Progress) {
		if p.Round == 3 && strings.HasSuffix(p.Name, "impl=x") {
			cancel() // y, which comes after it in odd rounds, is not measured any more
		}
	}
	kept := 0
	err := r.run(ctx, func(round Round) error {
		if kept++; len(round.Rows) != 2 {
			t.Errorf("round %d has %d rows, want 2", round.Number, len(round.Rows))
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || kept != 2 {
		t.Errorf("%d rounds kept, error %v; want 2 whole ones and context.Canceled", kept, err)
	}
	if last := j.calls[len(j.calls)-1]; last != "A x x10" {
		t.Errorf("the last call was %q, want the sample under way when it was interrupted", last)
	}
}

func TestProgress(t *testing.T) {
	var j journal
	r := j.runner(2, j.group("A", j.contender("x", time.Millisecond), j.contender("y", time.Millisecond)))
	var got []string
	r.progress = func(p Progress) {
		got = append(got, fmt.Sprintf("%d %d/%d %d/%d %s", p.Phase, p.Done, p.Total, p.Round, p.Rounds, p.Name[len("A/n=1/impl="):]))
	}
	if err := r.run(context.Background(), func(Round) error { return nil }); err != nil {
		t.Fatal(err)
	}
	want := []string{"0 0/2 0/2 x", "0 1/2 0/2 y", "1 0/4 1/2 x", "1 1/4 1/2 y", "1 2/4 2/2 y", "1 3/4 2/2 x"}
	if !slices.Equal(got, want) {
		t.Errorf("progress %q, want %q", got, want)
	}
}

func TestRunnerRestoresTheRuntime(t *testing.T) {
	percent := debug.SetGCPercent(70)
	defer debug.SetGCPercent(percent)
	procs := runtime.GOMAXPROCS(0)
	var j journal
	r := j.runner(1, j.group("A", j.contender("x", time.Millisecond)))
	if err := r.run(context.Background(), func(Round) error {
		if n := runtime.GOMAXPROCS(0); n != 1 {
			t.Errorf("GOMAXPROCS = %d while measuring, want 1", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := runtime.GOMAXPROCS(0); n != procs {
		t.Errorf("GOMAXPROCS = %d afterwards, want %d", n, procs)
	}
	if p := debug.SetGCPercent(70); p != 70 {
		t.Errorf("GC percentage %d afterwards, want 70", p)
	}
}

func TestNoise(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	for _, test := range []struct {
		a, b  noiseReading
		label string
		noisy bool
	}{
		{noiseReading{at(0), 5, 1000, 10}, noiseReading{at(10), 5, 3000, 20}, "quiet", false},
		{noiseReading{at(0), 5, 1000, 10}, noiseReading{at(10), 125, 3000, 20}, "steal", true},
		{noiseReading{at(0), 5, 1000, 10}, noiseReading{at(10), 5, 3000, 510}, "switches", true},
		{noiseReading{at(0), 5, 1000, 10}, noiseReading{at(10), 125, 3000, 510}, "steal+switches", true},
		{noiseReading{at(0), 0, 0, -1}, noiseReading{at(10), 0, 0, -1}, "unknown", false},
		{noiseReading{at(0), 0, 0, 10}, noiseReading{at(10), 0, 0, 20}, "quiet", false},
	} {
		n := noiseBetween(test.a, test.b)
		if n.Label() != test.label || n.Noisy() != test.noisy {
			t.Errorf("%+v to %+v: %q, noisy %v; want %q, %v", test.a, test.b, n.Label(), n.Noisy(), test.label, test.noisy)
		}
	}
	n := noiseBetween(noiseReading{at(0), 0, 1000, 0}, noiseReading{at(10), 60, 3000, 400})
	if got, want := n.String(), "steal+switches, 3.0% of the processor time stolen, 400 involuntary switches in 10.0 s"; got != want {
		t.Errorf("noise described as %q, want %q", got, want)
	}
}
