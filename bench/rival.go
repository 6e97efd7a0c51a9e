package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/lanewise/lanewise/bench/internal/clib"
	"github.com/lanewise/lanewise/bench/internal/pyloops"
	"github.com/lanewise/lanewise/kernels"
)

// Defaults of a run beside rivals: all of it takes about ten minutes for an instruction set, or twenty
// where neighbours use the cores.
const (
	DefaultRivalRounds = 7
	DefaultRivalSample = 50 * time.Millisecond
	// DefaultRivalPatience makes a run last twice as long at most.
	DefaultRivalPatience = 1
)

// rivalTurns are those in which rivals take their samples. On a shared machine a neighbour
// comes and goes within a round: the ratios of samples of 50 ms, one after the other, strayed
// by 18% from round to round, those of 20 turns of 2.5 ms by 9% (ARCHITECTURE.md).
func rivalTurns(im *kernels.Implementation) turns {
	t := turns{count: 20, fewest: 4, warm: 2 * time.Millisecond}
	if kernels.CPU().Vendor == "AuthenticAMD" && im.Name() == "avx512" {
		t.warm = warmTime // which says why
	}
	return t
}

// RivalFacts is what a library in C says about itself.
type RivalFacts = clib.Facts

// A Rival is a library that matrix products are compared with, a loop that training is
// compared with, or one that is missing.
type Rival struct {
	Name string `json:"name"`
	// LeftOut tells why it was not measured; "" if it was.
	LeftOut string `json:"left_out,omitempty"`
	// Only tells for what it is measured; "" for everything.
	Only string `json:"only,omitempty"`
	RivalFacts
	Python string                    `json:"python,omitempty"` // the interpreter, of a training loop
	BLAS   string                    `json:"blas,omitempty"`   // what multiplies for a training loop, with its version
	lib    *clib.Library             // nil for those in Go and in Python, and where it is left out
	loops  map[loopKey]*pyloops.Loop // nil likewise
}

// A rivalSpec is a rival before it is looked for.
type rivalSpec struct {
	name   string
	module string // of those in Go
	python string // library of a training loop
	loop   string // its name there
	only   string
}

// rivalSpecs are the rivals: those in C, those in Go, which choose their instruction
// set themselves and are there for scale, and training loops in Python.
var rivalSpecs = []rivalSpec{
	{name: "openblas"},
	{name: "blis"},
	{name: "onednn", only: "float32"},
	{name: "libxsmm", only: "family small, on one thread"},
	{name: "gonum", module: "gonum.org/v1/gonum", only: slowRivalsOnly},
	{name: "vek", module: "github.com/viterin/vek", only: slowRivalsOnly + " without transposes"},
	{name: "numpy-tuned", python: "numpy", loop: "tuned", only: trainingOnly},
	{name: "numpy-notebook", python: "numpy", loop: "notebook", only: trainingOnly},
	{name: "torch-autograd", python: "torch", loop: "autograd", only: trainingOnly},
	{name: "torch-by-hand", python: "torch", loop: "by-hand", only: trainingOnly},
}

// trainingOnly says where training loops are measured.
const trainingOnly = "families " + trainingFamily + " and " + noiseFamily

// slowRivalsOnly says to what quickSlowFLOP keeps the slow ones.
const slowRivalsOnly = "products of up to 3e8 floating-point operations"

// RivalNames returns the names of all rivals.
func RivalNames() []string {
	var names []string
	for _, spec := range rivalSpecs {
		names = append(names, spec.name)
	}
	return names
}

// Built tells why this program cannot measure the families of p beside rivals, nil if it
// can. Only matrix products take a program with C in it.
func (p RivalPart) Built() error {
	if p.HasProducts() {
		if err := clib.Built(); err != nil {
			return fmt.Errorf("%w; the families %s and %s do without", err, trainingFamily, noiseFamily)
		}
	}
	return nil
}

// ElementTypes are the names of the element types.
func ElementTypes() []string { return []string{"f32", "f64"} }

// RivalOptions says what a process measures beside rivals.
type RivalOptions struct {
	// Part is what to measure. The process has to have the environment that
	// RivalEnvironment returns for its instruction set and threads.
	Part RivalPart
	// Types are the element types, of ElementTypes, and Rivals the contenders beside
	// ours, of RivalNames; all if there are none.
	Types, Rivals []string

	Rounds    int
	Sample    time.Duration
	Patience  float64 // how long turns may wait for a core that nobody else uses, in multiples of the time that those before of the same contender took
	Folder    string
	Progress  func(Progress) // as in Options
	RoundDone func(Round)

	// Probe tries a library in another process with the same environment (see
	// ProbeRival), so that one that ends the process, as BLIS does for an
	// architecture that it does not know, is left out and the run goes on. May be nil.
	Probe func(ctx context.Context, name string) error
}

// A RivalRun is a run that is ready to start.
type RivalRun struct {
	Options RivalOptions
	Rivals  []Rival // those that are left out too
	Groups  []*Group

	implementation *kernels.Implementation
	pythons        map[string]*python // by library, element type and set
}

// Close ends the processes that r has started.
func (r *RivalRun) Close() {
	for _, p := range r.pythons {
		p.process.Close()
	}
}

// ProbeRival opens a library and has it multiply.
func ProbeRival(name string) error {
	lib, err := clib.Open(name)
	if err != nil {
		return err
	}
	s := square(48)
	multiply, err := clibGEMM[float32](lib, s)
	if err != nil {
		return err
	}
	o := newGEMMOperands[float32](s, operandSource(&Group{}, 0))
	o.spoil()
	multiply(1, o.a, o.b, o.c)
	return o.verify()
}

// PrepareRivals opens the libraries and makes the groups. It fails if o asks for what
// cannot be; a library that is missing or did not reach what was forced is left out.
func PrepareRivals(ctx context.Context, o RivalOptions) (*RivalRun, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := o.Part.Built(); err != nil {
		return nil, err
	}
	ims, err := RivalImplementations([]string{o.Part.ISA})
	if err != nil {
		return nil, err
	}
	r := &RivalRun{Options: o, implementation: ims[0], pythons: map[string]*python{}}
	for _, spec := range rivalSpecs {
		if len(o.Rivals) > 0 && !slices.Contains(o.Rivals, spec.name) || !spec.isFor(o.Part) {
			continue
		}
		rival := Rival{Name: spec.name, Only: spec.only}
		switch {
		case spec.module != "":
			rival.Version = moduleVersion(spec.module)
		case spec.python != "":
			rival.openLoops(ctx, r, spec)
		default:
			rival.open(ctx, o, clib.Open)
		}
		if ctx.Err() != nil {
			r.Close()
			return nil, ctx.Err()
		}
		r.Rivals = append(r.Rivals, rival)
	}
	r.makeGroups()
	if len(r.Groups) == 0 {
		r.Close()
		return nil, r.nothing()
	}
	return r, nil
}

// isFor reports whether a rival has something to do in a part.
func (s rivalSpec) isFor(part RivalPart) bool {
	if s.python != "" {
		return len(part.sets()) > 0
	}
	return part.HasProducts()
}

// nothing says why r has no groups.
func (r *RivalRun) nothing() error {
	families := r.Options.Part.Families
	asked := append(slices.Clone(families), ShapeTexts(r.Options.Part.Shapes)...)
	if len(asked) == 0 {
		return fmt.Errorf("no families were given, want some of %s", strings.Join(RivalFamilies(), ", "))
	}
	words := []string{"no rival is there for " + strings.Join(asked, ", ")}
	for _, rival := range r.Rivals {
		words = append(words, rival.String())
	}
	return errors.New(strings.Join(words, "\n  "))
}

// Check fails on options that cannot be, the instruction set apart.
func (o RivalOptions) Check() error {
	if err := checkLengths(o.Rounds, o.Sample); err != nil {
		return err
	}
	if !(o.Patience >= 0 && o.Patience <= MaxPatience) {
		return fmt.Errorf("patience = %v, want 0 to %d, times as long as turns take", o.Patience, MaxPatience)
	}
	for _, list := range []struct {
		what       string
		have, want []string
	}{
		{"type", o.Types, ElementTypes()},
		{"rival", o.Rivals, RivalNames()},
		{"family", o.Part.Families, RivalFamilies()},
	} {
		for _, name := range list.have {
			if !slices.Contains(list.want, name) {
				return fmt.Errorf("%s = %s, want one of %s", list.what, name, strings.Join(list.want, ", "))
			}
		}
	}
	return nil
}

// open opens the library in C behind r, or leaves r out.
func (r *Rival) open(ctx context.Context, o RivalOptions, open func(string) (*clib.Library, error)) {
	if r.Name == "libxsmm" && o.Part.Threads > 1 {
		r.LeftOut = "its kernels use one thread"
		return
	}
	if o.Probe != nil {
		if err := o.Probe(ctx, r.Name); err != nil {
			r.LeftOut = err.Error()
			return
		}
	}
	lib, err := open(r.Name)
	if err != nil {
		r.LeftOut = err.Error()
		return
	}
	r.RivalFacts = lib.Facts()
	if err := r.checkForced(o.Part); err != nil {
		r.LeftOut = err.Error()
		return
	}
	r.lib = lib
}

// moduleVersion returns the version of a module that this program is linked with.
func moduleVersion(module string) string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			if dep.Path == module {
				return dep.Version
			}
		}
	}
	return unknown
}

// runner returns what takes the rounds.
func (r *RivalRun) runner() *runner {
	o := r.Options
	run := &runner{
		groups: r.Groups, rounds: o.Rounds, sample: o.Sample, turns: rivalTurns(r.implementation), threads: o.Part.Threads,
		patience: o.Patience, now: wallClock(), noise: readNoise, progress: o.Progress,
	}
	if o.Part.Threads == 1 {
		run.others = newAloneProbe()
	}
	return run
}

// Run measures and records. It is [Run] for a RivalRun.
func (r *RivalRun) Run(ctx context.Context) (*Record, error) {
	o, run := r.Options, r.runner()
	return run.record(ctx, Options{
		Selection: Selection{Implementations: []*kernels.Implementation{r.implementation}},
		Rounds:    o.Rounds, Sample: o.Sample, Folder: o.Folder, RoundDone: o.RoundDone,
	}, func(s *sidecar) {
		s.Rivals = r.Rivals
		s.Forced = map[string]string{}
		for _, f := range rivalSettings(o.Part.ISA, o.Part.Threads) {
			s.Forced[f.key] = f.value
		}
		s.Options.Turns, s.Options.Patience = run.turns.count, o.Patience
		s.Options.Types, s.Options.Families, s.Options.Shapes = o.types(), o.Part.Families, ShapeTexts(o.Part.Shapes)
	})
}

func (o RivalOptions) types() []string {
	if len(o.Types) == 0 {
		return ElementTypes()
	}
	return o.Types
}
