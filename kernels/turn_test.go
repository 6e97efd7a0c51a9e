package kernels

import (
	"math/rand/v2"
	"testing"
)

// A transpose of every small size moves each element, and writes nothing else.
func TestPackTransposed(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { turned(t, o) },
		func(t *testing.T, o Ops[float64]) { turned(t, o) })
}

func turned[T Float](t *testing.T, o Ops[T]) {
	const gap = 3 // between rows, of both sides
	rng := rand.New(rand.NewPCG(61, 62))
	for k := 1; k <= 2*o.VectorLen()+1; k++ {
		for cols := 1; cols <= 2*o.VectorLen()+1; cols++ {
			b := randomMatrix[T](rng, cols, k, k+gap)
			panel := newGuarded[T](extent(k, cols, cols+gap))
			for i := range panel.data {
				panel.data[i] = T(guard)
			}
			packTransposed(o.ks.square, b.data, k+gap, panel.data, k, cols, cols+gap)
			panel.check(t, "panel")
			for i, got := range panel.data {
				p, j := i/(cols+gap), i%(cols+gap)
				want := T(guard)
				if j < cols {
					want = b.data[j*(k+gap)+p]
				}
				if got != want {
					t.Fatalf("k = %d, %d columns: element %d of row %d is %v, want %v", k, cols, j, p, got, want)
				}
			}
		}
	}
}

// A transposed B of few steps of k and so many columns that it is turned in several pieces, whole
// and cut, and one that is just not.
func TestGemmTurnedInPieces(t *testing.T) {
	bothGemm(t, func(tallest, widest int) (cases []gemmCase) {
		for _, k := range []int{3, 30, turnedSingly - 1, turnedSingly} {
			for _, n := range []int{16<<10/k + 1, 32<<10/k + 5} { // a piece and a little more, of float64 and of float32
				cases = append(cases, gemmCase{transB: true, m: 9, n: n, k: k, alpha: 1, beta: 1, padB: 1, padC: 3},
					gemmCase{transA: true, transB: true, m: 2, n: n, k: k, alpha: -0.5, padA: 2})
			}
		}
		return cases
	})
}
