package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/outfile"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/pictures"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
)

// explainFolder is where --explain puts its pictures without being told.
const explainFolder = "explained"

// checkExplain tells before the run whether the folder of pictures can be made and written.
func checkExplain(folder string) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		var cause *os.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return usageErrorf("--explain %s: cannot make this folder: %w; choose another", folder, err)
	}
	if err := outfile.Check(filepath.Join(folder, "curves.png"), ".png"); err != nil {
		return usageErrorf("--explain %w", err)
	}
	return nil
}

// explainLine says what was measured of an epoch.
func explainLine(f nn.EpochFigures, units int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "dead units %d, rare %d, of %d; gradient W1 %.3g, W2 %.3g; update W1 %s, W2 %s; classes given",
		f.DeadUnits, f.RareUnits, units, f.GradientW1, f.GradientW2, percentOf(f.UpdateW1), percentOf(f.UpdateW2))
	total := 0
	for _, n := range f.Predicted {
		total += n
	}
	for class, n := range f.Predicted {
		fmt.Fprintf(&b, " %d:%.0f%%", class, 100*float64(n)/float64(total))
	}
	return b.String()
}

func percentOf(share nn.Figure) string {
	if math.IsNaN(float64(share)) || math.IsInf(float64(share), 0) {
		return "not finite"
	}
	return fmt.Sprintf("%.2g%%", 100*float64(share))
}

// writeExplained draws the pictures of --explain into folder, and returns the files written.
func writeExplained[T kernels.Float](folder string, run trainedRun, t *nn.Trainer[T], data *dataset.Data) (written []string, err error) {
	e, err := t.Classifier().Evaluate(context.Background(), data.Test)
	if err != nil {
		return nil, err
	}
	weights := make([]float64, 0, len(t.Net().Params.W1.Data))
	for _, v := range t.Net().Params.W1.Data {
		weights = append(weights, float64(v))
	}
	var mistakes []pictures.Mistake
	for _, m := range e.Mistakes[:min(len(e.Mistakes), pictures.MaxMistakes)] {
		n := data.Pixels()
		mistakes = append(mistakes, pictures.Mistake{
			Index: m.Index, Pixels: data.Test.Images[m.Index*n : (m.Index+1)*n], Label: m.Label, Class: m.Class, Probability: m.Probability,
		})
	}
	wrong := fmt.Sprintf("%d of %d test images wrong", e.Samples-e.Right, e.Samples)
	var errs []error
	for _, picture := range []struct {
		name string
		draw func(io.Writer) error
	}{
		{"curves.png", func(w io.Writer) error { return run.draw(w, ".png") }},
		{"weights.png", func(w io.Writer) error { return pictures.Weights(w, weights, data.Rows, data.Cols, t.Net().Hidden()) }},
		{"confusion.png", func(w io.Writer) error { return pictures.Confusion(w, data.Name+": "+wrong, e.Confusion) }},
		{"worst.png", func(w io.Writer) error {
			return pictures.Mistakes(w, data.Name+": "+wrong, mistakes, data.Rows, data.Cols, data.Max)
		}},
	} {
		path := filepath.Join(folder, picture.name)
		if err := outfile.Write(path, picture.draw); err != nil {
			errs = append(errs, err)
			continue
		}
		written = append(written, path)
	}
	return written, errors.Join(errs...)
}
