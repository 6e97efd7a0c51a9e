//go:build !linux

package bench

// processorTicks is not known outside Linux.
func processorTicks() (steal, total uint64) { return 0, 0 }
