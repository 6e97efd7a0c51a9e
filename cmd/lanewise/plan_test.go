package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

func TestPlan(t *testing.T) {
	r := lanewise(t, "plan", "--isa", "portable", "--threads", "1", "512x512x512", "300x700x1").ok(t)
	pl := kernels.On[float32](kernels.Supported()[len(kernels.Supported())-1]).Threads(1).Plan(false, false, 512, 512, 512, 512, 512, 512)
	for _, want := range []string{"512x512x512, portable f32\n", "  way     " + pl.Way + "\n", "  packed  B\n", "  threads at most 1\n", "\n\n300x700x1, portable f32\n"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	if r.stderr != "" {
		t.Errorf("%q on stderr", r.stderr)
	}

	var plans []planJSON
	if err := json.Unmarshal([]byte(lanewise(t, "plan", "--isa", "portable", "--type", "f64", "--json", "20x30x40:NT").ok(t).stdout), &plans); err != nil {
		t.Fatal(err)
	}
	want := kernels.On[float64](kernels.Supported()[len(kernels.Supported())-1]).Plan(false, true, 20, 30, 40, 40, 40, 30)
	if len(plans) != 1 || plans[0] != (planJSON{"20x30x40:NT", "f64", "portable", planFields(want)}) {
		t.Errorf("%+v, want the plan %+v", plans, want)
	}
}

// What is told where there is more to tell.
func TestPlanText(t *testing.T) {
	var text strings.Builder
	planJSON{"1x2x3", "f64", "made", planFields{
		Way: "some way", MC: 40, NC: 50, KC: 60, PacksA: true, PacksB: true, Tail: 1, Fetches: true, Threads: 2,
	}}.print(&text)
	planJSON{"1x2x4", "f64", "made", planFields{Way: "some way", KC: 70, PacksA: true, Fetches: true, Around: true, Threads: 1}}.print(&text)
	planJSON{"3x2x4", "f64", "made", planFields{Way: "some way", Transposed: true, MC: 40, NC: 50, KC: 60, PacksB: true, Tail: 2, Threads: 1}}.print(&text)
	const want = `1x2x3, made f64
  way     some way
  blocks  40 rows of A, 50 columns of B, 60 deep
  packed  A and B
  apart   the last column
  fetched panels of B, ahead
  threads at most 2
1x2x4, made f64
  way     some way
  blocks  70 deep
  packed  A
  fetched rows of the matrix, ahead
  written past the caches
  threads at most 1
3x2x4, made f64
  way     some way
  blocks  40 rows of the transpose of B, 50 columns of the transpose of A, 60 deep
  packed  the transpose of A
  apart   the last 2 rows
  threads at most 1
`
	if text.String() != want {
		t.Errorf("%s\nwant\n%s", text.String(), want)
	}
}

func TestPlanUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                        "no shape was given, as 100x50x784",
		"100x50":                  `shape = "100x50", want MxNxK`,
		"100x50x784 --type f16":   "--type f16: there is no such element type, choose f32 or f64",
		"100x50x784 --threads -1": "--threads -1: needs a whole number, 0 or more",
		"100x50x784 --threads x":  "--threads x: needs a whole number, 0 or more",
		"100x50x784 --isa sse9":   "portable",
	} {
		r := lanewise(t, append([]string{"plan"}, strings.Fields(args)...)...)
		if r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", args, r.code, r.stdout, r.stderr, exitUsage, want)
		}
	}
}
