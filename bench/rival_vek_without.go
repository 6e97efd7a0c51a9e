//go:build !rivals

package bench

import "github.com/lanewise/lanewise/kernels"

// vekGEMM returns nil: vek is linked with the tag rivals only.
func vekGEMM[T kernels.Float](Shape) gemmFunc[T] { return nil }
