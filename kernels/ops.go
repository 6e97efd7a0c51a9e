package kernels

// Ops runs every operation of the package on one implementation. Its methods
// are the package's functions of the same names; see there for shapes, rules
// and panics. Make one with [On]; the zero Ops is not usable. Ops is a small
// value: copy it freely, use it from many goroutines.
type Ops[T Float] struct {
	ks      *kernelSet[T]
	threads int // cap on the threads of a call, 0 for none
}

// On returns the operations of im for the element type T. It panics if this
// CPU does not support im: a kernel that the CPU lacks would kill the process.
func On[T Float](im *Implementation) Ops[T] {
	if im == nil {
		panicf("On: im is nil, want an implementation from All, Supported or Lookup")
	}
	if missing := im.Missing(); len(missing) > 0 {
		panicf("On: im = %s needs CPU features this machine lacks %v, supported here: %s", im.name, missing, supportedNames())
	}
	return Ops[T]{ks: kernelsOf[T](im)}
}

// defaultOps is On(Default()) without the check, which Default has passed.
func defaultOps[T Float]() Ops[T] {
	return Ops[T]{ks: kernelsOf[T](chosen.Implementation)}
}

// Implementation returns the implementation that o runs on.
func (o Ops[T]) Implementation() *Implementation { return o.ks.im }
