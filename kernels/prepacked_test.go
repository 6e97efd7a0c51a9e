package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A packed B gives the product within the error bound, with every epilogue
// and number of threads, whatever became of the matrix it was made from.
func TestGemmPacked(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmPacked(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmPacked(t, o) })
}

func gemmPacked[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(15, 16))
	mr, nr := o.Tile()
	kc := o.ks.tuning.KC
	for _, s := range [][3]int{{1, 1, 1}, {mr, nr, 3}, {mr + 1, nr + 1, 7}, {100, 50, 78}, {1, 3*nr + 1, 20}, {9, 1, 30}, {5, 7, 2*kc + 1}, {130, 4*nr + 5, 150}, {3, 3, 0}} {
		m, n, k := s[0], s[1], s[2]
		for _, trans := range transposes {
			g := gemmCase{transA: trans[0], transB: trans[1], m: m, n: n, k: k, alpha: 1.5, beta: -0.5}
			aRows, aCols := g.aShape()
			bRows, bCols := g.bShape()
			a, b := randomMatrix[T](rng, aRows, aCols, aCols), randomMatrix[T](rng, bRows, bCols, bCols+2)
			packed := o.PackB(g.transB, k, n, b.data, bCols+2)
			b.check(t, "b")
			if pk, pn := packed.Dims(); pk != k || pn != n || packed.Implementation() != o.Implementation() {
				t.Fatalf("%dx%d packed says it is %dx%d for %s", k, n, pk, pn, packed.Implementation())
			}
			original := slices.Clone(b.data)
			clear(b.data) // the packed matrix is a copy
			var first []T
			for _, threads := range []int{1, 2, 4} {
				c := randomMatrix[T](rand.New(rand.NewPCG(1, 1)), m, n, n+1)
				old := slices.Clone(c.data)
				o.Threads(threads).GemmPacked(g.transA, m, T(g.alpha), a.data, aCols, packed, T(g.beta), c.data, n+1, Epilogue[T]{})
				c.check(t, "c")
				for i := range m {
					for j := range n {
						want, magnitude := reference(g, a.data, aCols, original, bCols+2, old[i*(n+1)+j], i, j)
						if got := float64(c.data[i*(n+1)+j]); !(math.Abs(got-want) <= gamma[T](k+2)*magnitude) {
							t.Fatalf("%+v: C[%d,%d] = %v, want %v", g, i, j, got, want)
						}
					}
				}
				if first == nil {
					first = c.data
				} else if !slices.Equal(first, c.data) {
					t.Fatalf("%+v: %d threads give other bits than one", g, threads)
				}
			}
			plain, fused := make([]T, m*n), make([]T, m*n)
			bias := randomMatrix[T](rng, 1, n, n).data
			o.GemmPacked(g.transA, m, 1, a.data, aCols, packed, 0, plain, n, Epilogue[T]{})
			o.AddBias(plain, plain, bias, m, n)
			o.ReLU(plain, plain)
			o.GemmPacked(g.transA, m, 1, a.data, aCols, packed, 0, fused, n, Epilogue[T]{Bias: bias, ReLU: true})
			if !slices.Equal(plain, fused) {
				t.Fatalf("%+v: the epilogue differs from what it stands for", g)
			}
		}
	}
}

func TestPackedIsBoundToItsImplementation(t *testing.T) {
	all := Supported()
	if len(all) < 2 {
		t.Logf("only %s is supported here: nothing to mix up", all[0])
		return
	}
	packed := On[float32](all[0]).PackB(false, 1, 1, []float32{1}, 1)
	got := panicOf(func() {
		On[float32](all[1]).GemmPacked(false, 1, 1, []float32{1}, 1, packed, 0, make([]float32, 1), 1, Epilogue[float32]{})
	})
	if want := "b was packed for " + all[0].Name() + ", want " + all[1].Name(); !strings.Contains(got, want) {
		t.Errorf("panic %q, want %q", got, want)
	}
}

// A batch gives the same bits as its products one after the other.
func TestGemmBatched(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmBatched(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmBatched(t, o) })
}

func gemmBatched[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(17, 18))
	for _, c := range []struct {
		count, m, n, k                int
		commonA, commonB, interleaved bool
		alpha                         T
	}{
		{count: 1, m: 4, n: 4, k: 4, alpha: 1}, {count: 50, m: 4, n: 5, k: 6, alpha: 1}, {count: 7, m: 40, n: 60, k: 50, alpha: -1},
		{count: 9, m: 3, n: 4, k: 5, alpha: 1, commonA: true}, {count: 9, m: 3, n: 4, k: 5, alpha: 1, commonB: true},
		{count: 5, m: 6, n: 3, k: 2, alpha: 1, interleaved: true}, {count: 3, m: 2, n: 2, k: 2}, {count: 3, m: 2, n: 2, k: 0, alpha: 1},
		{count: 4, m: 0, n: 2, k: 2, alpha: 1}, {count: 0, m: 2, n: 2, k: 2, alpha: 1}, {count: 300, m: 16, n: 16, k: 16, alpha: 1},
	} {
		for _, trans := range transposes {
			lda, ldb, ldc := c.k, c.n, c.n+1
			if trans[0] {
				lda = c.m
			}
			if trans[1] {
				ldb = c.k
			}
			strideA, strideB, strideC := c.m*c.k+3, c.k*c.n+1, c.m*ldc
			if c.commonA {
				strideA = 0
			}
			if c.commonB {
				strideB = 0
			}
			if c.interleaved {
				strideC, ldc = c.n, c.count*c.n
			}
			a := randomMatrix[T](rng, 1, max(c.count-1, 0)*strideA+c.m*c.k, 1<<20)
			b := randomMatrix[T](rng, 1, max(c.count-1, 0)*strideB+c.k*c.n, 1<<20)
			got := randomMatrix[T](rng, 1, max(c.count-1, 0)*strideC+extent(c.m, c.n, ldc), 1<<20)
			want := slices.Clone(got.data)
			for i := range c.count {
				if c.m == 0 {
					break
				}
				o.Gemm(trans[0], trans[1], c.m, c.n, c.k, c.alpha, a.data[i*strideA:], lda, b.data[i*strideB:], ldb, 0.5, want[i*strideC:], ldc)
			}
			o.GemmBatched(c.count, trans[0], trans[1], c.m, c.n, c.k, c.alpha, a.data, lda, strideA, b.data, ldb, strideB, 0.5, got.data, ldc, strideC)
			got.check(t, "c")
			if !slices.Equal(got.data, want) {
				t.Fatalf("%+v, trans %v: the batch differs from its products", c, trans)
			}
		}
	}
}
