package bench

import (
	"slices"

	"github.com/lanewise/lanewise/bench/internal/clib"
	"github.com/lanewise/lanewise/kernels"
)

// makeGroups makes a group of every type and shape of r, and of training, for which
// there is a rival.
func (r *RivalRun) makeGroups() {
	if slices.Contains(r.Options.types(), "f32") {
		r.Groups = append(r.Groups, rivalGroups[float32](r)...)
	}
	if slices.Contains(r.Options.types(), "f64") {
		r.Groups = append(r.Groups, rivalGroups[float64](r)...)
	}
	r.Groups = slices.DeleteFunc(r.Groups, func(g *Group) bool { return len(g.Contenders) == 1 })
}

func rivalGroups[T kernels.Float](r *RivalRun) []*Group {
	part := r.Options.Part
	ops := kernels.On[T](r.implementation)
	peak := newPeakProbe(ops).onThreads(part.Threads)
	var families []rivalFamily
	for _, family := range rivalFamilies {
		if slices.Contains(part.Families, family.name) {
			families = append(families, family)
		}
	}
	families = append(families, rivalFamily{name: otherFamily, shapes: part.Shapes})
	var groups []*Group
	for _, family := range families {
		if family.set != nil {
			groups = append(groups, trainingRivals(r, ops, family.set, peak))
		}
		for _, s := range family.shapes {
			if family.name == otherFamily && slices.Contains(part.Families, familyOf(s.String(), part.Threads)) {
				continue // it is in a family that is measured
			}
			g := newGEMMGroup[T](s)
			g.Params += threadsParam(part.Threads)
			g.Contenders = append(g.Contenders, Contender{
				Impl: r.implementation.Name(), spawns: part.Threads > 1, peak: peak, bind: bindGEMM(gemmOn(ops, s)),
			})
			for _, rival := range r.Rivals {
				if multiply := rivalGEMM[T](rival, familyOf(s.String(), part.Threads), s); multiply != nil {
					g.Contenders = append(g.Contenders, Contender{
						Impl: rival.Name, spawns: rival.lib == nil, peak: peak, bind: bindGEMM(multiply),
					})
				}
			}
			groups = append(groups, g)
		}
	}
	return groups
}

// rivalGEMM returns the product of a rival, nil if the rival is left out of it.
func rivalGEMM[T kernels.Float](rival Rival, family string, s Shape) gemmFunc[T] {
	switch {
	case rival.LeftOut != "":
		return nil
	case rival.lib != nil:
		if rival.Name == "libxsmm" && family != "small" {
			return nil // not what it is made for
		}
		multiply, err := clibGEMM[T](rival.lib, s)
		if err != nil {
			return nil // it has no such product: oneDNN in float64
		}
		return multiply
	case s.flop() > quickSlowFLOP:
		return nil
	case rival.Name == "gonum":
		return gonumGEMM[T](s)
	case rival.Name == "vek":
		return vekGEMM[T](s)
	default:
		return nil // a training loop
	}
}

// clibGEMM multiplies with a library in C.
func clibGEMM[T kernels.Float](lib *clib.Library, s Shape) (gemmFunc[T], error) {
	lda, ldb, ldc := s.strides()
	return clib.Product[T](lib, clib.Shape{
		TransA: s.transA, TransB: s.transB, M: s.m, N: s.n, K: s.k, LDA: lda, LDB: ldb, LDC: ldc,
	})
}
