package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// special returns numbers of every kind, in an order that puts each into every lane.
func special[T Float](n, shift int) []T {
	negZero := T(math.Copysign(0, -1))
	inf, nan := T(math.Inf(1)), T(math.NaN())
	kinds := []T{1.5, -2, 0, negZero, inf, -inf, nan, -nan, 5e-40, -5e-40, 3e38, -3e38, 0.1}
	s := make([]T, n)
	for i := range s {
		s[i] = kinds[(i*7+shift)%len(kinds)]
	}
	return s
}

// An elementwise operation under test: run on its inputs, and what each element must be.
type elementwise[T Float] struct {
	name   string
	inputs int
	places []int // what dst may be: an input, or -1 for memory of its own
	run    func(o Ops[T], dst []T, in [][]T)
	want   func(in []T) T
}

func elementwiseOps[T Float]() []elementwise[T] {
	alpha := T(-0.1)
	return []elementwise[T]{
		{"ReLU", 1, []int{-1, 0}, func(o Ops[T], dst []T, in [][]T) { o.ReLU(dst, in[0]) },
			func(in []T) T {
				if in[0] <= 0 {
					return 0
				}
				return in[0]
			}},
		{"ReLUGrad", 2, []int{-1, 0, 1}, func(o Ops[T], dst []T, in [][]T) { o.ReLUGrad(dst, in[0], in[1]) },
			func(in []T) T {
				if in[1] <= 0 {
					return 0
				}
				return in[0]
			}},
		{"Axpy", 2, []int{-1, 1}, func(o Ops[T], dst []T, in [][]T) {
			copy(dst, in[1])
			o.Axpy(alpha, in[0], dst)
		}, func(in []T) T { return in[1] + T(alpha*in[0]) }},
		{"AddBias", 2, []int{-1, 0}, func(o Ops[T], dst []T, in [][]T) { o.AddBias(dst, in[0], in[1], 1, len(dst)) },
			func(in []T) T { return in[0] + in[1] }},
	}
}

// Every length from nothing to past two rounds of the unrolled loop, with all
// kinds of numbers in every lane, into fresh memory and in place.
func TestElementwise(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testElementwise(t, o) },
		func(t *testing.T, o Ops[float64]) { testElementwise(t, o) })
}

func testElementwise[T Float](t *testing.T, o Ops[T]) {
	for _, op := range elementwiseOps[T]() {
		for n := range 2*4*o.VectorLen() + 2 {
			checkElementwise(t, o, op, n, n)
		}
	}
}

// Lengths around the one from which results go past the caches, at every
// alignment of the output.
func TestElementwiseLarge(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testElementwiseLarge(t, o, 1<<18) },
		func(t *testing.T, o Ops[float64]) { testElementwiseLarge(t, o, 1<<17) })
}

func testElementwiseLarge[T Float](t *testing.T, o Ops[T], threshold int) {
	for _, op := range elementwiseOps[T]() {
		for _, n := range []int{threshold - 1, threshold, threshold + 3*o.VectorLen() + 1} {
			checkElementwise(t, o, op, n, n)
		}
	}
	src := special[T](threshold+64, 0)
	dst := newGuarded[T](threshold + 64)
	for skip := range o.VectorLen() + 1 {
		got := dst.data[skip : skip+threshold]
		o.ReLU(got, src[:threshold])
		for i, v := range got {
			if want := max(0, src[i]); !sameBits(v, want) {
				t.Fatalf("output %d elements into the buffer: element %d of %v is %v", skip, i, src[i], v)
			}
		}
		dst.check(t, "dst")
	}
}

func checkElementwise[T Float](t *testing.T, o Ops[T], op elementwise[T], n, shift int) {
	t.Helper()
	for _, inPlace := range op.places {
		in := make([][]T, op.inputs)
		buffers := make([]guarded[T], op.inputs)
		for i := range in {
			buffers[i] = newGuarded[T](n)
			in[i] = buffers[i].data
			copy(in[i], special[T](n, shift+5*i))
		}
		before := make([][]T, op.inputs)
		for i := range in {
			before[i] = slices.Clone(in[i])
		}
		dst := newGuarded[T](n)
		if inPlace >= 0 {
			dst = buffers[inPlace]
		}
		op.run(o, dst.data, in)
		dst.check(t, op.name)
		for i := range in {
			buffers[i].check(t, op.name)
			if i != inPlace && !slices.EqualFunc(in[i], before[i], sameBits) {
				t.Fatalf("%s: n = %d: input %d was modified", op.name, n, i)
			}
		}
		args := make([]T, op.inputs)
		for i, got := range dst.data {
			for j := range args {
				args[j] = before[j][i]
			}
			if want := op.want(args); !sameBits(got, want) {
				t.Fatalf("%s: n = %d, in place %d: element %d of %v is %v, want %v", op.name, n, inPlace, i, args, got, want)
			}
		}
	}
}

// The rows of a matrix are done one after the other, in every order of sizes.
func TestRows(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testRows(t, o) },
		func(t *testing.T, o Ops[float64]) { testRows(t, o) })
}

func testRows[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, mn := range [][2]int{{0, 0}, {0, 3}, {3, 0}, {1, 1}, {1, 10}, {7, 10}, {100, 50}, {5, 67}} {
		m, n := mn[0], mn[1]
		x, bias := randomMatrix[T](rng, m, n, n), randomMatrix[T](rng, 1, n, n)
		sum, out := newGuarded[T](m*n), newGuarded[T](n)
		o.AddBias(sum.data, x.data, bias.data, m, n)
		o.BiasGrad(out.data, x.data, m, n)
		for i, v := range sum.data {
			if want := x.data[i] + bias.data[i%n]; v != want {
				t.Fatalf("AddBias %dx%d: element %d is %v, want %v", m, n, i, v, want)
			}
		}
		for j, v := range out.data {
			var want T
			for i := range m {
				want += x.data[i*n+j]
			}
			if v != want {
				t.Fatalf("BiasGrad %dx%d: element %d is %v, want %v", m, n, j, v, want)
			}
		}
		for _, g := range []guarded[T]{x, bias, sum, out} {
			g.check(t, "rows")
		}
	}
}

func TestSoftmax(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testSoftmax(t, o, 1e-6) },
		func(t *testing.T, o Ops[float64]) { testSoftmax(t, o, 1e-14) })
}

func testSoftmax[T Float](t *testing.T, o Ops[T], tolerance float64) {
	logits := []T{1, 2, 3, 1000, 999, 998, -5, -5, -5} // exp(1000) overflows
	e1, e2 := math.Exp(-1), math.Exp(-2)
	sum := 1 + e1 + e2
	want := []float64{e2 / sum, e1 / sum, 1 / sum, 1 / sum, e1 / sum, e2 / sum, 1. / 3, 1. / 3, 1. / 3}
	got := make([]T, 9)
	o.Softmax(got, logits, 3, 3)
	inPlace := slices.Clone(logits)
	o.Softmax(inPlace, inPlace, 3, 3)
	for i := range got {
		if math.Abs(float64(got[i])-want[i]) > tolerance {
			t.Errorf("element %d is %v, want %v", i, got[i], want[i])
		}
		if got[i] != inPlace[i] {
			t.Errorf("element %d is %v in place, %v into fresh memory", i, inPlace[i], got[i])
		}
	}
	for _, n := range []int{1, 2, 3, 10, o.VectorLen() + 1, 2*o.VectorLen() + 1} {
		softmaxBadRow(t, o, n)
	}
}

// softmaxBadRow puts a row of which no softmax exists before, between and after
// two others: all of it must become NaN, and the others what they are without it.
func softmaxBadRow[T Float](t *testing.T, o Ops[T], n int) {
	t.Helper()
	inf, nan := T(math.Inf(1)), T(math.NaN())
	x := make([]T, 3*n)
	for i := range x {
		x[i] = T(i%5) - 2
	}
	want := make([]T, 3*n)
	o.Softmax(want, x, 3, n)
	run := func(what string, row []T) {
		t.Helper()
		for bad := range 3 {
			got := slices.Clone(x)
			copy(got[bad*n:], row)
			o.Softmax(got, got, 3, n)
			for i, v := range got {
				if i/n == bad {
					if v == v {
						t.Fatalf("element %d of row %d of %d with %s is %v, want NaN", i%n, bad, n, what, v)
					}
				} else if v != want[i] {
					t.Fatalf("element %d of row %d is %v beside a row with %s, %v without", i%n, i/n, v, what, want[i])
				}
			}
		}
	}
	for at := range n {
		for _, bad := range []T{nan, inf} {
			row := slices.Clone(x[n : 2*n])
			row[at] = bad
			run(fmt.Sprintf("%v at %d", bad, at), row)
			for i := range row {
				row[i] = -inf
			}
			row[at] = bad
			run(fmt.Sprintf("%v at %d, -Inf else", bad, at), row)
		}
	}
	run("-Inf everywhere", slices.Repeat([]T{-inf}, n))
}

func TestCrossEntropy(t *testing.T) {
	probs := []float64{0.5, 0.25, 0.25, 0, 0, 1}
	labels := []int{0, 1}
	got := CrossEntropy(probs, labels, 1e-7, 2, 3)
	want := -(math.Log(0.5+1e-7) + math.Log(1e-7)) / 2
	if math.Abs(got-want) > 1e-15 {
		t.Errorf("loss = %v, want %v", got, want)
	}
	grad := make([]float64, 6)
	SoftmaxCrossEntropyGrad(grad, probs, labels, 2, 3)
	if want := []float64{-0.25, 0.125, 0.125, 0, -0.5, 0.5}; !slices.Equal(grad, want) {
		t.Errorf("gradient = %v, want %v", grad, want)
	}
	if got := CrossEntropy([]float64{}, nil, 0, 0, 3); !math.IsNaN(got) {
		t.Errorf("loss of nothing = %v, want NaN", got)
	}
}

func TestArgmax(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		x    []float64
		want int
	}{
		{[]float64{3}, 0},
		{[]float64{1, 3, 2}, 1},
		{[]float64{2, 7, 7, 1}, 1},
		{[]float64{-inf, -inf}, 0},
		{[]float64{inf, nan, nan}, 1},
		{[]float64{nan, 5}, 0},
		{[]float64{math.Copysign(0, -1), 0}, 0},
	} {
		if got := Argmax(c.x); got != c.want {
			t.Errorf("Argmax(%v) = %d, want %d", c.x, got, c.want)
		}
	}
	dst := []int{-1, -1, -7}
	ArgmaxRows(dst, []float32{1, 2, 4, 3}, 2, 2)
	if want := []int{1, 0, -7}; !slices.Equal(dst, want) {
		t.Errorf("ArgmaxRows = %v, want %v", dst, want)
	}
}
