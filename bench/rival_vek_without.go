//go:build !rivals

package bench

import "github.com/lanewise/lanewise/kernels"

// vekGEMM returns nil: vek is linked with the tag rivals only.
func vekGEMM[T kernels.Float](gemmShape) gemmFunc[T] { return nil }
