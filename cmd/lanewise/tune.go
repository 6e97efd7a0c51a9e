package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/outfile"
	"github.com/lanewise/lanewise/kernels"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

const tuneLong = `Measure whether matrix products would be faster on this CPU with other tiles,
other blocks, or other thresholds between the ways to compute them: the numbers
of kernels.Tuning, which were set with this command.

Each parameter is swept by itself, over products that it decides, the others as
they are. In every round the values take turns with the one in use on the same
operands, every product is compared with a reference, and ratios are taken in
each round; their median counts. A value is said to be better if the geometric
mean over all products is, with 95% confidence and by half a per cent. Of many
values one may be so by chance: sweep it again, by itself and in more rounds.

Nothing is changed: a program takes other values with Ops.Tuned. The tables
come as they are measured; --out keeps them in a file, with what machine and
commit they are of. Ctrl-C keeps the sweeps that are done.`

const tuneExample = `  lanewise tune                                  about nine minutes for each instruction set
  lanewise tune --isa avx2 --type f32 --parameter KC,Tile
  lanewise tune --rounds 15 --sample 50ms --out tuning.txt`

// tuneFlags are what the user asked for.
type tuneFlags struct {
	options bench.TuneOptions
	out     string
	quiet   bool
}

func newTuneCommand() *cobra.Command {
	var f tuneFlags
	cmd := &cobra.Command{
		Use:     "tune",
		Short:   "Measure whether other tiles, blocks and thresholds would be faster on this CPU",
		Long:    tuneLong,
		Example: tuneExample,
		Args:    noArguments,
	}
	isa := addISAFlag(cmd)
	o := &f.options
	flags := cmd.Flags()
	flags.Lookup("isa").Usage = "tune this implementation only, see \"lanewise cpu\" (default: what " + kernels.ISAVariable + " names, else all in assembly)"
	flags.StringSliceVar(&o.Types, "type", nil, "tune for these `element types` only, of f32 and f64")
	complete(cmd, "type", bench.ElementTypes)
	flags.StringSliceVar(&o.Parameters, "parameter", nil, "sweep these `parameters` only, of "+strings.Join(bench.TuneParameters(), ", "))
	complete(cmd, "parameter", bench.TuneParameters)
	flags.IntVar(&o.Rounds, "rounds", bench.DefaultTuneRounds, "samples of every value; intervals want 6 or more")
	flags.DurationVar(&o.Sample, "sample", bench.DefaultTuneSample, "length of a sample")
	flags.StringVar(&f.out, "out", "", "write the tables to this `file` as well, a .txt")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print what would change only")

	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if isa.chosen == nil {
			if err := checkISAVariable(); err != nil {
				return err
			}
		}
		if o.Implementations, err = bench.TuneImplementations(isa.chosen); err != nil {
			return err
		}
		run, err := bench.PrepareTune(f.options)
		if err != nil {
			return usageError{err}
		}
		if f.out != "" {
			if err := outfile.Check(f.out, ".txt"); err != nil {
				return usageErrorf("--out %w", err)
			}
		}
		return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), run)
	}
	return cmd
}

// run sweeps, prints the tables as they come, and keeps them.
func (f *tuneFlags) run(ctx context.Context, stdout, stderr io.Writer, run *bench.TuneRun) error {
	var report bytes.Buffer // what --out keeps
	tables := io.MultiWriter(&report, stdout)
	if f.quiet {
		tables = &report
	}
	progress := newTuneProgress(stderr, run.Sweeps(), f.quiet)
	var sweeps []*bench.Sweep
	run.Progress = progress.show
	run.Done = func(s *bench.Sweep) {
		progress.close()
		sweeps = append(sweeps, s)
		s.WriteTable(tables)
		progress.sweepDone(s, len(sweeps))
	}
	run.WriteHeader(tables)
	runErr := run.Run(ctx)
	progress.close()
	if len(sweeps) == 0 && runErr != nil {
		fmt.Fprintln(stderr, "no sweep was completed")
		return runErr
	}
	last := io.MultiWriter(&report, stdout)
	if runErr != nil {
		fmt.Fprintf(last, "\nStopped after %d of %s.\n", len(sweeps), counted(run.Sweeps(), "sweep"))
	}
	bench.WriteChanges(last, sweeps)
	noisy, rounds := 0, 0
	for _, s := range sweeps {
		noisy, rounds = noisy+s.Noisy, rounds+s.Rounds
	}
	if noisy > 0 {
		fmt.Fprintf(stderr, "%d of %d rounds are marked noisy, because other work took processor time: small differences mean little\n", noisy, rounds)
	}
	if f.out != "" {
		err := outfile.Write(f.out, func(w io.Writer) error {
			_, err := w.Write(report.Bytes())
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "the tables are in %s\n", f.out)
	}
	if runErr != nil {
		return runErr
	}
	return ctx.Err()
}

// tuneProgress tells on standard error how far "lanewise tune" has come: a bar on a
// terminal, a line for every sweep in a pipe or a file.
type tuneProgress struct {
	w       io.Writer // nil: say nothing
	columns int       // of the terminal, 0 if it is none
	sweeps  int
	start   time.Time
	bar     *progressbar.ProgressBar
	at      bench.TuneProgress
}

func newTuneProgress(stderr io.Writer, sweeps int, quiet bool) *tuneProgress {
	p := &tuneProgress{sweeps: sweeps, start: time.Now()}
	if !quiet {
		p.w = stderr
		p.columns, _ = terminalWidth(stderr)
	}
	return p
}

// show is called before every sample.
func (p *tuneProgress) show(at bench.TuneProgress) {
	p.at = at
	if p.w == nil || p.columns == 0 {
		return
	}
	if p.bar == nil {
		p.bar = newSampleBar(p.w, p.columns, at.Total)
	}
	p.bar.Describe(at.Sweep)
	p.bar.Set(at.Done)
}

// sweepDone is called after every whole sweep.
func (p *tuneProgress) sweepDone(s *bench.Sweep, done int) {
	if p.w == nil || p.columns > 0 {
		return
	}
	fmt.Fprintf(p.w, "%v: %d of %d done", s, done, p.sweeps)
	if left := p.at.Total - p.at.Done; done < p.sweeps && p.at.Done > 0 {
		fmt.Fprintf(p.w, ", %v left", (time.Since(p.start) / time.Duration(p.at.Done) * time.Duration(left)).Round(time.Second))
	}
	fmt.Fprintln(p.w)
}

// close takes the bar away, for what is printed next.
func (p *tuneProgress) close() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
}
