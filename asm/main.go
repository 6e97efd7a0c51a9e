// Command asm writes the assembly of package kernels, with the Go files that
// belong to it:
//
//	go run ./asm          # from the top of the module: writes into kernels
//	go run ./asm -out DIR
//
// Everything is generated in memory first, and nothing is written unless all
// of it succeeds. The package's test compares it with what is committed.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	// A set of its own: avo's build package has put its flags into the common one.
	flags := flag.NewFlagSet("asm", flag.ExitOnError)
	out := flags.String("out", "kernels", "the folder to write to")
	flags.Parse(os.Args[1:])
	files, err := generate()
	if err == nil {
		err = write(*out, files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "asm:", err)
		os.Exit(1)
	}
}

// A generator emits the functions of one file, and returns Go source to go
// with them, if it has any.
type generator struct {
	file string
	emit func(e emitter) (goSource string)
}

// generators is the list of kernels: each is emitted for both types and every
// instruction set, but for one that has no such kernels.
var generators = []generator{
	{"gemm", gemm},
	{"halves", halves},
	{"alone", alone},
	{"alonehalves", aloneHalves},
	{"alonepairs", alonePairs},
	{"alonesparing", aloneSparing},
	{"upright", upright},
	{"packing", packing},
	{"ahead", lookingAhead},
	{"around", around},
	{"beside", beside},
	{"pairs", panelsWithPairs},
	{"pack", pack},
	{"dot", dots},
	{"zipped", zippedDots},
	{"rows", addRows},
	{"vecmat", vecMat},
	{"relu", func(e emitter) string { relu(e); return "" }},
	{"axpy", func(e emitter) string { axpy(e); return "" }},
	{"exp", func(e emitter) string { exp(e); return "" }},
	{"softmax", func(e emitter) string { softmax(e); return "" }},
	{"bytes", func(e emitter) string { bytesToFloat(e); return "" }},
	{"probe", func(e emitter) string { fmaProbe(e); return "" }},
}

// others are the functions that there is one of, for all types: for every amd64 CPU, or
// for one instruction set, and those that go further.
var others = []struct {
	file string
	isa  isa
	emit func(e emitter) (goSource string)
}{
	{"fetch", isa{name: "amd64"}, func(e emitter) string { fetchRows(e); return "" }},
	{"clock", isa{name: "amd64"}, func(e emitter) string {
		clockProbe(e)
		issueProbe(e)
		return fmt.Sprintf("\n// Operations in a step of the probes.\nconst (\n\tclockAdds = %d\n\tissueAdds = %d\n\tprobeFMAs = %d\n)\n", clockAdds, issueAdds, probeSums*probeRepeat)
	}},
	{"used", isas[0], func(e emitter) string { bytesInUse(e); return "" }},
}

// header is what generated files begin with: stable, whoever runs the generator and where.
var header = printer.Config{Argv: []string{"go", "run", "./asm"}, Pkg: "kernels"}

// generate returns the content of every generated file, by name.
func generate() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, set := range isas {
		for _, g := range generators {
			ctx := build.NewContext()
			ctx.ConstraintExpr("!purego")
			var goSource string
			for _, typ := range floats {
				goSource += g.emit(emitter{ctx, set, typ})
			}
			if f, err := ctx.Result(); err == nil {
				if len(f.Functions()) == 0 {
					continue
				}
				emitter{Context: ctx, isa: set}.tailData(f)
			}
			if err := compile(files, "z"+g.file+"_"+set.name+"_amd64", ctx, set, goSource); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range others {
		ctx := build.NewContext()
		ctx.ConstraintExpr("!purego")
		goSource := o.emit(emitter{Context: ctx, isa: o.isa})
		if err := compile(files, "z"+o.file+"_amd64", ctx, o.isa, goSource); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// compile turns what ctx holds into an assembly file and its Go declarations.
func compile(files map[string][]byte, name string, ctx *build.Context, set isa, goSource string) error {
	f, err := ctx.Result()
	if err == nil {
		err = pass.Concat(pass.Compile, check(set)).Execute(f)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	asm, err := printer.NewGoAsm(header).Print(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	stubs, err := printer.NewStubs(header).Print(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	stubs, err = format.Source(append(stubs, goSource...))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	files[name+".s"], files[name+".go"] = asm, stubs
	return nil
}

// write brings dir up to date: it writes what differs and removes generated files that are no longer made.
func write(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, files[name]) {
			continue
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	stale, err := leftOver(dir, files)
	if err != nil {
		return err
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil {
			return err
		}
		fmt.Println("removed", path)
	}
	return nil
}

// leftOver lists the files in dir that were generated and are not in files.
// The name alone does not tell: a file written by hand may have one like it.
func leftOver(dir string, files map[string][]byte) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "z*_amd64.*"))
	if err != nil {
		return nil, err
	}
	var stale []string
	for _, path := range paths {
		if _, made := files[filepath.Base(path)]; made {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if first, _, _ := strings.Cut(string(text), "\n"); first == "// "+header.GeneratedWarning() {
			stale = append(stale, path)
		}
	}
	return stale, nil
}
