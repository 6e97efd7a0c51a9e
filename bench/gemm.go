package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lanewise/lanewise/kernels"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// gemmShape is C = op(A) op(B) with op(A) m x k and op(B) k x n, contiguous.
type gemmShape struct {
	m, n, k        int
	transA, transB bool
	long           bool // only in the long suite
}

// gemmShapes lists the matrix products: those of the two-layer net
// (784-50-10, batch 100), squares, odd sizes that no tile divides.
var gemmShapes = []gemmShape{
	{m: 100, n: 50, k: 784},               // X W1, forward
	{m: 784, n: 50, k: 100, transA: true}, // Xᵀ dH, gradient of W1
	{m: 100, n: 10, k: 50},                // H W2, logits
	{m: 50, n: 10, k: 100, transA: true},  // Hᵀ dY, gradient of W2
	{m: 100, n: 50, k: 10, transB: true},  // dY W2ᵀ, gradient of H

	square(64), square(96).onlyLong(), square(128), square(192).onlyLong(),
	square(256), square(384).onlyLong(), square(512), square(768).onlyLong(), square(1024),

	{m: 37, n: 53, k: 71}, {m: 127, n: 129, k: 131}, square(1023),

	{m: 512, n: 512, k: 512, transB: true, long: true},
	{m: 512, n: 512, k: 512, transA: true, long: true},
	{m: 512, n: 512, k: 512, transA: true, transB: true, long: true},
}

func square(n int) gemmShape { return gemmShape{m: n, n: n, k: n} }

func (s gemmShape) onlyLong() gemmShape { s.long = true; return s }

func (s gemmShape) params() string {
	p := fmt.Sprintf("m=%d/n=%d/k=%d", s.m, s.n, s.k)
	if s.transA || s.transB {
		letter := map[bool]string{false: "N", true: "T"}
		p += "/trans=" + letter[s.transA] + letter[s.transB]
	}
	return p
}

func (s gemmShape) flop() float64 { return 2 * float64(s.m) * float64(s.n) * float64(s.k) }

// gemmOperands are the matrices of one shape, shared by its contenders.
type gemmOperands[T kernels.Float] struct {
	shape   gemmShape
	a, b, c []T
}

// gemmFunc computes o.c = op(o.a) op(o.b).
type gemmFunc[T kernels.Float] func(o *gemmOperands[T])

func (cs contenders[T]) gemmGroup(s gemmShape) *Group {
	g := &Group{Family: gemmFamily[T](), Params: s.params(), Work: Work{FLOP: s.flop()}, long: s.long}
	for i, ops := range cs.ops {
		g.Contenders = append(g.Contenders, Contender{
			Impl: ops.Implementation().Name(), slow: cs.slow(i), peak: cs.peaks[i],
			bind: bindGEMM(gemmOn(ops)),
		})
	}
	g.Contenders = append(g.Contenders, Contender{
		Impl: "gonum", slow: true, spawns: true, peak: cs.peaks[0],
		bind: bindGEMM(gonumGEMM[T]),
	})
	g.operands = func() any {
		rng := operandSource(g)
		return &gemmOperands[T]{s, normals[T](rng, s.m*s.k), normals[T](rng, s.k*s.n), normals[T](rng, s.m*s.n)}
	}
	return g
}

// gemmFamily is the BLAS name of the product.
func gemmFamily[T kernels.Float]() string {
	if isFloat32[T]() {
		return "SGEMM"
	}
	return "DGEMM"
}

// strides returns the leading dimensions of the operands as they are stored.
func (s gemmShape) strides() (lda, ldb, ldc int) {
	lda, ldb, ldc = s.k, s.n, s.n
	if s.transA {
		lda = s.m
	}
	if s.transB {
		ldb = s.k
	}
	return lda, ldb, ldc
}

func gemmOn[T kernels.Float](ops kernels.Ops[T]) gemmFunc[T] {
	return func(o *gemmOperands[T]) {
		s := o.shape
		lda, ldb, ldc := s.strides()
		ops.Gemm(s.transA, s.transB, s.m, s.n, s.k, 1, o.a, lda, o.b, ldb, 0, o.c, ldc)
	}
}

func gonumGEMM[T kernels.Float](o *gemmOperands[T]) {
	s := o.shape
	lda, ldb, ldc := s.strides()
	trans := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
	tA, tB := trans[s.transA], trans[s.transB]
	switch a := any(o.a).(type) {
	case []float32:
		gonum.Implementation{}.Sgemm(tA, tB, s.m, s.n, s.k, 1, a, lda, any(o.b).([]float32), ldb, 0, any(o.c).([]float32), ldc)
	case []float64:
		gonum.Implementation{}.Dgemm(tA, tB, s.m, s.n, s.k, 1, a, lda, any(o.b).([]float64), ldb, 0, any(o.c).([]float64), ldc)
	}
}

func bindGEMM[T kernels.Float](multiply gemmFunc[T]) func(any) task {
	return func(operands any) task {
		o := operands.(*gemmOperands[T])
		return task{
			run: func(n int) {
				for range n {
					multiply(o)
				}
			},
			check: func() error {
				for i := range o.c {
					o.c[i] = T(math.NaN()) // an element left out, or a C that is read, shows
				}
				multiply(o)
				return o.verify()
			},
		}
	}
}

// Elements verified: all of them for a product of up to verifyAll multiplications,
// else the corners and verifySample others, drawn from a fixed seed.
const (
	verifyAll    = 1 << 21
	verifySample = 512
)

// verify compares C with a compensated float64 sum of the products. The bound is the
// usual elementwise one, gamma(k+2) * |A| |B|, which holds for every order of summation.
func (o *gemmOperands[T]) verify() error {
	s := o.shape
	for i, c := range o.c {
		if math.IsNaN(float64(c)) {
			return fmt.Errorf("element C[%d,%d] = NaN for finite operands", i/s.n, i%s.n)
		}
	}
	if s.m*s.n*s.k <= verifyAll {
		for i := range s.m {
			for j := range s.n {
				if err := o.verifyElement(i, j); err != nil {
					return err
				}
			}
		}
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, uint64(s.m)))
	at := [][2]int{{0, 0}, {0, s.n - 1}, {s.m - 1, 0}, {s.m - 1, s.n - 1}}
	for range verifySample {
		at = append(at, [2]int{rng.IntN(s.m), rng.IntN(s.n)})
	}
	for _, ij := range at {
		if err := o.verifyElement(ij[0], ij[1]); err != nil {
			return err
		}
	}
	return nil
}

func (o *gemmOperands[T]) verifyElement(i, j int) error {
	s := o.shape
	lda, ldb, ldc := s.strides()
	// Step from one p to the next in op(A)[i,p] and op(B)[p,j].
	a, aStep, b, bStep := i*lda, 1, j, ldb
	if s.transA {
		a, aStep = i, lda
	}
	if s.transB {
		b, bStep = j*ldb, 1
	}
	// Dot2 of Ogita, Rump and Oishi: as if computed in twice the precision.
	var sum, rest, magnitude float64
	for p := range s.k {
		x, y := float64(o.a[a+p*aStep]), float64(o.b[b+p*bStep])
		h := x * y
		low := math.FMA(x, y, -h)
		t := sum + h
		z := t - sum
		rest += (sum - (t - z)) + (h - z) + low
		sum = t
		magnitude += math.Abs(h)
	}
	want, got := sum+rest, float64(o.c[i*ldc+j])
	if bound := gamma[T](s.k+2) * magnitude; !(math.Abs(got-want) <= bound) {
		return fmt.Errorf("element C[%d,%d] = %g, want %g, off by %.3g where rounding explains at most %.3g",
			i, j, got, want, math.Abs(got-want), bound)
	}
	return nil
}

// gamma is k*u / (1 - k*u) with the unit roundoff u of T.
func gamma[T kernels.Float](k int) float64 {
	u := 0x1p-53
	if isFloat32[T]() {
		u = 0x1p-24
	}
	return float64(k) * u / (1 - float64(k)*u)
}
