package kernels_test

import (
	"fmt"

	"github.com/lanewise/lanewise/kernels"
)

func ExampleMatMul() {
	a := []float64{
		1, 2, 3,
		4, 5, 6,
	}
	b := []float64{
		1, 0,
		0, 1,
		1, 1,
	}
	c := make([]float64, 2*2)
	kernels.MatMul(c, a, b, 2, 2, 3)
	fmt.Println(c)
	// Output: [4 5 10 11]
}

// The transpose of a stored matrix, added to what is in C.
func ExampleGemm() {
	a := []float32{1, 2} // 1 x 2
	b := []float32{      // 2 x 2, used as its transpose
		1, 10,
		100, 1000,
	}
	c := []float32{1, 1}
	kernels.Gemm(false, true, 1, 2, 2, 1, a, 2, b, 2, 1, c, 2)
	fmt.Println(c)
	// Output: [22 2101]
}

// A matrix times a column of another matrix.
func ExampleGemv() {
	a := []float32{
		1, 2, 3,
		4, 5, 6,
	}
	b := []float32{ // 3 x 2, of which column 1 is x
		0, 1,
		0, 0,
		0, 1,
	}
	y := []float32{10, 20}
	kernels.Gemv(false, 2, 3, 1, a, 3, b[1:], 2, 0.5, y, 1)
	fmt.Println(y)
	// Output: [9 20]
}

// A layer of a net in one pass over its output: relu(X*W + bias).
func ExampleGemmFused() {
	x := []float32{1, -1} // one sample
	w := []float32{
		2, 3,
		5, 1,
	}
	h := make([]float32, 2)
	kernels.GemmFused(false, false, 1, 2, 2, 1, x, 2, w, 2, 0, h, 2,
		kernels.Epilogue[float32]{Bias: []float32{0.5, 0.5}, ReLU: true})
	fmt.Println(h)
	// Output: [0 2.5]
}

// Every implementation that this CPU supports, best first.
func ExampleOn() {
	for _, im := range kernels.Supported() {
		y := []float64{-1, 0, 2}
		kernels.On[float64](im).ReLU(y, y)
		if im.Name() == "portable" {
			fmt.Println(im, y)
		}
	}
	// Output: portable [0 0 2]
}

// Weights that stay the same are packed once.
func ExamplePackB() {
	w := []float32{1, 2, 3, 4}
	packed := kernels.PackB(false, 2, 2, w, 2)
	for _, x := range [][]float32{{1, 0}, {0, 1}} {
		y := make([]float32, 2)
		kernels.GemmPacked(false, 1, 1, x, 2, packed, 0, y, 2, kernels.Epilogue[float32]{})
		fmt.Println(y)
	}
	// Output:
	// [1 2]
	// [3 4]
}
