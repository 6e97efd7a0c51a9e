package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

const dataLong = `List the data sets that have a name: what they are, and where they are or would
be downloaded to. With names, fetch those that are not here yet, and check what
is in them.`

func newDataCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "data [NAME...]",
		Short: "List the data sets, or fetch some",
		Long:  dataLong,
		Example: `  lanewise data
  lanewise data mnist fashion-mnist`,
		ValidArgsFunction: cobra.FixedCompletions(dataNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				listData(cmd.OutOrStdout())
				return nil
			}
			for _, name := range names {
				data, err := openData(cmd.Context(), name, dataset.Options{}, cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), describeData(data))
			}
			return nil
		},
	}
}

func listData(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	for _, set := range dataset.Names(dataset.Options{}) {
		fmt.Fprintf(tw, "%s\t%s\n\t%s\n", set.Name, set.About, set.Where)
	}
}

// dataNames returns the names of data sets, as --data takes them.
func dataNames() []string {
	var names []string
	for _, set := range dataset.Names(dataset.Options{}) {
		names = append(names, set.Name)
	}
	return names
}

func describeData(d *dataset.Data) string {
	return fmt.Sprintf("%s: %d training and %d test images of %dx%d in %d classes, %s",
		d.Name, d.Train.Len(), d.Test.Len(), d.Rows, d.Cols, d.Classes, d.Source)
}

// openData opens a data set. What the user should know, and how a download
// goes on, it tells on stderr.
func openData(ctx context.Context, spec string, opt dataset.Options, stderr io.Writer) (*dataset.Data, error) {
	shown := downloadProgress{w: stderr, terminal: isTerminal(stderr)}
	opt.Progress = shown.show
	data, err := dataset.Open(ctx, spec, opt)
	shown.close()
	if err == nil && data.Note != "" {
		fmt.Fprintf(stderr, "lanewise: %s\n", data.Note)
	}
	return data, err
}

// downloadProgress shows a bar on a terminal, a line for every file elsewhere.
type downloadProgress struct {
	w        io.Writer
	terminal bool
	from     string // address of the file that was named last
	bar      *progressbar.ProgressBar
}

func (p *downloadProgress) show(d dataset.Download) {
	if d.Err != nil {
		p.close()
		fmt.Fprintf(p.w, "lanewise: trying again: %v\n", d.Err)
	}
	if p.terminal {
		if p.bar == nil {
			p.bar = progressbar.NewOptions64(d.Total,
				progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription("downloading "+d.Set),
				progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		p.bar.Set64(d.Done)
	} else if d.From != p.from {
		p.from = d.From
		fmt.Fprintf(p.w, "downloading %s from %s\n", d.File, d.From)
	}
}

// close takes the bar away.
func (p *downloadProgress) close() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
}
