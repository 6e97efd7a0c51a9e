package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
	"golang.org/x/mod/module"
)

// buildInfo tells where the program comes from. Its JSON is what "version --json" prints.
type buildInfo struct {
	Version         string   `json:"version"`               // "(devel)" if built in a working tree without a tag
	Commit          string   `json:"commit,omitempty"`      // as far as the build recorded it
	CommitTime      string   `json:"commit_time,omitempty"` // RFC 3339
	Dirty           bool     `json:"dirty"`                 // built with changes that are in no commit
	Go              string   `json:"go"`
	Platform        string   `json:"platform"`
	Tags            string   `json:"tags,omitempty"`
	Implementations []string `json:"implementations"` // in this build, best first
}

func newVersionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit, and what it was built with",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info := readBuildInfo()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), info)
			}
			info.print(cmd.OutOrStdout())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// buildVersion returns the module version of the program.
func buildVersion() string { return readBuildInfo().Version }

func readBuildInfo() buildInfo {
	info := buildInfo{
		Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	for _, im := range kernels.All() {
		info.Implementations = append(info.Implementations, im.Name())
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	if build.Main.Version != "" {
		info.Version = build.Main.Version
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			info.Commit = s.Value
		case "vcs.time":
			info.CommitTime = s.Value
		case "vcs.modified":
			info.Dirty = s.Value == "true"
		case "-tags":
			info.Tags = s.Value
		}
	}
	if info.Commit == "" {
		info.fromPseudoVersion()
	}
	return info
}

// fromPseudoVersion fills in the commit from a version like
// v0.0.0-20240102150405-0123456789ab, which is all that "go install ...@latest" records.
func (b *buildInfo) fromPseudoVersion() {
	version := strings.TrimSuffix(b.Version, "+dirty")
	if !module.IsPseudoVersion(version) {
		return
	}
	if rev, err := module.PseudoVersionRev(version); err == nil {
		b.Commit = rev
	}
	if t, err := module.PseudoVersionTime(version); err == nil {
		b.CommitTime = t.Format("2006-01-02T15:04:05Z07:00")
	}
}

func (b buildInfo) print(w io.Writer) {
	commit := "not recorded by this build"
	if b.Commit != "" {
		commit = b.Commit
		if b.CommitTime != "" {
			commit += " of " + b.CommitTime
		}
		if b.Dirty {
			commit += ", with changes"
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "lanewise\t%s\n", b.Version)
	fmt.Fprintf(tw, "commit\t%s\n", commit)
	fmt.Fprintf(tw, "go\t%s\n", strings.TrimPrefix(b.Go, "go"))
	fmt.Fprintf(tw, "platform\t%s\n", b.Platform)
	if b.Tags != "" {
		fmt.Fprintf(tw, "tags\t%s\n", b.Tags)
	}
	fmt.Fprintf(tw, "implementations\t%s\n", strings.Join(b.Implementations, ", "))
	tw.Flush()
}

// printJSON prints v as one indented JSON document.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
