package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"
)

// axpy generates the sums of vectors: add and axpy.
func axpy(e emitter) {
	name := e.typ.letter + "add" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst, x, y []%s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i := range dst {",
		"\t\tdst[i] = x[i] + y[i]",
		"\t}")
	dst, x, y, n := e.base("dst"), e.base("x"), e.base("y"), e.length("dst")
	e.stream(dst, n, []reg.GPVirtual{x, y}, func(v []reg.VecVirtual) reg.VecVirtual {
		e.add(v[1], v[0], v[0])
		return v[0]
	})

	name = e.typ.letter + "axpy" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(alpha %[1]s, x, y []%[1]s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i := range y {",
		"\t\ty[i] += T(alpha * x[i])",
		"\t}",
		"",
		"with two roundings, as plain Go and NumPy have it, and not a fused one.")
	x, y, n = e.base("x"), e.base("y"), e.length("y")
	alpha := e.vec()
	e.broadcast(e.paramAddr("alpha"), alpha)
	e.stream(y, n, []reg.GPVirtual{x, y}, func(v []reg.VecVirtual) reg.VecVirtual {
		e.mul(alpha, v[0], v[0])
		e.add(v[0], v[1], v[1])
		return v[1]
	})
}
