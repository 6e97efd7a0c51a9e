package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// Work is what one iteration of a benchmark does, in the terms that it reports.
// Fields that are 0 are not reported.
type Work struct {
	FLOP    float64 // floating-point operations, a multiply-add counting as two
	Bytes   float64 // bytes read and written, each counted once
	Samples float64 // training samples
}

// A Group is a set of contenders for the same work on the same operands.
type Group struct {
	Family     string // what is measured: SGEMM, ReLU, TrainStep, ...
	Params     string // the sizes in key=value parts, "m=64/n=64/k=64"
	Work       Work
	Contenders []Contender

	long     bool                // left out of the quick suite
	operands func(round int) any // makes the operands that the contenders share in a round
}

// A Contender is one way to do the work of a group.
type Contender struct {
	Impl string // an implementation of package kernels, or the name of a rival

	work   *Work      // where it differs from the group's, as copy beside a kernel that reads two arrays
	slow   bool       // left out of the quick suite where the work is large
	spawns bool       // uses goroutines: a locked thread would cost it a switch for each
	peak   *peakProbe // the peak that %peak refers to; nil if there is none
	bind   func(operands any) task
}

// A task is a contender with operands. It has check, or spoil and verify, for the check
// before anything is measured. With verify, every round is checked as well, its
// beginning and what its last iteration leaves.
type task struct {
	run    func(n int)  // n iterations
	check  func() error // one iteration or a few, with the result compared to a reference
	spoil  func()       // overwrites the result
	verify func() error // compares the result of the last iteration to a reference

	// waits tells that turns may wait for a core that nobody else uses, and be taken again, on one thread: with spoil.
	waits bool

	memory int // bytes that it holds while it runs, operands apart; 0 is not reported

	// took tells how long the last run took, by a clock that is nearer to it than the
	// runner's, or why there was none. May be nil.
	took func() (time.Duration, error)
}

// checkOnce runs one iteration and compares its result to a reference.
func (t task) checkOnce() error {
	if t.check != nil {
		return t.check()
	}
	t.spoil()
	t.run(1)
	return t.verify()
}

// failure returns why the last run failed; nil if it did not.
func (t task) failure() error {
	if t.took == nil {
		return nil
	}
	_, err := t.took()
	return err
}

// Name returns the benchmark name of c in g, without the prefix "Benchmark".
func (g *Group) Name(c *Contender) string {
	if g.Params == "" {
		return g.Family + "/impl=" + c.Impl
	}
	return g.Family + "/" + g.Params + "/impl=" + c.Impl
}

// ComparesProduct reports whether g is a matrix product of an implementation and of others.
func (g *Group) ComparesProduct(im *kernels.Implementation) bool {
	return slices.Contains(gemmFamilies, g.Family) && len(g.Contenders) > 1 &&
		slices.ContainsFunc(g.Contenders, func(c Contender) bool { return c.Impl == im.Name() })
}

// workOf returns what an iteration of c in g does.
func (g *Group) workOf(c *Contender) Work {
	if c.work != nil {
		return *c.work
	}
	return g.Work
}

// Units returns the units in which g reports, beside those that every benchmark has.
func (g *Group) Units() []string {
	if g.Family == peakFamily {
		return []string{unitFLOPs, unitFMA, unitHz}
	}
	var units []string
	if g.Work.FLOP > 0 {
		units = append(units, unitFLOPs, unitPeak)
	}
	if g.Work.Bytes > 0 {
		units = append(units, unitBytes)
	}
	if g.Work.Samples > 0 {
		units = append(units, unitSamples, unitMemory)
	}
	return units
}

// Selection says which benchmarks to take.
type Selection struct {
	// Implementations are those to measure, best first. %peak of a rival refers to
	// the peak of the first one.
	Implementations []*kernels.Implementation
	// Long asks for all shapes and for the slow contenders at every size.
	Long bool
	// Shapes are matrix products to measure instead of the suite; it if there are none.
	Shapes []Shape
	// Filter is a benchproc filter or a regular expression on the name; "" takes everything.
	Filter string
}

// Implementations returns what to measure: only, if it is not nil, else the one
// that LANEWISE_ISA names, else every one that the CPU supports. The error tells that
// LANEWISE_ISA was refused and lists what the CPU supports.
func Implementations(only *kernels.Implementation) ([]*kernels.Implementation, error) {
	if only != nil {
		return []*kernels.Implementation{only}, nil
	}
	choice := kernels.Chosen()
	switch {
	case choice.Err != nil:
		return nil, fmt.Errorf("%s=%s: %w", kernels.ISAVariable, choice.Requested, choice.Err)
	case choice.Requested != "":
		return []*kernels.Implementation{choice.Implementation}, nil
	}
	return kernels.Supported(), nil
}

// quickSlowFLOP is the most work per iteration at which the quick suite runs the
// slow contenders. 512 cubed is below it: the size at which they are quoted.
const quickSlowFLOP = 3e8

// Suite returns the benchmarks of s, grouped. It fails on a filter that is neither
// of the two kinds, or that nothing matches.
func Suite(s Selection) ([]*Group, error) {
	match, err := newFilter(s.Filter)
	if err != nil {
		return nil, err
	}
	var groups []*Group
	all := allGroups(s.Implementations, s.Shapes)
	for _, g := range all {
		if g.long && !s.Long {
			continue
		}
		var kept []Contender
		fast := slices.ContainsFunc(g.Contenders, func(c Contender) bool { return !c.slow })
		for _, c := range g.Contenders {
			if c.slow && g.Work.FLOP > quickSlowFLOP && !s.Long && (fast || len(s.Shapes) == 0) {
				continue
			}
			if match(g, &c) {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 {
			g.Contenders = kept
			groups = append(groups, g)
		}
	}
	if len(groups) == 0 {
		return nil, fmt.Errorf("no benchmark matches the filter %q; names look like %s", s.Filter, strings.Join(exampleNames(all), ", "))
	}
	return groups, nil
}

// allGroups is the table of benchmarks, or the products among them of other shapes, if there are some.
// Peaks come first, then shapes by family.
func allGroups(ims []*kernels.Implementation, own []Shape) []*Group {
	f32, f64 := contendersFor[float32](ims), contendersFor[float64](ims)
	groups, shapes := []*Group{f32.peakGroup(), f64.peakGroup()}, gemmShapes
	if len(own) > 0 {
		shapes = own
	}
	for _, s := range shapes {
		groups = append(groups, f32.gemmGroup(s))
	}
	for _, s := range shapes {
		groups = append(groups, f64.gemmGroup(s))
	}
	if len(own) > 0 {
		return groups
	}
	for _, s := range gemvShapes {
		groups = append(groups, f32.gemvGroup(s), f64.gemvGroup(s))
	}
	for _, size := range elementwiseSizes {
		groups = append(groups, f32.reluGroup(size), f64.reluGroup(size), f32.reluGradGroup(size), f64.reluGradGroup(size))
	}
	for _, set := range trainSets {
		for _, batch := range trainBatches {
			groups = append(groups, f32.trainGroup(set, batch), f64.trainGroup(set, batch))
		}
	}
	for _, batch := range trainBatches {
		groups = append(groups, f32.phaseGroups(batch)...)
		groups = append(groups, f64.phaseGroups(batch)...)
	}
	return groups
}

// exampleNames returns one name of each family, for an error message.
func exampleNames(groups []*Group) []string {
	var names []string
	seen := map[string]bool{}
	for _, g := range groups {
		if len(g.Contenders) == 0 {
			continue
		}
		if !seen[g.Family] {
			seen[g.Family] = true
			names = append(names, g.Name(&g.Contenders[0]))
		}
	}
	return names
}

// contenders are the implementations to measure in one element type, with what
// their benchmarks share.
type contenders[T kernels.Float] struct {
	ops   []kernels.Ops[T]
	peaks []*peakProbe // of each of ops
}

func contendersFor[T kernels.Float](ims []*kernels.Implementation) contenders[T] {
	var cs contenders[T]
	for _, im := range ims {
		o := kernels.On[T](im)
		cs.ops = append(cs.ops, o)
		cs.peaks = append(cs.peaks, newPeakProbe(o))
	}
	return cs
}

// slow reports whether the i-th contender is the portable one, which the quick
// suite keeps away from large sizes.
func (cs contenders[T]) slow(i int) bool {
	return len(cs.ops[i].Implementation().Requires()) == 0
}

// typeName is f32 or f64.
func typeName[T kernels.Float]() string {
	if isFloat32[T]() {
		return "f32"
	}
	return "f64"
}

func isFloat32[T kernels.Float]() bool {
	var z T
	_, ok := any(z).(float32)
	return ok
}
