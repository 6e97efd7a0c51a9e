package main

import (
	"strings"

	"github.com/lanewise/lanewise/bench"
	"github.com/spf13/cobra"
)

// shapesFlag is the value of --shape: products, separated by commas.
type shapesFlag []bench.Shape

// addShapeFlag gives cmd the flag --shape.
func addShapeFlag(cmd *cobra.Command, shapes *shapesFlag, usage string) {
	cmd.Flags().Var(shapes, "shape", usage+", MxNxK or MxNxK:TN")
	complete(cmd, "shape", func() []string { return nil })
}

func (f *shapesFlag) Set(text string) error {
	shapes, err := bench.ParseShapes(strings.Split(text, ","))
	*f = append(*f, shapes...)
	return err
}

func (f *shapesFlag) Type() string { return "shapes" }

func (f *shapesFlag) String() string { return strings.Join(bench.ShapeTexts(*f), ",") }
