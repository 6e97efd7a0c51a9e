package kernels

// CPUInfo describes the processor, as far as it could be found out.
type CPUInfo struct {
	Brand                   string   // marketing name, "" if unknown
	Vendor                  string   // vendor string as cpuid gives it, "" if unknown
	Family, Model, Stepping int      // 0 where the architecture has no such thing
	PhysicalCores           int      // 0 if unknown
	LogicalCores            int      // as the Go runtime sees them
	CacheLine               int      // bytes, 0 if unknown
	L1D, L2, L3             int      // bytes, 0 if unknown; L3 may be shared with other guests of the machine
	Features                []string // names of the features that the CPU and the operating system offer
	Hypervisor              string   // vendor of the hypervisor, "" if none is seen
}

// CPU returns what is known about the processor. On builds without assembly
// (tag purego) only the number of logical cores is known: cpuid itself is left out.
func CPU() CPUInfo { return readCPU() }
