package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Defaults of a run: the quick suite with these takes about three minutes.
const (
	DefaultRounds     = 10
	DefaultSample     = 50 * time.Millisecond
	DefaultLongSample = 300 * time.Millisecond
)

// Options says what Run measures and where it puts the record.
type Options struct {
	Selection
	Rounds    int            // samples of every benchmark, at least 1
	Sample    time.Duration  // length of one, at least MinSample
	Folder    string         // of the records: <Folder>/<machine>/<date>-<commit>-<run>.txt
	Progress  func(Progress) // called before every sample, or turn of one; may be nil
	RoundDone func(Round)    // called after every whole round; may be nil
}

// MinSample is the shortest sample: under it, the clock and the first cold iterations
// would be a good part of what is measured.
const MinSample = time.Millisecond

// A Record is what Run has written.
type Record struct {
	Path   string // of the .txt file; "" if no round was completed
	Groups []*Group
	Rounds []Round
}

// Noisy returns the rounds in which something got in the way.
func (r *Record) Noisy() []Round {
	var noisy []Round
	for _, round := range r.Rounds {
		if round.Noise.Noisy() {
			noisy = append(noisy, round)
		}
	}
	return noisy
}

// Check returns what Run would measure, or an error if o asks for what cannot be.
func (o Options) Check() ([]*Group, error) {
	if err := checkLengths(o.Rounds, o.Sample); err != nil {
		return nil, err
	}
	return Suite(o.Selection)
}

func checkLengths(rounds int, sample time.Duration) error {
	switch {
	case rounds < 1:
		return fmt.Errorf("rounds = %d, want at least 1", rounds)
	case sample < MinSample:
		return fmt.Errorf("sample = %v, want at least %v", sample, MinSample)
	}
	return nil
}

// Run measures a suite and records it. When ctx is cancelled it stops after the sample
// under way, keeps the whole rounds done, and returns their record with ctx's error;
// so it does with any other error during the rounds.
func Run(ctx context.Context, o Options) (*Record, error) {
	groups, err := o.Check()
	if err != nil {
		return nil, err
	}
	r := &runner{groups: groups, rounds: o.Rounds, sample: o.Sample, now: wallClock(), noise: readNoise, progress: o.Progress}
	return r.record(ctx, o, func(*sidecar) {})
}

// record runs r and writes the record, with what annotate adds to the sidecar.
func (r *runner) record(ctx context.Context, o Options, annotate func(*sidecar)) (*Record, error) {
	env := readEnvironment(o.Implementations[0])
	machine := machineSlug(env.cpu)
	rec, err := newRecorder(o.Folder, machine, env.started.Format(time.DateOnly), shortCommit(env.source.Commit), env.config())
	if err != nil {
		return nil, err
	}
	side := env.describe(o, o.Implementations)
	side.GOMAXPROCS = max(r.threads, 1)
	annotate(&side)
	side.Record = filepath.Base(rec.path)
	out := &Record{Groups: r.groups}
	runErr := r.run(ctx, func(round Round) error {
		if err := rec.add(round); err != nil {
			return err
		}
		side.addRound(round)
		out.Rounds = append(out.Rounds, round)
		if o.RoundDone != nil {
			o.RoundDone(round)
		}
		return nil
	})
	side.Finished = time.Now().UTC().Truncate(time.Second)
	side.Interrupted = len(out.Rounds) < o.Rounds
	data, err := side.encode()
	if err == nil {
		err = rec.finish(data)
	}
	if err == nil && len(out.Rounds) > 0 {
		out.Path = rec.path
	}
	if runErr == nil || err != nil && ctx.Err() != nil {
		return out, err // a record that could not be kept matters more than the interruption
	}
	return out, errors.Join(runErr, err)
}
