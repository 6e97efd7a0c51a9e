package bench

import "github.com/lanewise/lanewise/kernels"

// What values the parameters of a tuning take in a sweep, and what becomes of a product by them.

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

func aloneDepths(*tunable) []int { return []int{8, 12, 16, 24, 32, 48, never} }

func shallowRows(*tunable) []int { return []int{0, 4, 8, 16, 32, 64, 128, 256} }

func lowDepths(*tunable) []int { return []int{0, 4, 8, 16, 24, 32, 48, 64} }

// tails are all numbers of columns that do not fill a vector.
func tails(t *tunable) (values []int) {
	for v := range t.lanes {
		values = append(values, v)
	}
	return values
}

func packDepths(*tunable) []int { return []int{0, 32, 64, 96, 128, 192, 256, 384, never} }

func packWorks(*tunable) []int { return []int{0, 400, 800, 1600, 3072, 6400} }

// rowsInPlace returns the shapes for a parameter of rows: of B, n and k.
func rowsInPlace(now func(kernels.Tuning) int, nks ...[2]int) func(t *tunable) []gemmShape {
	return func(t *tunable) (shapes []gemmShape) {
		for _, nk := range nks {
			for _, m := range steps(packRows(t), now(t.now)) {
				shapes = append(shapes, gemmShape{m: m, n: nk[0], k: nk[1]})
			}
		}
		return shapes
	}
}

// packsB is for a B that is not transposed: one whose rows are far apart is packed at any depth,
// but for a few elements of A.
func packsB(t *tunable, tu kernels.Tuning, s gemmShape) int {
	const far, sharing = 2048, 15     // bytes
	const ways, callWork = 8, 1 << 21 // so few steps of k do not crowd, in a product of no more work
	_, ldb, _ := s.strides()
	row := ldb * t.size()
	crowds := row > far && (row+sharing)%far <= 2*sharing && (s.k > ways || s.m*ldb*s.k > callWork)
	return yes((s.m > t.rowsInPlace(tu, s) || crowds && s.m > tu.CrowdedRows) && (s.k > tu.PackDepth || crowds || row > far && s.m*s.k > tu.PackWork))
}

// rowsInPlace is how many rows of A read a B in place that is not transposed, and not crowded.
func (t *tunable) rowsInPlace(tu kernels.Tuning, s gemmShape) int {
	const large = 6 << 20 // bytes of B
	if s.n*s.k*t.size() >= large {
		return min(tu.PackRows, tu.LargeRows)
	}
	return tu.PackRows
}

// size is the size of an element, in bytes.
func (t *tunable) size() int {
	if t.typ == typeName[float32]() {
		return 4
	}
	return 8
}

func packsA(t *tunable, tu kernels.Tuning, s gemmShape) int {
	lda, _, _ := s.strides()
	columns, apart := tu.PackColumns, lda >= tu.PackStride
	if s.transA {
		apart = lda >= tu.TurnStride || s.k >= tu.TurnDepth && s.m >= tu.TurnRows
		if lda >= tu.TurnStride && lda*t.size()%4096 == 0 { // columns share sets of the cache
			columns = min(columns, tu.TurnColumns)
		} else if isThin(t, tu, s) == 1 {
			return 0
		}
	}
	return yes(s.n > columns && apart)
}

// isThin is for a product with a transposed A, which is not thin for other reasons if it has few
// rows, or a single panel that is cut: no shape here has.
func isThin(t *tunable, tu kernels.Tuning, s gemmShape) int {
	const least, few = 1 << 18, 8 // multiply-adds, and columns
	return yes(s.n <= tu.ThinColumns && (s.n > max(tu.UprightColumns, few) || s.n == t.nr) && s.k > tu.ThinDepth+tu.ThinDepth/2 && s.m*s.n*s.k >= least)
}

// splitsTail is for more than two whole vectors, so many rows that a tail pays, and an A in the
// caches, which all shapes here have: it does from a depth of 24 on, whatever the tuning.
func splitsTail(t *tunable, tu kernels.Tuning, s gemmShape) int {
	return yes(s.n%t.lanes <= tu.TailColumns && s.k >= max(tu.TailDepth, 24))
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}
