package main

import (
	"fmt"
	"io"
	"math"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
)

const planLong = `Tell how matrix products of some shapes are computed here: which way, in what
blocks, whether operands are packed, and by how many threads.
Nothing is computed. kernels.Ops.Plan tells the same to a program.

A shape is MxNxK, for an m x n product of depth k, and behind it :NT, :TN or
:TT if the second, the first, or both operands are stored transposed.
Matrices are contiguous, alpha is 1 and beta 0.`

const planExample = `  lanewise plan 100x50x784 784x50x100:TN
  lanewise plan 16x300x3000:NT --isa avx2 --type f64 --threads 1
  lanewise plan 512x512x512 --json | jq '.[].plan.kc'`

func newPlanCommand() *cobra.Command {
	var (
		typ     = dtypeFlag("float32")
		threads uint
		asJSON  bool
	)
	cmd := &cobra.Command{
		Use:               "plan SHAPE...",
		Short:             "Tell which way matrix products go, and in what blocks",
		Long:              planLong,
		Example:           planExample,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("no shape was given, as 100x50x784 or 784x50x100:TN")
			}
			return nil
		},
	}
	isa := addISAFlag(cmd)
	flags := cmd.Flags()
	flags.Var(&typ, "type", "element `type`: f32 or f64")
	complete(cmd, "type", bench.ElementTypes)
	flags.UintVar(&threads, "threads", 0, "the most threads, 0 for GOMAXPROCS and what "+kernels.ThreadsVariable+" leaves of it")
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
		most := int(min(threads, math.MaxInt32))
		var plans []planJSON
		for _, s := range shapes {
			plan := bench.PlanOf(kernels.On[float32](im).Threads(most), s)
			if typ == "float64" {
				plan = bench.PlanOf(kernels.On[float64](im).Threads(most), s)
			}
			plans = append(plans, planJSON{s.Text(), typ.String(), im.Name(), planFields(plan)})
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

// planJSON is what "lanewise plan" tells of a shape. Its JSON is what --json prints.
type planJSON struct {
	Shape          string     `json:"shape"`
	Type           string     `json:"type"`
	Implementation string     `json:"implementation"`
	Plan           planFields `json:"plan"`
}

// planFields is kernels.Plan.
type planFields struct {
	Way        string `json:"way"`
	Transposed bool   `json:"transposed"`
	MC         int    `json:"mc"`
	NC         int    `json:"nc"`
	KC         int    `json:"kc"`
	PacksA     bool   `json:"packs_a"`
	PacksB     bool   `json:"packs_b"`
	Tail       int    `json:"tail"`
	Fetches    bool   `json:"fetches"`
	Around     bool   `json:"around"`
	Threads    int    `json:"threads"`
}

func (p planJSON) print(w io.Writer) {
	line := func(head, format string, args ...any) {
		fmt.Fprintf(w, "  %-8s%s\n", head, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(w, "%s, %s %s\n", p.Shape, p.Implementation, p.Type)
	pl := p.Plan
	a, b, columns := "A", "B", "column"
	if pl.Transposed {
		a, b, columns = "the transpose of B", "the transpose of A", "row"
	}
	line("way", "%s", pl.Way)
	switch {
	case pl.MC > 0:
		line("blocks", "%d rows of %s, %d columns of %s, %d deep", pl.MC, a, pl.NC, b, pl.KC)
	case pl.KC > 0:
		line("blocks", "%d deep", pl.KC)
	}
	packed := map[[2]bool]string{{}: "nothing", {true, false}: a, {false, true}: b, {true, true}: a + " and " + b}
	line("packed", "%s", packed[[2]bool{pl.PacksA, pl.PacksB}])
	switch {
	case pl.Tail == 1:
		line("apart", "the last %s", columns)
	case pl.Tail > 1:
		line("apart", "the last %s", counted(pl.Tail, columns))
	}
	switch {
	case pl.Fetches && pl.MC > 0:
		line("fetched", "panels of %s, ahead", b)
	case pl.Fetches:
		line("fetched", "rows of the matrix, ahead")
	}
	if pl.Around {
		line("written", "past the caches")
	}
	line("threads", "at most %d", pl.Threads)
}
