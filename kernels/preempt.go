package kernels

// preemptible is called between calls of assembly, which no signal interrupts
// and on whose way no stack is checked: a loop of them would hold up whoever
// stops the world until its end. The prologue of this function asks the
// scheduler whether to go on. It is not inlined, and has a prologue because it
// calls something.
//
//go:noinline
func preemptible() { nothing() }

//go:noinline
func nothing() {}
