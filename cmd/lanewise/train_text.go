package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/lanewise/lanewise/nn"
)

// textReport prints a table for people, which is plain lines of columns, so
// that programs can read it too.
type textReport struct {
	w        io.Writer
	columns  int
	every    int // epochs to a line
	patience int
	units    int
}

func newTextReport(w io.Writer) *textReport {
	r := &textReport{w: w, columns: 80}
	if columns, ok := terminalWidth(w); ok {
		r.columns = columns
	}
	return r
}

// screenful is how many lines the table has at most; small data has hundreds of
// short epochs.
const screenful = 40

func (r *textReport) start(f trainFacts) {
	c := f.Config
	pixels := "as they are"
	if c.ScalePixels {
		pixels = "divided by their largest value"
	}
	r.wrapped(f.describeData)
	weights := fmt.Sprint(c.InitStd)
	if c.Init != nn.InitNormal {
		weights = "by " + c.Init.String()
	}
	r.wrapped(fmt.Sprintf("net %s in %s on %s, batch %d, rate %g, first weights %s, pixels %s, seed %d%s",
		f.Net, f.DType, f.Implementation, c.BatchSize, c.LearningRate, weights, pixels, c.Seed, extras(f)))
	fmt.Fprintf(r.w, "%d iterations, %.4g an epoch", c.Iterations, f.Epoch)
	if f.Done > 0 {
		fmt.Fprintf(r.w, ", %d done before", f.Done)
	}
	fmt.Fprintln(r.w)
	r.every = max(1, int(math.Ceil(float64(c.Iterations-f.Done)/f.Epoch/screenful)))
	if r.every > 1 {
		fmt.Fprintf(r.w, "a line for every %d epochs; --quiet and --json have one for each\n", r.every)
	}
	r.patience, r.units = c.Patience, c.Hidden
	held := ""
	if f.Data.Held > 0 {
		held = fmt.Sprintf(" %9s", "held_acc")
	}
	fmt.Fprintf(r.w, "\n%9s %6s %9s %10s %9s%s %10s\n", "iteration", "epoch", "loss", "train_acc", "test_acc", held, "samples/s")
}

// extras names the settings that the notebook does not have.
func extras(f trainFacts) string {
	c := f.Config
	var b strings.Builder
	if c.Momentum > 0 {
		fmt.Fprintf(&b, ", momentum %g", c.Momentum)
	}
	if c.Decay > 0 {
		fmt.Fprintf(&b, ", decay %g in 1000 iterations", c.Decay)
	}
	if c.Shuffle {
		b.WriteString(", shuffled epochs")
	}
	if f.Data.Held > 0 {
		fmt.Fprintf(&b, ", %d of the training images held out", f.Data.Held)
	}
	if c.Patience > 0 {
		fmt.Fprintf(&b, ", patience %d epochs", c.Patience)
	}
	if c.EpochHistory {
		b.WriteString(", losses before the updates")
	}
	if c.SkipZeros {
		b.WriteString(", zeros skipped")
	}
	return b.String()
}

func (r *textReport) evaluation(e trainEvaluation) {
	if e.Epoch%r.every == 0 {
		loss := fmt.Sprintf("%9.4f", e.Loss)
		if len(loss) > 9 {
			loss = fmt.Sprintf("%9.3g", e.Loss)
		}
		held := ""
		if e.HeldAcc != nil {
			held = fmt.Sprintf(" %9.5f", *e.HeldAcc)
		}
		fmt.Fprintf(r.w, "%9d %6d %s %10.5f %9.5f%s %10.0f\n",
			e.Iteration, e.Epoch, loss, e.TrainAcc, e.TestAcc, held, e.SamplesPerSecond)
		if e.Explained != nil {
			writeWrapped(r.w, "          ", explainLine(*e.Explained, r.units), r.columns)
		}
	}
}

func (r *textReport) end(e trainEnd) {
	fmt.Fprintf(r.w, "\n%.0f samples/s: %v of training, %v with the evaluations\n",
		e.SamplesPerSecond, seconds(e.TrainSeconds), seconds(e.Seconds))
	if e.StoppedEarly {
		r.wrapped(fmt.Sprintf("stopped early: held_acc has not risen for %d epochs; the weights are those after iteration %d, when it was highest", r.patience, *e.BestIteration))
	}
	if d := e.Diagnosis; d != nil {
		fmt.Fprintf(r.w, "after %d iterations: train_acc %.5f, test_acc %.5f", e.Iterations, d.TrainAccuracy, d.TestAccuracy)
		if held := float64(d.HeldAccuracy); !math.IsNaN(held) {
			fmt.Fprintf(r.w, ", held_acc %.5f", held)
		}
		fmt.Fprint(r.w, "\n\n")
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
