package main

import (
	"fmt"
	"io"
	"time"

	"github.com/lanewise/lanewise/bench"
	"github.com/schollz/progressbar/v3"
)

// benchProgress tells on standard error how far "lanewise bench" has come: a bar on a
// terminal, a line for every round in a pipe or a file.
type benchProgress struct {
	w       io.Writer // nil: say nothing
	columns int       // of the terminal, 0 if it is none
	rounds  int
	phase   bench.Phase
	bar     *progressbar.ProgressBar // of the phase, on a terminal
	start   time.Time                // of the phase
}

func newBenchProgress(stderr io.Writer, rounds int, quiet bool) *benchProgress {
	p := &benchProgress{rounds: rounds, phase: -1}
	if !quiet {
		p.w = stderr
		p.columns, _ = terminalWidth(stderr)
	}
	return p
}

// announce says what is going to be measured.
func (p *benchProgress) announce(o bench.Options, groups []*bench.Group) {
	if p.w == nil {
		return
	}
	own, rivals, n := contendersOf(o, groups)
	if rivals != "" {
		rivals = " beside " + rivals
	}
	fmt.Fprintf(p.w, "%s%s: %s, %s of %v samples\n", own, rivals, counted(n, "benchmark"), counted(o.Rounds, "round"), o.Sample)
}

// counted is n things, as in "1 round", "2 rounds".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// show is called before every sample, or turn of one.
func (p *benchProgress) show(at bench.Progress) {
	if p.w == nil {
		return
	}
	if at.Phase != p.phase {
		p.close()
		p.phase, p.start = at.Phase, time.Now()
		switch {
		case p.columns > 0:
			p.bar = newSampleBar(p.w, p.columns, at.Total)
		case at.Phase == bench.Preparing:
			fmt.Fprintln(p.w, "checking every result against a reference")
		}
	}
	if p.bar == nil {
		return
	}
	if at.Phase == bench.Preparing {
		p.bar.Describe("checking results")
	} else {
		p.bar.Describe(fmt.Sprintf("round %d of %d", at.Round, at.Rounds))
	}
	p.bar.Set(at.Done)
}

// newSampleBar returns a bar for so many samples, on a terminal of so many columns.
func newSampleBar(w io.Writer, columns, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(max(10, min(40, columns-45))),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(200*time.Millisecond), // drawing must not become part of what is measured
		progressbar.OptionClearOnFinish(),
	)
}

// roundDone is called after every whole round.
func (p *benchProgress) roundDone(round bench.Round) {
	if p.w == nil || p.bar != nil {
		return
	}
	left := time.Since(p.start) / time.Duration(round.Number) * time.Duration(p.rounds-round.Number)
	fmt.Fprintf(p.w, "round %d of %d done", round.Number, p.rounds)
	if left > 0 {
		fmt.Fprintf(p.w, ", %v left", left.Round(time.Second))
	}
	if round.Noise.Noisy() {
		fmt.Fprintf(p.w, " (noisy: %v)", round.Noise)
	}
	fmt.Fprintln(p.w)
}

// close takes the bar away.
func (p *benchProgress) close() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
}
