package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Probes measure the machine, not the data: the loops touch no memory.

// probeSums is the number of independent sums in the probe of multiply-adds.
// Twelve hide the latency of two units (4 cycles) or of slower ones, and leave registers.
const probeSums = 12

// probeRepeat is how often a step of the probe goes over the sums, so that the loop's own
// instructions vanish.
const probeRepeat = 4

// fmaProbe generates the loop of independent multiply-adds.
func fmaProbe(e emitter) {
	name := e.typ.letter + "fmaProbe" + e.isa.suffix
	e.function(name, "func(n int)",
		fmt.Sprintf("%s does n steps of %d multiply-adds on %d independent sums.", name, probeSums*probeRepeat, probeSums))
	n := e.param("n")
	sums := e.vecs(probeSums)
	x, y := e.vec(), e.vec()
	// The sums tend to 2, by way of numbers with all their digits.
	e.broadcast(e.constant(0.75), x)
	e.broadcast(e.constant(0.5), y)
	for _, s := range sums {
		e.zero(s)
	}
	e.TESTQ(n, n)
	e.JEQ(operand.LabelRef("end"))
	e.alignLoop()
	e.Label("step")
	for range probeRepeat {
		for _, s := range sums {
			e.fmaOnto(x, y, s)
		}
	}
	e.DECQ(n)
	e.JNE(operand.LabelRef("step"))
	e.Label("end")
	e.done()
}

// constant puts v into the file's read-only data.
func (e emitter) constant(v float64) operand.Mem {
	name := fmt.Sprintf("probe%s%d", e.typ.goName, int(v*100))
	if e.f32() {
		return e.ConstData(name, operand.F32(v))
	}
	return e.ConstData(name, operand.F64(v))
}

// fmaOnto is dst = dst*x + y.
func (e emitter) fmaOnto(x, y, dst operand.Op) {
	if e.f32() {
		e.VFMADD213PS(y, x, dst)
	} else {
		e.VFMADD213PD(y, x, dst)
	}
}

// issueAdds is the number of additions in a step of the issue probe.
const issueAdds = 60

// clockAdds is the length of the chain of additions in a step of the clock probe.
const clockAdds = 64

// clockProbe generates the chain of dependent additions. They add a register,
// as some CPUs do the addition of a constant without spending a cycle on it.
func clockProbe(e emitter) {
	e.Function("clockChain")
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(n int)")
	e.Doc(fmt.Sprintf("clockChain does n steps of %d additions, each of which waits for the one before.", clockAdds))
	n, sum, one := e.param("n"), e.GP64(), e.GP64()
	e.MOVQ(operand.U32(1), one)
	e.XORQ(sum, sum)
	e.TESTQ(n, n)
	e.JEQ(operand.LabelRef("end"))
	e.alignLoop()
	e.Label("step")
	for range clockAdds {
		e.ADDQ(one, sum)
	}
	e.DECQ(n)
	e.JNE(operand.LabelRef("step"))
	e.Label("end")
	e.RET()
}

// issueRegisters is the number of sums in the probe of independent additions: more than any CPU adds to in a cycle.
const issueRegisters = 10

// issueProbe generates additions that do not wait for one another.
func issueProbe(e emitter) {
	e.Function("issueLoop")
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(n int)")
	e.Doc(fmt.Sprintf("issueLoop does n steps of %d additions, of which %d do not wait for one another.", issueAdds, issueRegisters))
	n, one := e.param("n"), e.GP64()
	e.MOVQ(operand.U32(1), one)
	var sums []reg.GPVirtual
	for range issueRegisters {
		sum := e.GP64()
		e.XORQ(sum, sum)
		sums = append(sums, sum)
	}
	e.TESTQ(n, n)
	e.JEQ(operand.LabelRef("end"))
	e.alignLoop()
	e.Label("step")
	for i := range issueAdds {
		e.ADDQ(one, sums[i%issueRegisters])
	}
	e.DECQ(n)
	e.JNE(operand.LabelRef("step"))
	e.Label("end")
	e.RET()
}
