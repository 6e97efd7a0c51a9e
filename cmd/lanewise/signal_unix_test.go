//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lanewise/lanewise/nn"
)

// endless is a run that only a signal ends.
const endless = "train --data digits --isa portable --iterations 100000000 --save "

// started starts cmd and returns its standard output after the first line.
func started(t *testing.T, cmd *exec.Cmd) (stdout io.ReadCloser, stderr *bytes.Buffer) {
	t.Helper()
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("no output: %v, stderr %q", err, stderr)
	}
	return stdout, stderr
}

func signalTo(t *testing.T, cmd *exec.Cmd, sig syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func TestSignals(t *testing.T) {
	for _, test := range []struct {
		signal syscall.Signal
		code   int
		want   string
	}{
		{syscall.SIGINT, 130, "lanewise: interrupted\n"},
		{syscall.SIGTERM, 143, "lanewise: terminated\n"},
		{syscall.SIGHUP, 129, "lanewise: the terminal hung up\n"},
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "w.npz")
			cmd := program(t, append(strings.Fields(endless), file))
			stdout, stderr := started(t, cmd)
			signalTo(t, cmd, test.signal)
			io.Copy(io.Discard, stdout)
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.HasSuffix(stderr.String(), test.want) {
				t.Errorf("exit code %d, stderr %q; want %d and %q", code, stderr, test.code, test.want)
			}
			if _, err := nn.ReadCheckpointInfo(file); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSecondSignalKills holds up a run in the middle of printing, where the
// first signal cannot end it: its standard output is a pipe that is full.
func TestSecondSignalKills(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	out.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for err == nil {
		_, err = out.Write(make([]byte, 1<<12))
	}
	cmd := program(t, []string{"train", "--iterations", "1"})
	cmd.Stdout = out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// That no data was given is said when signals are caught already.
	if _, err := bufio.NewReader(stderr).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for signals := 1; ; signals++ {
		signalTo(t, cmd, syscall.SIGINT)
		select {
		case <-ended:
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if signals < 2 || !status.Signaled() || status.Signal() != syscall.SIGINT {
				t.Errorf("after %d signals: %v, want that the second one killed", signals, cmd.ProcessState)
			}
			return
		case <-time.After(200 * time.Millisecond): // time enough to be caught; more signals do no harm
		}
	}
}

// TestIgnoredSignal starts the program as nohup does.
func TestIgnoredSignal(t *testing.T) {
	direct := program(t, nil)
	file := filepath.Join(t.TempDir(), "w.npz")
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `trap "" HUP; exec "$@"`, "sh", direct.Path}, append(strings.Fields(endless), file)...)...)
	cmd.Env = direct.Env
	stdout, _ := started(t, cmd)
	signalTo(t, cmd, syscall.SIGHUP)
	signalTo(t, cmd, syscall.SIGTERM)
	io.Copy(io.Discard, stdout)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit code %d, want 143: SIGHUP is ignored, SIGTERM is not", code)
	}
}

// TestBrokenPipe closes standard output after the first line, as head does.
func TestBrokenPipe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.npz")
	cmd := program(t, append(strings.Fields(endless), file))
	stdout, stderr := started(t, cmd)
	stdout.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitBrokenPipe || strings.Contains(stderr.String(), "goroutine") {
		t.Errorf("exit code %d, stderr %q; want %d", code, stderr, exitBrokenPipe)
	}
	if _, err := nn.ReadCheckpointInfo(file); err != nil {
		t.Error(err)
	}
}

// TestBrokenPipeIsSilent has nothing to tell to those who want the first lines only.
func TestBrokenPipeIsSilent(t *testing.T) {
	for _, args := range []string{"cpu", "help", "completion bash", "train --data digits", "train --data digits --quiet", "train --data digits --json --quiet"} {
		ctx, cancel := contextWithCancel(t)
		var stderr bytes.Buffer
		code := run(ctx, cancel, strings.Fields(args), &full{room: 30, err: syscall.EPIPE}, &stderr)
		if code != exitBrokenPipe || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, stderr %q; want %d and nothing", args, code, &stderr, exitBrokenPipe)
		}
	}
}
