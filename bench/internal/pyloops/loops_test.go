package pyloops

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/internal/require"
)

// start starts a library, or ends the test: LANEWISE_REQUIRE says whether it must be there.
func start(t *testing.T, library string, problem *Problem) *Process {
	t.Helper()
	t.Setenv("OPENBLAS_NUM_THREADS", "1")
	p, err := Start(t.Context(), library, problem, time.Minute)
	if err != nil {
		if !strings.HasPrefix(err.Error(), "it is in the Debian package ") {
			t.Fatal(err) // it is there
		}
		require.Missing(t, library, err.Error())
	}
	t.Cleanup(p.Close)
	return p
}

// TestLoops takes a step of every loop on two samples, whose result is known from the
// formulas: a net so small that they fit on paper.
func TestLoops(t *testing.T) {
	for library, loops := range map[string][]string{"numpy": {"tuned", "notebook"}, "torch": {"autograd", "by-hand"}} {
		for _, typ := range []string{"float32", "float64"} {
			t.Run(library+" "+typ, func(t *testing.T) {
				problem := small()
				problem.Type = typ
				// The first hidden unit fires for the first sample, the second for the second.
				problem.Start = [4][]float64{{1, -1, -1, 1}, {0, 0}, {0, 1, 1, 0}, {0, 0}}
				p := start(t, library, problem)
				if p.Facts.Version == "" || p.Facts.Python == "" {
					t.Errorf("%+v", p.Facts)
				}
				for _, name := range loops {
					checkLoop(t, p.Loop(name), name)
				}
			})
		}
	}
}

func checkLoop(t *testing.T, loop *Loop, name string) {
	t.Helper()
	if err := loop.Begin(1); err != nil {
		t.Fatal(err)
	}
	if took, err := loop.Run(3); err != nil || took <= 0 {
		t.Fatal(took, err)
	}
	if err := loop.Begin(1); err != nil { // leaves nothing of it
		t.Fatal(err)
	}
	if err := loop.Step([]int{0, 1}); err != nil {
		t.Fatal(err)
	}
	got, err := loop.Params()
	if err != nil {
		t.Fatal(err)
	}
	// Both samples are given the other class with p = e/(1+e). The gradient of the loss with
	// respect to their logits is d = p/2 on that class and -d on the right one, that with
	// respect to the hidden unit that fires d*1 - d*0 = d. The rate is 0.5.
	e := 0.5 * math.E / (1 + math.E) / 2
	want := [4][]float64{{1 - e, -1, -1, 1 - e}, {-e, -e}, {e, 1 - e, 1 - e, e}, {0, 0}}
	for i := range want {
		for j := range want[i] {
			if math.Abs(got[i][j]-want[i][j]) > 1e-6 {
				t.Errorf("%s: parameter %d is %v, want %v", name, i, got[i], want[i])
				break
			}
		}
	}
}

// TestWhatPythonSaysOfItsErrors lets a loop fail.
func TestWhatPythonSaysOfItsErrors(t *testing.T) {
	p := start(t, "numpy", small())
	err := p.Loop("tuned").Step([]int{0, 7})
	if err == nil || !strings.Contains(err.Error(), "IndexError: index 7 is out of bounds") {
		t.Errorf("%v", err)
	}
	p = start(t, "numpy", small())
	if _, err := p.Loop("fast").Run(1); err == nil || !strings.Contains(err.Error(), "KeyError: 'fast'") {
		t.Errorf("%v", err)
	}
}
