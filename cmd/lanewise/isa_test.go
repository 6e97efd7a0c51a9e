package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

// elsewhere runs the program as another process.
func elsewhere(t *testing.T, args string, variables ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := program(t, strings.Fields(args), variables...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestISAVariable checks that LANEWISE_ISA decides what a run is on, and --isa
// what it is on in spite of that.
func TestISAVariable(t *testing.T) {
	ranOn := func(r result) string {
		var start trainFacts
		if err := json.NewDecoder(strings.NewReader(r.ok(t).stdout)).Decode(&start); err != nil {
			t.Fatal(err)
		}
		return start.Implementation
	}
	const short = "train --json --quiet --data digits --iterations 1"
	for _, im := range kernels.Supported() {
		variable := kernels.ISAVariable + "=" + im.Name()
		if got := ranOn(elsewhere(t, short, variable)); got != im.Name() {
			t.Errorf("with %s a run is on %s", variable, got)
		}
		if r := elsewhere(t, "cpu", variable).ok(t); !strings.Contains(r.stdout, "* "+im.Name()+" ") || !strings.Contains(r.stdout, "Default: "+im.Name()+", "+variable) {
			t.Errorf("with %s cpu prints\n%s", variable, r.stdout)
		}
		if got := ranOn(elsewhere(t, short+" --isa "+im.Name(), kernels.ISAVariable+"=portable")); got != im.Name() {
			t.Errorf("with --isa %s and another %s a run is on %s", im.Name(), kernels.ISAVariable, got)
		}
	}
}

func TestISAVariableRefused(t *testing.T) {
	var supported []string
	for _, im := range kernels.Supported() {
		supported = append(supported, im.Name())
	}
	const variable = kernels.ISAVariable + "=mmx"
	for _, args := range []string{"train --data digits --iterations 1", "bench", "bench --list"} {
		r := elsewhere(t, args, variable)
		if r.code != exitUsage || r.stdout != "" || !strings.Contains(r.stderr, strings.Join(supported, ", ")) || !strings.Contains(r.stderr, `"mmx"`) {
			t.Errorf("%s with %s: exit code %d, stdout %q, stderr %q; want %d and what is supported", args, variable, r.code, r.stdout, r.stderr, exitUsage)
		}
	}
	for _, args := range []string{"version", "help train", "train --help", "data", "completion bash", "train --data digits --iterations 1 --isa portable"} {
		if r := elsewhere(t, args, variable); r.code != exitOK || r.stdout == "" {
			t.Errorf("%s with %s: exit code %d, stdout %q, stderr %q", args, variable, r.code, r.stdout, r.stderr)
		}
	}
	if r := elsewhere(t, "cpu", variable); r.code != exitUsage || !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), variable+" was refused") {
		t.Errorf("cpu does not show that %s was refused:\n%s", variable, r.stdout)
	}
	// Those that are in the build but not for this CPU are refused alike.
	for _, im := range kernels.All() {
		if im.Supported() {
			continue
		}
		if r := elsewhere(t, "train --data digits --iterations 1", kernels.ISAVariable+"="+im.Name()); r.code != exitUsage {
			t.Errorf("%s is not supported, but a run with it has exit code %d", im, r.code)
		}
	}
}
