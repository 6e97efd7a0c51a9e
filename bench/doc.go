// Package bench measures the kernels and the training step, against each other
// and against rivals, and keeps what it measured.
//
// One table of benchmarks (Suite) drives two runners: the Go benchmarks of this
// folder (go test -bench . ./bench) and the runner behind "lanewise bench" (Run),
// which needs neither a Go toolchain nor the source.
//
// # Names and units
//
// A benchmark is named in key=value parts, impl last:
//
//	SGEMM/m=784/n=50/k=100/trans=TN/impl=avx2
//	ReLU/type=f32/bytes=64Mi/impl=copy
//
// Matrix products report FLOP/s and %peak, the share of the multiply-add peak that
// the same implementation reached next to the sample. Elementwise kernels report
// GB/s (10^9 bytes, read and written, as STREAM counts them), the training step
// samples/s. Everything reports ns/op, B/op and allocs/op.
//
// # Interleaving
//
// Run takes rounds. In a round every benchmark gives one sample, the contenders of
// one shape back to back on the same operands, so that a slow minute of the machine
// hits all of them; every second round goes through them in reverse order. The
// number of iterations of a sample is fixed before the first round, and no sample is
// ever dropped: a round in which other work got in the way is marked instead. Every
// round draws new operands, and a matrix product is compared with a reference before
// the sample and after its last iteration, or that of each turn.
//
// Beside rivals, the contenders of a shape take their samples in 4 to 20 turns,
// and %peak is relative to the peak beside each turn: a neighbour on a shared machine who
// comes and goes within a round slows all of them down. On one thread, turns of matrix
// products that take 8 ms at most wait until nobody else is on the core's other thread, and are
// taken again if somebody is in the end, for as long as patience lasts. %alone is the part of the
// time in turns before and after which nobody was, FLOP/s-alone and %peak-alone are about these turns.
package bench
