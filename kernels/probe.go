package kernels

// ProbeFMA runs n steps of a loop of independent multiply-adds in the
// registers of o's implementation, touching no memory, and returns how many
// floating-point operations and how many multiply-add instructions that was.
// Timing it gives the peak that the CPU reaches at the moment, to which
// benchmarks relate what the other operations reach. A step takes some ten
// nanoseconds; a call with assembly cannot be preempted, so keep it short.
func (o Ops[T]) ProbeFMA(n int) (flops, instructions int) {
	checkSize("ProbeFMA", "n", n)
	o.ks.fmaProbe(n)
	instructions = n * o.ks.probeFMAs
	return instructions * 2 * o.ks.lanes, instructions
}

// VectorLen returns the number of elements of T in one vector register of o's
// implementation: 1 for portable.
func (o Ops[T]) VectorLen() int { return o.ks.lanes }

// Tile returns the rows and columns of the tiles that o makes large products of.
func (o Ops[T]) Tile() (mr, nr int) { return o.ks.mr(), o.ks.nr() }

// ProbeClock runs a chain of integer additions, each waiting for the one
// before, and returns its length in CPU cycles. Timing it gives the effective
// clock where no hardware counter can be read. On builds without assembly the
// chain is plain Go, and the compiler's loop around it makes the figure an estimate.
func ProbeClock(n int) (cycles int) {
	checkSize("ProbeClock", "n", n)
	return probeClock(n)
}

// ProbeIssue runs integer operations few of which wait for one another, and returns how many.
// Timed, and beside ProbeClock, it tells how many instructions of a kind the core executes in
// a cycle for the calling thread. Where that is less than at other times, the core's other
// thread takes its share, which no counter tells a guest of a virtual machine. On builds without
// assembly the compiler's loop around it makes the figure an estimate, to be compared with itself.
func ProbeIssue(n int) (instructions int) {
	checkSize("ProbeIssue", "n", n)
	return probeIssue(n)
}
