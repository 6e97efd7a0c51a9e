package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
)

// A rivalFamily is a set of shapes over which ratios to rivals are averaged, or training
// on a set of samples.
type rivalFamily struct {
	name   string
	shapes []Shape
	set    *trainSet
	asked  bool // measured only where it is asked for
}

const (
	parallelFamily = "parallel" // is measured with all processors, the others on one thread
	trainingFamily = "training"
	noiseFamily    = "training-noise"
)

var rivalFamilies = []rivalFamily{
	{name: "net", shapes: netShapes},
	{name: "small", shapes: squares(8, 16, 32, 48, 64)},
	{name: "large", shapes: squares(96, 128, 192, 256, 384, 512, 768, 1024, 2048)},
	{name: "odd", shapes: []Shape{{m: 37, n: 53, k: 71}, {m: 127, n: 129, k: 131}, square(1023)}},
	{name: "transposed", shapes: []Shape{
		{m: 512, n: 512, k: 512, transB: true},
		{m: 512, n: 512, k: 512, transA: true},
		{m: 512, n: 512, k: 512, transA: true, transB: true},
	}},
	{name: "skinny", shapes: []Shape{
		{m: 1, n: 4096, k: 4096}, {m: 16, n: 4096, k: 4096}, {m: 4096, n: 16, k: 4096},
		{m: 4096, n: 4096, k: 16}, {m: 128, n: 3072, k: 768}, {m: 128, n: 768, k: 3072},
	}},
	{name: trainingFamily, set: trainDigits},
	{name: noiseFamily, set: trainNoise, asked: true},
	{name: "random", shapes: randomShapes(48, 0, 400), asked: true},
	{name: "random-large", shapes: randomShapes(48, 400, 3000), asked: true},
	{name: parallelFamily, shapes: squares(256, 512, 1024, 2048)},
}

func squares(sizes ...int) []Shape {
	var shapes []Shape
	for _, n := range sizes {
		shapes = append(shapes, square(n))
	}
	return shapes
}

// randomShapes returns so many shapes with sides of up to most, the longest of which is above
// least, each as likely to be below the square root of most as above, and transposes at
// random: always the same ones.
func randomShapes(count, least, most int) []Shape {
	rng := rand.New(rand.NewPCG(71, 72))
	side := func() int { return int(math.Pow(float64(most), rng.Float64())) + 1 }
	var shapes []Shape
	for len(shapes) < count {
		s := Shape{m: side(), n: side(), k: side(), transA: rng.IntN(2) == 1, transB: rng.IntN(2) == 1}
		if max(s.m, s.n, s.k) > least && !slices.Contains(shapes, s) {
			shapes = append(shapes, s)
		}
	}
	return shapes
}

// setOf returns what a family trains on, nil for a family of matrix products.
func setOf(family string) *trainSet {
	for _, f := range rivalFamilies {
		if f.name == family {
			return f.set
		}
	}
	return nil
}

// familyTrainedOn returns the family that trains on the set of that name; older records
// name none, and are about noise.
func familyTrainedOn(set string) string {
	for _, f := range rivalFamilies {
		if f.set != nil && f.set.name == set {
			return f.name
		}
	}
	return noiseFamily
}

// RivalFamilies returns the names of the families.
func RivalFamilies() []string {
	var names []string
	for _, f := range rivalFamilies {
		names = append(names, f.name)
	}
	return names
}

// threadsParam is the part of a benchmark's name that tells the number of threads, where
// it is not one.
func threadsParam(threads int) string {
	if threads == 1 {
		return ""
	}
	return fmt.Sprintf("/threads=%d", threads)
}

// A RivalPart is what one process measures: libraries read what they are forced to
// once, when they are loaded.
type RivalPart struct {
	ISA      string
	Threads  int
	Families []string
	Shapes   []Shape // that are in no family, or not only
}

// String names the part for people.
func (p RivalPart) String() string { return fmt.Sprintf("%s, %s", p.ISA, threadsInWords(p.Threads)) }

// HasProducts reports whether p has families of matrix products.
func (p RivalPart) HasProducts() bool {
	return len(p.Shapes) > 0 || slices.ContainsFunc(p.Families, func(name string) bool { return setOf(name) == nil })
}

// sets returns what p trains on.
func (p RivalPart) sets() (sets []*trainSet) {
	for _, family := range p.Families {
		if set := setOf(family); set != nil {
			sets = append(sets, set)
		}
	}
	return sets
}

func threadsInWords(n int) string { return counted(n, "thread") }

// RivalParts says what has to be measured for some instruction sets, families and shapes, if there
// are none of both all families but those that are to be asked for: everything on one thread, and
// with parallel the family of that name, and the shapes, on all processors as well.
func RivalParts(isas, families []string, shapes []Shape, parallel bool) ([]RivalPart, error) {
	for _, name := range families {
		if !slices.Contains(RivalFamilies(), name) {
			return nil, fmt.Errorf("family = %s, want one of %s", name, strings.Join(RivalFamilies(), ", "))
		}
		if name == parallelFamily && !parallel {
			return nil, fmt.Errorf("family = %s, which takes all threads and not 1", name)
		}
	}
	if len(families)+len(shapes) == 0 {
		for _, f := range rivalFamilies {
			if !f.asked {
				families = append(families, f.name)
			}
		}
	}
	single := slices.DeleteFunc(slices.Clone(families), func(name string) bool { return name == parallelFamily })
	all := runtime.NumCPU()
	if parallel && all == 1 {
		return nil, fmt.Errorf("threads = all, and this machine has one processor")
	}
	var parts []RivalPart
	for _, isa := range isas {
		if len(single)+len(shapes) > 0 {
			parts = append(parts, RivalPart{isa, 1, single, shapes})
		}
		if asked := slices.Contains(families, parallelFamily); parallel && (asked || len(shapes) > 0) {
			part := RivalPart{ISA: isa, Threads: all, Shapes: shapes}
			if asked {
				part.Families = []string{parallelFamily}
			}
			parts = append(parts, part)
		}
	}
	return parts, nil
}
