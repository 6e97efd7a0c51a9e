package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lanewise/lanewise/cmd/lanewise/internal/outfile"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/plots"
	"github.com/lanewise/lanewise/nn"
)

// trainOutputs are the files that the user wants of a run; "" is not wanted.
type trainOutputs struct{ save, history, plot string }

// check tells before the run whether the files can be written.
func (o trainOutputs) check() error {
	for _, file := range []struct {
		flag, path string
		extensions []string
	}{
		{"save", o.save, []string{".npz"}},
		{"history", o.history, []string{".csv"}},
		{"plot", o.plot, plots.Extensions},
	} {
		if file.path == "" {
			continue
		}
		if err := outfile.Check(file.path, file.extensions...); err != nil {
			return usageErrorf("--%s %w", file.flag, err)
		}
	}
	return nil
}

// checkKeeps refuses to replace the file that data was read from.
func (o trainOutputs) checkKeeps(data string) error {
	from, err := os.Stat(data)
	if err != nil || o.save == "" {
		return nil // it is no file, or nothing replaces it
	}
	if to, err := os.Stat(o.save); err == nil && os.SameFile(from, to) {
		return usageErrorf("--save %s: would replace the data, choose another name", o.save)
	}
	return nil
}

// write writes the files, each as far as it can be, and returns those written.
func (o trainOutputs) write(run trainedRun) (written []string, err error) {
	var errs []error
	written = []string{} // an empty list in JSON
	add := func(path string, write func() error) {
		if path == "" {
			return
		}
		if err := write(); err != nil {
			errs = append(errs, err)
			return
		}
		written = append(written, path)
	}
	add(o.save, func() error { return run.save(o.save) })
	add(o.history, func() error {
		return outfile.Write(o.history, func(w io.Writer) error { return run.writeHistory(w) })
	})
	add(o.plot, func() error {
		return outfile.Write(o.plot, func(w io.Writer) error { return run.draw(w, filepath.Ext(o.plot)) })
	})
	return written, errors.Join(errs...)
}

// trainedRun is what the files are made from.
type trainedRun struct {
	facts   trainFacts
	history func() nn.History // with the accuracies at the end, which take a while
	save    func(path string) error
}

func (r trainedRun) draw(w io.Writer, extension string) error {
	c, h := r.facts.Config, r.history()
	picture := plots.Run{
		Title: fmt.Sprintf("%s: %s in %s on %s, batch %d, rate %g", r.facts.Data.Name, r.facts.Net, r.facts.DType, r.facts.Implementation, c.BatchSize, c.LearningRate),
		Loss:  h.Loss, Iteration: h.EvalIterations, Train: h.TrainAcc, Test: h.TestAcc,
		Epoch: r.facts.Epoch,
	}
	return picture.Draw(w, extension)
}
