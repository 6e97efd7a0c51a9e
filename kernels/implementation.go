package kernels

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Float lists the element types of the package.
type Float interface{ float32 | float64 }

// ISAVariable is the environment variable that overrides the choice of the
// default implementation. It is read once, when the package is initialised.
const ISAVariable = "LANEWISE_ISA"

// Implementation is one way to run every operation of the package: a set of
// kernels for both element types and the CPU features that they need. Its
// values are made by this package alone and never change; dispatch, tests,
// benchmarks and the command line iterate over [All].
type Implementation struct {
	name        string
	description string
	requires    []feature
	f32         kernelSet[float32]
	f64         kernelSet[float64]
}

// Name returns the name by which LANEWISE_ISA and [Lookup] know im: an
// instruction set in lower case, or "portable".
func (im *Implementation) Name() string { return im.name }

// String returns the name of im.
func (im *Implementation) String() string { return im.name }

// Description says in a few words what im is made of.
func (im *Implementation) Description() string { return im.description }

// Requires lists the CPU features that im needs, by the names that cpuid gives
// them. It is empty for the portable implementation.
func (im *Implementation) Requires() []string { return featureNames(im.requires) }

// Missing lists the features of [Implementation.Requires] that this CPU, or
// its operating system, does not offer. It is empty when im can run here.
func (im *Implementation) Missing() []string {
	var missing []feature
	for _, f := range im.requires {
		if !hasFeature(f) {
			missing = append(missing, f)
		}
	}
	return featureNames(missing)
}

// Supported reports whether im can run on this CPU.
func (im *Implementation) Supported() bool { return len(im.Missing()) == 0 }

// All returns every implementation in this build, best first. The last one is
// portable, which runs everywhere. Which others there are depends on GOARCH
// and on the build tag purego, which leaves assembly out.
func All() []*Implementation { return slices.Clone(implementations) }

// Supported returns the implementations that this CPU can run, best first.
func Supported() []*Implementation {
	var s []*Implementation
	for _, im := range implementations {
		if im.Supported() {
			s = append(s, im)
		}
	}
	return s
}

// Lookup returns the implementation called name. The error says that there is
// none of that name in this build, or which CPU features it lacks here, and
// lists those that would do.
func Lookup(name string) (*Implementation, error) {
	for _, im := range implementations {
		if im.name != name {
			continue
		}
		if missing := im.Missing(); len(missing) > 0 {
			return nil, fmt.Errorf("implementation %q needs CPU features this machine lacks (%s); supported here: %s",
				name, strings.Join(missing, ", "), supportedNames())
		}
		return im, nil
	}
	return nil, fmt.Errorf("no implementation %q in this build (%s); supported here: %s",
		name, buildDescription, supportedNames())
}

func supportedNames() string {
	var names []string
	for _, im := range Supported() {
		names = append(names, im.name)
	}
	return strings.Join(names, ", ")
}

// Choice tells which implementation the package's functions run on, and why.
type Choice struct {
	// Implementation is what is in use.
	Implementation *Implementation
	// Requested is the value of LANEWISE_ISA, "" if it is not set.
	Requested string
	// Err tells why the request could not be met; nil if it was, or if there
	// was none. The default is in use then.
	Err error
}

// Reason says in words why c.Implementation is in use.
func (c Choice) Reason() string {
	switch {
	case c.Err != nil:
		return fmt.Sprintf("the best that this CPU supports, because %s=%s was refused: %v", ISAVariable, c.Requested, c.Err)
	case c.Requested != "":
		return fmt.Sprintf("%s=%s", ISAVariable, c.Requested)
	default:
		return fmt.Sprintf("the best that this CPU supports in this build (%s)", buildDescription)
	}
}

// Chosen tells which implementation is the default in this process, and why. A
// program that wants a bad LANEWISE_ISA to be fatal checks the Err field: the
// library itself only writes one line to standard error and goes on.
func Chosen() Choice { return chosen }

// Default returns the implementation that the package's functions run on.
func Default() *Implementation { return chosen.Implementation }

// chosen is set once, before main starts, and never written again.
var chosen = choose(os.Getenv(ISAVariable), os.Stderr)

func choose(requested string, complain *os.File) Choice {
	c := Choice{Implementation: Supported()[0], Requested: requested}
	if requested == "" {
		return c
	}
	im, err := Lookup(requested)
	if err != nil {
		c.Err = err
		fmt.Fprintf(complain, "lanewise: %s=%s refused, the default is %s: %v\n", ISAVariable, requested, c.Implementation.name, err)
		return c
	}
	c.Implementation = im
	return c
}
