package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every number of classes from one to past two vectors, in place and not, with
// labels in every lane, against float64 and plain loops.
func TestSoftmaxCrossEntropy(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testSoftmaxCrossEntropy(t, o) },
		func(t *testing.T, o Ops[float64]) { testSoftmaxCrossEntropy(t, o) })
}

func testSoftmaxCrossEntropy[T Float](t *testing.T, o Ops[T]) {
	rng := rand.New(rand.NewPCG(31, 32))
	for n := 1; n <= 2*o.VectorLen()+3; n++ {
		for _, m := range []int{1, 2, n + 1} {
			logits := randomMatrix[T](rng, m, n, n)
			labels := make([]int, m)
			for i := range labels {
				labels[i] = i % n
				for j := range n {
					logits.data[i*n+j] *= 10
				}
			}
			want, wantLoss := plainSoftmax(logits.data, labels, 1e-7, m, n)
			probs, grad, separate := newGuarded[T](m*n), newGuarded[T](m*n), make([]T, m*n)
			o.Softmax(probs.data, logits.data, m, n)
			loss := o.SoftmaxCrossEntropy(grad.data, logits.data, labels, 1e-7, m, n)
			SoftmaxCrossEntropyGrad(separate, probs.data, labels, m, n)
			tolerance := 20 * unitRoundoff[T]()
			for i, g := range grad.data {
				if d := math.Abs(float64(g) - want[i]); !(d*float64(m) <= tolerance) {
					t.Fatalf("%dx%d: gradient %d is %v, want %v", m, n, i, g, want[i])
				}
			}
			if !slices.Equal(grad.data, separate) || loss != CrossEntropy(probs.data, labels, 1e-7, m, n) {
				t.Fatalf("%dx%d: one pass gives loss %v and gradient %v, three give %v and %v", m, n, loss, grad.data, CrossEntropy(probs.data, labels, 1e-7, m, n), separate)
			}
			if d := math.Abs(loss - wantLoss); !(d <= 100*unitRoundoff[T]()*(1+wantLoss)) {
				t.Fatalf("%dx%d: loss %v, want %v", m, n, loss, wantLoss)
			}
			again := o.SoftmaxCrossEntropy(logits.data, logits.data, labels, 1e-7, m, n)
			if !slices.Equal(logits.data, grad.data) || again != loss {
				t.Fatalf("%dx%d: other results in place", m, n)
			}
			for _, g := range []guarded[T]{logits, probs, grad} {
				g.check(t, "softmax")
			}
		}
	}
}

// plainSoftmax returns the gradient and the loss in float64.
func plainSoftmax[T Float](logits []T, labels []int, floor float64, m, n int) (grad []float64, loss float64) {
	grad = make([]float64, m*n)
	for i, label := range labels {
		row := logits[i*n : (i+1)*n]
		largest, sum := float64(slices.Max(row)), 0.0
		for _, x := range row {
			sum += math.Exp(float64(x) - largest)
		}
		for j, x := range row {
			p := math.Exp(float64(x)-largest) / sum
			if j == label {
				loss -= math.Log(p+floor) / float64(m)
				p--
			}
			grad[i*n+j] = p / float64(m)
		}
	}
	return grad, loss
}

// Rows of special values do not disturb the others, wherever in a row they
// stand; and logits far apart neither overflow nor leave anything but 0 and 1.
func TestSoftmaxSpecial(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testSoftmaxSpecial(t, o) },
		func(t *testing.T, o Ops[float64]) { testSoftmaxSpecial(t, o) })
}

func testSoftmaxSpecial[T Float](t *testing.T, o Ops[T]) {
	inf, nan := T(math.Inf(1)), T(math.NaN())
	for _, n := range []int{1, 2, 3, 10, o.VectorLen(), 2*o.VectorLen() + 1} {
		for at := range n {
			for _, c := range []struct{ rest, special, wantRest, want T }{
				{0, nan, nan, nan},
				{inf, nan, nan, nan},
				{-inf, nan, nan, nan},
				{3e38, inf, nan, nan},
				{-inf, -inf, nan, nan},
				{-inf, -3, 0, 1},
				{-3e38, 3e38, 0, 1},
				{-1000, 1000, 0, 1},
			} {
				x := make([]T, 3*n)
				for j := range n {
					x[n+j] = c.rest
				}
				x[n+at] = c.special
				loss := o.SoftmaxCrossEntropy(make([]T, n), x[n:2*n], []int{at}, 1e-7, 1, n)
				if c.want == 1 && loss > 1e-7 || c.want != c.want && loss == loss {
					t.Fatalf("a row of %v with %v at %d of %d: loss %v", c.rest, c.special, at, n, loss)
				}
				o.Softmax(x, x, 3, n)
				for j := range n {
					want := c.wantRest
					if j == at {
						want = c.want
					}
					if !sameBits(x[n+j], want) {
						t.Fatalf("a row of %v with %v at %d of %d: element %d is %v, want %v", c.rest, c.special, at, n, j, x[n+j], want)
					}
					for _, other := range []T{x[j], x[2*n+j]} {
						if math.Abs(float64(other)*float64(n)-1) > 1e-6 {
							t.Fatalf("a row of zeros beside one of %v and %v gives %v, want 1/%d", c.rest, c.special, other, n)
						}
					}
				}
			}
		}
	}
	// A probability that vanishes costs -log(floor), and infinitely much without a floor.
	row := []T{0, -3e38}
	if got, want := o.SoftmaxCrossEntropy(make([]T, 2), row, []int{1}, 1e-7, 1, 2), -math.Log(1e-7); got != want {
		t.Errorf("loss of a probability of 0 is %v, want %v", got, want)
	}
	if got := o.SoftmaxCrossEntropy(make([]T, 2), row, []int{1}, 0, 1, 2); !math.IsInf(got, 1) {
		t.Errorf("loss of a probability of 0 without a floor is %v, want +Inf", got)
	}
	if got := o.SoftmaxCrossEntropy(nil, nil, nil, 0, 0, 3); !math.IsNaN(got) {
		t.Errorf("loss of nothing is %v, want NaN", got)
	}
}

// Special values in a row that is too long for a call of the kernel, in place.
func TestSoftmaxLongRow(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testSoftmaxLongRow(t, o) },
		func(t *testing.T, o Ops[float64]) { testSoftmaxLongRow(t, o) })
}

func testSoftmaxLongRow[T Float](t *testing.T, o Ops[T]) {
	inf := T(math.Inf(1))
	for _, special := range []T{T(math.NaN()), inf, -inf} {
		x := make([]T, 2*longRow)
		x[longRow+5] = special
		o.Softmax(x, x, 2, longRow)
		if nan := x[2*longRow-1] != x[2*longRow-1]; nan != (special != -inf) || x[0]*longRow != 1 {
			t.Errorf("%v in a row of zeros makes a zero %v, and one of the row before %v", special, x[2*longRow-1], x[0])
		}
		if special == -inf && x[longRow+5] != 0 {
			t.Errorf("the softmax of -Inf is %v, want 0", x[longRow+5])
		}
	}
}

// More rows than one call of the kernel gets, and rows longer than that.
func TestSoftmaxLarge(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testSoftmaxLarge(t, o) },
		func(t *testing.T, o Ops[float64]) { testSoftmaxLarge(t, o) })
}

func testSoftmaxLarge[T Float](t *testing.T, o Ops[T]) {
	for _, mn := range [][2]int{{rowsPerCall(3)*2 + 5, 3}, {3, 1<<15 + 7}, {2, longRow - 1}, {2, longRow}, {1, 3*longRow + 1}} {
		m, n := mn[0], mn[1]
		x, labels := make([]T, m*n), make([]int, m)
		for i := range x {
			x[i] = T(i % 5)
		}
		for i := range labels {
			labels[i] = (i * 7) % n
		}
		want, wantLoss := plainSoftmax(x, labels, 1e-7, m, n)
		loss := o.SoftmaxCrossEntropy(x, x, labels, 1e-7, m, n)
		if math.Abs(loss-wantLoss) > 1e-4*wantLoss {
			t.Errorf("%dx%d: loss %v, want %v", m, n, loss, wantLoss)
		}
		for i, g := range x {
			if math.Abs(float64(g)-want[i]) > 1e-3*math.Abs(want[i]) {
				t.Fatalf("%dx%d: gradient %d is %v, want %v", m, n, i, g, want[i])
			}
		}
	}
}
