package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lanewise/lanewise/bench"
	"github.com/spf13/cobra"
)

const rivalsLong = `Measure matrix products and training beside what one would use otherwise.
Products: OpenBLAS, BLIS, oneDNN (float32) and, for small squares, libxsmm,
which are written in C; gonum and viterin/vek in Go. Training: loops in NumPy
(the notebook's, and a tuned one) and PyTorch (autograd, and by hand).

Products take a program built with the tag rivals, which has C in it and opens
the libraries when it runs; training ("--family training") takes any program:

  make bench-rivals                  or: go build -tags rivals ./cmd/lanewise
  apt-get install gcc libopenblas-dev libblis-dev libdnnl-dev libxsmm-dev \
                  python3-numpy libopenblas0 python3-torch

A library that is not there is named and left out. Each is forced to its best
kernels for the instruction set of --isa and to the number of threads, by
environment variables that it reads when it is loaded: so the program starts
itself anew for every instruction set. What a library reached is then asked of
the library itself, and one that runs other kernels is left out as well.

The contenders of a shape take turns, 4 to 20 times in a sample and round after
round, on operands that are new in each round. Every product is compared with a
reference, before it is timed and after each turn. Libraries in C are called in
a loop in C; ours, gonum and vek through their Go functions, the call included.
Ratios are taken in each round; their median counts, to the best rival of each
shape, and the geometric mean of a family of shapes:

  net         the products of the 784-50-10 net, batch 100
  small       squares, 8 to 64           large     squares, 96 to 2048
  odd         sizes that no tile divides transposed  512 cubed, NT, TN and TT
  skinny      one or two small sides     parallel  squares on all processors
  training    steps of that net, batch 100, drawing the batch included, on
              handwritten digits, drawn as MNIST's are: some 225 of 784 pixels are
              0 in a whole batch. We do not multiply with those, and they count
              as work for nobody: %peak is that of the other ones

Only where they are asked for:

  training-noise  the same on noise: hardly a pixel is 0 in a whole batch
  random          48 shapes that nobody chose, sides up to 400, all transposes; the
                  same ones every time
  random-large    48 more, their longest sides above 400 and up to 3000

--shape takes products as "lanewise bench" does; tables call those that are in
no family "other".

On a virtual machine somebody else may be on the other thread of a core, which
then has half of its speed at worst. On one thread, turns of up to 8 ms wait until
a probe says that nobody is, and are taken again if somebody came: each contender
for up to --patience times as long as its own turns take. %alone is how much of
the time of ours, and of the best rival, went to turns before and after which
nobody was there, and the columns behind it are about such turns only.

The training loops are run by python3, in processes that wait while others have
their turn, and time themselves. All learn the same samples from the same
weights; the first two steps of each are compared with a reference, and the loss
after the sample with ours. The python3 is the first that has the library, of
the one on the PATH and /usr/bin/python3, or what LANEWISE_PYTHON names. Its
library has to multiply with OpenBLAS, which is forced as above.

Records go to <out>/<machine>/, as those of "lanewise bench", one for each
instruction set and number of threads, with versions, kernels and what was left
out in the .json file. --from prints the tables of records, in any build, and
--plot draws what they say of products: for each shape how much of the peak each
contender reached.`

const rivalsExample = `  lanewise bench rivals                              ten to twenty minutes for each instruction set
  lanewise bench rivals --threads all                all processors as well
  lanewise bench rivals --isa avx512 --type f32 --family net,small
  lanewise bench rivals --family training --rounds 20
  lanewise bench rivals --family random,random-large --rounds 5   does a shape fall off a cliff?
  lanewise bench rivals --shape 300x700x20,784x50x100:TN         your own products
  lanewise bench rivals --from results/<machine>/<date>-*.txt --plot rivals.svg`

// rivalsFlags are what the user asked for, and the two ways in which the program calls
// itself.
type rivalsFlags struct {
	isas, families []string
	shapes         shapesFlag
	threads        string
	from           []string
	plot           sharesPlot
	quiet          bool
	options        bench.RivalOptions

	partThreads int    // measure with so many threads, in this process
	probe       string // try this library, in this process
}

func newRivalsCommand() *cobra.Command {
	f := new(rivalsFlags)
	cmd := &cobra.Command{
		Use:     "rivals [flags] [--from RECORD...]",
		Short:   "Measure matrix products and training beside OpenBLAS, BLIS, oneDNN, NumPy, PyTorch and others",
		Long:    rivalsLong,
		Example: rivalsExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(f.from) > 0 {
				return nil // more records, as the shell expands them
			}
			return noArguments(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.from = append(f.from, args...)
			return f.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o := &f.options
	flags := cmd.Flags()
	list := func(p *[]string, name, usage string, values []string) {
		flags.StringSliceVar(p, name, nil, usage)
		complete(cmd, name, func() []string { return values })
	}
	list(&f.isas, "isa", "measure these `instruction sets` only, of avx512 and avx2 (default: what the CPU supports of them)", []string{"avx512", "avx2"})
	list(&o.Types, "type", "measure these `element types` only, of f32 and f64", bench.ElementTypes())
	list(&f.families, "family", "measure these `families` only, of "+strings.Join(bench.RivalFamilies(), ", "), bench.RivalFamilies())
	addShapeFlag(cmd, &f.shapes, "measure products of these `shapes` as well, or if no families are asked for, only")
	list(&o.Rivals, "rival", "measure these `rivals` only, of "+strings.Join(bench.RivalNames(), ", "), bench.RivalNames())
	flags.StringVar(&f.threads, "threads", "1", "1, or \"all\" to measure the family parallel, and shapes, with all processors as well")
	complete(cmd, "threads", func() []string { return []string{"1", "all"} })
	flags.IntVar(&o.Rounds, "rounds", bench.DefaultRivalRounds, "samples of every benchmark; intervals want 6 or more")
	flags.DurationVar(&o.Sample, "sample", bench.DefaultRivalSample, "length of a sample")
	flags.Float64Var(&o.Patience, "patience", bench.DefaultRivalPatience, "wait for a core that nobody else uses, for up to so many `times` as long as turns take")
	flags.StringVar(&o.Folder, "out", "results", "`folder` for the records")
	flags.StringSliceVar(&f.from, "from", nil, "print the tables of these `records` and measure nothing")
	addPlotFlag(flags, &f.plot)
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print the paths of the records only, and no tables")
	flags.IntVar(&f.partThreads, "part-threads", 0, "")
	flags.StringVar(&f.probe, "probe", "", "")
	flags.MarkHidden("part-threads")
	flags.MarkHidden("probe")
	return cmd
}

func (f *rivalsFlags) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	switch {
	case f.probe != "":
		return bench.ProbeRival(f.probe)
	case f.partThreads > 0:
		return f.measurePart(ctx, stdin, stdout, stderr)
	}
	if len(f.from) > 0 {
		return f.printRecords(stdout)
	}
	parts, err := f.parts()
	if err != nil {
		return usageError{err}
	}
	if err := f.plot.check(slices.ContainsFunc(parts, bench.RivalPart.HasProducts), "a family of matrix products"); err != nil {
		return err
	}
	for _, part := range parts {
		if err := part.Built(); err != nil {
			return err
		}
	}
	return f.measure(ctx, stdout, stderr, parts)
}

// parts says what is to be measured, each part in a process of its own.
func (f *rivalsFlags) parts() ([]bench.RivalPart, error) {
	if err := f.options.Check(); err != nil {
		return nil, err
	}
	if f.threads != "1" && f.threads != "all" {
		return nil, fmt.Errorf("threads = %s, want 1 or all", f.threads)
	}
	ims, err := bench.RivalImplementations(f.isas)
	if err != nil {
		return nil, err
	}
	var isas []string
	for _, im := range ims {
		isas = append(isas, im.Name())
	}
	return bench.RivalParts(isas, f.families, f.shapes, f.threads == "all")
}

// printRecords prints the tables of the records that --from names.
func (f *rivalsFlags) printRecords(stdout io.Writer) error {
	if f.quiet && f.plot == "" {
		return usageErrorf("--quiet: with --from, nothing but the tables would be printed, leave it out or draw them with --plot")
	}
	var reports []*bench.RivalReport
	for _, path := range f.from {
		report, err := bench.ReadRivals(path)
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	if err := f.plot.check(slices.ContainsFunc(reports, (*bench.RivalReport).HasShares), "a record of matrix products whose %peak is known"); err != nil {
		return err
	}
	if !f.quiet {
		for _, report := range reports {
			report.WriteTables(stdout)
		}
		bench.WriteRatios(stdout, reports)
	}
	return f.plot.draw(stdout, reports, f.quiet)
}

// measure runs the parts and prints their tables.
func (f *rivalsFlags) measure(ctx context.Context, stdout, stderr io.Writer, parts []bench.RivalPart) error {
	var reports []*bench.RivalReport
	for i, part := range parts {
		if !f.quiet {
			fmt.Fprintf(stderr, "%v: part %d of %d\n", part, i+1, len(parts))
		}
		path, err := f.startPart(ctx, stderr, part)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%v: %w", part, err)
		}
		report, err := bench.ReadRivals(path)
		if err != nil {
			return err
		}
		reports = append(reports, report)
		if f.quiet {
			fmt.Fprintln(stdout, path)
		} else {
			report.WriteTables(stdout)
		}
		if report.Rounds < f.options.Rounds {
			return fmt.Errorf("%v: stopped after %d of %d rounds", part, report.Rounds, f.options.Rounds)
		}
	}
	if !f.quiet {
		bench.WriteRatios(stdout, reports)
		fmt.Fprintln(stdout)
		for _, report := range reports {
			fmt.Fprintf(stdout, "recorded in %s\n", report.Path)
		}
	}
	return f.plot.draw(stdout, reports, f.quiet)
}
