package nn

import (
	"path/filepath"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/npz"
)

func TestWeights(t *testing.T) { onEach(t, testWeights[float32], testWeights[float64]) }

func testWeights[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	net, x, _ := sampleNet(ops)
	want := append([]T(nil), net.Predict(x).Data...)
	path := filepath.Join(t.TempDir(), "w.npz")
	if err := net.SaveWeights(path); err != nil {
		t.Fatal(err)
	}
	for _, p := range net.Params.List() {
		clear(p.Data)
	}
	if err := net.LoadWeights(path); err != nil {
		t.Fatal(err)
	}
	if !sameBits(net.Predict(x).Data, want) {
		t.Error("the net predicts differently after its weights were saved and loaded")
	}
}

func TestLoadWeightsRefuses(t *testing.T) {
	net, x, _ := sampleNet(kernels.On[float32](kernels.Default()))
	before := append([]float32(nil), net.Predict(x).Data...)
	path := filepath.Join(t.TempDir(), "w.npz")
	w1, b1, w2, b2 := npz.NewArray("W1", make([]float64, 35), 5, 7), npz.NewArray("b1", make([]float64, 7)),
		npz.NewArray("W2", make([]float64, 21), 7, 3), npz.NewArray("b2", make([]float64, 3))
	huge := make([]float64, 21)
	huge[4] = 1e39
	for _, c := range []struct {
		arrays []npz.Array
		words  []string
	}{
		{[]npz.Array{w1, b1, w2}, []string{`no array "b2"`, "W1, b1, W2"}},
		{[]npz.Array{w1, b1, w2, npz.NewArray("b2", make([]float64, 4))}, []string{`"b2" has shape [4], but this net's has [3]`}},
		{[]npz.Array{npz.NewArray("W1", make([]float64, 35), 7, 5), b1, w2, b2}, []string{`"W1" has shape [7 5]`, "[5 7]"}},
		{[]npz.Array{w1, b1, npz.NewArray("W2", make([]int64, 21), 7, 3), b2}, []string{`"W2"`, "int64, want float32"}},
		{[]npz.Array{w1, b1, npz.NewArray("W2", huge, 7, 3), b2}, []string{`"W2": element 4 is 1e+39, too large for float32`}},
	} {
		if err := npz.Write(path, c.arrays...); err != nil {
			t.Fatal(err)
		}
		mustHave(t, net.LoadWeights(path), append(c.words, path)...)
		if !sameBits(net.Predict(x).Data, before) {
			t.Errorf("%v: a refused file changed the net", c.words)
		}
	}
	if err := npz.Write(path, w1, b1, w2, b2); err != nil {
		t.Fatal(err)
	}
	if err := net.LoadWeights(path); err != nil || norm(net.Params.W1.Data) != 0 {
		t.Errorf("float64 weights in a float32 net: %v", err)
	}
}
