package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

// The values in these tests are small integers and halves, which both types
// hold exactly and whose sums no order of addition rounds.

func TestAffine(t *testing.T) { onEach(t, testAffine[float32], testAffine[float64]) }

func testAffine[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	l := NewAffine(ops, TensorOf([]T{1, 2, 3, 4, 5, 6}, 3, 2), TensorOf([]T{10, 20}, 2))
	out := l.Forward(TensorOf([]T{1, 0, -1, 2, 1, 0.5}, 2, 3))
	if want := []T{1 - 5 + 10, 2 - 6 + 20, 2 + 3 + 2.5 + 10, 4 + 4 + 3 + 20}; !slices.Equal(out.Data, want) || !slices.Equal(out.Shape, []int{2, 2}) {
		t.Errorf("Forward = %v, want %v as 2 x 2", out, want)
	}
	dx := l.Backward(TensorOf([]T{1, -1, 2, 0}, 2, 2))
	if want := []T{1 - 2, 3 - 4, 5 - 6, 2, 6, 10}; !slices.Equal(dx.Data, want) || !slices.Equal(dx.Shape, []int{2, 3}) {
		t.Errorf("Backward = %v, want %v as 2 x 3", dx, want)
	}
	if want := []T{1 + 4, -1, 0 + 2, 0, -1 + 1, 1}; !slices.Equal(l.DW.Data, want) || !slices.Equal(l.DW.Shape, []int{3, 2}) {
		t.Errorf("DW = %v, want %v as 3 x 2", l.DW, want)
	}
	if want := []T{3, -1}; !slices.Equal(l.DB.Data, want) || !slices.Equal(l.DB.Shape, []int{2}) {
		t.Errorf("DB = %v, want %v", l.DB, want)
	}
}

// An input of any rank is the same as the matrix that it flattens to, and gets
// its shape back.
func TestAffineFlattens(t *testing.T) {
	onEach(t, testAffineFlattens[float32], testAffineFlattens[float64])
}

func testAffineFlattens[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	for _, shape := range [][]int{{2, 6}, {2, 3, 2}, {2, 1, 3, 2}, {2, 2, 1, 3, 1}, {12}, {1, 12}, {0, 4}, {0, 2, 2}} {
		n := elements(shape)
		rows := shape[0]
		inputs := elements(shape[1:])
		w, x := make([]T, inputs*2), make([]T, n)
		for i := range w {
			w[i] = T(i%5) - 2
		}
		for i := range x {
			x[i] = T(i%7) - 3
		}
		flat := NewAffine(ops, TensorOf(w, inputs, 2), NewTensor[T](2))
		deep := NewAffine(ops, TensorOf(w, inputs, 2), NewTensor[T](2))
		want := flat.Forward(TensorOf(x, rows, inputs))
		got := deep.Forward(TensorOf(x, shape...))
		if !slices.Equal(got.Data, want.Data) || !slices.Equal(got.Shape, []int{rows, 2}) {
			t.Errorf("shape %v: Forward = %v, want %v", shape, got, want)
		}
		wantDX, gotDX := flat.Backward(want), deep.Backward(got)
		if !slices.Equal(gotDX.Data, wantDX.Data) || !slices.Equal(gotDX.Shape, shape) {
			t.Errorf("shape %v: Backward = %v, want %v in the input's shape", shape, gotDX, wantDX)
		}
		if !slices.Equal(deep.DW.Data, flat.DW.Data) || !slices.Equal(deep.DB.Data, flat.DB.Data) {
			t.Errorf("shape %v: gradients differ from those of the flat input", shape)
		}
	}
}

func TestReLU(t *testing.T) { onEach(t, testReLU[float32], testReLU[float64]) }

func testReLU[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	nan, negZero := T(math.NaN()), T(math.Copysign(0, -1))
	x := TensorOf([]T{-1, 0, negZero, 2, nan, 0.5}, 3, 1, 2)
	l := NewReLU(ops)
	out := l.Forward(x)
	if !sameBits(out.Data, []T{0, 0, 0, 2, nan, 0.5}) || !slices.Equal(out.Shape, x.Shape) {
		t.Errorf("Forward = %v", out)
	}
	if !sameBits(x.Data, []T{-1, 0, negZero, 2, nan, 0.5}) {
		t.Errorf("Forward changed its input to %v", x)
	}
	clear(x.Data) // the layer must not need it any more
	dout := TensorOf([]T{1, 2, 3, 4, 5, 6}, 3, 1, 2)
	dx := l.Backward(dout)
	if !slices.Equal(dx.Data, []T{0, 0, 0, 4, 5, 6}) || !slices.Equal(dx.Shape, x.Shape) {
		t.Errorf("Backward = %v", dx)
	}
	if !slices.Equal(dout.Data, []T{1, 2, 3, 4, 5, 6}) {
		t.Errorf("Backward changed its input to %v", dout)
	}
}

func TestSoftmaxWithLoss(t *testing.T) {
	onEach(t, testSoftmaxWithLoss[float32], testSoftmaxWithLoss[float64])
}

func testSoftmaxWithLoss[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	// exp of these are 1, 2, 4, 1 and large ones, which need the maximum taken out.
	ln2 := T(math.Ln2)
	logits := TensorOf([]T{0, ln2, 2 * ln2, 0, 1000, 1000, -1000, 1000}, 2, 4)
	probs := []float64{1. / 8, 2. / 8, 4. / 8, 1. / 8, 1. / 3, 1. / 3, 0, 1. / 3}
	l := NewSoftmaxWithLoss(ops)

	loss := l.Forward(logits, []int{2, 0})
	closeTo(t, "loss", []float64{loss}, []float64{(-math.Log(0.5+1e-7) - math.Log(1./3+1e-7)) / 2}, 4*epsilon[T]())
	closeTo(t, "probabilities", l.Probabilities().Data, probs, 4*epsilon[T]())
	dx := l.Backward()
	want := slices.Clone(probs)
	want[2]--
	want[4]--
	for i := range want {
		want[i] /= 2
	}
	closeTo(t, "Backward", dx.Data, want, 4*epsilon[T]())
	indexLoss, indexGrad := loss, slices.Clone(dx.Data)

	loss = l.ForwardOneHot(logits, TensorOf([]T{0, 0, 1, 0, 1, 0, 0, 0}, 2, 4))
	if dx := l.Backward(); loss != indexLoss || !sameBits(dx.Data, indexGrad) {
		t.Errorf("one-hot labels: loss %v and gradient %v, want those of the indices, %v and %v", loss, dx.Data, indexLoss, indexGrad)
	}

	// A probability of 0 for the true class costs -log(1e-7).
	loss = l.Forward(logits, []int{2, 2})
	closeTo(t, "loss of an impossible class", []float64{loss}, []float64{(-math.Log(0.5+1e-7) - math.Log(1e-7)) / 2}, 4*epsilon[T]())
}

func TestSoftmaxOfOneVector(t *testing.T) {
	onEach(t, testSoftmaxOfOneVector[float32], testSoftmaxOfOneVector[float64])
}

func testSoftmaxOfOneVector[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	vector := TensorOf([]T{0, T(math.Ln2), 0}, 3)
	y := Softmax(ops, vector)
	closeTo(t, "Softmax", y.Data, []float64{0.25, 0.5, 0.25}, 4*epsilon[T]())
	if !slices.Equal(y.Shape, []int{3}) {
		t.Errorf("Softmax of a vector has shape %v", y.Shape)
	}
	matrix := Softmax(ops, TensorOf(vector.Data, 1, 3))
	if !slices.Equal(matrix.Data, y.Data) || !slices.Equal(matrix.Shape, []int{1, 3}) {
		t.Errorf("Softmax of one row = %v, want %v", matrix, y)
	}

	l := NewSoftmaxWithLoss(ops)
	loss := l.Forward(vector, []int{1})
	closeTo(t, "loss", []float64{loss}, []float64{-math.Log(0.5 + 1e-7)}, 4*epsilon[T]())
	dx := l.Backward()
	closeTo(t, "Backward", dx.Data, []float64{0.25, -0.5, 0.25}, 4*epsilon[T]())
	if !slices.Equal(dx.Shape, []int{3}) {
		t.Errorf("Backward of a vector has shape %v", dx.Shape)
	}
	if got := l.ForwardOneHot(vector, TensorOf([]T{0, 1, 0}, 3)); got != loss {
		t.Errorf("one-hot loss of a vector = %v, want %v", got, loss)
	}
}

func TestFromOneHot(t *testing.T) {
	got := FromOneHot([]int{7}, TensorOf([]float32{0, 1, 0, 0, 0, 1, 1, 0, 0}, 3, 3))
	if want := []int{7, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("FromOneHot = %v, want %v", got, want)
	}
	for _, row := range [][]float64{{0, 0}, {1, 1}, {0, 2}, {0.5, 0.5}, {1, math.NaN()}} {
		mustPanic(t, func() { FromOneHot(nil, TensorOf(row, 1, 2)) }, "FromOneHot: row 0", "single 1")
	}
}

func TestLayerMisuse(t *testing.T) {
	ops := kernels.On[float32](kernels.Default())
	w, b := NewTensor[float32](3, 2), NewTensor[float32](2)
	mustPanic(t, func() { NewTensor[float32](-1) }, "length -1")
	mustPanic(t, func() { TensorOf(make([]float32, 5), 2, 3) }, "TensorOf: data has 5 elements, want 6")
	mustPanic(t, func() { NewAffine(ops, NewTensor[float32](3), b) }, "NewAffine: w has shape [3]")
	mustPanic(t, func() { NewAffine(ops, w, NewTensor[float32](3)) }, "NewAffine: b has shape [3], want [2]")
	affine := NewAffine(ops, w, b)
	mustPanic(t, func() { affine.Forward(NewTensor[float32](2, 2)) }, "x has shape [2 2], 2 elements per sample, want 3")
	mustPanic(t, func() { affine.Forward(Tensor[float32]{Data: []float32{1}}) }, "x has rank 0")
	mustPanic(t, func() { affine.Forward(Tensor[float32]{Data: []float32{1}, Shape: []int{2, 3}}) }, "x has 1 elements, want 6")
	affine.Forward(NewTensor[float32](4, 3))
	mustPanic(t, func() { affine.Backward(NewTensor[float32](3, 2)) }, "dout has shape [3 2], want [4 2]")
	relu := NewReLU(ops)
	relu.Forward(NewTensor[float32](2, 2))
	mustPanic(t, func() { relu.Backward(NewTensor[float32](4)) }, "dout has shape [4], want [2 2]")
	loss := NewSoftmaxWithLoss(ops)
	logits := NewTensor[float32](2, 3)
	mustPanic(t, func() { loss.Forward(logits, []int{1}) }, "len(labels) = 1, want 2")
	mustPanic(t, func() { loss.Forward(logits, []int{1, 3}) }, "labels[1] = 3, want 0..2")
	mustPanic(t, func() { loss.Forward(logits, []int{-1, 0}) }, "labels[0] = -1")
	mustPanic(t, func() { loss.Forward(NewTensor[float32](1, 1, 2), []int{0}) }, "logits has shape [1 1 2]")
	mustPanic(t, func() { loss.Forward(NewTensor[float32](2, 0), []int{0, 0}) }, "at least one class")
	mustPanic(t, func() { loss.ForwardOneHot(logits, NewTensor[float32](3, 2)) }, "oneHot has shape [3 2], want [2 3]")
}
