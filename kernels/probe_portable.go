//go:build !amd64 || purego

package kernels

func probeClock(n int) int { return portableClock(n) }
