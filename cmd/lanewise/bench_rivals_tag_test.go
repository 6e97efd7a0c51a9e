//go:build rivals && cgo && linux && amd64

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/internal/require"
)

// rivalISAs lists what can be forced here.
func rivalISAs(t *testing.T) []string {
	t.Helper()
	ims, err := bench.RivalImplementations(nil)
	if err != nil {
		require.Missing(t, "rivals", err.Error())
	}
	var names []string
	for _, im := range ims {
		names = append(names, im.Name())
	}
	return names
}

// checkLeftOut fails if a library was left out where LANEWISE_REQUIRE asks for rivals,
// and if one was for another reason than that it is missing.
func checkLeftOut(t *testing.T, name, why string) {
	t.Helper()
	if require.Asked("rivals") {
		t.Errorf("%s asks for rivals, and %s is left out: %s", require.Variable, name, why)
	}
	if !strings.HasPrefix(why, "it is in the Debian package lib") {
		t.Errorf("%s is left out: %s", name, why)
	}
}

// TestRivals measures beside every library that is installed, forced to every
// instruction set.
func TestRivals(t *testing.T) {
	isas := rivalISAs(t)
	t.Setenv("LANEWISE_TEST_MAIN", "1")      // the program starts itself
	t.Setenv("OPENBLAS_CORETYPE", "Nehalem") // and does not hand this on
	out := t.TempDir()
	r := lanewise(t, "bench", "rivals", "--family", "small", "--rounds", "2", "--sample", "1ms", "--out", out).ok(t)

	reached := map[string]string{}
	records, err := filepath.Glob(filepath.Join(out, "*", "*.json"))
	if err != nil || len(records) != len(isas) {
		t.Fatalf("%d records, want %d: %v", len(records), len(isas), err)
	}
	for _, record := range records {
		data, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		var side struct {
			Config  map[string]string
			Forced  map[string]string
			Rivals  []bench.Rival
			Options struct {
				Types, Families []string
				Turns           int
			}
		}
		if err := json.Unmarshal(data, &side); err != nil {
			t.Fatal(err)
		}
		isa := side.Config["isa"]
		if want := map[string]string{"avx512": "SkylakeX", "avx2": "Haswell"}[isa]; side.Forced["OPENBLAS_CORETYPE"] != want {
			t.Errorf("%s: forced %v", isa, side.Forced)
		}
		if !slices.Equal(side.Options.Types, []string{"f32", "f64"}) || !slices.Equal(side.Options.Families, []string{"small"}) || side.Options.Turns < 2 {
			t.Errorf("%s: options %+v", isa, side.Options)
		}
		for _, rival := range side.Rivals {
			if rival.LeftOut != "" {
				checkLeftOut(t, rival.Name, rival.LeftOut)
				if !strings.Contains(r.stdout, rival.Name+" is LEFT OUT: ") || !strings.Contains(r.stderr, rival.Name+" is LEFT OUT: ") {
					t.Errorf("%s is left out silently:\n%s", rival.Name, r.stdout)
				}
				continue
			}
			if !strings.Contains(r.stdout, rival.Name+" "+rival.Version) {
				t.Errorf("no %s %s in\n%s", rival.Name, rival.Version, r.stdout)
			}
			if other := reached[rival.Name]; rival.Path != "" && (rival.Kernels == "" || rival.Kernels == other || rival.Threads != 1) {
				t.Errorf("%s: %+v, after it reached %q", isa, rival, other)
			}
			reached[rival.Name] = rival.Kernels
		}
		if len(side.Rivals) != len(bench.RivalNames())-4 { // without the training loops
			t.Errorf("%s: rivals %v", isa, side.Rivals)
		}
	}
	for _, isa := range isas {
		for _, want := range []string{isa + " f32, 1 thread: ", isa + " f64, 1 thread: "} {
			if !strings.Contains(r.stdout, want) {
				t.Errorf("no %q in\n%s", want, r.stdout)
			}
		}
	}
	if n := len(regexp.MustCompile(`(?m)^recorded in .*\.txt$`).FindAllString(r.stdout, -1)); n != len(isas) {
		t.Errorf("%d records are named, want %d:\n%s", n, len(isas), r.stdout)
	}
}

// A shape that is in a family has the rivals that it has there, and one that is in none is "other".
func TestRivalsOfShapes(t *testing.T) {
	isa := rivalISAs(t)[0]
	t.Setenv("LANEWISE_TEST_MAIN", "1")
	args := []string{"bench", "rivals", "--isa", isa, "--type", "f32", "--rounds", "2", "--sample", "1ms", "--out", t.TempDir()}
	shapes := lanewise(t, append(args, "--shape", "16x16x16,30x20x10:TN")...).ok(t)
	small := lanewise(t, append(args, "--family", "small")...).ok(t)
	head := regexp.MustCompile(`(?m)^family .*$`)
	if got, want := head.FindString(shapes.stdout), head.FindString(small.stdout); strings.Contains(want, "libxsmm") && !strings.Contains(got, "libxsmm") {
		t.Errorf("rivals of 16 cubed:\n%s\nwant those of its family:\n%s", got, want)
	}
	for _, want := range []string{"\nsmall   16,16,16 ", "\nother   30,20,10 TN "} {
		if !strings.Contains(shapes.stdout, want) {
			t.Errorf("no %q in\n%s", want, shapes.stdout)
		}
	}
}

// TestLibraryThatReachedAnother measures a part in an environment that forces other
// kernels, and kills BLIS.
func TestLibraryThatReachedAnother(t *testing.T) {
	isa := rivalISAs(t)[0]
	cmd := program(t, []string{"bench", "rivals", "--part-threads", "1", "--isa", isa, "--family", "net",
		"--rival", "openblas,blis,gonum", "--rounds", "1", "--sample", "1ms", "--quiet", "--out", t.TempDir()},
		append(bench.RivalEnvironment(nil, isa, 1), "OPENBLAS_CORETYPE=Nehalem", "BLIS_ARCH_TYPE=99")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe() // open: a part stops when it ends
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	said := stderr.String()
	for name, want := range map[string]string{
		"openblas": "it runs its kernels for Nehalem where those for ",
		"blis":     "it ended the process that tried it (",
	} {
		_, why, _ := strings.Cut(said, "  "+name+" is LEFT OUT: ")
		if !strings.HasPrefix(why, want) {
			checkLeftOut(t, name, why)
		}
	}
	report, err := bench.ReadRivals(strings.TrimSpace(string(stdout)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(report.Contests[0].Rivals, []string{"gonum"}) {
		t.Errorf("measured beside %v, want gonum", report.Contests[0].Rivals)
	}
}

// TestRivalsInterrupted stops the program, by a signal and by killing it: the process
// that it started keeps the rounds and goes.
func TestRivalsInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		interruptRivals(t, sig, "--isa", rivalISAs(t)[0], "--type", "f32", "--family", "net", "--rival", "gonum")
	}
}
