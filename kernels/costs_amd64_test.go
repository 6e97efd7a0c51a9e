//go:build amd64 && !purego

package kernels

import "testing"

func TestHalvesVectors(t *testing.T) {
	for _, c := range []struct {
		cpu  CPUInfo
		want bool
	}{
		{CPUInfo{Vendor: "AuthenticAMD", Family: 25, Model: 0x11}, true},  // Zen 4
		{CPUInfo{Vendor: "AuthenticAMD", Family: 26, Model: 0x02}, false}, // Zen 5, servers
		{CPUInfo{Vendor: "AuthenticAMD", Family: 26, Model: 0x24}, true},  // and laptops
		{CPUInfo{Vendor: "GenuineIntel", Family: 6, Model: 0x8f}, false},  // Sapphire Rapids
		{CPUInfo{Vendor: "GenuineIntel", Family: 6, Model: 0x8c}, true},   // Tiger Lake
		{CPUInfo{Vendor: "GenuineIntel", Family: 6, Model: 0x55, Brand: "Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz"}, true},
		{CPUInfo{Vendor: "GenuineIntel", Family: 6, Model: 0x55, Brand: "Intel(R) Xeon(R) Gold 5118 CPU @ 2.30GHz"}, true},
		{CPUInfo{Vendor: "GenuineIntel", Family: 6, Model: 0x55, Brand: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz"}, false},
		{CPUInfo{Vendor: "GenuineIntel", Family: 6, Model: 0x6a, Brand: "Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz"}, false},
		{CPUInfo{}, false},
	} {
		if got := halvesVectors(c.cpu); got != c.want {
			t.Errorf("%+v: %t, want %t", c.cpu, got, c.want)
		}
		turns, vector := turnFrom(512, c.cpu), costsAVX512(c.cpu).vector
		if (turns == never) != c.want || (vector == halvedVectors) != c.want {
			t.Errorf("%+v: TurnStride %d, %d quarters of a cycle a vector", c.cpu, turns, vector)
		}
	}
}
