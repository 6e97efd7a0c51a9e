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

// aloneSparing does for those of one vector, and of one and a half, in the form that spares loads.
func aloneSparing(e emitter) (goTable string) {
	if !e.isa.sparing {
		return ""
	}
	mks := []microKernel{e.wholeKernels()[0], e.halfKernels()[1]}
	for i := range mks {
		mks[i].sparing = true
	}
	return e.table("aloneSparing", "aloneKernel", mks, microKernel.generateAlone)
}

// generateAlone generates the kernel as a function of a few arguments: one panel, aCol = 1, alpha =
// 1, beta = 0 and no epilogue, and what a microKernel does about others left out. It adds up in the
// same order.
func (mk microKernel) generateAlone() (name string) {
	mk.whole = true
	kind, width := "alone", mk.columns()
	switch {
	case mk.pairs != noPairs:
		kind = "alonePairs"
	case mk.sparing:
		kind = "aloneSparing"
	}
	name = fmt.Sprintf("%s%s%dx%d%s", mk.typ.letter, kind, mk.h, width, mk.isa.suffix)
	mk.function(name, fmt.Sprintf("func(k int, a *%[1]s, aRow int, b *%[1]s, bRow int, c *%[1]s, ldc, cols, tiles int)", mk.typ.goName),
		fmt.Sprintf("%s is an aloneKernel with h = %d, for at most %d columns.", name, mk.h, width))
	r := gemmRegisters{
		a: mk.param("a"), pointers: []reg.GPVirtual{mk.GP64()}, stride: mk.param("aRow"),
		pb: mk.GP64(), bRow: mk.param("bRow"), c: mk.param("c"), ldc: mk.param("ldc"), left: mk.GP64(),
	}
	mk.toBytes(r.stride, r.bRow, r.ldc)
	r.provide(mk.emitter, mk.h)
	var next []func()
	mk.bodies(&r, mk.param("cols"), func(prefix string, mask *tail) { next = append(next, mk.aloneTiles(r, prefix, mask)) })
	mk.done()
	for _, emit := range next {
		emit()
	}
	return name
}

// aloneTiles emits the loop over the tiles, but for what leads from one to the next, so that a single
// one need not jump over it: next emits that.
func (mk microKernel) aloneTiles(r gemmRegisters, prefix string, mask *tail) (next func()) {
	mk.Label(prefix + "Tile")
	mk.MOVQ(r.a, r.pointers[0])
	r.point(mk.emitter)
	mk.Load(mk.Param("b"), r.pb)
	mk.Load(mk.Param("k"), r.left)
	sums := mk.zeroSums()
	one := func() { mk.oneStep(r, sums, mask, fetchNothing) }
	if mk.pairs == alongK {
		mk.allSteps(r, prefix, mk.pairDepth(), func() { mk.pairSteps(r, prefix+"Steps", nil, sums) }, one)
	} else {
		mk.allSteps(r, prefix, stepsAtOnce, func() { mk.nearAndFar(r, alongRows, prefix, prefix+"Rest", sums, mask) }, one)
	}
	mk.write(r, func() reg.GPVirtual { return mk.param("cols") }, prefix, sums, mask)
	left := mk.param("tiles")
	mk.DECQ(left)
	mk.JNE(operand.LabelRef(prefix + "Next"))
	return func() {
		mk.Label(prefix + "Next")
		mk.MOVQ(left, mk.paramAddr("tiles"))
		down := mk.GP64()
		mk.IMUL3Q(operand.U32(mk.h), r.stride, down)
		mk.ADDQ(down, r.a)
		mk.JMP(operand.LabelRef(prefix + "Tile"))
	}
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
func (mk microKernel) allSteps(r gemmRegisters, prefix string, atOnce int, loop, one func()) {
	mk.SUBQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JLT(operand.LabelRef(prefix + "Rest"))
	loop()
	mk.Label(prefix + "Rest")
	mk.ADDQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JEQ(operand.LabelRef(prefix + "Write"))
	mk.Label(prefix + "Step")
	one()
	mk.DECQ(r.left)
	mk.JNE(operand.LabelRef(prefix + "Step"))
}

// nearAndFar emits a loop over stepsAtOnce steps, and another that fetches rows of B if these span
// so much that few of them are in the first-level cache: what is, costs 3 to 6% more if it is
// fetched (64x8x64 TT, 96x4x597 TN). Rows that do not begin with cache lines have a panel take more
// of it: fetched, 13x100x300 is 1.35 times as fast, 19x85x180 1.5, 19x53x200 1.07; 4x200x50 0.9.
// The one that is emitted first ends with a jump to the label behind.
func (mk microKernel) nearAndFar(r gemmRegisters, w walk, prefix, behind string, sums [][]reg.VecVirtual, mask *tail) {
	const nearUnaligned, near = 32 << 10, 256 << 10 // bytes
	loop := func(label string, fetches fetch) {
		mk.alignLoop()
		mk.Label(label)
		mk.eachStep(r, sums, mask, fetches, func(int) {})
		mk.SUBQ(operand.Imm(stepsAtOnce), r.left)
		mk.JGE(operand.LabelRef(label))
		mk.leave(r)
	}
	if !mk.isa.fetchesRows {
		r = mk.enter(r, w, fetchNothing)
	} else {
		r = mk.enter(r, w, fetchRow)
		span := mk.GP64()
		mk.MOVQ(r.left, span)
		mk.IMULQ(r.bRow, span)
		mk.CMPQ(span, operand.U32(nearUnaligned))
		mk.JL(operand.LabelRef(prefix + "Steps"))
		mk.TESTQ(operand.U32(cacheLine-1), r.bRow)
		mk.JNE(operand.LabelRef(prefix + "FarSteps"))
		mk.CMPQ(span, operand.U32(near))
		mk.JL(operand.LabelRef(prefix + "Steps"))
		loop(prefix+"FarSteps", fetchRow)
		mk.JMP(operand.LabelRef(behind))
	}
	loop(prefix+"Steps", fetchNothing)
}
