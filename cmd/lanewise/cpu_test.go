package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

func TestCPU(t *testing.T) {
	r := lanewise(t, "cpu").ok(t)
	for _, im := range kernels.All() {
		mark := "  "
		if im == kernels.Default() {
			mark = "* "
		}
		if !strings.Contains(r.stdout, "\n"+mark+im.Name()+" ") {
			t.Errorf("no line for %s in\n%s", im, r.stdout)
		}
	}
	if want := "Default: " + kernels.Default().Name() + ", "; !strings.Contains(r.stdout, want) || r.stderr != "" {
		t.Errorf("%q, and %q on stderr; want %q", r.stdout, r.stderr, want)
	}
	for line := range strings.Lines(r.stdout) {
		if len(line) > 81 {
			t.Errorf("line of %d columns: %q", len(line), line)
		}
	}
}

func TestCPUJSON(t *testing.T) {
	var facts cpuFacts
	if err := json.Unmarshal([]byte(lanewise(t, "cpu", "--json").ok(t).stdout), &facts); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(kernels.CPUInfo(facts.CPU), kernels.CPU()) {
		t.Errorf("CPU %+v, want %+v", facts.CPU, kernels.CPU())
	}
	var all []string
	for _, im := range facts.Implementations {
		all = append(all, im.Name)
		if real, err := kernels.Lookup(im.Name); im.Supported != (err == nil) {
			t.Errorf("%s is supported: %v, but looking it up gives %v", im.Name, im.Supported, err)
		} else if im.Supported && im.VectorF32 != kernels.On[float32](real).VectorLen() {
			t.Errorf("%s has vectors of %d", im.Name, im.VectorF32)
		}
	}
	if len(all) != len(kernels.All()) || facts.Default.Name != kernels.Default().Name() || facts.Default.Reason != kernels.Chosen().Reason() {
		t.Errorf("implementations %v, default %+v", all, facts.Default)
	}
}

// TestCPULayout prints a CPU that lacks things, with little known about it.
func TestCPULayout(t *testing.T) {
	facts := cpuFacts{
		CPU: cpuJSON{
			Brand: "Example 9", Vendor: "Maker", Family: 6, Model: 26, Stepping: 5, LogicalCores: 4,
			L1D: 48 << 10, L2: 5 << 18, Features: []string{"SSE2", "AVX512F", "POPCNT", "AVX", "SSE"},
		},
		Implementations: []implementationJSON{
			{Name: "avx512", Description: "wide", Missing: []string{"AVX512F", "AVX512VL"}},
			{Name: "portable", Description: "plain Go", Supported: true, TileF32: [2]int{2, 4}, TileF64: [2]int{2, 4}},
		},
		Default: defaultJSON{Name: "portable", Reason: "the best that this CPU supports"},
	}
	var b bytes.Buffer
	facts.print(&b, 40)
	want := `CPU         Example 9
Vendor      Maker, family 6, model 26,
            stepping 5
Cores       4 logical
Caches      L1 data 48 KiB, L2 1.25 MiB,
            L3 unknown (perhaps shared),
            lines of unknown

Features
  AVX-512   AVX512F
  AVX       AVX
  SSE       SSE SSE2
  Other     POPCNT

Implementations, best first, with the tiles of float32 and float64 products
  avx512    not on this CPU         wide
* portable  supported, 2x4 and 2x4  plain Go
  avx512 needs what this CPU lacks:
  AVX512F, AVX512VL

Default: portable, the best that this
         CPU supports
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestWriteWrapped(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 9, "# \n"},
		{"a bb ccc", 10, "# a bb ccc\n"},
		{"a bb ccc", 9, "# a bb\n  ccc\n"},
		{"a bb ccc", 1, "# a\n  bb\n  ccc\n"},
	} {
		var b bytes.Buffer
		writeWrapped(&b, "# ", test.text, test.width)
		if got, want := b.String(), test.want; strings.TrimRight(got, " \n") != strings.TrimRight(want, " \n") {
			t.Errorf("%q in %d columns: %q, want %q", test.text, test.width, got, want)
		}
	}
}
