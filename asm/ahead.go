package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ahead is what a micro-kernel does about the next panel of B.
type ahead string

const (
	nothing  ahead = ""
	copying  ahead = "copying"  // packs it: B is not transposed, and the panel as wide as the kernel
	fetching ahead = "fetching" // fetches it into the L2 cache: B is transposed, and wants turning
)

// lookingAhead generates the micro-kernels that look ahead.
func lookingAhead(e emitter) (goTable string) {
	for _, ahead := range []ahead{copying, fetching} {
		goTable += fmt.Sprintf("\nvar %s%s%s = []panelKernel[%s]{\n", e.typ.letter, ahead, e.isa.suffix, e.typ.goName)
		for v, tallest := range e.isa.gemmRows {
			h := min(tallest, 2*rowsPerPointer) // as there are registers for
			name := microKernel{emitter: e, h: h, v: v + 1, ahead: ahead}.generate()
			goTable += fmt.Sprintf("\t{%d, %s},\n", h, name)
		}
		goTable += "}\n"
	}
	return goTable
}

// nextPanel is what is left of the next panel while a kernel runs.
type nextPanel struct {
	from  reg.GPVirtual // in B
	pace  reg.GPVirtual // of copying: from one row of B to the next, in bytes
	panel reg.GPVirtual // of copying: where to

	// On the stack. Of fetching: lines are as many as a row of the kernel's panel has.
	left       operand.Mem // rows to copy, or columns to fetch
	lines, all operand.Mem // that are left in a column, and in all of a column
	skip       operand.Mem // from the end of a column to the next one, in bytes
}

// lookAhead loads what a kernel needs for it.
func (mk microKernel) lookAhead(extra microArgs) (n nextPanel) {
	n.left = mk.AllocLocal(8)
	mk.MOVQ(extra.load("left"), n.left)
	n.from = extra.load("from")
	if mk.ahead == copying {
		n.panel, n.pace = extra.load("panel"), extra.load("fromRow")
		mk.toBytes(n.pace)
		return n
	}
	n.lines, n.all, n.skip = mk.AllocLocal(8), mk.AllocLocal(8), mk.AllocLocal(8)
	lines, skip := extra.load("lines"), extra.load("fromRow")
	mk.MOVQ(lines, n.lines)
	mk.MOVQ(lines, n.all)
	mk.toBytes(skip)
	mk.IMUL3Q(operand.U32(mk.v*mk.isa.width), lines, lines)
	mk.SUBQ(lines, skip)
	mk.MOVQ(skip, n.skip)
	return n
}

// emit copies a row of the next panel, if there is one left, or fetches as much of one of its columns.
func (n nextPanel) emit(mk microKernel, label string) {
	if mk.ahead == nothing {
		return
	}
	width := mk.v * mk.isa.width
	mk.Comment("the next panel")
	mk.CMPQ(n.left, operand.Imm(0))
	mk.JEQ(operand.LabelRef(label + "Ready"))
	if mk.ahead == copying {
		for at := 0; at < width; at += 32 { // of AVX-512 as halves, as in C
			x := mk.YMM()
			mk.load(operand.Mem{Base: n.from, Disp: at}, x)
			mk.store(x, operand.Mem{Base: n.panel, Disp: at})
		}
		mk.Comment("the same row of the panel after it, by its last byte: lines may be shared")
		for line := cacheLine; line < width+cacheLine; line += cacheLine {
			mk.PREFETCHT1(operand.Mem{Base: n.from, Disp: width + line - 1})
		}
		mk.ADDQ(n.pace, n.from)
		mk.ADDQ(operand.U32(width), n.panel)
		mk.DECQ(n.left)
	} else {
		for line := 0; line < width; line += cacheLine {
			mk.PREFETCHT1(operand.Mem{Base: n.from, Disp: line})
		}
		mk.ADDQ(operand.U32(width), n.from)
		mk.DECQ(n.lines)
		mk.JNE(operand.LabelRef(label + "Ready"))
		mk.ADDQ(n.skip, n.from)
		all := mk.GP64()
		mk.MOVQ(n.all, all)
		mk.MOVQ(all, n.lines)
		mk.DECQ(n.left)
	}
	mk.Label(label + "Ready")
}
