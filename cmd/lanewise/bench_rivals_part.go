package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/lanewise/lanewise/bench"
)

// Libraries read what forces their kernels once, when they are loaded. So a part is
// measured by this program started anew, with another environment, and a library that
// may end the process that opens it is tried in one more process first.

// startPart starts the program for a part, and returns the path of the record. The
// program stops, as after Ctrl-C, when its standard input ends: when ctx is cancelled,
// or when this process is no more.
func (f *rivalsFlags) startPart(ctx context.Context, stderr io.Writer, part bench.RivalPart) (record string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	o := f.options
	cmd := exec.Command(self, "bench", "rivals",
		"--part-threads", fmt.Sprint(part.Threads), "--isa", part.ISA, "--family", strings.Join(part.Families, ","),
		"--type", strings.Join(o.Types, ","), "--rival", strings.Join(o.Rivals, ","),
		"--rounds", fmt.Sprint(o.Rounds), "--sample", o.Sample.String(), "--patience", fmt.Sprint(o.Patience), "--out", o.Folder, fmt.Sprintf("--quiet=%v", f.quiet))
	if len(part.Shapes) > 0 {
		cmd.Args = append(cmd.Args, "--shape", (*shapesFlag)(&part.Shapes).String())
	}
	cmd.Env = bench.RivalEnvironment(os.Environ(), part.ISA, part.Threads)
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { stdin.Close() })
	defer stop()
	if err := cmd.Run(); err != nil {
		return "", err
	}
	record = strings.TrimSpace(stdout.String())
	if record == "" {
		return "", errors.New("nothing was recorded")
	}
	return record, nil
}

// measurePart measures a part in this process and prints the path of the record. An
// interruption is no failure here: whoever started this process knows better why.
func (f *rivalsFlags) measurePart(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		io.Copy(io.Discard, stdin)
		cancel()
	}()
	o := f.options
	o.Part = bench.RivalPart{ISA: f.isas[0], Threads: f.partThreads, Families: f.families, Shapes: f.shapes}
	o.Probe = probeRival
	run, err := bench.PrepareRivals(ctx, o)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "no round was completed, nothing is recorded")
		return nil
	}
	if err != nil {
		return err
	}
	defer run.Close()
	benchmarks := 0
	for _, g := range run.Groups {
		benchmarks += len(g.Contenders)
	}
	for _, rival := range run.Rivals {
		if !f.quiet || rival.LeftOut != "" {
			fmt.Fprintf(stderr, "  %v\n", rival)
		}
	}
	progress := newBenchProgress(stderr, o.Rounds, f.quiet)
	if !f.quiet {
		fmt.Fprintf(stderr, "%s, %s of %v samples\n", counted(benchmarks, "benchmark"), counted(o.Rounds, "round"), o.Sample)
	}
	run.Options.Progress, run.Options.RoundDone = progress.show, progress.roundDone
	record, err := run.Run(ctx)
	progress.close()
	if err != nil {
		reportRounds(stderr, record, o.Rounds)
	}
	if record != nil && record.Path != "" {
		fmt.Fprintln(stdout, record.Path)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// probeRival tries a library in a process of its own.
func probeRival(ctx context.Context, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "rivals", "--probe", name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return probeError(err, stderr.String())
	}
	return nil
}

// probeError says why a library could not be tried: the message of this program, or
// what was said before the process ended.
func probeError(err error, stderr string) error {
	var said []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if message, ok := strings.CutPrefix(line, "lanewise: "); ok {
			return errors.New(message)
		}
		if strings.HasPrefix(line, "SIG") {
			said = append(said, line)
			break // what follows is for programmers
		}
		if line != "" {
			said = append(said, line)
		}
	}
	return fmt.Errorf("it ended the process that tried it (%w): %s", err, strings.Join(said, " "))
}
