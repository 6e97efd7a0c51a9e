package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/lanewise/lanewise/bench/internal/pyloops"
)

// A Row is one sample of one benchmark.
type Row struct {
	Name        string // without the prefix "Benchmark"
	Iterations  int
	NsPerOp     float64
	BytesPerOp  int64 // allocated by an iteration
	AllocsPerOp int64
	metrics     []metric
}

// A Round is one sample of every benchmark, and what disturbed it.
type Round struct {
	Number int // from 1
	Rows   []Row
	Noise  Noise
	// Peaks is the best multiply-add rate that was seen during the round, in
	// FLOP/s, by element type and implementation ("f32/avx2").
	Peaks map[string]float64
	// Waited is the time that was spent on waiting for a core that nobody else uses, turns that were taken
	// again included.
	Waited time.Duration
}

// Progress tells how far a run has come.
type Progress struct {
	Phase         Phase
	Done, Total   int    // benchmarks of the phase
	Round, Rounds int    // the round that is being measured, from 1; 0 while preparing
	Name          string // of the benchmark that comes next
}

// Phase is a part of a run.
type Phase int

const (
	// Preparing checks the result of every benchmark against a reference and
	// settles how many iterations a sample has.
	Preparing Phase = iota
	// Measuring takes the rounds.
	Measuring
)

// runner takes rounds of samples of a suite.
type runner struct {
	groups   []*Group
	rounds   int
	sample   time.Duration
	turns    turns
	threads  int // that a contender may use; 0 is 1
	now      clock
	noise    func() noiseReading
	progress func(Progress)

	// others tells whether turns had their core alone; nil if nobody asks. patience is how long turns may wait
	// for that, in multiples of the time that turns of the same contender have taken so far.
	others   *aloneProbe
	patience float64
	accounts map[string]*account // by benchmark name

	iterations map[string]int // of a sample, by benchmark name; fixed before the first round

	// Of the round under way.
	peaks                  map[string]float64
	watched, alone, waited time.Duration // of turns
}

// run prepares and takes the rounds, and hands each whole one to keep. It
// stops between two turns once ctx is cancelled, and returns ctx's error then.
func (r *runner) run(ctx context.Context, keep func(Round) error) error {
	// One processor, unless threads are what is measured: rivals that would spread over
	// more are to be compared with the same. No collection starts by itself during a
	// sample; collections run between groups instead.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(r.threads, 1)))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	// One system thread: libraries in C keep caches and workers for each one that calls.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if r.others != nil && !r.others.learn(r.now) {
		r.others = nil
	}
	r.accounts = map[string]*account{}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	for number := 1; number <= r.rounds; number++ {
		round, err := r.round(ctx, number)
		if err != nil {
			return err
		}
		if err := keep(round); err != nil {
			return err
		}
	}
	return nil
}

// total is the number of benchmarks.
func (r *runner) total() int {
	n := 0
	for _, g := range r.groups {
		n += len(g.Contenders)
	}
	return n
}

// prepare checks every result once, so that no time of a wrong kernel is recorded,
// and fixes the number of iterations of each sample.
func (r *runner) prepare(ctx context.Context) error {
	r.iterations = map[string]int{}
	done := 0
	for _, g := range r.groups {
		operands := g.makeOperands(0)
		for i := range g.Contenders {
			c := &g.Contenders[i]
			if err := ctx.Err(); err != nil {
				return err
			}
			r.report(Progress{Phase: Preparing, Done: done, Total: r.total(), Rounds: r.rounds, Name: g.Name(c)})
			if c.bind != nil {
				t := c.bind(operands)
				err := t.checkOnce()
				if err == nil {
					c.where(func() { r.iterations[g.Name(c)] = fitIterations(t.run, r.sample, r.now) })
					err = t.failure()
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					return fmt.Errorf("%s %s, nothing was measured: %w", g.Name(c), blame(err), err)
				}
			}
			done++
		}
		debug.FreeOSMemory()
	}
	return nil
}

// round takes one sample of every benchmark. Even rounds go backwards, so that what
// drifts, or what one contender leaves behind for the next, falls on both sides.
func (r *runner) round(ctx context.Context, number int) (Round, error) {
	round := Round{Number: number}
	r.peaks = map[string]float64{}
	r.watched, r.alone, r.waited = 0, 0, 0
	before := r.noise()
	for _, g := range inOrder(r.groups, number) {
		rows, err := r.sampleGroup(ctx, g, number, len(round.Rows))
		if ctx.Err() != nil {
			return Round{}, ctx.Err() // which may be why there are no rows
		}
		if err != nil {
			return Round{}, err
		}
		round.Rows = append(round.Rows, rows...)
		// Here, so that no collection is due during a sample, and no memory given back: the
		// next contender lost up to 6% while the runtime gave back what large products had used.
		debug.FreeOSMemory()
	}
	round.Noise = noiseBetween(before, r.noise())
	round.Noise.SharedShare = r.sharedShare()
	round.Waited = r.waited
	round.Peaks = r.peaks
	if number%2 == 0 {
		slices.Reverse(round.Rows) // records list benchmarks in one order
	}
	return round, nil
}

// sampleGroup takes one sample of every contender of g, in turns; done is the number of
// samples of the round before them. The rows are in the order of the round.
func (r *runner) sampleGroup(ctx context.Context, g *Group, number, done int) ([]Row, error) {
	operands := g.makeOperands(number)
	var samplings []*sampling
	for i := range g.Contenders {
		samplings = append(samplings, r.sampling(g, &g.Contenders[i]))
	}
	for turn := range r.turns.most() {
		for i, s := range inOrder(samplings, number) { // always after the same one, which is never itself
			if !s.takesPart(turn, r.turns.most()) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r.report(Progress{
				Phase: Measuring, Done: (number-1)*r.total() + done + (turn*len(samplings)+i)/r.turns.most(), Total: r.rounds * r.total(),
				Round: number, Rounds: r.rounds, Name: s.name,
			})
			if err := r.takeTurn(ctx, s, operands); err != nil {
				return nil, fmt.Errorf("%s %s in round %d: %w", s.name, blame(err), number, err)
			}
		}
	}
	var rows []Row
	for _, s := range inOrder(samplings, number) {
		rows = append(rows, s.row())
	}
	return rows, nil
}

// inOrder returns xs, reversed in even rounds.
func inOrder[E any](xs []E, round int) []E {
	if round%2 == 0 {
		xs = slices.Clone(xs)
		slices.Reverse(xs)
	}
	return xs
}

// blame says what an error of a task means.
func blame(err error) string {
	if failed := (*pyloops.Error)(nil); errors.As(err, &failed) {
		return "failed"
	}
	return "computes a wrong result"
}

func (r *runner) notePeak(p *peakProbe, flops float64) {
	r.peaks[p.key()] = max(r.peaks[p.key()], flops)
}

func (r *runner) report(p Progress) {
	if r.progress != nil {
		r.progress(p)
	}
}

// makeOperands makes what the contenders of g work on in a round; nil for groups without.
func (g *Group) makeOperands(round int) any {
	if g.operands == nil {
		return nil
	}
	return g.operands(round)
}
