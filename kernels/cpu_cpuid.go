//go:build (amd64 || arm64) && !purego

package kernels

import (
	"runtime"

	"github.com/klauspost/cpuid/v2"
)

// feature is a CPU feature that an implementation can require. This file is
// the only one that reads cpuid.
type feature = cpuid.FeatureID

// hasFeature reports whether the CPU has f and the operating system saves the
// registers it needs (cpuid checks OSXSAVE and XCR0 for AVX and AVX-512).
func hasFeature(f feature) bool { return cpuid.CPU.Has(f) }

func featureNames(fs []feature) []string {
	names := make([]string, len(fs))
	for i, f := range fs {
		names[i] = f.String()
	}
	return names
}

func readCPU() CPUInfo {
	c := &cpuid.CPU
	known := func(n int) int { return max(n, 0) } // cpuid says -1 for unknown
	return CPUInfo{
		Brand: c.BrandName, Vendor: c.VendorString,
		Family: c.Family, Model: c.Model, Stepping: c.Stepping,
		PhysicalCores: c.PhysicalCores, LogicalCores: runtime.NumCPU(),
		CacheLine: known(c.CacheLine),
		L1D:       known(c.Cache.L1D), L2: known(c.Cache.L2), L3: known(c.Cache.L3),
		Features:   c.FeatureSet(),
		Hypervisor: c.HypervisorVendorString,
	}
}
