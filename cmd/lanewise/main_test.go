package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// TestMain makes the test binary the program itself where a test runs it as
// another process. Signals that are ignored here, under nohup or in the
// background of a script, are caught instead: programs started from here would
// go on ignoring what is ignored, and not end.
func TestMain(m *testing.M) {
	if os.Getenv("LANEWISE_TEST_MAIN") != "" {
		main()
	}
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	// With the race detector each of them would sleep for a second when it ends.
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// program returns the command that runs the program as another process, with
// an empty cache of data sets and with variables in its environment.
func program(t *testing.T, args []string, variables ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	emptyCache(t)
	cmd.Env = append(os.Environ(), "LANEWISE_TEST_MAIN=1")
	cmd.Env = append(cmd.Env, variables...)
	return cmd
}

// A result is what a command came to.
type result struct {
	code           int
	stdout, stderr string
}

// lanewise runs the program in this process, with an empty cache of data sets.
func lanewise(t *testing.T, args ...string) result {
	t.Helper()
	return lanewiseStopped(t, "", args...)
}

// stopAfter is a standard output that interrupts the program when it has
// printed text.
type stopAfter struct {
	bytes.Buffer
	text   string
	cancel context.CancelCauseFunc
}

func (w *stopAfter) Write(p []byte) (int, error) {
	if w.text != "" && bytes.Contains(p, []byte(w.text)) {
		w.cancel(interruption{"interrupted", 2})
	}
	return w.Buffer.Write(p)
}

// lanewiseStopped runs the program in this process and interrupts it when it
// has printed text, as Ctrl-C does. Without a text it is left alone.
func lanewiseStopped(t *testing.T, text string, args ...string) result {
	t.Helper()
	emptyCache(t)
	ctx, cancel := contextWithCancel(t)
	stdout, stderr := &stopAfter{text: text, cancel: cancel}, new(bytes.Buffer)
	code := run(ctx, cancel, args, stdout, stderr)
	if !strings.Contains(stdout.String(), text) {
		t.Fatalf("%v did not print %q:\n%s%s", args, text, stdout, stderr)
	}
	return result{code, stdout.String(), stderr.String()}
}

// emptyCache makes the user's cache of data sets an empty folder.
func emptyCache(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir) // Linux and the like
	t.Setenv("HOME", dir)           // macOS
	t.Setenv("LocalAppData", dir)   // Windows
}

// ok fails the test if r is no success.
func (r result) ok(t *testing.T) result {
	t.Helper()
	if r.code != exitOK {
		t.Fatalf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	return r
}

// writerFunc is a function as a writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// contextWithCancel returns what run wants.
func contextWithCancel(t *testing.T) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}
