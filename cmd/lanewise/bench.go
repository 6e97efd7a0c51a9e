package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
)

const benchLong = `Measure every implementation that this CPU supports, and rivals beside them:
matrix products (the shapes of a small net, squares, odd sizes), ReLU forward
and backward in the caches and in memory, a training step, and the
multiply-add peak that the rest is related to, in both float types.

Every result is checked against a reference before anything is timed. Then the
contenders of each shape take turns, round after round, so that what else
happens on the machine hits all of them alike. The samples go to
<out>/<machine>/<date>-<commit>-<run>.txt in the Go benchmark format, with a
.json file about the machine and the run beside it, and benchstat makes the
tables; --plot draws what is in it of matrix products. No record is ever
overwritten. Ctrl-C keeps the whole rounds done.

A shape is MxNxK, for an m x n product of depth k, and behind it :NT, :TN or
:TT if the second, the first, or both operands are stored transposed;
"lanewise plan" tells which way such a product goes. Of more than 3e8
operations, plain Go and gonum are left out, unless there is nothing else or
--long asks for all.

A filter is a regular expression on the name, or terms in benchproc's syntax
(https://pkg.go.dev/golang.org/x/perf/benchproc/syntax); --list shows names.

"lanewise bench rivals" measures matrix products beside libraries in C.`

const benchExample = `  lanewise bench                                 about three minutes
  lanewise bench --long                          every shape, longer samples
  lanewise bench --filter 'GEMM/m=512/'
  lanewise bench --shape 300x700x20,784x50x100:TN   your own products
  lanewise bench --filter GEMM --plot shares.svg
  lanewise bench --filter '/type:f32 /impl:(avx2 OR copy)'
  lanewise compare old.txt "$(lanewise bench --quiet)"`

func newBenchCommand() *cobra.Command {
	var (
		o           bench.Options
		plot        sharesPlot
		quiet, list bool
	)
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure the kernels and the training step on this CPU, and record it",
		Long:    benchLong,
		Example: benchExample,
		Args:    noArguments,
	}
	cmd.AddCommand(newRivalsCommand())
	isa := addISAFlag(cmd)
	flags := cmd.Flags()
	flags.Lookup("isa").Usage = "measure this implementation only, see \"lanewise cpu\" (default: what " + kernels.ISAVariable + " names, else all)"
	flags.BoolVar(&o.Long, "long", false, "all shapes, slow implementations at every size, samples of "+bench.DefaultLongSample.String())
	flags.IntVar(&o.Rounds, "rounds", bench.DefaultRounds, "samples of every benchmark; statistics want 6 or more")
	flags.DurationVar(&o.Sample, "sample", bench.DefaultSample, "length of a sample")
	addShapeFlag(cmd, (*shapesFlag)(&o.Shapes), "measure products of these `shapes` instead of the suite")
	flags.StringVar(&o.Filter, "filter", "", "measure what this `filter` matches only")
	flags.StringVar(&o.Folder, "out", "results", "`folder` for the records")
	addPlotFlag(flags, &plot)
	flags.BoolVar(&list, "list", false, "print the names of the benchmarks and measure nothing")
	flags.BoolVarP(&quiet, "quiet", "q", false, "print the path of the record only")

	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if isa.chosen == nil {
			if err := checkISAVariable(); err != nil {
				return err
			}
		}
		if o.Implementations, err = bench.Implementations(isa.chosen); err != nil {
			return err
		}
		if o.Long && !flags.Changed("sample") {
			o.Sample = bench.DefaultLongSample
		}
		groups, err := o.Check()
		if err != nil {
			return usageError{err}
		}
		if list {
			listBenchmarks(cmd.OutOrStdout(), groups)
			return nil
		}
		best := o.Implementations[0]
		if err := plot.check(slices.ContainsFunc(groups, func(g *bench.Group) bool { return g.ComparesProduct(best) }),
			"matrix products of "+best.Name()+" and of others beside it"); err != nil {
			return err
		}
		return runBench(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o, groups, plot, quiet)
	}
	return cmd
}

func listBenchmarks(w io.Writer, groups []*bench.Group) {
	for _, g := range groups {
		for i := range g.Contenders {
			fmt.Fprintln(w, g.Name(&g.Contenders[i]))
		}
	}
}

func runBench(ctx context.Context, stdout, stderr io.Writer, o bench.Options, groups []*bench.Group, plot sharesPlot, quiet bool) error {
	progress := newBenchProgress(stderr, o.Rounds, quiet)
	progress.announce(o, groups)
	o.Progress, o.RoundDone = progress.show, progress.roundDone
	record, err := bench.Run(ctx, o)
	progress.close()
	if err != nil {
		reportRounds(stderr, record, o.Rounds)
		return err
	}
	if quiet {
		fmt.Fprintln(stdout, record.Path)
		return plot.drawRecord(stdout, record, quiet)
	}
	if err := printTables(ctx, stdout, record); err != nil && ctx.Err() == nil { // which says enough, as when head has what it wants
		fmt.Fprintf(stderr, "%v\n", err)
	}
	fmt.Fprintf(stdout, "\nrecorded in %s\n", record.Path)
	if noisy := record.Noisy(); len(noisy) > 0 {
		fmt.Fprintf(stderr, "%d of %d rounds are marked noisy, because other work took processor time; the .json file has the numbers\n",
			len(noisy), len(record.Rounds))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return plot.drawRecord(stdout, record, quiet)
}

// reportRounds tells what is left of a run that ended early.
func reportRounds(stderr io.Writer, record *bench.Record, rounds int) {
	if record != nil && record.Path != "" {
		fmt.Fprintf(stderr, "%d of %d rounds are in %s\n", len(record.Rounds), rounds, record.Path)
	} else {
		fmt.Fprintln(stderr, "no round was completed, nothing is recorded")
	}
}

// printTables has benchstat compare the implementations.
func printTables(ctx context.Context, w io.Writer, record *bench.Record) error {
	benchstat, err := bench.FindBenchstat(ctx)
	if err != nil {
		return err
	}
	for _, table := range bench.Tables(record.Groups) {
		fmt.Fprintf(w, "\n%s\n\n", table.Heading)
		if err := benchstat.Run(ctx, w, append(table.Args, record.Path)...); err != nil {
			return err
		}
	}
	return nil
}

// contendersOf lists what is measured, the rivals apart.
func contendersOf(o bench.Options, groups []*bench.Group) (own, rivals string, benchmarks int) {
	var names, others []string
	for _, im := range o.Implementations {
		names = append(names, im.Name())
	}
	for _, g := range groups {
		benchmarks += len(g.Contenders)
		for _, c := range g.Contenders {
			if !slices.Contains(names, c.Impl) && !slices.Contains(others, c.Impl) {
				others = append(others, c.Impl)
			}
		}
	}
	return strings.Join(names, ", "), strings.Join(others, ", "), benchmarks
}
