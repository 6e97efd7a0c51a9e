package bench

import (
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// netShapes are the matrix products of the two-layer net (784-50-10, batch 100).
var netShapes = []Shape{
	{m: 100, n: 50, k: 784},               // X W1, forward
	{m: 784, n: 50, k: 100, transA: true}, // Xᵀ dH, gradient of W1
	{m: 100, n: 10, k: 50},                // H W2, logits
	{m: 50, n: 10, k: 100, transA: true},  // Hᵀ dY, gradient of W2
	{m: 100, n: 50, k: 10, transB: true},  // dY W2ᵀ, gradient of H
}

// gemmShapes lists the matrix products: those of the net, squares, odd sizes that no
// tile divides.
var gemmShapes = slices.Concat(netShapes, []Shape{
	square(64), square(96).onlyLong(), square(128), square(192).onlyLong(),
	square(256), square(384).onlyLong(), square(512), square(768).onlyLong(), square(1024),

	{m: 37, n: 53, k: 71}, {m: 127, n: 129, k: 131}, square(1023),

	{m: 512, n: 512, k: 512, transB: true, long: true},
	{m: 512, n: 512, k: 512, transA: true, long: true},
	{m: 512, n: 512, k: 512, transA: true, transB: true, long: true},
})

// gemmFunc computes c = op(a) op(b) of one shape, n times.
type gemmFunc[T kernels.Float] func(n int, a, b, c []T)

func (cs contenders[T]) gemmGroup(s Shape) *Group {
	g := newGEMMGroup[T](s)
	for i, ops := range cs.ops {
		g.Contenders = append(g.Contenders, Contender{
			Impl: ops.Implementation().Name(), slow: cs.slow(i), peak: cs.peaks[i],
			bind: bindGEMM(gemmOn(ops, s)),
		})
	}
	g.Contenders = append(g.Contenders, Contender{
		Impl: "gonum", slow: true, spawns: true, peak: cs.peaks[0],
		bind: bindGEMM(gonumGEMM[T](s)),
	})
	return g
}

// newGEMMGroup returns the group of one shape, without contenders.
func newGEMMGroup[T kernels.Float](s Shape) *Group {
	g := &Group{Family: gemmFamily[T](), Params: s.params(), Work: Work{FLOP: s.flop()}, long: s.long}
	g.operands = func(round int) any { return newGEMMOperands[T](s, operandSource(g, round)) }
	return g
}

// gemmFamilies are the products' families, of either type.
var gemmFamilies = []string{gemmFamily[float32](), gemmFamily[float64]()}

// gemmFamily is the BLAS name of the product.
func gemmFamily[T kernels.Float]() string {
	if isFloat32[T]() {
		return "SGEMM"
	}
	return "DGEMM"
}

func gemmOn[T kernels.Float](ops kernels.Ops[T], s Shape) gemmFunc[T] {
	lda, ldb, ldc := s.strides()
	return func(n int, a, b, c []T) {
		for range n {
			ops.Gemm(s.transA, s.transB, s.m, s.n, s.k, 1, a, lda, b, ldb, 0, c, ldc)
		}
	}
}

func gonumGEMM[T kernels.Float](s Shape) gemmFunc[T] {
	lda, ldb, ldc := s.strides()
	trans := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
	tA, tB := trans[s.transA], trans[s.transB]
	return func(n int, a, b, c []T) {
		for range n {
			switch a := any(a).(type) {
			case []float32:
				gonum.Implementation{}.Sgemm(tA, tB, s.m, s.n, s.k, 1, a, lda, any(b).([]float32), ldb, 0, any(c).([]float32), ldc)
			case []float64:
				gonum.Implementation{}.Dgemm(tA, tB, s.m, s.n, s.k, 1, a, lda, any(b).([]float64), ldb, 0, any(c).([]float64), ldc)
			}
		}
	}
}

func bindGEMM[T kernels.Float](multiply gemmFunc[T]) func(any) task {
	return func(operands any) task {
		o := operands.(*gemmOperands[T])
		return task{
			run:    func(n int) { multiply(n, o.a, o.b, o.c) },
			spoil:  o.spoil,
			verify: o.verify,
			waits:  true,
		}
	}
}
