//go:build rivals

package bench

import (
	"github.com/lanewise/lanewise/kernels"
	"github.com/viterin/vek"
	"github.com/viterin/vek/vek32"
)

// vekGEMM multiplies with github.com/viterin/vek; nil for shapes that it does not have.
func vekGEMM[T kernels.Float](s Shape) gemmFunc[T] {
	if s.transA || s.transB {
		return nil
	}
	return func(n int, a, b, c []T) {
		for range n {
			switch a := any(a).(type) {
			case []float32:
				vek32.MatMul_Into(any(c).([]float32), a, any(b).([]float32), s.k)
			case []float64:
				vek.MatMul_Into(any(c).([]float64), a, any(b).([]float64), s.k)
			}
		}
	}
}
