package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/lanewise/lanewise/nn"
	"github.com/schollz/progressbar/v3"
)

// A trainReport tells of a run in one of the formats.
type trainReport interface {
	start(trainFacts)
	evaluation(trainEvaluation)
	end(trainEnd)
}

// trainView shows a run to the user: the reports, and a bar on a terminal.
type trainView struct {
	reports []trainReport
	stderr  io.Writer
	columns int // of the terminal on stderr; 0: no bar
	bar     *progressbar.ProgressBar
	drawn   time.Time // when the bar was
	before  nn.Progress
	explain bool
}

func newTrainView(f *trainFlags, stdout, stderr io.Writer) *trainView {
	v := &trainView{stderr: stderr, explain: f.explain != ""}
	if !f.quiet {
		v.columns, _ = terminalWidth(stderr)
	}
	switch {
	case f.json && f.quiet:
		v.reports = []trainReport{jsonReport{stdout}}
	case f.json:
		v.reports = []trainReport{jsonReport{stdout}, newTextReport(stderr)}
	case f.quiet:
		v.reports = []trainReport{quietReport{stdout}}
	default:
		v.reports = []trainReport{newTextReport(stdout)}
	}
	return v
}

func (v *trainView) start(facts trainFacts) {
	for _, r := range v.reports {
		r.start(facts)
	}
	if v.columns > 0 {
		v.bar = progressbar.NewOptions(facts.Config.Iterations,
			progressbar.OptionSetWriter(v.stderr), progressbar.OptionSetDescription("training"),
			progressbar.OptionSetWidth(max(10, min(40, v.columns-45))), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		v.bar.Set(facts.Done)
	}
}

// redraw is how often the bar is drawn again.
const redraw = 100 * time.Millisecond

func (v *trainView) iteration(p nn.Progress) {
	if p.Evaluated {
		e := trainEvaluation{
			Iteration: p.Iteration - 1, Epoch: p.Epoch, Loss: nn.Figure(p.Loss), TrainAcc: p.TrainAcc, TestAcc: p.TestAcc,
			SamplesPerSecond: rate(p.Samples-v.before.Samples, p.Elapsed-v.before.Elapsed),
		}
		if p.Held {
			e.HeldAcc = &p.HeldAcc
		}
		if v.explain {
			e.Explained = &p.Figures
		}
		v.before = p
		if v.bar != nil {
			v.bar.Clear() // the line of the table takes its place
		}
		for _, r := range v.reports {
			r.evaluation(e)
		}
	}
	if v.bar != nil && (p.Evaluated || time.Since(v.drawn) >= redraw) {
		v.bar.Describe(fmt.Sprintf("epoch %d of %d", p.Epoch+1, p.Epochs))
		v.bar.Set(p.Iteration)
		v.drawn = time.Now()
	}
}

// stop takes the bar away.
func (v *trainView) stop() {
	if v.bar != nil {
		v.bar.Clear()
		v.bar = nil
	}
}

func (v *trainView) end(end trainEnd) {
	for _, r := range v.reports {
		r.end(end)
	}
}

// quietReport prints what the notebook prints.
type quietReport struct{ w io.Writer }

func (r quietReport) start(trainFacts) {}
func (r quietReport) evaluation(e trainEvaluation) {
	fmt.Fprintln(r.w, nn.FormatFloat(e.TrainAcc), nn.FormatFloat(e.TestAcc))
}
func (r quietReport) end(trainEnd) {}

// jsonReport prints an object a line.
type jsonReport struct{ w io.Writer }

func (r jsonReport) start(facts trainFacts) {
	facts.Event = "start"
	r.line(facts)
}

func (r jsonReport) evaluation(e trainEvaluation) {
	e.Event = "evaluation"
	r.line(e)
}

func (r jsonReport) end(end trainEnd) {
	end.Event = "end"
	r.line(end)
}

func (r jsonReport) line(v any) {
	enc := json.NewEncoder(r.w) // what fails is the writing, which the output remembers
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		fmt.Fprintln(r.w, err)
	}
}
