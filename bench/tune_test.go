package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// tunable returns one of which products take a time on j's clock.
func (j *journal) tunable(takes func(round int, s Shape, tu kernels.Tuning) time.Duration) *tunable {
	t := &tunable{
		impl: "made", typ: "f32", mr: 6, nr: 16, lanes: 8, threads: 4,
		now: kernels.Tuning{
			Vectors: 2, KC: 384, MC: 60, NC: 160, PackRows: 40, LargeRows: 40, FetchedRows: 40, CrowdedRows: 40, PackDepth: 100, PackColumns: 256, PackStride: 512, TurnStride: 512, TurnDepth: 2048, TurnRows: 16, TurnColumns: 256, ThinColumns: 96, ThinDepth: 128, UnevenDepth: 160, TailColumns: 1, DotDepth: 1, ThreadWork: 1 << 20,
		},
		check: func(tu kernels.Tuning) error {
			if tu.TailColumns > 3 || tu.Vectors > 3 || tu.Rows > 12/tu.Vectors {
				return errors.New("no such kernel")
			}
			return nil
		},
		group: func(s Shape) *Group {
			return &Group{Family: "SGEMM", Params: s.params(), Work: Work{FLOP: s.flop()}, operands: func(round int) any { return round }}
		},
	}
	// What TestTuneMeasuresEachDecisionOnce and TestTuneThreads sweep decides what it is to decide, and
	// any other number is a plan of its own.
	t.plan = func(s Shape, tu kernels.Tuning, threads int) kernels.Plan {
		pl := kernels.Plan{PacksB: s.m > tu.PackRows, Threads: max(1, min(threads, s.m*s.n*s.k/tu.ThreadWork))}
		if tail := s.n % t.lanes; tail <= tu.TailColumns {
			pl.Tail = tail
		}
		tu.PackRows, tu.TailColumns, tu.ThreadWork = 0, 0, 0
		pl.Way = fmt.Sprint(tu)
		return pl
	}
	t.contender = func(s Shape, tu kernels.Tuning, threads int) Contender {
		return Contender{bind: func(round any) task {
			return task{
				check: func() error { return nil },
				run: func(n int) {
					j.calls = append(j.calls, fmt.Sprintf("%v %+v", s, tu))
					j.t += time.Duration(n) * takes(round.(int), s, tu)
				},
			}
		}}
	}
	return t
}

// sweep sweeps the parameters of these names.
func (j *journal) sweep(t *testing.T, of *tunable, rounds int, names ...string) (sweeps []*Sweep) {
	t.Helper()
	wanted, err := parametersNamed(names)
	if err != nil {
		t.Fatal(err)
	}
	r := j.tuneRun(rounds, of)
	r.plan(wanted)
	r.Done = func(s *Sweep) { sweeps = append(sweeps, s) }
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return sweeps
}

func (j *journal) tuneRun(rounds int, of ...*tunable) *TuneRun {
	return &TuneRun{
		options: TuneOptions{Rounds: rounds, Sample: 10 * time.Millisecond}, tunables: of, now: j.now,
		noise: func() noiseReading { return noiseReading{at: time.Unix(0, 0).Add(j.t)} },
		env:   environment{cpu: kernels.CPUInfo{Brand: "Made CPU"}, source: Source{Commit: "0123456789abcdef", Dirty: "true"}},
	}
}

func TestTuneFindsWhatIsFaster(t *testing.T) {
	var j journal
	s := j.sweep(t, j.tunable(func(_ int, s Shape, tu kernels.Tuning) time.Duration {
		switch {
		case tu.KC == 512:
			return 800 * time.Microsecond
		case tu.KC == 640 && s.k > 768:
			return 500 * time.Microsecond // fast for some, slow for others
		case tu.KC == 640:
			return 2000 * time.Microsecond
		}
		return 1000 * time.Microsecond
	}), 6, "kc")[0]
	if s.Parameter != "KC" || s.Rounds != 6 || s.Values[s.Now].Label != "384" || len(s.Shapes) != 4 {
		t.Fatalf("%+v", s)
	}
	for _, v := range s.Values {
		want := map[string]float64{"512": 1.25, "640": 1}[v.Label]
		if want == 0 {
			want = 1
		}
		if math.Abs(v.Geomean.Center-want) > 1e-9 || math.Abs(v.Geomean.Lo-want) > 1e-9 || math.Abs(v.Geomean.Hi-want) > 1e-9 {
			t.Errorf("KC = %s: %+v, want %v", v.Label, v.Geomean, want)
		}
	}
	if better := s.Better(); better < 0 || s.Values[better].Label != "512" {
		t.Errorf("the better value is number %d, want that of 512", better)
	}
	if s.Shapes[0].Name != "100,50,784" || s.Shapes[0].Rate != 2*100*50*784/1e-3 {
		t.Errorf("the first shape is %+v, want 100,50,784 in 1 ms", s.Shapes[0])
	}

	var table, changes strings.Builder
	s.WriteTable(&table)
	const wantTable = `
made f32, KC: depth of a block; 384 now
6 rounds

m,n,k           128    192    256    320  *384    448   >512    640    768  GFLOP/s  %peak
100,50,784    1.000  1.000  1.000  1.000     1  1.000  1.250  2.000  1.000      7.8      -
256,256,768   1.000  1.000  1.000  1.000     1  1.000  1.250  0.500  1.000    100.7      -
512,512,512   1.000  1.000  1.000  1.000     1  1.000  1.250  0.500  1.000    268.4      -
384,384,2048  1.000  1.000  1.000  1.000     1  1.000  1.250  2.000  1.000    604.0      -
geomean       1.000  1.000  1.000  1.000     1  1.000  1.250  1.000  1.000
  95% from    1.000  1.000  1.000  1.000        1.000  1.250  1.000  1.000
      to      1.000  1.000  1.000  1.000        1.000  1.250  1.000  1.000
`
	if table.String() != wantTable {
		t.Errorf("table\n%s\nwant\n%s", table.String(), wantTable)
	}
	WriteChanges(&changes, []*Sweep{s})
	const wantChanges = `
1 parameter swept: would change, each by itself,

  made f32  KC  384 -> 512  1.250 (1.250..1.250)
`
	if changes.String() != wantChanges {
		t.Errorf("changes\n%s\nwant\n%s", changes.String(), wantChanges)
	}
}

// TestTuneIsNotTakenInByNoise has values that are faster in most rounds, or in too few,
// or by too little, and one that slows down together with the value in use.
func TestTuneIsNotTakenInByNoise(t *testing.T) {
	var j journal
	s := j.sweep(t, j.tunable(func(round int, _ Shape, tu kernels.Tuning) time.Duration {
		speed := 1.0
		switch {
		case tu.KC == 128 && round != 3:
			speed = 1.5
		case tu.KC == 128:
			speed = 0.9
		case tu.KC == 192:
			speed = 1.004
		case tu.KC == 256:
			speed = 1.02
		}
		if round%2 == 0 {
			speed /= 3 // the machine has other things to do
		}
		return time.Duration(1e6 / speed)
	}), 7, "KC")[0]
	for i, label := range []string{"128", "192", "256"} {
		if s.Values[i].Label != label {
			t.Fatalf("value %d is %s, want %s", i, s.Values[i].Label, label)
		}
	}
	if v := s.Values[0].Geomean; math.Abs(v.Center-1.5) > 1e-3 || math.Abs(v.Lo-0.9) > 1e-3 {
		t.Errorf("faster in six of seven rounds: %+v, want 1.5 from 0.9", v)
	}
	if better := s.Better(); better != 2 {
		t.Errorf("value %d is said to be better, want 256, by 2%% in every round", better)
	}

	few := j.sweep(t, j.tunable(func(_ int, _ Shape, tu kernels.Tuning) time.Duration {
		return time.Duration(1e9 / tu.KC)
	}), 5, "KC")[0]
	if better := few.Better(); better >= 0 {
		t.Errorf("%s is said to be better after 5 rounds, which no interval fits", few.Values[better].Label)
	}
	var text strings.Builder
	few.WriteTable(&text)
	WriteChanges(&text, []*Sweep{few})
	if strings.Contains(text.String(), "Inf") || strings.Contains(text.String(), ">") || !strings.HasSuffix(text.String(), "1 parameter swept: would change nothing.\n") {
		t.Errorf("text\n%s", text.String())
	}
}

// TestTuneMeasuresEachDecisionOnce checks that thresholds which decide alike share one
// measurement, and that shapes on which all of them do are left out.
func TestTuneMeasuresEachDecisionOnce(t *testing.T) {
	var j journal
	made := j.tunable(func(_ int, s Shape, tu kernels.Tuning) time.Duration {
		if packed := s.m > tu.PackRows; packed == (s.m > 70) { // packing pays above 70 rows
			return time.Millisecond
		}
		return 2 * time.Millisecond
	})
	plan, err := planSweep(made, parameters[slices.Index(TuneParameters(), "PackRows")])
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range plan.groups {
		if len(g.Contenders) != 2 {
			t.Errorf("%v: %d measurements of two decisions", plan.shapes[i], len(g.Contenders))
		}
	}
	s := j.sweep(t, made, 6, "PackRows")[0]
	best := s.Values[s.Better()]
	if best.Label != "64" { // of 64 and 96, between which the sizes are 96 (packing pays) and 64 (it does not)
		t.Errorf("PackRows = %s is said to be better, want 64", best.Label)
	}
	for i, shape := range s.Shapes {
		var m int
		fmt.Sscan(shape.Name, &m)
		wantSame := (m > 40) == (m > 64)
		want := 1.0
		if !wantSame {
			want = 2
		}
		if best.Same[i] != wantSame || math.Abs(best.Shapes[i].Center-want) > 1e-9 {
			t.Errorf("%s with 64 instead of 40: same = %v, %v; want %v, %v", shape.Name, best.Same[i], best.Shapes[i].Center, wantSame, want)
		}
	}
	if s.Shapes[0].Name != "8,250,400" {
		t.Errorf("the smallest shape is %s, want one at the smallest threshold", s.Shapes[0].Name)
	}

	tails := j.sweep(t, made, 1, "TailColumns")[0]
	if got := labels(tails); got != "0 1 2 3" { // more are no kernels
		t.Errorf("TailColumns: %s", got)
	}
	for _, shape := range tails.Shapes {
		var m, n int
		fmt.Sscanf(shape.Name, "%d,%d", &m, &n)
		if last := n % 8; last < 1 || last > 3 {
			t.Errorf("TailColumns is swept on %s, where it decides nothing", shape.Name)
		}
	}
}

func labels(s *Sweep) string {
	var all []string
	for _, v := range s.Values {
		all = append(all, v.Label)
	}
	return strings.Join(all, " ")
}

func TestTuneThreads(t *testing.T) {
	t.Setenv(kernels.ThreadsVariable, "")
	var j journal
	made := j.tunable(func(_ int, _ Shape, tu kernels.Tuning) time.Duration { return time.Millisecond })
	s := j.sweep(t, made, 1, "ThreadWork")[0]
	if s.Threads != 4 || labels(s) != "2^17 2^18 2^19 2^20 2^21 2^22 2^23 2^24" {
		t.Errorf("%d threads, values %s", s.Threads, labels(s))
	}
	for i, shape := range s.Shapes {
		work := map[string]int{"128,128,128": 1 << 21, "256,256,256": 1 << 24}[shape.Name]
		if work == 0 {
			continue
		}
		for k, v := range s.Values {
			threads := func(share int) int { return max(1, min(4, work/share)) }
			if want := threads(1<<(17+k)) == threads(1<<20); v.Same[i] != want {
				t.Errorf("%s, %s a thread: same as now = %v, want %v", shape.Name, v.Label, v.Same[i], want)
			}
		}
	}

	for reason, change := range map[string]func(){
		"made f32, ThreadWork: LANEWISE_THREADS=3 decides instead": func() { t.Setenv(kernels.ThreadsVariable, "3") },
		"made f32, ThreadWork: there is one processor":             func() { t.Setenv(kernels.ThreadsVariable, ""); made.threads = 1 },
	} {
		change()
		r := j.tuneRun(1, made)
		r.plan(parameters)
		if len(r.LeftOut) != 1 || !strings.HasPrefix(r.LeftOut[0], reason) || r.Sweeps() != len(parameters)-1 {
			t.Errorf("%d sweeps, left out %q, want all but one, and %q", r.Sweeps(), r.LeftOut, reason)
		}
		made.threads = 4
	}
}

// TestTuneProgress counts, and interrupts the second sweep.
func TestTuneProgress(t *testing.T) {
	var j journal
	r := j.tuneRun(3, j.tunable(func(int, Shape, kernels.Tuning) time.Duration { return time.Millisecond }))
	wanted, _ := parametersNamed([]string{"MC", "NC"})
	r.plan(wanted)
	ctx, cancel := context.WithCancel(context.Background())
	var at []TuneProgress
	var done []string
	r.Progress = func(p TuneProgress) { at = append(at, p) }
	r.Done = func(s *Sweep) { done = append(done, s.Parameter) }
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	for i, p := range at {
		if p.Done != i || p.Total != len(at) {
			t.Fatalf("call %d: %d of %d, want %d of %d", i, p.Done, p.Total, i, len(at))
		}
	}
	if last := at[len(at)-1]; last.Sweep != "made f32 NC" || last.Round != 3 || last.Rounds != 3 || at[0].Sweep != "made f32 MC" || at[0].Round != 0 {
		t.Errorf("from %+v to %+v", at[0], last)
	}
	if !slices.Equal(done, []string{"MC", "NC"}) {
		t.Errorf("%v are done", done)
	}

	done = nil
	r.Progress = func(p TuneProgress) {
		if p.Sweep == "made f32 NC" && p.Round == 2 {
			cancel()
		}
	}
	if err := r.Run(ctx); !errors.Is(err, context.Canceled) || !slices.Equal(done, []string{"MC"}) {
		t.Errorf("error %v, %v are done, want context.Canceled and MC", err, done)
	}
}

func TestTuneHeader(t *testing.T) {
	var j journal
	made := j.tunable(nil)
	made.peak = &peakProbe{steps: 10, links: 10, fma: func(n int) (int, int) {
		j.t += time.Duration(n) * time.Microsecond
		return 2e4 * n, n
	}}
	r := j.tuneRun(9, made)
	r.now = func() time.Duration { j.t += time.Nanosecond; return j.t } // or the probe of the clock would take no time
	r.LeftOut = []string{"made f32, Tile: no reason"}
	var text strings.Builder
	r.WriteHeader(&text)
	for _, want := range []string{
		"cpu       Made CPU (", "commit    0123456789ab with changes\n", "rounds    9 of 10ms samples\n",
		"made f32  Vectors:2 Rows:0 KC:384 MC:60 NC:160 TallRows:0 PackRows:40 LargeRows:40 FetchedRows:40 CrowdedRows:40 CrowdedBytes:0 PackDepth:100 SplitDepth:0 PackWork:0 PackColumns:256 PackStride:512 TurnStride:512 TurnDepth:2048 TurnRows:16 TurnColumns:256 TurnPages:0 ThinColumns:96 ThinDepth:128 UnevenDepth:160 TailColumns:1 TailDepth:0 DotDepth:1 UprightColumns:0 UprightDepth:0 LoneDepth:0 AsRowsDepth:0 TransposeColumns:0 TransposeRows:0 NarrowDepth:0 ShallowRows:0 PageDepth:0 LowDepth:0 AroundBytes:0 AroundDepth:0 AloneDepth:0 AloneBytes:0 WholeBytes:0 SpareLoads:0 VecMatBytes:0 FetchBytes:0 PanelBytes:0 TurnAtOnce:0 AheadTurns:0 ThreadWork:1048576\n",
		"peak 20.0 GFLOP/s\n", "left out: made f32, Tile: no reason\n", "caches    L1 unknown, ",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
