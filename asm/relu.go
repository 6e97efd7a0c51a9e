package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// notLessEqual is the predicate of VCMPPS for !(x <= y): true if x is NaN. The
// quiet form, since NaN is no accident here.
const notLessEqual = 0x16

// relu generates ReLU and its backward pass.
func relu(e emitter) {
	name := e.typ.letter + "relu" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst, src []%s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i, x := range src {",
		"\t\tif x <= 0 {",
		"\t\t\tx = 0",
		"\t\t}",
		"\t\tdst[i] = x",
		"\t}",
		"",
		"No order of operands of the maximum instruction gives both NaN for NaN and +0 for -0.")
	dst, src, n := e.base("dst"), e.base("src"), e.length("src")
	zero := e.vec()
	e.zero(zero)
	e.stream(dst, n, []reg.GPVirtual{src}, func(x []reg.VecVirtual) reg.VecVirtual {
		e.keepWherePositive(x[0], zero, x[0])
		return x[0]
	})

	name = e.typ.letter + "reluGrad" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst, grad, x []%s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i := range x {",
		"\t\tg := grad[i]",
		"\t\tif x[i] <= 0 {",
		"\t\t\tg = 0",
		"\t\t}",
		"\t\tdst[i] = g",
		"\t}")
	dst, grad, x, n := e.base("dst"), e.base("grad"), e.base("x"), e.length("x")
	zero = e.vec()
	e.zero(zero)
	e.stream(dst, n, []reg.GPVirtual{grad, x}, func(v []reg.VecVirtual) reg.VecVirtual {
		e.keepWherePositive(v[1], zero, v[0])
		return v[0]
	})
}

// keepWherePositive zeros the elements of y where x <= 0.
func (e emitter) keepWherePositive(x, zero, y operand.Op) {
	if e.isa.masks {
		k := e.K()
		if e.f32() {
			e.VCMPPS(operand.Imm(notLessEqual), zero, x, k)
			e.VMOVAPS_Z(y, k, y)
		} else {
			e.VCMPPD(operand.Imm(notLessEqual), zero, x, k)
			e.VMOVAPD_Z(y, k, y)
		}
		return
	}
	m := e.vec()
	if e.f32() {
		e.VCMPPS(operand.Imm(notLessEqual), zero, x, m)
		e.VANDPS(m, y, y)
	} else {
		e.VCMPPD(operand.Imm(notLessEqual), zero, x, m)
		e.VANDPD(m, y, y)
	}
}
