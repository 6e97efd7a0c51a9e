package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lanewise/lanewise/internal/require"
)

// openTerminal returns the two ends of a pseudo-terminal of 80 columns: what
// is written to terminal is read from screen.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		require.Missing(t, "terminal", "no pseudo-terminal to be had: "+err.Error())
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return screen, terminal
}

// onTerminal runs the program with its standard error on a terminal, and its
// standard output too if both is true, and returns what came there.
func onTerminal(t *testing.T, both bool, args string) (shown, stdout string) {
	t.Helper()
	screen, terminal := openTerminal(t)
	cmd := program(t, strings.Fields(args))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, terminal
	if both {
		cmd.Stdout = terminal
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	text, _ := io.ReadAll(screen) // ends with an error when the program has
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return string(text), out.String()
}

// afterBars returns the lines of text as a terminal shows them in the end: what a
// carriage return takes the cursor back to is written over.
func afterBars(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		var shown []rune
		for i, part := range strings.Split(line, "\r") {
			over := []rune(part)
			if i > 0 && len(over) < len(shown) {
				over = append(over, shown[len(over):]...)
			}
			shown = over
		}
		lines = append(lines, strings.TrimRight(string(shown), " "))
	}
	return lines
}

func TestTrainOnTerminal(t *testing.T) {
	shown, _ := onTerminal(t, true, "train --data digits --iterations 1500")
	lines := afterBars(shown)
	table := 0
	for _, line := range lines {
		if len([]rune(line)) > 80 {
			t.Errorf("a line of %d columns: %q", len([]rune(line)), line)
		}
		if strings.Contains(line, "█") || strings.Contains(line, "|") {
			t.Errorf("the bar is left in %q", line)
		}
		if f := strings.Fields(line); len(f) == 6 && f[0] != "iteration" && f[0] != "a" {
			table++
		}
	}
	if !strings.Contains(shown, "epoch ") || !strings.Contains(shown, "of 105") || !strings.Contains(shown, "█") {
		t.Errorf("no bar in %q", shown)
	}
	if !strings.Contains(shown, "a line for every 3 epochs") || table != 35 {
		t.Errorf("%d lines in the table of 105 epochs, want every third one:\n%s", table, strings.Join(lines, "\n"))
	}
}

// TestTrainIntoFile has only its standard error on a terminal: the bar goes
// there, the table elsewhere, with as many lines as on a terminal.
func TestTrainIntoFile(t *testing.T) {
	shown, stdout := onTerminal(t, false, "train --data digits --iterations 1500")
	if !strings.Contains(shown, "█") || strings.Contains(shown, "train_acc") {
		t.Errorf("the terminal shows %q, want a bar and nothing else", shown)
	}
	lines := strings.Count(stdout, "\n")
	if strings.Contains(stdout, "\r") || lines < 40 || lines > 60 || !strings.Contains(stdout, "a line for every 3 epochs; --quiet and --json have one for each\n") {
		t.Errorf("standard output has %d lines, want a table of 35 and what is around it:\n%s", lines, stdout)
	}
	if _, all := onTerminal(t, false, "train --data digits --iterations 1500 --quiet"); strings.Count(all, "\n") != 105 {
		t.Errorf("--quiet has %d lines, want one for each of 105 epochs", strings.Count(all, "\n"))
	}
	if shown, stdout := onTerminal(t, false, "train --data digits --iterations 30 --quiet"); shown != "" || strings.Count(stdout, "\n") != 3 {
		t.Errorf("--quiet shows %q, and prints %q", shown, stdout)
	}
}

// TestTuneOnTerminal shows a bar, and takes it away for the tables.
func TestTuneOnTerminal(t *testing.T) {
	shown, _ := onTerminal(t, true, strings.Join(tuneArgs("--rounds", "10", "--sample", "5ms"), " "))
	if !strings.Contains(shown, "█") {
		t.Errorf("no bar in %q", shown)
	}
	for _, line := range afterBars(shown) {
		if strings.Contains(line, "█") || strings.Contains(line, "|") {
			t.Errorf("the bar is left in %q", line)
		}
	}
}
