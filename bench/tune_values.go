package bench

import (
	"fmt"
	"math"
	"slices"

	"github.com/lanewise/lanewise/kernels"
)

// What values the parameters of a tuning take in a sweep.

func packRows(*tunable) []int {
	return []int{0, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, never}
}

func packColumns(*tunable) []int { return []int{0, 32, 64, 128, 192, 256, 384, 512, 1024, never} }

func turnColumns(*tunable) []int { return []int{0, 12, 24, 32, 48, 64, 128} }

func thinColumns(*tunable) []int { return []int{0, 24, 48, 64, 96, 128, 160, 200, 256} }

func strides(*tunable) []int {
	return []int{0, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, never}
}

// distances are on both sides of each stride, and not round, which is what sets of the cache are about.
func distances(t *tunable, now int) []int { return append(steps(strides(t), now), 1000, 3000) }

func turnDepths(*tunable) []int { return []int{0, 32, 64, 96, 128, 192, 256, 512, 1024, never} }

func turnRows(*tunable) []int { return []int{4, 7, 10, 13, 16, 19, 24} }

func tailDepths(*tunable) []int { return []int{0, 32, 64, 128, 256, never} }

func dotDepths(*tunable) []int { return []int{1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32, never} }

func uprightColumns(*tunable) []int { return []int{0, 2, 3, 4, 6, 8, 10, 12, 16} }

func asRowsDepths(*tunable) []int { return []int{0, 8, 16, 32, 64, 128, 300, 900, never} }

func transposeColumns(*tunable) []int { return []int{0, 24, 32, 48, 64, 96, 128, 192} }

func transposeRows(*tunable) []int { return []int{0, 8, 16, 24, 32, 48, 64, 80, 96, 128, 192} }

func narrowDepths(*tunable) []int { return []int{16, 32, 48, 64, 96, 128, 192, 256, never} }

func aloneDepths(*tunable) []int { return []int{1, 2, 4, 6, 8, 12, 16, 24, 32, 48, never} }

func aloneBytes(*tunable) []int {
	return []int{0, 1 << 13, 1 << 14, 1 << 15, 3 << 14, 1 << 16, 1 << 17}
}

func zeroOne(*tunable) []int { return []int{0, 1} }

func wholeBytes(*tunable) []int { return []int{0, 1 << 14, 1 << 15, 3 << 14, 1 << 16, 1 << 17} }

func shallowRows(*tunable) []int { return []int{0, 4, 8, 16, 32, 64, 128, 256} }

func pageDepths(*tunable) []int { return []int{16, 32, 48, 64, 96, 128, 192, never} }

func uprightDepths(*tunable) []int { return []int{0, 16, 32, 64, 128, 256, never} }

func loneDepths(*tunable) []int { return []int{0, 8, 16, 32, 64, 128, never} }

func aroundDepths(*tunable) []int { return []int{0, 8, 16, 24, 32, 48, 64, 96} }

func lowDepths(*tunable) []int { return []int{0, 4, 8, 16, 24, 32, 48, 64, 96} }

// packedPanels are products whose panels of B are packed, and used by several blocks of A.
func packedPanels(*tunable) (shapes []Shape) {
	for _, side := range []int{512, 768, 1024, 1536} {
		shapes = append(shapes, Shape{m: side, n: side, k: side})
	}
	return append(shapes, Shape{m: 500, n: 700, k: 2000})
}

// tails are all numbers of columns that do not fill a vector.
func tails(t *tunable) (values []int) {
	for v := range t.lanes {
		values = append(values, v)
	}
	return values
}

func splitDepths(*tunable) []int { return []int{32, 64, 96, 128, 160, 192, never} }

func packDepths(*tunable) []int { return []int{0, 32, 64, 96, 128, 192, 256, 384, never} }

func packWorks(*tunable) []int { return []int{0, 400, 800, 1600, 3072, 6400} }

// rowsInPlace returns the shapes for a parameter of rows: of B, n and k.
func rowsInPlace(now func(kernels.Tuning) int, nks ...[2]int) func(t *tunable) []Shape {
	return func(t *tunable) (shapes []Shape) {
		for _, nk := range nks {
			for _, m := range steps(packRows(t), now(t.now)) {
				shapes = append(shapes, Shape{m: m, n: nk[0], k: nk[1]})
			}
		}
		return shapes
	}
}

// field makes candidates that differ in a field of the tuning: the values, and the one
// in use among them, in order.
func field(of func(*kernels.Tuning) *int, values func(*tunable) []int) func(*tunable) []candidate {
	return func(t *tunable) (candidates []candidate) {
		now := t.now
		all := append(values(t), *of(&now))
		slices.Sort(all)
		for _, v := range slices.Compact(all) {
			tu := t.now
			*of(&tu) = v
			if t.check(tu) == nil {
				candidates = append(candidates, candidate{valueLabel(v), tu})
			}
		}
		return candidates
	}
}

// valueLabel writes large powers of two as such.
func valueLabel(v int) string {
	switch {
	case v == never:
		return "never"
	case v >= 1<<16 && v&(v-1) == 0:
		return fmt.Sprintf("2^%d", int(math.Log2(float64(v))))
	}
	return fmt.Sprint(v)
}

// steps are sizes of which each is decided differently by two thresholds that follow
// each other, of the given ones and the one in use.
func steps(thresholds []int, now int) []int {
	sizes := append(slices.Clone(thresholds), now)
	slices.Sort(sizes)
	sizes = slices.DeleteFunc(slices.Compact(sizes), func(v int) bool { return v <= 0 || v > largest })
	return append(sizes, 2*sizes[len(sizes)-1])
}

// largest is a size from which on a product takes long, and thresholds decide nothing.
const largest = 4096

// multiples are parts and multiples of a number, in whole units, at least one.
func multiples(of, unit int, factors ...float64) (values []int) {
	for _, f := range factors {
		values = append(values, max(1, int(math.Round(f*float64(of)/float64(unit))))*unit)
	}
	return values
}
