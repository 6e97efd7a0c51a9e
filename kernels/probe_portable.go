//go:build !amd64 || purego

package kernels

import "runtime"

// probeClock runs n steps of eight dependent operations.
func probeClock(n int) (cycles int) {
	x, y := 1, n|1
	for range n {
		x += y
		y ^= x // keeps the compiler from folding the chain
		x += y
		y ^= x
		x += y
		y ^= x
		x += y
		y ^= x
	}
	runtime.KeepAlive(x) // or the loop would do nothing
	return n * 8
}
