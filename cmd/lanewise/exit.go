package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes; interruption has its own, 128 plus the number of the signal, as shells have it.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// A usageError is a mistake in how the program was called: a flag, an
// argument, the environment. It ends the program with exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usageErrorf returns a [usageError] with a message made as by fmt.Errorf.
func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// An interruption is a signal that asked the program to stop. It is the cause
// of the command's context being cancelled.
type interruption struct {
	name   string
	number int
}

func (e interruption) Error() string { return e.name }

// run runs the program with args, on ctx, which cancel cancels, and returns its exit code.
func run(ctx context.Context, cancel context.CancelCauseFunc, args []string, stdout, stderr io.Writer) int {
	out := &output{w: stdout, failed: func(err error) { cancel(err) }}
	root := newRootCommand(out, stderr)
	root.SetArgs(args)
	started := noteStart(root)

	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		err = out.err
	case errors.Is(err, context.Canceled) && context.Cause(ctx) != nil:
		err = context.Cause(ctx) // says why: a signal, or standard output that failed
	case !*started:
		err = usageError{err} // cobra refused the command line
	}
	return report(err, cmd, stderr)
}

// noteStart makes every command below root note that it was started, which
// tells errors of the command line from those of the work.
func noteStart(root *cobra.Command) *bool {
	started := new(bool)
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if work := c.RunE; work != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				*started = true
				return work(cmd, args)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	return started
}

// report writes err, which cmd returned, to stderr and returns the exit code that goes with it.
func report(err error, cmd *cobra.Command, stderr io.Writer) int {
	var usage usageError
	var interrupted interruption
	switch {
	case err == nil:
		return exitOK
	case isBrokenPipe(err):
		return exitBrokenPipe // the reader has gone, as head does: nobody to complain to
	case errors.As(err, &interrupted):
		fmt.Fprintf(stderr, "lanewise: %v\n", err)
		return 128 + interrupted.number
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "lanewise: %v\nRun '%s --help' for usage.\n", err, cmd.CommandPath())
		return exitUsage
	default:
		fmt.Fprintf(stderr, "lanewise: %v\n", err)
		return exitFailure
	}
}
