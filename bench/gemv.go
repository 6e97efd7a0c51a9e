package bench

import (
	"fmt"

	"github.com/lanewise/lanewise/kernels"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// gemvShape is y = op(A) x with an m x n matrix A, contiguous.
type gemvShape struct {
	m, n  int
	trans bool
}

// gemvShapes are matrices that stay in a second-level cache, and that go to memory.
var gemvShapes = []gemvShape{
	{256, 256, false}, {256, 256, true}, {4096, 4096, false}, {4096, 4096, true},
}

func (s gemvShape) params() string {
	p := fmt.Sprintf("m=%d/n=%d", s.m, s.n)
	if s.trans {
		p += "/trans=T"
	}
	return p
}

// product is s as a matrix product with one column: its operands and its check serve.
func (s gemvShape) product() Shape {
	if s.trans {
		return Shape{m: s.n, n: 1, k: s.m, transA: true}
	}
	return Shape{m: s.m, n: 1, k: s.n}
}

func (cs contenders[T]) gemvGroup(s gemvShape) *Group {
	family, size := "DGEMV", 8
	if isFloat32[T]() {
		family, size = "SGEMV", 4
	}
	g := &Group{Family: family, Params: s.params(), Work: Work{Bytes: float64(size * (s.m*s.n + s.m + s.n))}}
	g.operands = func(round int) any { return newGEMMOperands[T](s.product(), operandSource(g, round)) }
	for _, ops := range cs.ops {
		g.Contenders = append(g.Contenders, Contender{
			Impl: ops.Implementation().Name(),
			bind: bindGEMM(func(n int, a, x, y []T) {
				for range n {
					ops.Gemv(s.trans, s.m, s.n, 1, a, s.n, x, 1, 0, y, 1)
				}
			}),
		})
	}
	g.Contenders = append(g.Contenders, Contender{Impl: "gonum", bind: bindGEMM(gonumGEMV[T](s))})
	return g
}

func gonumGEMV[T kernels.Float](s gemvShape) gemmFunc[T] {
	trans := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}[s.trans]
	return func(n int, a, x, y []T) {
		for range n {
			switch a := any(a).(type) {
			case []float32:
				gonum.Implementation{}.Sgemv(trans, s.m, s.n, 1, a, s.n, any(x).([]float32), 1, 0, any(y).([]float32), 1)
			case []float64:
				gonum.Implementation{}.Dgemv(trans, s.m, s.n, 1, a, s.n, any(x).([]float64), 1, 0, any(y).([]float64), 1)
			}
		}
	}
}
