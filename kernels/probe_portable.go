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

// probeIssue runs n steps of twelve operations, of which six do not wait for one another.
func probeIssue(n int) (instructions int) {
	x, a, b, c, d, e, f := n|1, 0, 1, 2, 3, 4, 5
	for range n {
		a += x
		b += x
		c += x
		d += x
		e += x
		f += x
		a ^= n // keeps the compiler from folding the sums
		b ^= n
		c ^= n
		d ^= n
		e ^= n
		f ^= n
	}
	runtime.KeepAlive([6]int{a, b, c, d, e, f}) // or the loop would do nothing
	return n * 12
}
