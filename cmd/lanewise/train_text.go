package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// textReport prints a table for people, which is plain lines of columns, so
// that programs can read it too.
type textReport struct {
	w        io.Writer
	columns  int
	terminal bool
	every    int // epochs to a line
}

func newTextReport(w io.Writer) *textReport {
	r := &textReport{w: w, columns: 80}
	if columns, ok := terminalWidth(w); ok {
		r.columns, r.terminal = columns, true
	}
	return r
}

// screenful is how many lines of the table a terminal gets at most; small data
// has hundreds of short epochs.
const screenful = 40

func (r *textReport) start(f trainFacts) {
	c := f.Config
	pixels := "as they are"
	if c.ScalePixels {
		pixels = "divided by their largest value"
	}
	r.wrapped(f.describeData)
	r.wrapped(fmt.Sprintf("net %s in %s on %s, batch %d, rate %g, first weights %g, pixels %s, seed %d",
		f.Net, f.DType, f.Implementation, c.BatchSize, c.LearningRate, c.InitStd, pixels, c.Seed))
	fmt.Fprintf(r.w, "%d iterations, %.4g an epoch", c.Iterations, f.Epoch)
	if f.Done > 0 {
		fmt.Fprintf(r.w, ", %d done before", f.Done)
	}
	fmt.Fprintln(r.w)
	r.every = 1
	if r.terminal {
		r.every = int(math.Ceil(float64(c.Iterations-f.Done) / f.Epoch / screenful))
	}
	if r.every > 1 {
		fmt.Fprintf(r.w, "a line for every %d epochs\n", r.every)
	}
	fmt.Fprintf(r.w, "\n%9s %6s %9s %10s %9s %10s\n", "iteration", "epoch", "loss", "train_acc", "test_acc", "samples/s")
}

func (r *textReport) evaluation(e trainEvaluation) {
	if e.Epoch%r.every == 0 {
		loss := fmt.Sprintf("%9.4f", e.Loss)
		if len(loss) > 9 {
			loss = fmt.Sprintf("%9.3g", e.Loss)
		}
		fmt.Fprintf(r.w, "%9d %6d %s %10.5f %9.5f %10.0f\n",
			e.Iteration, e.Epoch, loss, e.TrainAcc, e.TestAcc, e.SamplesPerSecond)
	}
}

func (r *textReport) end(e trainEnd) {
	fmt.Fprintf(r.w, "\n%.0f samples/s: %v of training, %v with the evaluations\n",
		e.SamplesPerSecond, seconds(e.TrainSeconds), seconds(e.Seconds))
	if d := e.Diagnosis; d != nil {
		fmt.Fprintf(r.w, "after %d iterations: train_acc %.5f, test_acc %.5f\n\n", e.Iterations, d.TrainAccuracy, d.TestAccuracy)
		for line := range strings.Lines(d.String()) {
			r.wrapped(line)
		}
	}
	if len(e.Written) > 0 {
		fmt.Fprintf(r.w, "\nwrote %s\n", strings.Join(e.Written, ", "))
	}
}

func (r *textReport) wrapped(line string) { writeWrapped(r.w, "", line, r.columns) }

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Millisecond)
}
