package bench

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// Defaults of a sweep: all of it takes about nine minutes for an instruction set.
const (
	DefaultTuneRounds = 9
	DefaultTuneSample = 10 * time.Millisecond
)

// TuneOptions says what Tune sweeps.
type TuneOptions struct {
	Implementations []*kernels.Implementation // see [TuneImplementations]
	Types           []string                  // of the elements, f32 or f64; both if there are none
	Parameters      []string                  // of TuneParameters; all if there are none
	Rounds          int                       // samples of every value, at least 1; intervals want 6 or more
	Sample          time.Duration             // length of one, at least MinSample
}

// TuneProgress tells how far a tuning run has come.
type TuneProgress struct {
	Done, Total   int    // samples, those that check results among them
	Sweep         string // what is being swept
	Round, Rounds int    // the round that is being measured; 0 while results are checked
}

// TuneImplementations returns what to tune: only, if it is not nil, else the one that
// LANEWISE_ISA names, else all that the CPU supports; plain Go if there is nothing else.
func TuneImplementations(only *kernels.Implementation) ([]*kernels.Implementation, error) {
	ims, err := Implementations(only)
	if err != nil || len(ims) == 1 {
		return ims, err
	}
	return slices.DeleteFunc(ims, func(im *kernels.Implementation) bool { return len(im.Requires()) == 0 }), nil
}

// A TuneRun is a sweep over values of parameters that is ready to start.
type TuneRun struct {
	// LeftOut tells which parameters are not swept, and why.
	LeftOut []string

	// Progress, if not nil, is called before every sample, and Done after every sweep.
	Progress func(TuneProgress)
	Done     func(*Sweep)

	options  TuneOptions
	tunables []*tunable
	plans    []*sweepPlan
	env      environment
	now      clock
	noise    func() noiseReading
}

// PrepareTune plans a run. It fails on options that cannot be, and if a parameter was
// asked for that nothing depends on here.
func PrepareTune(o TuneOptions) (*TuneRun, error) {
	if err := checkLengths(o.Rounds, o.Sample); err != nil {
		return nil, err
	}
	for _, typ := range o.Types {
		if !slices.Contains(ElementTypes(), typ) {
			return nil, fmt.Errorf("type = %s, want one of %s", typ, strings.Join(ElementTypes(), ", "))
		}
	}
	wanted, err := parametersNamed(o.Parameters)
	if err != nil {
		return nil, err
	}
	r := &TuneRun{options: o, env: readEnvironment(o.Implementations[0]), now: wallClock(), noise: readNoise}
	for _, im := range o.Implementations {
		if len(o.Types) == 0 || slices.Contains(o.Types, "f32") {
			r.tunables = append(r.tunables, newTunable[float32](im))
		}
		if len(o.Types) == 0 || slices.Contains(o.Types, "f64") {
			r.tunables = append(r.tunables, newTunable[float64](im))
		}
	}
	r.plan(wanted)
	if len(r.plans) == 0 {
		return nil, fmt.Errorf("nothing to sweep: %s", strings.Join(r.LeftOut, "; "))
	}
	return r, nil
}

func (r *TuneRun) plan(wanted []parameter) {
	leftOut := map[string][]string{} // of which tunables, by parameter and reason
	for _, t := range r.tunables {
		for _, p := range wanted {
			if plan, err := planSweep(t, p); err == nil {
				r.plans = append(r.plans, plan)
			} else {
				why := fmt.Sprintf("%s: %v", p.name, err)
				leftOut[why] = append(leftOut[why], t.String())
			}
		}
	}
	for _, why := range slices.Sorted(maps.Keys(leftOut)) {
		r.LeftOut = append(r.LeftOut, strings.Join(leftOut[why], ", ")+", "+why)
	}
}

// A sweepPlan is the measurements of one parameter of one tunable.
type sweepPlan struct {
	tunable    *tunable
	parameter  parameter
	candidates []candidate
	now        int // index of the candidate in use
	threads    int
	shapes     []Shape
	groups     []*Group
	// measured[i][j] is the benchmark that tells how shape i does with candidate j.
	measured [][]string
}

// planSweep makes the groups: for each shape, a contender for every plan that the
// candidates have for it. Shapes for which they all have the same plan are left out.
func planSweep(t *tunable, p parameter) (*sweepPlan, error) {
	plan := &sweepPlan{tunable: t, parameter: p, candidates: p.candidates(t), threads: 1}
	if p.parallel {
		if value := os.Getenv(kernels.ThreadsVariable); value != "" {
			return nil, fmt.Errorf("%s=%s decides instead", kernels.ThreadsVariable, value)
		}
		if t.threads == 1 {
			return nil, fmt.Errorf("there is one processor, or GOMAXPROCS is 1")
		}
		plan.threads = t.threads
	}
	plan.now = slices.IndexFunc(plan.candidates, func(c candidate) bool { return c.tuning == t.now })
	for _, s := range p.shapes(t) {
		g := t.group(s)
		g.Params = p.name + "/" + g.Params + threadsParam(plan.threads)
		byPlan := map[kernels.Plan]string{}
		var names []string
		for _, c := range plan.candidates {
			way := t.plan(s, c.tuning, plan.threads)
			name := byPlan[way]
			if name == "" || p.each {
				contender := t.contender(s, c.tuning, plan.threads)
				contender.Impl = c.label
				g.Contenders = append(g.Contenders, contender)
				name = g.Name(&contender)
				byPlan[way] = name
			}
			names = append(names, name)
		}
		if len(g.Contenders) > 1 {
			plan.shapes = append(plan.shapes, s)
			plan.groups = append(plan.groups, g)
			plan.measured = append(plan.measured, names)
		}
	}
	if len(plan.groups) == 0 {
		return nil, fmt.Errorf("there is no other value to choose")
	}
	return plan, nil
}

func (p *sweepPlan) String() string { return p.tunable.String() + " " + p.parameter.name }

// contenders is how many benchmarks there are.
func (p *sweepPlan) contenders() int {
	n := 0
	for _, g := range p.groups {
		n += len(g.Contenders)
	}
	return n
}

// Sweeps is the number of sweeps that Run does.
func (r *TuneRun) Sweeps() int { return len(r.plans) }

// Run measures. When ctx is cancelled it stops after the sample under way and returns
// ctx's error, as with any other error; the sweeps that Done has been told of are whole.
func (r *TuneRun) Run(ctx context.Context) error {
	total, before := 0, 0
	for _, plan := range r.plans {
		total += plan.contenders() * (1 + r.options.Rounds)
	}
	for _, plan := range r.plans {
		run := &runner{
			groups: plan.groups, rounds: r.options.Rounds, sample: r.options.Sample, threads: plan.threads,
			now: r.now, noise: r.noise,
			progress: func(p Progress) {
				if r.Progress == nil {
					return
				}
				done := before + p.Done
				if p.Phase == Measuring {
					done += plan.contenders()
				}
				r.Progress(TuneProgress{Done: done, Total: total, Sweep: plan.String(), Round: p.Round, Rounds: p.Rounds})
			},
		}
		var rounds []Round
		if err := run.run(ctx, func(round Round) error {
			rounds = append(rounds, round)
			return nil
		}); err != nil {
			return err
		}
		before += plan.contenders() * (1 + r.options.Rounds)
		if r.Done != nil {
			r.Done(plan.summarize(rounds))
		}
	}
	return nil
}
