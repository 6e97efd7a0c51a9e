//go:build !(amd64 || arm64) || purego

package kernels

import "runtime"

// feature has no values in a build that knows none.
type feature struct{}

func hasFeature(feature) bool { return false }

func featureNames([]feature) []string { return nil }

func readCPU() CPUInfo { return CPUInfo{LogicalCores: runtime.NumCPU()} }
