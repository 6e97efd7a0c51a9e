package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
)

func TestUsageErrors(t *testing.T) {
	for _, test := range []struct{ args, want, command string }{
		{"trian", `unknown command "trian"`, "lanewise"},
		{"help trian", `no help on "trian"`, "lanewise help"},
		{"completion tcsh", `unknown command "tcsh"`, "lanewise completion"},
		{"--nonsense", "unknown flag: --nonsense", "lanewise"},
		{"cpu --nonsense", "unknown flag: --nonsense", "lanewise cpu"},
		{"cpu now", `unexpected argument "now"`, "lanewise cpu"},
		{"version now", `unexpected argument "now"`, "lanewise version"},
		{"train mnist", `unexpected argument "mnist"`, "lanewise train"},
		{"cpu --json=maybe", "--json maybe: needs true or false", "lanewise cpu"},
	} {
		r := lanewise(t, strings.Fields(test.args)...)
		want := fmt.Sprintf("lanewise: %s", test.want)
		hint := fmt.Sprintf("\nRun '%s --help' for usage.\n", test.command)
		if r.code != exitUsage || r.stdout != "" || !strings.HasPrefix(r.stderr, want) || !strings.HasSuffix(r.stderr, hint) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d, %q and %q", test.args, r.code, r.stdout, r.stderr, exitUsage, want, hint)
		}
	}
}

// TestHelp asks for the help of every command that there is.
func TestHelp(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		for _, args := range [][]string{append(path, "--help"), append([]string{"help"}, path...)} {
			r := lanewise(t, args...).ok(t)
			if !strings.Contains(r.stdout, "Usage:\n") || r.stderr != "" {
				t.Errorf("%v prints %q, and %q on stderr", args, r.stdout, r.stderr)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	root := newRootCommand(io.Discard, io.Discard)
	visit(root)
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help", "completion", "version":
		default:
			if !strings.Contains(c.Example, "lanewise "+c.Name()) {
				t.Errorf("the help of %s has no example", c.Name())
			}
		}
	}
	if r := lanewise(t).ok(t); !strings.Contains(r.stdout, "Exit status:") || !strings.Contains(r.stdout, kernels.ISAVariable) {
		t.Errorf("without a command: %q", r.stdout)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r := lanewise(t, "completion", shell).ok(t); !strings.Contains(r.stdout, "lanewise") {
			t.Errorf("%s: %q", shell, r.stdout)
		}
	}
	var isas []string
	for _, im := range kernels.Supported() {
		isas = append(isas, im.Name()+"\t")
	}
	for _, test := range []struct {
		typed string
		want  []string
	}{
		{"", []string{"train\t", "bench\t", "cpu\t"}},
		{"train --isa ", isas},
		{"bench --isa ", isas},
		{"tune --isa ", isas},
		{"tune --parameter ", []string{"Tile", "KC", "ThreadWork"}},
		{"tune --type ", []string{"f32", "f64"}},
		{"train --preset ", []string{"seed", "scaled", "best"}},
		{"train --init ", []string{"normal", "he"}},
		{"train --dtype ", []string{"f32", "f64"}},
		{"train --data ", []string{"mnist", "fashion-mnist", "digits"}},
		{"data ", []string{"mnist", "fashion-mnist", "digits"}},
	} {
		r := lanewise(t, append([]string{"__complete"}, strings.Split(test.typed, " ")...)...).ok(t)
		for _, want := range test.want {
			if !strings.Contains("\n"+r.stdout, "\n"+want) {
				t.Errorf("%q completes to %q, want %q in it", test.typed, r.stdout, want)
			}
		}
	}
}

// full is a standard output that takes so many bytes and then fails.
type full struct {
	room int
	err  error
}

func (w *full) Write(p []byte) (int, error) {
	if n := w.room; len(p) > n {
		w.room = 0
		return n, w.err
	}
	w.room -= len(p)
	return len(p), nil
}

func TestStandardOutputFails(t *testing.T) {
	emptyCache(t)
	noSpace := errors.New("no space left on device")
	for _, args := range []string{
		"cpu", "cpu --json", "version", "version --json", "help", "help train", "completion bash", "data",
		"train --iterations 5", "train --iterations 5 --quiet", "train --iterations 5 --json", "bench --list",
	} {
		for _, room := range []int{0, 20} {
			ctx, cancel := contextWithCancel(t)
			var stderr bytes.Buffer
			code := run(ctx, cancel, strings.Fields(args), &full{room, noSpace}, &stderr)
			if code != exitFailure || !strings.HasSuffix(stderr.String(), "lanewise: no space left on device\n") {
				t.Errorf("%s with room for %d bytes: exit code %d, stderr %q", args, room, code, &stderr)
			}
		}
	}
}
