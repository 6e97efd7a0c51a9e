package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/bench"
)

func TestRivalsUsage(t *testing.T) {
	if _, err := bench.RivalImplementations(nil); err != nil {
		missing(t, "rivals", err.Error())
	}
	out := t.TempDir()
	for args, want := range map[string]string{
		"--rounds 0":        "rounds = 0, want at least 1",
		"--sample 1us":      "sample = 1µs, want at least 1ms",
		"--isa portable":    "isa = portable, want avx512 or avx2",
		"--isa sse9":        "isa = sse9, want avx512 or avx2",
		"--type f16":        "type = f16, want one of f32, f64",
		"--family sqare":    "family = sqare, want one of net, small,",
		"--family parallel": "family = parallel, which takes all threads",
		"--rival mkl":       "rival = mkl, want one of openblas, blis,",
		"--threads 3":       "threads = 3, want 1 or all",
		"all":               `unexpected argument "all"`,
	} {
		r := lanewise(t, append([]string{"bench", "rivals", "--out", out}, strings.Fields(args)...)...)
		if r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, "lanewise: "+want) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", args, r.code, r.stdout, r.stderr, exitUsage, want)
		}
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("refused commands left %v", left)
	}
}

// TestRivalsExplainThemselves runs the command in a program without C.
func TestRivalsExplainThemselves(t *testing.T) {
	if bench.RivalsBuilt() == nil {
		t.Skip("this program has C in it")
	}
	if _, err := bench.RivalImplementations(nil); err != nil {
		missing(t, "rivals", err.Error())
	}
	r := lanewise(t, "bench", "rivals")
	if r.code != exitFailure || r.stdout != "" || !strings.Contains(r.stderr, "go build -tags rivals") || !strings.Contains(r.stderr, "make bench-rivals") {
		t.Errorf("exit code %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
}

// TestRivalsFromRecord prints the tables of an ordinary record, which has gonum in it.
func TestRivalsFromRecord(t *testing.T) {
	made := lanewise(t, "bench", "--quiet", "--rounds", "2", "--sample", "1ms", "--filter", "SGEMM/m=(37|64)/", "--out", t.TempDir()).ok(t)
	record := strings.TrimSuffix(made.stdout, "\n")
	r := lanewise(t, "bench", "rivals", "--from", record, record).ok(t)
	if n := strings.Count(r.stdout, " f32, 1 thread: "); n != 2 {
		t.Errorf("tables of %d records, want 2:\n%s", n, r.stdout)
	}
	for _, want := range []string{"small   64,64,64", "odd     37,53,71", "gonum", "\nRatio to the best rival", "\nall shapes "} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	none := filepath.Join(t.TempDir(), "none.txt")
	if r := lanewise(t, "bench", "rivals", "--from", none); r.code != exitFailure || !strings.Contains(r.stderr, "none.txt") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
}

func TestProbeError(t *testing.T) {
	ended := errors.New("exit status 2")
	for _, test := range []struct{ stderr, want string }{
		{"lanewise: it is in the Debian package libblis-dev (no such file)\n", "it is in the Debian package libblis-dev (no such file)"},
		{"libblis: Invalid architecture id value.\nlibblis: Aborting.\nSIGABRT: abort\nPC=0x7f\n\ngoroutine 0:\n",
			"it ended the process that tried it (exit status 2): libblis: Invalid architecture id value. libblis: Aborting. SIGABRT: abort"},
	} {
		if got := probeError(ended, test.stderr).Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
