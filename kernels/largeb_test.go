package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// A large B in place is read in whole lines.
func TestPanelsOfLargeB(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { panelsOfLargeB(t, o.ks) },
		func(t *testing.T, o Ops[float64]) { panelsOfLargeB(t, o.ks) })
}

func panelsOfLargeB[T Float](t *testing.T, ks *kernelSet[T]) {
	const line = 64
	for m := 1; m < 20; m++ {
		wide := ks.widthInPlace(m, 4000, true)
		if bytes := wide * ks.lanes * int(unsafe.Sizeof(T(0))); bytes%line != 0 && wide != ks.tuning.Vectors {
			t.Errorf("%d rows: panels are %d bytes wide", m, bytes)
		}
	}
}

// Rows of B that are far apart, and together too many bytes for the second-level cache: near enough
// to come unasked, or sharing sets.
func TestGemmFarRows(t *testing.T) {
	bothGemm(t, func(tallest, widest int) (cases []gemmCase) {
		for _, ldb := range []int{700, 1024, 2048} {
			for _, m := range []int{2, tallest/2 + 1, tallest + 1} {
				for _, n := range []int{2 * widest, 2*widest + 3} {
					cases = append(cases, gemmCase{m: m, n: n, k: 200, alpha: 1, padB: ldb - n}, gemmCase{transA: true, m: m, n: n, k: 303, alpha: 1, padB: ldb - n})
				}
			}
		}
		return cases
	})
}

// That B is large changes what is fetched, and no bit, however near its rows are.
func TestLargeBGivesTheSameBits(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { largeBGivesTheSameBits(t, o.ks) },
		func(t *testing.T, o Ops[float64]) { largeBGivesTheSameBits(t, o.ks) })
}

func largeBGivesTheSameBits[T Float](t *testing.T, ks *kernelSet[T]) {
	rng := rand.New(rand.NewPCG(11, 5))
	for v, kernels := range ks.micro {
		for _, cols := range []int{(v + 1) * ks.lanes, v*ks.lanes + 1} {
			ldb := (v+2)*ks.lanes + 1
			for h := 1; h <= len(kernels); h++ {
				for k := 1; k <= 20; k++ {
					const tiles = 2
					a, b := randomMatrix[T](rng, tiles*h, k, k).data, randomMatrix[T](rng, k, ldb, ldb).data
					product := func(large int) []T {
						c := newGuarded[T](tiles * h * cols)
						var x microArgs[T]
						x.set(k, 1.5, &a[0], k, false, &b[0], ldb, 0, &c.data[0], cols)
						x.cols, x.tiles, x.panels, x.largeB = cols, tiles, 1, large
						x.run(kernels[h-1])
						return c.all
					}
					if near, large := product(0), product(1); !slices.Equal(near, large) || near[len(near)/2] == T(guard) {
						t.Fatalf("%d columns in %d vectors, tiles of %d rows, k = %d: another product if B is large", cols, v+1, h, k)
					}
				}
			}
		}
	}
}

func TestIsLarge(t *testing.T) {
	for _, c := range []struct {
		k, row int
		want   bool
	}{{1000, 1000, false}, {1600, 1800, false}, {1700, 1700, true}, {11 << 18, 1, true}, {1, 11<<18 - 1, false}, {2, 11 << 18, true}, {11<<18 - 1, 1, false}} {
		if got := isLarge[float32](c.k, c.row); got != c.want {
			t.Errorf("%d rows, %d apart: large is %v", c.k, c.row, got)
		}
		if got := isLarge[float64](c.k/2+c.k%2, c.row); c.k > 2 && c.row > 1 && got != c.want {
			t.Errorf("float64, %d rows, %d apart: large is %v", c.k/2, c.row, got)
		}
	}
}
