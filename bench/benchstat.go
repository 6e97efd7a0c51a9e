package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// benchstatPath is the tool that makes the tables, and perfModule what it is part of.
const (
	benchstatPath = "golang.org/x/perf/cmd/benchstat"
	perfModule    = "golang.org/x/perf"
)

// Benchstat is a way to start benchstat.
type Benchstat struct{ command []string }

// FindBenchstat returns the first of these that works: the version that this module
// pins, in its source tree; a benchstat on the path; and the pinned version by way of
// the go command, which downloads it if need be. The error says how to get one.
func FindBenchstat(ctx context.Context) (*Benchstat, error) {
	var candidates [][]string
	if _, ok := moduleRoot("."); ok {
		candidates = append(candidates, []string{"go", "tool", "benchstat"})
	}
	pinned := benchstatPath + "@" + perfVersion()
	candidates = append(candidates, []string{"benchstat"}, []string{"go", "run", pinned})
	for _, command := range candidates {
		if works(ctx, command) {
			return &Benchstat{command}, nil
		}
	}
	return nil, fmt.Errorf("benchstat, which makes the tables, was not found; with Go installed, \"go install %s\" puts it into the folder that \"go env GOPATH\" names, under bin, which has to be on the path", pinned)
}

// works reports whether command prints its manual. The go command may have to download
// or build it first.
func works(ctx context.Context, command []string) bool {
	if _, err := exec.LookPath(command[0]); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return exec.CommandContext(ctx, command[0], append(slices.Clone(command[1:]), "-h")...).Run() == nil
}

// perfVersion is the version of benchstat that belongs to the readers and writers in
// this program.
func perfVersion() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			if dep.Path == perfModule {
				return dep.Version
			}
		}
	}
	return "latest"
}

// String is the command line, without arguments.
func (b *Benchstat) String() string { return strings.Join(b.command, " ") }

// Run runs benchstat with args and writes its tables to w. benchstat exits 0 whatever
// happens; a complaint on its standard error is an error here.
func (b *Benchstat) Run(ctx context.Context, w io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, b.command[0], slices.Concat(b.command[1:], args)...)
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = w, &complaint, os.Environ()
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if text := strings.TrimSpace(complaint.String()); text != "" {
		return fmt.Errorf("%s: %s", b, strings.TrimPrefix(text, "benchstat: "))
	}
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%s: %w", b, err)
		}
		return err
	}
	return nil
}
