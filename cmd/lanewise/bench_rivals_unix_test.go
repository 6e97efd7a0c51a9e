//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lanewise/lanewise/bench"
)

// interruptRivals starts an endless run and sends a signal to it, or to all of its processes as a
// terminal does with SIGINT. It checks that the rounds done are kept.
func interruptRivals(t *testing.T, sig syscall.Signal, args ...string) {
	t.Helper()
	out := t.TempDir()
	cmd := program(t, append([]string{"bench", "rivals", "--rounds", "100000", "--sample", "1ms", "--out", out}, args...))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewReader(stderr)
	for line := ""; !strings.HasPrefix(line, "round 2 of 100000 done"); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	target := cmd.Process.Pid
	if sig == syscall.SIGINT {
		target = -target
	}
	if err := syscall.Kill(target, sig); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines) // ends when the processes have
	cmd.Wait()
	kept, _ := filepath.Glob(filepath.Join(out, "*", "*.txt"))
	if len(kept) != 1 || !strings.Contains(string(rest), " of 100000 rounds are in "+kept[0]) {
		t.Fatalf("%v: records %v are left after %q", sig, kept, rest)
	}
	if sig == syscall.SIGINT && (cmd.ProcessState.ExitCode() != 130 || strings.Count(string(rest), "lanewise: ") != 1) {
		t.Errorf("%v: exit code %d after %q", sig, cmd.ProcessState.ExitCode(), rest)
	}
	if report, err := bench.ReadRivals(kept[0]); err != nil || report.Rounds < 2 {
		t.Errorf("%v: %+v, %v", sig, report, err)
	}
}

// TestTrainingInterrupted stops a run with processes of Python: they go, too.
func TestTrainingInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		started := filepath.Join(t.TempDir(), "started")
		fakePython(t, "echo $$ >> "+started)
		interruptRivals(t, sig, "--family", "training", "--type", "f32", "--rival", "numpy-tuned")
		text, err := os.ReadFile(started)
		if err != nil {
			t.Fatal(err)
		}
		pids := strings.Fields(string(text))
		if len(pids) != 1 {
			t.Errorf("%v: started processes %v, want one", sig, pids)
		}
		for _, word := range pids {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			for tries := 0; syscall.Kill(pid, 0) == nil; tries++ {
				if tries == 500 {
					t.Fatalf("%v: process %d is still there", sig, pid)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
}
