package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/spf13/cobra"
)

const evalLong = `Measure a trained net on the training and test images of a data set: the share
that it gets right, the loss, and how often it takes one class for another.

The data set is named as for "lanewise train"; without --data it is the one
that the net was trained on, if the file says which, and nothing is downloaded.
Samples that a run held out count as training samples here.`

type evalFlags struct {
	*weightsFlags
	data string
	json bool
}

func newEvalCommand() *cobra.Command {
	f := new(evalFlags)
	cmd := &cobra.Command{
		Use:   "eval --load FILE",
		Short: "Measure a trained net on a data set",
		Long:  evalLong,
		Example: `  lanewise eval --load w.npz
  lanewise eval --load w.npz --data mnist --json | jq .test.accuracy`,
		Args: noArguments,
	}
	f.weightsFlags = addWeightsFlags(cmd)
	cmd.Flags().StringVar(&f.data, "data", "", "data `set`: a name, a folder or a file (default: that of the training)")
	complete(cmd, "data", dataNames)
	cmd.Flags().BoolVar(&f.json, "json", false, "print a JSON object")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runEval(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

func runEval(ctx context.Context, f *evalFlags, stdout, stderr io.Writer) error {
	info, im, err := f.info()
	if err != nil {
		return err
	}
	spec := f.data
	if spec == "" && info.Run != nil {
		spec = resumedData(*info.Run)
	}
	data, err := openData(ctx, spec, dataset.Options{Offline: f.data == ""}, stderr)
	if err != nil {
		return err
	}
	if info.Run == nil {
		info.PixelMax = data.Max
	}
	switch {
	case data.Pixels() != info.Inputs:
		return fmt.Errorf("%s has images of %dx%d, %d pixels, but the net in %s takes %d: name the data it was trained on with --data",
			data.Name, data.Rows, data.Cols, data.Pixels(), f.load, info.Inputs)
	case data.Classes > info.Classes:
		return fmt.Errorf("%s has %d classes, but the net in %s tells %d: name the data it was trained on with --data", data.Name, data.Classes, f.load, info.Classes)
	case data.Max != info.PixelMax:
		return fmt.Errorf("%s has pixels up to %d, but the net in %s was trained with pixels up to %d: name the data it was trained on with --data",
			data.Name, data.Max, f.load, info.PixelMax)
	}
	result := evalResult{
		Data: data.Name, Net: fmt.Sprintf("%d-%d-%d", info.Inputs, info.Hidden, info.Classes), DType: info.DType, Implementation: im.Name(),
	}
	if info.DType == "float64" {
		err = evaluate[float64](ctx, &result, f.load, info, im, data)
	} else {
		err = evaluate[float32](ctx, &result, f.load, info, im, data)
	}
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(stdout).Encode(result)
	}
	fmt.Fprintln(stdout, describeData(data))
	result.print(stdout)
	return nil
}

// evalResult is the object of --json.
type evalResult struct {
	Data           string     `json:"data"`
	Net            string     `json:"net"`
	DType          string     `json:"dtype"`
	Implementation string     `json:"implementation"`
	Train          evalFigure `json:"train"`
	Test           evalFigure `json:"test"`
}

type evalFigure struct {
	Samples   int       `json:"samples"`
	Right     int       `json:"right"`
	Accuracy  float64   `json:"accuracy"`
	Loss      nn.Figure `json:"loss"`
	Confusion [][]int   `json:"confusion"` // [label][class given]
}

func evaluate[T kernels.Float](ctx context.Context, r *evalResult, path string, info nn.WeightsInfo, im *kernels.Implementation, data *dataset.Data) error {
	net, err := nn.LoadClassifier(kernels.On[T](im), path, info)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		split dataset.Split
		into  *evalFigure
	}{{data.Train, &r.Train}, {data.Test, &r.Test}} {
		e, err := net.Evaluate(ctx, part.split)
		if err != nil {
			return err
		}
		*part.into = evalFigure{e.Samples, e.Right, e.Accuracy(), nn.Figure(e.Loss), e.Confusion}
	}
	return nil
}

func (r evalResult) print(w io.Writer) {
	fmt.Fprintf(w, "net %s in %s on %s\n\n", r.Net, r.DType, r.Implementation)
	fmt.Fprintf(w, "%8s %9s %9s %9s %9s\n", "", "samples", "right", "accuracy", "loss")
	for _, part := range []struct {
		name string
		f    evalFigure
	}{{"training", r.Train}, {"test", r.Test}} {
		fmt.Fprintf(w, "%8s %9d %9d %9.5f %9.5f\n", part.name, part.f.Samples, part.f.Right, part.f.Accuracy, part.f.Loss)
	}
	fmt.Fprintf(w, "\nTest images, by label (rows) and by the class that the net gives (columns):\n\n")
	most := 0
	for _, row := range r.Test.Confusion {
		most = max(most, slices.Max(row))
	}
	width := max(3, len(fmt.Sprint(most))+1)
	fmt.Fprintf(w, "%5s", "")
	for class := range r.Test.Confusion {
		fmt.Fprintf(w, "%*d", width, class)
	}
	fmt.Fprintln(w)
	for label, row := range r.Test.Confusion {
		fmt.Fprintf(w, "%5d", label)
		for _, n := range row {
			if n == 0 {
				fmt.Fprintf(w, "%*s", width, ".")
			} else {
				fmt.Fprintf(w, "%*d", width, n)
			}
		}
		fmt.Fprintln(w)
	}
}
