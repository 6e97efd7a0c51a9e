package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A fused epilogue gives the same bits as the product and the operations one
// after the other, on every path of a product.
func TestGemmFused(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmFused(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmFused(t, o) })
}

func gemmFused[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(9, 10))
	mr, nr := o.Tile()
	lanes, kc := o.VectorLen(), o.ks.tuning.KC
	for _, s := range [][3]int{
		{1, 1, 1}, {mr, nr, 5}, {mr + 1, nr + 1, 7}, {2*mr - 1, nr + lanes + 1, 9}, {1, 50, 20}, {30, 1, 20},
		{100, 50, 30}, {5, 6, kc + 3}, {3, 3, 0}, {4, lanes + 1, 40}, {40, lanes + 1, 40}, {2, 1, 40},
		{mr, 4 * nr, 6}, {mr + 1, 5*nr + 1, 6}, {2*mr + 1, 3*nr + lanes, 50}, // several panels in a call
		{37, 3*lanes + 1, 2*kc + 61}, {1, 31, kc + 3}, {5, 31, 400}, {20, 9, 100}, {5, 1103, 30},
	} {
		m, n, k := s[0], s[1], s[2]
		for variant := range 8 {
			for _, trans := range transposes {
				for _, alphaBeta := range [][2]T{{1, 0}, {-0.5, 1}, {0, 2}} {
					lda, ldb, ldc, ldmask := k, n, n+2, n+1
					if trans[0] {
						lda = m
					}
					if trans[1] {
						ldb = k
					}
					a, b := randomMatrix[T](rng, 1, m*k, m*k).data, randomMatrix[T](rng, 1, k*n, k*n).data
					c := randomMatrix[T](rng, m, n, ldc)
					mask := randomMatrix[T](rng, m, n, ldmask).data
					mask[0] = T(math.NaN())
					bias := randomMatrix[T](rng, 1, n, n).data
					want := slices.Clone(c.data)
					o.Gemm(trans[0], trans[1], m, n, k, alphaBeta[0], a, lda, b, ldb, alphaBeta[1], want, ldc)
					var e Epilogue[T]
					if variant&1 != 0 {
						e.Bias = bias
					}
					e.ReLU = variant&2 != 0
					if variant&4 != 0 {
						e.Mask, e.LDMask = mask, ldmask
					}
					for i := range m {
						row := want[i*ldc:][:n]
						if e.Bias != nil {
							o.AddBias(row, row, bias, 1, n)
						}
						if e.ReLU {
							o.ReLU(row, row)
						}
						if e.Mask != nil {
							o.ReLUGrad(row, row, mask[i*ldmask:][:n])
						}
					}
					o.GemmFused(trans[0], trans[1], m, n, k, alphaBeta[0], a, lda, b, ldb, alphaBeta[1], c.data, ldc, e)
					c.check(t, "c")
					if !slices.EqualFunc(c.data, want, sameBits) {
						t.Fatalf("%v: fused differs from one after the other", fmt.Sprint(m, n, k, trans, alphaBeta, " bias ", e.Bias != nil, " relu ", e.ReLU, " mask ", e.Mask != nil))
					}
				}
			}
		}
	}
}
