package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/internal/require"
)

// runBenchCommand runs the program and returns its exit code and what it wrote.
func runBenchCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var out, errOut bytes.Buffer
	code = run(ctx, cancel, args, &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestBenchUsage(t *testing.T) {
	record := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(record, []byte("BenchmarkA/impl=x 1 5 ns/op\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for _, test := range []struct {
		args string
		code int
		want string // on standard error
	}{
		{"bench --rounds 0", exitUsage, "rounds = 0, want at least 1"},
		{"bench --rounds many", exitUsage, "--rounds many: needs a whole number"},
		{"bench --sample 1us", exitUsage, "sample = 1µs, want at least 1ms"},
		{"bench --filter no-such-benchmark", exitUsage, "no benchmark matches"},
		{"bench --shape 100x50", exitUsage, `--shape 100x50: shape = "100x50", want MxNxK`},
		{"bench --shape=", exitUsage, `shape = "", want MxNxK`},
		{"bench --shape 5x5x5 --filter ReLU", exitUsage, "no benchmark matches"},
		{"bench --filter /m:", exitUsage, `filter "/m:"`},
		{"bench --isa sse9", exitUsage, "portable"}, // what there is instead
		{"bench --plot x.gif", exitUsage, "--plot x.gif: the name must end in .png, .svg, .pdf"},
		{"bench --plot x.svg --filter ReLU", exitUsage, "--plot x.svg: there would be nothing to draw, want matrix products of "},
		{"bench --plot x.svg --filter /impl:gonum", exitUsage, "--plot x.svg: there would be nothing to draw"},
		{"bench --plot x.svg --isa portable --filter /impl:portable", exitUsage, "--plot x.svg: there would be nothing to draw, want matrix products of portable and of others"},
		{"bench SGEMM", exitUsage, `unexpected argument "SGEMM"`},
		{"compare " + record, exitUsage, "want two or more"},
		{"compare " + record + " " + out + "/none.txt", exitFailure, "none.txt: there is no such file"},
		{"compare --unit furlongs " + record + " " + record, exitFailure, `unit "furlongs"`},
	} {
		args := strings.Fields(test.args)
		if args[0] == "bench" {
			args = append(args, "--out", out)
		}
		code, stdout, stderr := runBenchCommand(t, args...)
		if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", test.args, code, stdout, stderr, test.code, test.want)
		}
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("refused commands left %v", left)
	}
}

func TestBenchList(t *testing.T) {
	code, stdout, stderr := runBenchCommand(t, "bench", "--isa", "portable", "--list", "--filter", "TrainStep/.*batch=100/data=digits/|ReLU/.*64Ki")
	want := "ReLU/type=f32/bytes=64Ki/impl=portable\nReLU/type=f32/bytes=64Ki/impl=copy\n" +
		"ReLU/type=f64/bytes=64Ki/impl=portable\nReLU/type=f64/bytes=64Ki/impl=copy\n" +
		"TrainStep/type=f32/batch=100/data=digits/impl=portable\nTrainStep/type=f64/batch=100/data=digits/impl=portable\n"
	if code != exitOK || stdout != want || stderr != "" {
		t.Errorf("exit code %d, stdout\n%s, stderr %q; want\n%s", code, stdout, stderr, want)
	}
}

// TestBenchQuiet makes two records and compares them, as the manual shows.
func TestBenchQuiet(t *testing.T) {
	out := t.TempDir()
	var records []string
	for range 2 {
		code, stdout, stderr := runBenchCommand(t, "bench", "--quiet", "--rounds", "2", "--sample", "1ms", "--filter", "SGEMM/m=37/", "--out", out)
		record := strings.TrimSuffix(stdout, "\n")
		if _, err := os.Stat(record); code != exitOK || stderr != "" || err != nil {
			t.Fatalf("exit code %d, stdout %q, stderr %q, %v; want the path of the record and nothing else", code, stdout, stderr, err)
		}
		records = append(records, record)
	}
	if _, err := exec.LookPath("go"); err != nil {
		require.Missing(t, "tools", "benchstat is run by the go command, which is not on the path")
	}
	code, stdout, stderr := runBenchCommand(t, "compare", "old="+records[0], "new="+records[1])
	if code != exitOK || !strings.Contains(stdout, "SGEMM/m=37/n=53/k=71/impl=gonum") || !strings.Contains(stdout, "%peak") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestBenchPrintsTables(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		require.Missing(t, "tools", "benchstat is run by the go command, which is not on the path")
	}
	code, stdout, stderr := runBenchCommand(t, "bench", "--isa", "portable", "--rounds", "6", "--sample", "1ms", "--filter", "GEMM/m=37/", "--out", t.TempDir())
	if code != exitOK {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{`Matrix product C = op\(A\) op\(B\)`, `\.name: SGEMM`, `\.name: DGEMM`, `gonum +│ +portable`, `37 53 71`, `FLOP/s`, `%peak`, `(?m)^recorded in .*\.txt$`} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	for _, want := range []string{"portable beside gonum: 4 benchmarks, 6 rounds of 1ms samples", "round 6 of 6 done"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
}

// TestBenchInterruptedAtTheTables stops when the first heading is out, as Ctrl-C or head do: that
// is no failure of benchstat's to tell of.
func TestBenchInterruptedAtTheTables(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		require.Missing(t, "tools", "benchstat is run by the go command, which is not on the path")
	}
	ctx, cancel := contextWithCancel(t)
	stdout, stderr := &stopAfter{text: "Peak: ", cancel: cancel}, new(bytes.Buffer)
	code := run(ctx, cancel, []string{"bench", "--isa", "portable", "--rounds", "1", "--sample", "1ms", "--filter", "FMAPeak", "--out", t.TempDir()}, stdout, stderr)
	if code != 130 || !strings.Contains(stdout.String(), "\nrecorded in ") || strings.Contains(stderr.String(), "cancel") || !strings.HasSuffix(stderr.String(), "lanewise: interrupted\n") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// interruptAfter is a standard error that interrupts the program once it has read text.
type interruptAfter struct {
	bytes.Buffer
	text   string
	cancel context.CancelCauseFunc
}

func (w *interruptAfter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.text)) {
		w.cancel(interruption{"interrupted", 2})
	}
	return w.Buffer.Write(p)
}

func TestBenchInterrupted(t *testing.T) {
	for _, test := range []struct{ after, say string }{
		{"round 2 of 50 done", `(?m)^2 of 50 rounds are in (.*\.txt)$`},
		{"checking every result", `(?m)^no round was completed, nothing is recorded()$`},
	} {
		out := t.TempDir()
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		var stdout bytes.Buffer
		stderr := &interruptAfter{text: test.after, cancel: cancel}
		code := run(ctx, cancel, []string{"bench", "--rounds", "50", "--sample", "1ms", "--filter", "SGEMM/m=37/", "--out", out}, &stdout, stderr)
		said := regexp.MustCompile(test.say).FindStringSubmatch(stderr.String())
		if code != 130 || said == nil || stdout.Len() > 0 {
			t.Errorf("interrupted after %q: exit code %d, stdout %q, stderr %q; want 130 and %s", test.after, code, stdout.String(), stderr.String(), test.say)
			continue
		}
		if said[1] == "" {
			if left, _ := os.ReadDir(out); len(left) > 0 {
				t.Errorf("interrupted after %q: %v is left", test.after, left)
			}
			continue
		}
		text, err := os.ReadFile(said[1])
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\nround: ")); n != 2 {
			t.Errorf("%d rounds are recorded, want 2:\n%s", n, text)
		}
	}
}

func TestBenchProgressOnATerminal(t *testing.T) {
	var w bytes.Buffer
	p := &benchProgress{w: &w, columns: 80, rounds: 2, phase: -1}
	p.show(bench.Progress{Phase: bench.Preparing, Done: 0, Total: 3, Rounds: 2, Name: "A"})
	p.show(bench.Progress{Phase: bench.Measuring, Done: 0, Total: 6, Round: 1, Rounds: 2, Name: "A"})
	p.show(bench.Progress{Phase: bench.Measuring, Done: 3, Total: 6, Round: 2, Rounds: 2, Name: "A"})
	p.roundDone(bench.Round{Number: 1})
	p.close()
	text := w.String()
	for _, want := range []string{"checking results", "round 1 of 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if strings.Contains(text, "\n") || !strings.HasSuffix(text, "\r") {
		t.Errorf("the bar is not taken away: %q", text)
	}
	for line := range strings.SplitSeq(text, "\r") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("a line of %d columns: %q", n, line)
		}
	}
}
