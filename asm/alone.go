package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// alone generates the kernels of tiles that are products of their own, for the micro-kernels of gemm.
func alone(e emitter) (goTable string) {
	return e.table("alone", "aloneKernel", e.wholeKernels(), microKernel.generateAlone)
}

// aloneHalves does for those of halves.
func aloneHalves(e emitter) (goTable string) {
	return e.table("aloneHalves", "aloneKernel", e.halfKernels(), microKernel.generateAlone)
}

// alonePairs does for those of pairs along k.
func alonePairs(e emitter) (goTable string) {
	if e.isa.pairs == nil {
		return ""
	}
	e.pairOrder()
	return e.table("alonePairs", "aloneKernel", e.pairKernels(alongK), microKernel.generateAlone)
}

// generateAlone generates the kernel as a function of a few arguments: one tile, aCol = 1, alpha =
// 1, beta = 0 and no epilogue, and what a microKernel does about others left out. It adds up in the
// same order.
func (mk microKernel) generateAlone() (name string) {
	mk.near = true
	kind, width := "alone", mk.columns()
	if mk.pairs != noPairs {
		kind = "alonePairs"
	}
	name = fmt.Sprintf("%s%s%dx%d%s", mk.typ.letter, kind, mk.h, width, mk.isa.suffix)
	mk.function(name, fmt.Sprintf("func(k int, a *%[1]s, aRow int, b *%[1]s, bRow int, c *%[1]s, ldc, cols int)", mk.typ.goName),
		fmt.Sprintf("%s is an aloneKernel with h = %d, for at most %d columns.", name, mk.h, width))
	r := gemmRegisters{
		pointers: []reg.GPVirtual{mk.param("a")}, stride: mk.param("aRow"),
		pb: mk.param("b"), bRow: mk.param("bRow"), c: mk.param("c"), ldc: mk.param("ldc"), left: mk.param("k"),
	}
	mk.toBytes(r.stride, r.bRow, r.ldc)
	r.multiples(mk.emitter, mk.h)
	r.point(mk.emitter)
	mk.bodies(&r, mk.param("cols"), func(prefix string, mask *tail) { mk.aloneTile(r, prefix, mask) })
	mk.done()
	return name
}

// aloneTile emits the tile.
func (mk microKernel) aloneTile(r gemmRegisters, prefix string, mask *tail) {
	sums := mk.zeroSums()
	steps := func(n int, fetches fetch) {
		for u := range n {
			mk.stepInRow(r, u, sums, mask, fetches)
		}
		mk.nextSteps(r, n)
	}
	if mk.pairs == alongK {
		mk.allSteps(r, prefix, mk.pairDepth(), func() { mk.pairSteps(r, prefix+"Steps", nil, sums) }, steps)
	} else {
		mk.allSteps(r, prefix, stepsAtOnce, func() { mk.stepsLoops(r, prefix, steps) }, steps)
	}
	mk.write(r, func() reg.GPVirtual { return mk.param("cols") }, prefix, sums, mask)
}

// zeroSums returns the sums of a tile, which are 0.
func (mk microKernel) zeroSums() [][]reg.VecVirtual {
	sums := make([][]reg.VecVirtual, mk.h)
	for i := range sums {
		sums[i] = mk.row()
		for _, s := range sums[i] {
			mk.zero(s)
		}
	}
	return sums
}

// allSteps emits all steps of k: a loop over so many at once, and one over the others. It leads to
// the label Write.
func (mk microKernel) allSteps(r gemmRegisters, prefix string, atOnce int, loop func(), steps func(n int, fetches fetch)) {
	mk.SUBQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JLT(operand.LabelRef(prefix + "Rest"))
	loop()
	mk.Label(prefix + "Rest")
	mk.ADDQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JEQ(operand.LabelRef(prefix + "Write"))
	mk.Label(prefix + "Step")
	steps(1, fetchNothing)
	mk.DECQ(r.left)
	mk.JNE(operand.LabelRef(prefix + "Step"))
}

// stepsLoops emits a loop over stepsAtOnce steps, and another that fetches rows of B if these span
// so much that few of them are in the first-level cache: what is, costs 3 to 6% more if it is
// fetched (64x8x64 TT, 96x4x597 TN). Rows that do not begin with cache lines have a panel take more
// of it: fetched, 13x100x300 is 1.35 times as fast, 19x85x180 1.5, 19x53x200 1.07; 4x200x50 0.9.
func (mk microKernel) stepsLoops(r gemmRegisters, prefix string, steps func(n int, fetches fetch)) {
	const nearUnaligned, near = 32 << 10, 256 << 10 // bytes
	if mk.isa.fetchesRows {
		span := mk.GP64()
		mk.MOVQ(r.left, span)
		mk.IMULQ(r.bRow, span)
		mk.CMPQ(span, operand.U32(nearUnaligned))
		mk.JL(operand.LabelRef(prefix + "Steps"))
		mk.TESTQ(operand.U32(cacheLine-1), r.bRow)
		mk.JNE(operand.LabelRef(prefix + "FarSteps"))
		mk.CMPQ(span, operand.U32(near))
		mk.JL(operand.LabelRef(prefix + "Steps"))
		mk.stepsLoop(r, prefix+"FarSteps", func() { steps(stepsAtOnce, fetchRow) })
		mk.JMP(operand.LabelRef(prefix + "Rest"))
	}
	mk.stepsLoop(r, prefix+"Steps", func() { steps(stepsAtOnce, fetchNothing) })
}

// stepsLoop emits a loop over stepsAtOnce steps.
func (mk microKernel) stepsLoop(r gemmRegisters, label string, steps func()) {
	mk.alignLoop()
	mk.Label(label)
	steps()
	mk.SUBQ(operand.Imm(stepsAtOnce), r.left)
	mk.JGE(operand.LabelRef(label))
}

// stepInRow is step for an A whose rows are contiguous, of which it takes the element u further on.
func (mk microKernel) stepInRow(r gemmRegisters, u int, sums [][]reg.VecVirtual, mask *tail, fetches fetch) {
	b := mk.row()
	if fetches == fetchRow {
		mk.fetchRow(r)
	}
	for j := range b {
		mk.loadVector(mk.vector(r, r.pb, j), b[j], j, mask)
	}
	for i := range sums {
		a := r.element(i)
		a.Disp = u * mk.typ.size
		mk.multiply(i, a, b, sums[i])
	}
	mk.ADDQ(r.bRow, r.pb)
}

// nextSteps moves on by some elements in rows of A.
func (mk microKernel) nextSteps(r gemmRegisters, steps int) {
	for _, p := range r.pointers {
		mk.ADDQ(operand.U32(steps*mk.typ.size), p)
	}
}
