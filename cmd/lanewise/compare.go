package main

import (
	"context"
	"fmt"
	"io"

	"github.com/lanewise/lanewise/bench"
	"github.com/spf13/cobra"
)

const compareLong = `Have benchstat compare records, the older one first: medians with their
intervals, the difference, and whether it is more than noise ("~": it is not).

The files are looked at first, because benchstat says nothing and succeeds
when a file is damaged, or when the files have no benchmark in common; here
that is an error. Columns are named by commit, or by CPU if that differs;
label=FILE names one otherwise, and files with one label are taken together.

Rates are shown if the files have them (FLOP/s, %peak, GB/s, samples/s), else
all units; --unit chooses, for example --unit ns/op.`

const compareExample = `  lanewise compare old.txt new.txt
  lanewise compare before=a.txt before=b.txt after=c.txt
  lanewise compare --filter '/impl:avx2 .name:SGEMM' old.txt new.txt`

func newCompareCommand() *cobra.Command {
	var (
		filter string
		units  []string
	)
	cmd := &cobra.Command{
		Use:     "compare [flags] OLD NEW...",
		Short:   "Compare records of bench: commit with commit, or machine with machine",
		Long:    compareLong,
		Example: compareExample,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("%d files given, want two or more: the older one first", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCompare(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args, filter, units)
		},
	}
	cmd.Flags().StringVar(&filter, "filter", "", "compare what this benchproc `filter` matches only")
	cmd.Flags().StringSliceVar(&units, "unit", nil, "compare in these `units` only")
	return cmd
}

func runCompare(ctx context.Context, stdout, stderr io.Writer, files []string, filter string, units []string) error {
	comparison, err := bench.Compare(files, filter, units)
	if err != nil {
		return err
	}
	benchstat, err := bench.FindBenchstat(ctx)
	if err != nil {
		return err
	}
	for _, note := range comparison.Notes {
		fmt.Fprintln(stderr, note)
	}
	if n := len(comparison.Missing); n > 0 {
		fmt.Fprintf(stderr, "%d benchmarks are not in every file, for example: %s\n", n, comparison.Missing[0])
	}
	return benchstat.Run(ctx, stdout, comparison.Args...)
}
