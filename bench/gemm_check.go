package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/lanewise/lanewise/kernels"
)

// gemmOperands are the matrices of one shape, shared by its contenders, and what C has
// to be.
type gemmOperands[T kernels.Float] struct {
	shape   Shape
	a, b, c []T
	want    []wantedElement // made when it is first asked for
}

// wantedElement is an element of C as it has to be.
type wantedElement struct {
	i, j         int
	value, bound float64 // bound on the error
}

func newGEMMOperands[T kernels.Float](s Shape, rng *rand.Rand) *gemmOperands[T] {
	return &gemmOperands[T]{shape: s, a: normals[T](rng, s.m*s.k), b: normals[T](rng, s.k*s.n), c: make([]T, s.m*s.n)}
}

// spoil overwrites C, so that an element left out shows, and one that is read.
func (o *gemmOperands[T]) spoil() {
	for i := range o.c {
		o.c[i] = T(math.NaN())
	}
}

// verify compares C with the reference, in the elements that it has, and looks for NaN
// in all of them.
func (o *gemmOperands[T]) verify() error {
	n := o.shape.n
	for i, c := range o.c {
		if math.IsNaN(float64(c)) {
			return fmt.Errorf("element C[%d,%d] = NaN for finite operands", i/n, i%n)
		}
	}
	if o.want == nil {
		o.want = o.reference()
	}
	for _, want := range o.want {
		got := float64(o.c[want.i*n+want.j])
		if !(math.Abs(got-want.value) <= want.bound) {
			return fmt.Errorf("element C[%d,%d] = %g, want %g, off by %.3g where rounding explains at most %.3g",
				want.i, want.j, got, want.value, math.Abs(got-want.value), want.bound)
		}
	}
	return nil
}

// Elements verified: all of them for a product of up to verifyAll multiplications,
// else the corners and verifySample others, drawn from a fixed seed.
const (
	verifyAll    = 1 << 21
	verifySample = 512
)

// reference computes the elements to verify.
func (o *gemmOperands[T]) reference() []wantedElement {
	s := o.shape
	var want []wantedElement
	if s.flop() <= 2*verifyAll {
		for i := range s.m {
			for j := range s.n {
				want = append(want, o.element(i, j))
			}
		}
		return want
	}
	for _, ij := range [][2]int{{0, 0}, {0, s.n - 1}, {s.m - 1, 0}, {s.m - 1, s.n - 1}} {
		want = append(want, o.element(ij[0], ij[1]))
	}
	rng := rand.New(rand.NewPCG(seed, uint64(s.m)))
	for range verifySample {
		want = append(want, o.element(rng.IntN(s.m), rng.IntN(s.n)))
	}
	return want
}

// element computes an element of C with a compensated float64 sum. The bound is the
// usual elementwise one, gamma(k+2) * |A| |B|, which holds for every order of summation.
func (o *gemmOperands[T]) element(i, j int) wantedElement {
	s := o.shape
	lda, ldb, _ := s.strides()
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
	return wantedElement{i, j, sum + rest, gamma[T](s.k+2) * magnitude}
}

// gamma is k*u / (1 - k*u) with the unit roundoff u of T.
func gamma[T kernels.Float](k int) float64 {
	u := 0x1p-53
	if isFloat32[T]() {
		u = 0x1p-24
	}
	return float64(k) * u / (1 - float64(k)*u)
}
