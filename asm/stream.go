package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// streamAroundBytes is the size from which results are written past the
// caches, as they would push out what is in there and be gone before anyone
// reads them. It is where Go's own copy does the same.
const streamAroundBytes = 1 << 20

// streamAhead is how far ahead large operands are fetched, in bytes.
const streamAhead = 256

// stream emits the rest of an elementwise function, to its end: it sets dst[i] =
// f(srcs[0][i], srcs[1][i], ...) for n elements, in vectors, the last ones
// under a mask. f works on a vector from each source and returns the one that
// holds the result. dst may be one of the sources.
func (e emitter) stream(dst, n reg.GPVirtual, srcs []reg.GPVirtual, f func([]reg.VecVirtual) reg.VecVirtual) {
	const unroll = 4
	width, lanes := e.isa.width, e.lanes()

	// In place, memory is in the cache by the time it is written.
	inPlace := slices.Contains(srcs, dst)
	if !inPlace {
		e.CMPQ(n, operand.U32(streamAroundBytes/e.typ.size))
		e.JCC(operand.LabelRef("large"))
	}
	e.whole("plain", dst, n, srcs, unroll, f, e.store, 0)

	e.Label("rest")
	e.Comment("one vector at a time")
	e.ADDQ(operand.U32(unroll*lanes), n)
	e.JMP(operand.LabelRef("restTest"))
	e.Label("restVector")
	e.vectors(dst, srcs, 1, f, e.store)
	e.advance(width, dst, srcs)
	e.Label("restTest")
	e.SUBQ(operand.U32(lanes), n)
	e.JGE(operand.LabelRef("restVector"))
	e.ADDQ(operand.U32(lanes), n)
	e.JEQ(operand.LabelRef("end"))
	e.Comment("and the last elements")
	e.part(dst, e.tailMask(n), srcs, f)
	e.Label("end")
	e.done()
	if inPlace {
		return
	}

	e.Label("large")
	for _, s := range srcs {
		e.CMPQ(dst, s)
		e.JEQ(operand.LabelRef("plainStart"))
	}
	e.Comment("head = elements before dst is aligned")
	head, headBytes := e.GP64(), e.GP64()
	e.MOVQ(dst, head)
	e.NEGQ(head)
	e.ANDQ(operand.U32(width-1), head)
	e.TESTQ(operand.U32(e.typ.size-1), head)
	e.JNE(operand.LabelRef("plainStart"))
	e.MOVQ(head, headBytes)
	e.SHRQ(operand.Imm(e.sizeShift()), head)
	e.SUBQ(head, n)
	e.part(dst, e.tailMask(head), srcs, f)
	e.ADDQ(headBytes, dst)
	for _, s := range srcs {
		e.ADDQ(headBytes, s)
	}
	e.whole("around", dst, n, srcs, unroll, f, e.storeAround, streamAhead)
	e.SFENCE()
	e.JMP(operand.LabelRef("rest"))
}

// whole emits the loop over whole groups of unroll vectors. It leaves n short
// by one group. If ahead is not 0, it fetches the sources so many bytes ahead.
func (e emitter) whole(name string, dst, n reg.GPVirtual, srcs []reg.GPVirtual, unroll int, f func([]reg.VecVirtual) reg.VecVirtual, store func(r, m operand.Op), ahead int) {
	group := operand.U32(unroll * e.lanes())
	e.Label(name + "Start")
	e.SUBQ(group, n)
	e.JLT(operand.LabelRef(name + "Done"))
	e.alignLoop()
	e.Label(name + "Group")
	if ahead != 0 {
		for _, s := range srcs {
			for line := 0; line < unroll*e.isa.width; line += cacheLine {
				e.PREFETCHNTA(operand.Mem{Base: s, Disp: ahead + line})
			}
		}
	}
	e.vectors(dst, srcs, unroll, f, store)
	e.advance(unroll*e.isa.width, dst, srcs)
	e.SUBQ(group, n)
	e.JGE(operand.LabelRef(name + "Group"))
	e.Label(name + "Done")
}

// vectors emits f on count vectors, one behind the other.
func (e emitter) vectors(dst reg.GPVirtual, srcs []reg.GPVirtual, count int, f func([]reg.VecVirtual) reg.VecVirtual, store func(r, m operand.Op)) {
	for u := range count {
		v := e.vecs(len(srcs))
		for i, s := range srcs {
			e.load(operand.Mem{Base: s, Disp: u * e.isa.width}, v[i])
		}
		store(f(v), operand.Mem{Base: dst, Disp: u * e.isa.width})
	}
}

// part emits f on the elements of one vector that are under a mask.
func (e emitter) part(dst reg.GPVirtual, mask tail, srcs []reg.GPVirtual, f func([]reg.VecVirtual) reg.VecVirtual) {
	v := e.vecs(len(srcs))
	for i, s := range srcs {
		e.loadTail(mask, operand.Mem{Base: s}, v[i])
	}
	e.storeTail(mask, f(v), operand.Mem{Base: dst})
}

// advance moves all pointers on.
func (e emitter) advance(by int, dst reg.GPVirtual, srcs []reg.GPVirtual) {
	for _, s := range srcs {
		e.ADDQ(operand.U32(by), s)
	}
	if !slices.Contains(srcs, dst) {
		e.ADDQ(operand.U32(by), dst)
	}
}
