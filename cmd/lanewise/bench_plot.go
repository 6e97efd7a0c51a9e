package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/outfile"
	"github.com/lanewise/lanewise/cmd/lanewise/internal/plots"
	"github.com/spf13/pflag"
)

// sharesPlot is the path of the picture of what contenders reached, "" if there is to be none.
type sharesPlot string

func addPlotFlag(flags *pflag.FlagSet, p *sharesPlot) {
	flags.StringVar((*string)(p), "plot", "", "draw what share of the peak all contenders reached in matrix products, a .png, .svg or .pdf `file`")
}

// check tells before the work is done why there could be no picture. drawn says whether there would be
// anything in it, and wants what that takes.
func (p sharesPlot) check(drawn bool, wants string) error {
	if p == "" {
		return nil
	}
	if !drawn {
		return usageErrorf("--plot %s: there would be nothing to draw, want %s", p, wants)
	}
	if err := outfile.Check(string(p), plots.Extensions...); err != nil {
		return usageErrorf("--plot %w", err)
	}
	return nil
}

// draw draws the reports, and says so unless quiet.
func (p sharesPlot) draw(stdout io.Writer, reports []*bench.RivalReport, quiet bool) error {
	if p == "" {
		return nil
	}
	err := outfile.Write(string(p), func(w io.Writer) error { return plots.Rivals(w, filepath.Ext(string(p)), reports) })
	if err == nil && !quiet {
		fmt.Fprintf(stdout, "\ndrawn in %s\n", p)
	}
	return err
}

// drawRecord draws a record.
func (p sharesPlot) drawRecord(stdout io.Writer, record *bench.Record, quiet bool) error {
	if p == "" {
		return nil
	}
	report, err := bench.ReadRivals(record.Path)
	if err != nil {
		return err
	}
	return p.draw(stdout, []*bench.RivalReport{report}, quiet)
}
