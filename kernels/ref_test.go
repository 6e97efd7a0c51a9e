package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// The oracle of the GEMM tests: sums of products in twice the precision of
// float64, by the error-free transformations of Ogita, Rump and Oishi,
// "Accurate Sum and Dot Product" (2005), algorithm Dot2.

type gemmCase struct {
	transA, transB   bool
	m, n, k          int
	alpha, beta      float64
	padA, padB, padC int // how much longer than the row the leading dimensions are
}

func (g gemmCase) aShape() (rows, cols int) {
	if g.transA {
		return g.k, g.m
	}
	return g.m, g.k
}

func (g gemmCase) bShape() (rows, cols int) {
	if g.transB {
		return g.n, g.k
	}
	return g.k, g.n
}

// leadingDims returns those of operands, transposed or not, whose rows are contiguous.
func leadingDims(trans [2]bool, m, n, k int) (lda, ldb int) {
	lda, ldb = k, n
	if trans[0] {
		lda = m
	}
	if trans[1] {
		ldb = k
	}
	return lda, ldb
}

// reference returns alpha*op(A)*op(B) + beta*C for element (i, j), and
// |alpha| |A| |B| + |beta| |C|, by which its error is measured.
//
// What it reads nobody writes: the race detector would only take its time.
//
//go:norace
func reference[T Float](g gemmCase, a []T, lda int, b []T, ldb int, old T, i, j int) (want, magnitude float64) {
	var sum, rest, abs float64
	for p := range g.k {
		ia, ib := i*lda+p, p*ldb+j
		if g.transA {
			ia = p*lda + i
		}
		if g.transB {
			ib = j*ldb + p
		}
		x, y := a[ia], b[ib]
		product := float64(float64(x) * float64(y)) // rounded: CPUs with FMA would add what is not
		productRest := math.FMA(float64(x), float64(y), -product)
		s := sum + product
		z := s - sum
		rest += (sum - (s - z)) + (product - z) + productRest
		sum = s
		abs += max(product, -product)
	}
	if g.alpha == 0 {
		sum, rest, abs = 0, 0, 0
	}
	want = g.alpha*sum + g.alpha*rest
	if g.beta != 0 {
		want = math.FMA(g.beta, float64(old), g.alpha*sum) + g.alpha*rest
		abs = math.Abs(g.alpha)*abs + math.Abs(g.beta*float64(old))
	} else {
		abs *= math.Abs(g.alpha)
	}
	return want, abs
}

// gamma is the constant of the elementwise error bound after n roundings in T
// (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
func gamma[T Float](n int) float64 {
	u := unitRoundoff[T]()
	return float64(n) * u / (1 - float64(n)*u)
}

func unitRoundoff[T Float]() float64 {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return 0x1p-24
	}
	return 0x1p-53
}

// guard is what stands around every buffer, and in its gaps, and must be there afterwards.
const guard = -1.2345678e30

const guardLen = 64

// guarded is a buffer between guard words.
type guarded[T Float] struct {
	all  []T
	data []T // exactly as long as it needs to be
}

func newGuarded[T Float](n int) guarded[T] {
	all := make([]T, n+2*guardLen)
	all[0] = T(guard)
	for done := 1; done < len(all); done *= 2 {
		copy(all[done:], all[:done])
	}
	return guarded[T]{all, all[guardLen : guardLen+n : guardLen+n]}
}

// check reports what was written outside the buffer.
func (g guarded[T]) check(t testing.TB, name string) {
	t.Helper()
	for i := range guardLen {
		for _, at := range []int{i, guardLen + len(g.data) + i} {
			if v := g.all[at]; v != T(guard) {
				t.Fatalf("%s: element %d of %d was overwritten with %v", name, at-guardLen, len(g.data), v)
			}
		}
	}
}

// normals are drawn once, as drawing every matrix would take most of the time.
// So many are a prime number: rows of a matrix are never the same.
var normals = func() (x [65537]float64) {
	rng := rand.New(rand.NewPCG(27, 28))
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}()

// randomMatrix returns a rows x cols matrix of normal numbers, from a random one
// of normals on, between guard words; what lies between its rows is guard words
// as well.
func randomMatrix[T Float](rng *rand.Rand, rows, cols, ld int) guarded[T] {
	g := newGuarded[T](extent(rows, cols, ld))
	at := rng.IntN(len(normals))
	for i := range rows {
		for j := range cols {
			g.data[i*ld+j] = T(normals[at])
			if at++; at == len(normals) {
				at = 0
			}
		}
	}
	return g
}

// sameBits reports whether x and y are the same, NaN being NaN.
func sameBits[T Float](x, y T) bool {
	return math.Float64bits(float64(x)) == math.Float64bits(float64(y)) || x != x && y != y
}

// eachImplementation runs f as a subtest on every implementation that this CPU
// supports, and says which ones it does not.
func eachImplementation(t *testing.T, f func(t *testing.T, im *Implementation)) {
	for _, im := range All() {
		if missing := im.Missing(); len(missing) > 0 {
			t.Logf("%s is not run: this CPU lacks %v", im, missing)
			continue
		}
		t.Run(im.Name(), func(t *testing.T) { f(t, im) })
	}
}

// eachKernelSet runs f as a subtest for the kernels of every implementation, of which this CPU may not
// support all, and for each element type: for what only decides.
func eachKernelSet(t *testing.T, f32 func(t *testing.T, ks *kernelSet[float32]), f64 func(t *testing.T, ks *kernelSet[float64])) {
	for _, im := range All() {
		t.Run(im.Name(), func(t *testing.T) {
			t.Run("float32", func(t *testing.T) { f32(t, kernelsOf[float32](im)) })
			t.Run("float64", func(t *testing.T) { f64(t, kernelsOf[float64](im)) })
		})
	}
}

// eachType runs f as a subtest on every implementation and element type.
func eachType(t *testing.T, f32 func(t *testing.T, o Ops[float32]), f64 func(t *testing.T, o Ops[float64])) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		t.Run("float32", func(t *testing.T) { f32(t, On[float32](im)) })
		t.Run("float64", func(t *testing.T) { f64(t, On[float64](im)) })
	})
}
