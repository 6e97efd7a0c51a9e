package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

// tuneArgs sweep one parameter of the best implementation: the one that takes the
// least time, with plain Go, too.
func tuneArgs(more ...string) []string {
	im := kernels.Supported()[0]
	return append([]string{"tune", "--isa", im.Name(), "--type", "f32", "--parameter", "TurnColumns", "--rounds", "2", "--sample", "1ms"}, more...)
}

func TestTuneUsage(t *testing.T) {
	out := t.TempDir()
	for args, want := range map[string]string{
		"--rounds 0":       "rounds = 0, want at least 1",
		"--rounds many":    "--rounds many: needs a whole number",
		"--sample 1us":     "sample = 1µs, want at least 1ms",
		"--isa sse9":       "portable", // what there is instead
		"--type f16":       "type = f16, want one of f32, f64",
		"--parameter kd":   "parameter = kd, want one of Tile, KC,",
		"KC":               `unexpected argument "KC"`,
		"--out tuning.csv": "--out tuning.csv: the name must end in .txt",
		"--out " + filepath.Join(out, "none", "tuning.txt"):     "there is no folder",
		"--isa portable --parameter TailColumns":                "there is no other value to choose",
		"--parameter KC --isa portable --type f32 --out " + out: "the name must end in .txt",
	} {
		r := lanewise(t, append([]string{"tune"}, strings.Fields(args)...)...)
		if r.code != exitUsage || r.stdout != "" || !strings.HasPrefix(r.stderr, "lanewise: ") || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", args, r.code, r.stdout, r.stderr, exitUsage, want)
		}
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("refused commands left %v", left)
	}
}

// TestTune keeps the tables in a file that has been there.
func TestTune(t *testing.T) {
	out := filepath.Join(t.TempDir(), "tuning.txt")
	if err := os.WriteFile(out, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	r := lanewise(t, tuneArgs("--out", out)...).ok(t)
	im := kernels.Supported()[0].Name()
	for _, want := range []string{`(?m)^commit +`, `(?m)^date +`, `peak [0-9.]+ GFLOP/s`, `(?m)^` + im + ` f32 +Vectors:`, `(?m)^` + im + ` f32, [A-Z]`, `(?m)^m,n,k .*\*[0-9]`, `(?m)^1 parameter swept: would change`} {
		if !regexp.MustCompile(want).MatchString(r.stdout) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if kept, err := os.ReadFile(out); err != nil || string(kept) != r.stdout {
		t.Errorf("%v, the file has\n%s\nand what is printed is\n%s", err, kept, r.stdout)
	}
	if !strings.Contains(r.stderr, "1 of 1 done\n") || !strings.Contains(r.stderr, "the tables are in "+out) {
		t.Errorf("stderr %q", r.stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), "*")); len(left) != 1 {
		t.Errorf("%v are left", left)
	}

	quiet := lanewise(t, tuneArgs("--quiet")...).ok(t)
	if !strings.HasPrefix(quiet.stdout, "\n1 parameter swept: would change") || strings.Contains(quiet.stderr, "done") {
		t.Errorf("--quiet prints %q, and %q on stderr", quiet.stdout, quiet.stderr)
	}
}

// TestTuneInterrupted keeps what is done: the first of two sweeps, or nothing.
func TestTuneInterrupted(t *testing.T) {
	out := filepath.Join(t.TempDir(), "tuning.txt")
	args := tuneArgs("--out", out, "--type", "f64")
	r := lanewiseStopped(t, "geomean", args...)
	kept, err := os.ReadFile(out)
	if r.code != 130 || err != nil || string(kept) != r.stdout || strings.Count(r.stdout, "geomean") != 1 || !strings.Contains(r.stdout, "\nStopped after 1 of 2 sweeps.\n\n1 parameter swept: ") {
		t.Errorf("exit code %d, %v, stdout\n%s\nfile\n%s\nstderr %q", r.code, err, r.stdout, kept, r.stderr)
	}
	os.Remove(out)
	r = lanewiseStopped(t, "peak", args...)
	if _, err := os.Stat(out); r.code != 130 || err == nil || !strings.Contains(r.stderr, "no sweep was completed") {
		t.Errorf("exit code %d, the file: %v, stderr %q", r.code, err, r.stderr)
	}
}
