package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/internal/require"
)

func TestRivalsUsage(t *testing.T) {
	if _, err := bench.RivalImplementations(nil); err != nil {
		require.Missing(t, "rivals", err.Error())
	}
	out := t.TempDir()
	for args, want := range map[string]string{
		"--rounds 0":                     "rounds = 0, want at least 1",
		"--sample 1us":                   "sample = 1µs, want at least 1ms",
		"--patience 101":                 "patience = 101, want 0 to 100, times as long as turns take",
		"--patience -1":                  "patience = -1, want 0 to 100",
		"--patience NaN":                 "patience = NaN, want 0 to 100",
		"--isa portable":                 "isa = portable, want avx512 or avx2",
		"--isa sse9":                     "isa = sse9, want avx512 or avx2",
		"--type f16":                     "type = f16, want one of f32, f64",
		"--shape 100x50":                 `--shape 100x50: shape = "100x50", want MxNxK`,
		"--shape=":                       `--shape : shape = "", want MxNxK`,
		"--family sqare":                 "family = sqare, want one of net, small,",
		"--family parallel":              "family = parallel, which takes all threads",
		"--rival mkl":                    "rival = mkl, want one of openblas, blis,",
		"--threads 3":                    "threads = 3, want 1 or all",
		"--plot x.gif":                   "--plot x.gif: the name must end in .png, .svg, .pdf",
		"--plot no/x.svg":                "--plot no/x.svg: ",
		"--plot x.svg --family training": "--plot x.svg: there would be nothing to draw, want a family of matrix products",
		"all":                            `unexpected argument "all"`,
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

// fakePython makes LANEWISE_PYTHON a python3 with NumPy that does something of its own with
// the source it is given, which is in $source, before it runs it.
func fakePython(t *testing.T, shell string) (path string) {
	t.Helper()
	if _, err := bench.RivalImplementations(nil); err != nil {
		require.Missing(t, "rivals", err.Error())
	}
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		require.Missing(t, "numpy", python+" has no NumPy (Debian: python3-numpy)")
	}
	path = filepath.Join(t.TempDir(), "python3")
	script := "#!/bin/sh\nsource=$2\n" + shell + "\nexec " + python + " -c \"$source\"\n"
	if err := os.WriteFile(path, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LANEWISE_PYTHON", path)
	t.Setenv("LANEWISE_TEST_MAIN", "1") // the program starts itself
	return path
}

// TestTrainingBesideNumPy measures in any build, and leaves out PyTorch.
func TestTrainingBesideNumPy(t *testing.T) {
	fakePython(t, `case $source in *'load("torch")'*) echo "No module named 'torch'" >&2; exit 1;; esac`)
	out := t.TempDir()
	r := lanewise(t, "bench", "rivals", "--family", "training", "--type", "f32", "--rounds", "2", "--sample", "1ms", "--out", out).ok(t)
	for _, want := range []string{
		"numpy-tuned 1.", ", OpenBLAS ", "torch-autograd is LEFT OUT: it is in the Debian package python3-torch",
		"No module named 'torch'", " f32, 1 thread: training, batch 100: ", "\nnumpy-tuned  ", "\nnumpy-notebook  ", "\ntraining to numpy-tuned  ", "recorded in " + out,
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if !strings.Contains(r.stderr, "torch-by-hand is LEFT OUT: ") {
		t.Errorf("PyTorch is left out silently:\n%s", r.stderr)
	}
	records, _ := filepath.Glob(filepath.Join(out, "*", "*.txt"))
	again := lanewise(t, append([]string{"bench", "rivals", "--from"}, records...)...).ok(t)
	for line := range strings.Lines(again.stdout) {
		if !strings.Contains(r.stdout, line) {
			t.Errorf("the records give another line: %q", line)
		}
	}
}

// TestTrainingFails has a loop that fails when it is to be timed: what it said is told, and
// nothing is left.
func TestTrainingFails(t *testing.T) {
	path := fakePython(t, `source=$(printf '%s' "$source" | sed 's/ begin = time.perf_counter()/ raise MemoryError("out of it")/')`)
	out := t.TempDir()
	r := lanewise(t, "bench", "rivals", "--family", "training", "--rival", "numpy-tuned", "--type", "f32", "--rounds", "2", "--sample", "1ms", "--out", out)
	if r.code != exitFailure || !strings.Contains(r.stderr, "impl=numpy-tuned failed, nothing was measured: "+path+" ended (exit status 1): ") ||
		!strings.Contains(r.stderr, "MemoryError: out of it") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestRivalsFromRecord prints the tables of an ordinary record, which has gonum in it.
func TestRivalsFromRecord(t *testing.T) {
	own, picture := filepath.Join(t.TempDir(), "own.svg"), filepath.Join(t.TempDir(), "rivals.svg")
	made := lanewise(t, "bench", "--quiet", "--rounds", "2", "--sample", "1ms", "--filter", "SGEMM/m=(37|64)/", "--out", t.TempDir(), "--plot", own).ok(t)
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
	drawn := lanewise(t, "bench", "rivals", "--from", record, "--plot", picture).ok(t)
	if !strings.HasSuffix(drawn.stdout, "\ndrawn in "+picture+"\n") {
		t.Errorf("no picture is named in\n%s", drawn.stdout)
	}
	for _, path := range []string{own, picture} {
		svg, err := os.ReadFile(path)
		if want := "(" + strings.TrimSuffix(filepath.Base(record), ".txt") + ")<"; err != nil || !strings.Contains(string(svg), want) || !strings.Contains(string(svg), ">gonum<") {
			t.Errorf("%s: %v, or no %q and gonum in it", path, err, want)
		}
	}
	samples, err := os.ReadFile(record)
	peakless := filepath.Join(t.TempDir(), "peakless.txt")
	if err := errors.Join(err, os.WriteFile(peakless, regexp.MustCompile(`\S+ %peak`).ReplaceAll(samples, nil), 0o666)); err != nil {
		t.Fatal(err)
	}
	if r := lanewise(t, "bench", "rivals", "--from", peakless, "--plot", picture); r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, "want a record of matrix products whose %peak is known") {
		t.Errorf("without peaks: exit code %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
	if r := lanewise(t, "bench", "rivals", "--from", record, "--quiet"); r.code != exitUsage || !strings.Contains(r.stderr, "--quiet: with --from") {
		t.Errorf("--from and --quiet: exit code %d, stderr %q", r.code, r.stderr)
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
