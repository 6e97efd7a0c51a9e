package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const planLong = `Tell how matrix products of some shapes are computed here: which way, in what
tiles and blocks, whether operands are packed, and by how many threads.
Nothing is computed. kernels.Ops.Plan tells the same to a program.

A shape is MxNxK, for an m x n product of depth k, and behind it :NT, :TN or
:TT if the second, the first, or both operands are stored transposed.
Matrices are contiguous, alpha is 1 and beta 0.`

const planExample = `  lanewise plan 100x50x784 784x50x100:TN
  lanewise plan 16x300x3000:NT --isa avx2 --type f64 --threads 1
  lanewise plan 512x512x512 --json | jq .[].plan.KC`

func newPlanCommand() *cobra.Command {
	var (
		typ     string
		threads int
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:     "plan SHAPE...",
		Short:   "Tell which way matrix products go, in what tiles and blocks",
		Long:    planLong,
		Example: planExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no shape was given, as 100x50x784 or 784x50x100:TN")
			}
			return nil
		},
	}
	isa := addISAFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&typ, "type", "f32", "`element type`, f32 or f64")
	complete(cmd, "type", bench.ElementTypes)
	flags.IntVar(&threads, "threads", 0, "the most threads, 0 for GOMAXPROCS and what "+kernels.ThreadsVariable+" leaves of it")
	flags.BoolVar(&asJSON, "json", false, "print one JSON document")

	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		im, err := isa.implementation()
		if err != nil {
			return err
		}
		shapes, err := bench.ParseShapes(args)
		if err != nil {
			return usageError{err}
		}
		if threads < 0 {
			return usageErrorf("--threads %d: needs a whole number, 0 or more", threads)
		}
		var plans []planJSON
		for _, s := range shapes {
			p := planJSON{Shape: s.Text(), Type: typ, Implementation: im.Name()}
			switch typ {
			case "f32":
				p.Plan = bench.PlanOf(kernels.On[float32](im).Threads(threads), s)
			case "f64":
				p.Plan = bench.PlanOf(kernels.On[float64](im).Threads(threads), s)
			default:
				return usageErrorf("--type %s: needs one of %s", typ, strings.Join(bench.ElementTypes(), ", "))
			}
			plans = append(plans, p)
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), plans)
		}
		for i, p := range plans {
			if i > 0 {
				fmt.Fprintln(cmd.OutOrStdout())
			}
			p.print(cmd.OutOrStdout())
		}
		return nil
	}
	return cmd
}

// addShapeFlag adds --shape.
func addShapeFlag(flags *pflag.FlagSet, shapes *[]string, usage string) {
	flags.StringSliceVar(shapes, "shape", nil, usage+", MxNxK or MxNxK:TN")
}

// planJSON is what "lanewise plan" tells of a shape. Its JSON is what --json prints.
type planJSON struct {
	Shape          string       `json:"shape"`
	Type           string       `json:"type"`
	Implementation string       `json:"implementation"`
	Plan           kernels.Plan `json:"plan"`
}

func (p planJSON) print(w io.Writer) {
	line := func(head, format string, args ...any) {
		fmt.Fprintf(w, "  %-8s%s\n", head, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s, %s %s\n", p.Shape, p.Implementation, p.Type)
	pl := p.Plan
	line("way", "%s", pl.Way)
	if pl.TileRows > 0 {
		line("tiles", "%d x %d", pl.TileRows, pl.TileColumns)
	}
	switch {
	case pl.MC > 0:
		line("blocks", "%d rows of A, %d columns of B, %d deep", pl.MC, pl.NC, pl.KC)
	case pl.KC > 0:
		line("blocks", "%d deep", pl.KC)
	}
	packed := map[[2]bool]string{{}: "nothing", {true, false}: "A", {false, true}: "B", {true, true}: "A and B"}
	line("packed", "%s", packed[[2]bool{pl.PacksA, pl.PacksB}])
	switch {
	case pl.Tail == 1:
		line("apart", "the last column")
	case pl.Tail > 1:
		line("apart", "the last %d columns", pl.Tail)
	}
	if pl.Fetches {
		line("fetched", "rows of the matrix, ahead")
	}
	line("threads", "%d", pl.Threads)
}
