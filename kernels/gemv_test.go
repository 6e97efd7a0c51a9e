package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"
)

// gemvCase is a product of a matrix and a vector.
type gemvCase struct {
	trans       bool
	m, n        int
	alpha, beta float64
	padA        int
	incX, incY  int
}

// runGemv runs g on o with random operands between guard words, and compares
// every element with the oracle of a matrix product of one column.
func runGemv[T Float](t *testing.T, o Ops[T], g gemvCase) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(g.m*7919+g.n), 2))
	rows, k := g.m, g.n
	if g.trans {
		rows, k = g.n, g.m
	}
	lda := g.n + g.padA
	a := randomMatrix[T](rng, g.m, g.n, lda)
	x, y := randomMatrix[T](rng, k, 1, g.incX), randomMatrix[T](rng, rows, 1, g.incY)
	if g.beta == 0 { // y must not be read: NaN in it would show
		for i := range rows {
			y.data[i*g.incY] = T(math.NaN())
		}
	}
	oldA, oldX, old := slices.Clone(a.data), slices.Clone(x.data), slices.Clone(y.data)

	o.Gemv(g.trans, g.m, g.n, T(g.alpha), a.data, lda, x.data, g.incX, T(g.beta), y.data, g.incY)

	name := fmt.Sprintf("%+v", g)
	a.check(t, name+" a")
	x.check(t, name+" x")
	y.check(t, name+" y")
	if !slices.Equal(a.data, oldA) || !slices.Equal(x.data, oldX) {
		t.Fatalf("%s: an input was modified", name)
	}
	as := gemmCase{transA: g.trans, m: rows, n: 1, k: k, alpha: float64(T(g.alpha)), beta: float64(T(g.beta))}
	bound := gamma[T](k + 2)
	for i, got := range y.data {
		if i%g.incY != 0 {
			if got != old[i] {
				t.Fatalf("%s: y[%d], which is between elements, was written", name, i)
			}
			continue
		}
		want, magnitude := reference(as, a.data, lda, x.data, g.incX, old[i], i/g.incY, 0)
		if !(math.Abs(float64(got)-want) <= bound*magnitude) {
			t.Fatalf("%s: element %d of y = %v, want %v within %v", name, i/g.incY, got, want, bound*magnitude)
		}
	}
}

// Sizes around the vectors, the heights of dot products and the blocks of
// either way, and all that multiplies them.
func TestGemv(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemvSizes(t, o) },
		func(t *testing.T, o Ops[float64]) { gemvSizes(t, o) })
}

func gemvSizes[T Float](t *testing.T, o Ops[T]) {
	lanes := o.VectorLen()
	widest := len(o.ks.micro) * lanes
	h := len(o.ks.dot[0])
	sizes := []int{0, 1, 2, 3, 7, h, h + 1, lanes - 1, lanes, lanes + 1, 3*lanes - 1, widest, widest + 1, 3*widest + 1, len(o.ks.addRows), len(o.ks.addRows) + 1, 100}
	if panel := len(o.ks.vecMat) * lanes; panel > 0 { // what is computed in registers, in one panel and in several, and in calls of less depth
		sizes = append(sizes, panel-1, panel, panel+1)
		tu := o.Tuning()
		tu.VecMatBytes = math.MaxInt
		for _, o := range []Ops[T]{o, o.Tuned(tu)} {
			for _, m := range []int{5*lanes - 3, 2*vecMatRows + 7} {
				for _, n := range []int{leastOfColumns, leastOfColumns + 1, panel, panel + 1, 2*panel + lanes + 1} {
					runGemv(t, o, gemvCase{true, m, n, 1, 0, 0, 1, 1})
					runGemv(t, o, gemvCase{true, m, n, -1.5, 0.5, 1, 2, 2})
				}
			}
		}
	}
	for _, trans := range []bool{false, true} {
		for _, m := range sizes {
			for _, n := range sizes {
				runGemv(t, o, gemvCase{trans, m, n, 1, 0, 0, 1, 1})
				runGemv(t, o, gemvCase{trans, m, n, 0.7, 1.3, 3, 2, 1})
				runGemv(t, o, gemvCase{trans, m, n, -1, 1, 0, 1, 3})
			}
		}
		for _, long := range []int{columnDepth - 1, columnDepth, columnDepth + 1, 2*columnDepth + 3, alongM, alongM + 1, dotWork/columnDepth + 1} {
			for _, short := range []int{1, 3, h + 1} {
				for _, g := range []gemvCase{{trans, short, long, 1, 0, 0, 1, 1}, {trans, long, short, 1, 0, 0, 1, 1}, {trans, short, long, 2, 0.5, 1, 3, 2}, {trans, long, short, 2, 0.5, 1, 3, 2}} {
					runGemv(t, o, g)
				}
			}
		}
		for _, ab := range [][2]float64{{0, 0}, {0, 1.3}, {0, 1}, {1, math.Copysign(0, -1)}} {
			runGemv(t, o, gemvCase{trans, 20, 30, ab[0], ab[1], 2, 2, 2})
		}
	}
}

// Where there is nothing to multiply, A and x are not even looked at.
func TestGemvReadsNoMoreThanItMay(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		o := On[float64](im)
		nan := math.NaN()
		for _, c := range []struct {
			trans       bool
			m, n        int
			alpha, beta float64
			want        []float64
		}{
			{false, 2, 3, 0, 2, []float64{2, 7, nan}},
			{false, 2, 0, 1, 2, []float64{2, 7, nan}},
			{true, 0, 2, 1, 2, []float64{2, 7, nan}},
			{true, 3, 2, 0, 0, []float64{0, 7, 0}},
			{false, 0, 3, 1, 0, []float64{1, 7, nan}},
			{true, 3, 0, 1, 0, []float64{1, 7, nan}},
		} {
			y := []float64{1, 7, nan}
			o.Gemv(c.trans, c.m, c.n, c.alpha, nil, 3, nil, 1, c.beta, y, 2)
			if !slices.EqualFunc(y, c.want, sameBits) {
				t.Errorf("%+v: y = %v", c, y)
			}
		}
	})
}

// NaN and Inf reach the elements that arithmetic says, zeros beside them included.
func TestGemvNonFinite(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemvNonFinite(t, o) },
		func(t *testing.T, o Ops[float64]) { gemvNonFinite(t, o) })
}

func gemvNonFinite[T Float](t *testing.T, o Ops[T]) {
	const m, n = 37, 41
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		for _, trans := range []bool{false, true} {
			rows, k := m, n
			if trans {
				rows, k = n, m
			}
			a, x, y := make([]T, m*n), make([]T, k), make([]T, rows)
			a[5*n+7] = T(v)
			o.Gemv(trans, m, n, 1, a, n, x, 1, 0, y, 1) // 0 * Inf is NaN
			hit := 5
			if trans {
				hit = 7
			}
			for i, got := range y {
				if (i == hit) != (got != got) || i != hit && got != 0 {
					t.Fatalf("trans %v, %v in A: y[%d] = %v", trans, v, i, got)
				}
			}
			clear(a)
			x[k-1] = T(v)
			o.Gemv(trans, m, n, 1, a, n, x, 1, 0, y, 1)
			for i, got := range y {
				if got == got {
					t.Fatalf("trans %v, %v in x: y[%d] = %v, want NaN", trans, v, i, got)
				}
			}
		}
	}
}

// The number of threads and the increments change no bit.
func TestGemvBits(t *testing.T) {
	withProcs(t, 4)
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemvBits(t, o) },
		func(t *testing.T, o Ops[float64]) { gemvBits(t, o) })
}

func gemvBits[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(23, 24))
	share := o.ks.tuning.ThreadWork
	long := 4*share/300 + 1
	all := randomMatrix[T](rng, 1, 300*long, 300*long).data
	for _, mn := range [][2]int{{300, long}, {long, 300}, {40, 50}} {
		m, n := mn[0], mn[1]
		a := all[:m*n]
		for _, trans := range []bool{false, true} {
			rows, k := m, n
			if trans {
				rows, k = n, m
			}
			x := randomMatrix[T](rng, 1, k, k).data
			want := make([]T, rows)
			o.Threads(1).Gemv(trans, m, n, 0.7, a, n, x, 1, 0, want, 1)
			for threads := range 5 {
				got := newGuarded[T](rows)
				o.Threads(threads).Gemv(trans, m, n, 0.7, a, n, x, 1, 0, got.data, 1)
				got.check(t, "y")
				if !slices.Equal(got.data, want) {
					t.Fatalf("%dx%d, trans %v: %d threads give other bits than one", m, n, trans, threads)
				}
			}
			apart := make([]T, 2*k)
			for i, v := range x {
				apart[2*i] = v
			}
			got := make([]T, 3*rows)
			o.Gemv(trans, m, n, 0.7, a, n, apart, 2, 0, got, 3)
			for i := range want {
				if got[3*i] != want[i] {
					t.Fatalf("%dx%d, trans %v: increments give other bits", m, n, trans)
				}
			}
		}
	}
}

// A matrix that comes from memory is multiplied by kernels that fetch it ahead, to the same bits.
func TestGemvFromMemory(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { gemvFromMemory(t, o) },
		func(t *testing.T, o Ops[float64]) { gemvFromMemory(t, o) })
}

func gemvFromMemory[T Float](t *testing.T, o Ops[T]) {
	withProcs(t, 2)
	if o.ks.addFar == nil || o.ks.dotFar == nil {
		return // it has no such kernels
	}
	const far = 1 << 24 // two threads share less
	ks := *o.ks
	ks.tuning.FetchBytes = far
	var calls atomic.Int64
	ks.addFar = func(n int, x, a *T, aRow int, y *T) { calls.Add(1); o.ks.addFar(n, x, a, aRow, y) }
	tallest := len(ks.dotFar) - 1
	ks.dotFar = slices.Clone(ks.dotFar)
	ks.dotFar[tallest] = func(tiles, k int, a *T, aRow int, b *T, bCol int, c *T, cRow, cCol int, alpha, beta T) {
		calls.Add(1)
		o.ks.dotFar[tallest](tiles, k, a, aRow, b, bCol, c, cRow, cCol, alpha, beta)
	}
	near := *o.ks
	near.addFar, near.dotFar = nil, nil
	rng := rand.New(rand.NewPCG(81, 82))
	for _, lda := range []int{1031, 1024} {
		n := lda - 7
		for _, m := range []int{50, far/int(unsafe.Sizeof(T(0)))/n + 12} {
			a, x := randomMatrix[T](rng, m, n, lda).data, randomMatrix[T](rng, 1, max(m, n), max(m, n)).data
			for _, trans := range []bool{false, true} {
				got, want := make([]T, max(m, n)), make([]T, max(m, n))
				Ops[T]{ks: &near, threads: 1}.Gemv(trans, m, n, 1.5, a, lda, x, 1, 0, want, 1)
				for threads := 1; threads <= 2; threads++ { // a thread's piece is smaller than that
					calls.Store(0)
					Ops[T]{ks: &ks, threads: threads}.Gemv(trans, m, n, 1.5, a, lda, x, 1, 0, got, 1)
					if far := calls.Load() > 0; far != (m > 50) {
						t.Errorf("%dx%d, transposed %v, %d threads: fetched ahead is %v", m, n, trans, threads, far)
					}
					if !slices.Equal(got, want) {
						t.Errorf("%dx%d, transposed %v, %d threads: the bits of a matrix that is fetched ahead are others", m, n, trans, threads)
					}
				}
			}
		}
	}
}
