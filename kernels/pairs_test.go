package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// endings are the numbers of columns of panels that end in a pair.
func endings[T Float](ks *kernelSet[T]) (columns []int) {
	for n := range len(ks.byColumns) + 1 {
		if v := (n + ks.lanes - 1) / ks.lanes; ks.endsInPair(n) && v <= len(ks.pairs.alongK) {
			columns = append(columns, n)
		}
	}
	return columns
}

// Every panel that ends in a pair, with each of its heights, and depths on both
// sides of a whole vector of steps and of that from which there are pairs.
func TestGemmPairs(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemmPairs(t, o) },
		func(t *testing.T, o Ops[float64]) { gemmPairs(t, o) })
}

func gemmPairs[T Float](t *testing.T, o Ops[T]) {
	for _, n := range endings(o.ks) {
		v := (n + o.ks.lanes - 1) / o.ks.lanes
		for _, transA := range []bool{false, true} {
			kernels, least := o.ks.pairs.alongK[v-1], 2
			if transA {
				if kernels, least = o.ks.pairs.alongM[v-1], turnedPairRows; v == 1 {
					continue // there are none
				}
			}
			for m := least; m <= 2*len(kernels)+3; m++ {
				for i, k := range []int{pairDepth - 1, pairDepth, pairDepth + 1, 31, 32, 33, 39, 47, 50} {
					if p := pairingOf(m, k, transA); p != noPairs && &o.ks.byColumns[n-1][p][0] != &kernels[0] {
						t.Fatalf("%dx%dx%d: not computed with a pair", m, n, k)
					}
					g := gemmCase{transA: transA, m: m, n: n, k: k, alpha: 1, padA: i % 3, padB: i % 2, padC: (i + m) % 3}
					if i%2 == m%2 {
						g.alpha, g.beta = -1.5, float64(m%3)-0.5
					}
					runGemm(t, o, g)
				}
			}
		}
	}
}

// The bits of a pair along k are the same however the product is cut into pieces,
// and those of a pair along m are the same as without pairs.
func TestPairsGiveTheSameBits(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { sameBitsOfPairs(t, o) },
		func(t *testing.T, o Ops[float64]) { sameBitsOfPairs(t, o) })
}

func sameBitsOfPairs[T Float](t *testing.T, o Ops[T]) {
	if len(o.ks.pairs.alongK) == 0 {
		return // it has no such kernels
	}
	rng := rand.New(rand.NewPCG(51, 52))
	lanes, widest := o.ks.lanes, len(o.ks.micro)
	without := *o.ks
	without.pairs = pairKernels[T]{}
	without = without.arranged()
	packing := o.Tuning()
	packing.PackRows, packing.PackDepth = 0, 0
	for _, tu := range append(tunings(o), packing) {
		if tu.KC < pairDepth {
			continue // no block of k is as deep
		}
		apart := tu
		apart.ThreadWork = 1
		for i, n := range []int{lanes + 1, 3*lanes + 2, (3*widest+1)*lanes + 2, 4*widest*lanes + 1, 13*lanes + 2, 9*lanes + 1} {
			m, k := 23+17*i, 40+i
			b := randomMatrix[T](rng, k, n, n).data
			e := Epilogue[T]{Bias: b[:n], ReLU: true}
			for _, transA := range []bool{false, true} {
				lda := k
				if transA {
					lda = m
				}
				a := randomMatrix[T](rng, 1, m*k, m*k).data
				multiply := func(o Ops[T]) []T {
					c := make([]T, m*n)
					o.GemmFused(transA, false, m, n, k, 1, a, lda, b, n, 0, c, n, e)
					return c
				}
				name := fmt.Sprintf("%dx%dx%d, A transposed: %v, tuned by %+v", m, n, k, transA, tu)
				want := multiply(o.Tuned(apart).Threads(1))
				for threads := 2; threads <= 4; threads++ {
					if got := multiply(o.Tuned(apart).Threads(threads)); !slices.Equal(got, want) {
						t.Fatalf("%s: %d threads give other bits than one", name, threads)
					}
				}
				if !transA {
					continue
				}
				plain := Ops[T]{ks: &without}
				if got := multiply(plain.Tuned(tu).Threads(1)); o.ks.tailColumns(m, n, k, true) == without.tailColumns(m, n, k, true) && !slices.Equal(got, want) {
					t.Fatalf("%s: along m the bits are others than without pairs", name)
				}
			}
		}
	}
}

// C as rows, from a B whose rows are contiguous: its columns are pieces of m.
func TestPairsOfRowsGiveTheSameBits(t *testing.T) {
	withProcs(t, 2)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { sameBitsOfRows(t, o) },
		func(t *testing.T, o Ops[float64]) { sameBitsOfRows(t, o) })
}

func sameBitsOfRows[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(53, 54))
	tu := o.Tuning()
	tu.ThreadWork = 1
	const n, k = 5, 120
	some := false
	for m := 10; m < 200; m += 11 {
		if !o.ks.betterAsRows(m, n, k, true) {
			continue
		}
		some = true
		a, b := randomMatrix[T](rng, k, m, m).data, randomMatrix[T](rng, n, k, k).data
		one, two := make([]T, m*n), make([]T, m*n)
		o.Tuned(tu).Threads(1).Gemm(true, true, m, n, k, 1, a, m, b, k, 0, one, n)
		o.Tuned(tu).Threads(2).Gemm(true, true, m, n, k, 1, a, m, b, k, 0, two, n)
		if !slices.Equal(one, two) {
			t.Fatalf("%dx%dx%d: two threads give other bits than one", m, n, k)
		}
	}
	if !some && o.VectorLen() > 1 {
		t.Error("no product is computed as rows")
	}
}

// How far rows of B are apart, and with it whether B is packed, changes no bits, however
// wide panels are.
func TestBitsDoNotDependOnStrides(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { bitsAndStrides(t, o) },
		func(t *testing.T, o Ops[float64]) { bitsAndStrides(t, o) })
}

func bitsAndStrides[T Float](t *testing.T, o Ops[T]) {
	const k = 56
	lanes := o.VectorLen()
	rng := rand.New(rand.NewPCG(63, 64))
	for vectors := 1; vectors <= len(o.ks.micro); vectors++ {
		tu := packsAllB(o).Tuning()
		tu.Vectors, tu.Rows = vectors, 0
		tuned := o.Tuned(tu).Threads(1)
		columns := []int{13*lanes + 1, 12*lanes + lanes/2 + 1, 13*lanes + lanes/2 + 2}
		for n := 1; n <= 5*lanes+3; n++ {
			columns = append(columns, n)
		}
		for _, n := range columns {
			m := 22
			if n > 12*lanes {
				m = 2 + n%9 // for which panels are wider, if they may
			}
			a, near := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data
			far := make([]T, k*(n+farRow))
			for p := range k {
				copy(far[p*(n+farRow):], near[p*n:][:n])
			}
			want, got := make([]T, m*n), make([]T, m*n)
			tuned.Gemm(false, false, m, n, k, 1, a, k, near, n, 0, want, n)
			tuned.Gemm(false, false, m, n, k, 1, a, k, far, n+farRow, 0, got, n)
			if !tuned.ks.packsB(m, n, k, n+farRow, false) {
				t.Fatalf("%d columns are not packed where rows of B are far apart", n)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d columns in panels of %d vectors: other bits where rows of B are far apart", n, vectors)
			}
			if n < 2*lanes {
				continue
			}
			// A transposed B, and rows of A that share sets of the L1 cache.
			lda := setPeriod / int(unsafe.Sizeof(T(0)))
			spread, turned := make([]T, m*lda), make([]T, n*k)
			for i := range m {
				copy(spread[i*lda:], a[i*k:][:k])
			}
			packTransposed(o.ks.square, near, n, turned, n, k, k)
			tuned.Gemm(false, true, m, n, k, 1, a, k, turned, k, 0, want, n)
			tuned.Gemm(false, true, m, n, k, 1, spread, lda, turned, k, 0, got, n)
			if !slices.Equal(got, want) {
				t.Fatalf("%d columns in panels of %d vectors, B transposed: other bits where rows of A are far apart", n, vectors)
			}
		}
	}
}

// TestOrderOfPairs adds up the last columns of narrow products as pairs along k do, in plain Go: as
// many sums as a vector has steps of k, which come together half by half, and what is left behind them.
func TestOrderOfPairs(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { orderOfPairs(t, o, 12) },
		func(t *testing.T, o Ops[float64]) { orderOfPairs(t, o, 26) })
}

// Elements have so many bits that a product of two is exact: a multiply-add rounds once in Go, too.
func orderOfPairs[T Float](t *testing.T, o Ops[T], bits int) {
	if len(o.ks.pairs.alongK) == 0 {
		return // it has no such kernels
	}
	rng := rand.New(rand.NewPCG(57, 58))
	random := func(size int) []T {
		x := make([]T, size)
		for i := range x {
			x[i] = T(math.Ldexp(float64(rng.Int64N(1<<bits)-1<<(bits-1)), rng.IntN(12)))
		}
		return x
	}
	classes, some := o.ks.lanes/2, 0
	for _, n := range []int{classes + 1, classes + 2, o.ks.lanes + 2} {
		for _, m := range []int{2, 5, 9, 12, 25} {
			for _, k := range []int{16, 17, 23, 40, 50} {
				if o.ks.goesAlongK(m, n, k) || o.ks.tailColumns(m, n, k, false) > 0 {
					continue
				}
				some++
				a, b, c := random(m*k), random(k*n), make([]T, m*n)
				o.Gemm(false, false, m, n, k, 1, a, k, b, n, 0, c, n)
				for i := range m {
					sums := make([]T, classes)
					p := 0
					for ; p+classes <= k; p += classes {
						for u := range sums {
							sums[u] = T(float64(a[i*k+p+u])*float64(b[(p+u)*n+n-1]) + float64(sums[u]))
						}
					}
					for half := classes / 2; half > 0; half /= 2 {
						for u := range half {
							sums[u] += sums[u+half]
						}
					}
					for ; p < k; p++ {
						sums[0] = T(float64(a[i*k+p])*float64(b[p*n+n-1]) + float64(sums[0]))
					}
					if got := c[i*n+n-1]; got != sums[0] {
						t.Fatalf("%dx%dx%d: the last element of row %d is %v, added up as a pair %v", m, n, k, i, got, sums[0])
					}
				}
			}
		}
	}
	if some == 0 {
		t.Error("no product has a pair")
	}
}
