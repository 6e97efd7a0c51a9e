// Package kernels holds the CPU kernels of Lanewise: matrix products and the
// elementwise and row-wise operations that a neural net needs beside them, in
// float32 and float64, with a pure-Go implementation of each and assembly for
// the instruction sets that the CPU offers, chosen at run time.
//
// # Layout and units
//
// Matrices are row-major slices. An m x n matrix with leading dimension ld
// keeps element (i, j) at index i*ld + j; a contiguous one has ld = n. A slice
// needs to reach the last element used, (m-1)*ld + n elements, and no further.
// All sizes and leading dimensions count elements, never bytes.
//
// # Choosing an implementation
//
// The functions of the package run on [Default], the best implementation that
// the CPU supports, or the one that the environment variable LANEWISE_ISA
// names. The choice is made once, when the package is initialised, and never
// changes; [Chosen] tells what it was and why. [On] runs the same operations
// on a named implementation, without touching anything global:
//
//	for _, im := range kernels.Supported() {
//		kernels.On[float32](im).MatMul(c, a, b, m, n, k)
//	}
//
// # Rules that hold everywhere
//
// Functions panic on misuse by the programmer and on nothing else: a negative
// size, a slice too short, an output that overlaps an input where that is not
// allowed. The message names the function, the argument, its value and what
// was needed. All functions are safe for concurrent use as long as no call
// writes what another reads or writes; none keeps a reference to its arguments
// after it returns; none that computes allocates in steady state: [PackB], [Aligned],
// [Ops.Tuned] and, for want of room, [Ops.ColumnsInUse] do, which make something.
//
// # Threads
//
// Large products are shared out among up to GOMAXPROCS threads; the environment
// variable LANEWISE_THREADS, read once, and [Ops.Threads] cap that. The workers
// are goroutines that are started when first needed and live as long as the
// process. The result is the same bits for every number of threads.
//
// # Memory
//
// Products that pack an operand keep buffers for the calls that follow: blocks of
// some MiB at most, whatever the size of the operands, aligned to 64 bytes, large ones to 2 MiB and on
// huge pages where Linux offers them, for as many calls as GOMAXPROCS lets run at
// once, two each, and half as many again. What no call needs from one garbage collection to the
// next is garbage itself: the memory of an idle program goes back to the system.
package kernels
