package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ahead is what a micro-kernel does about operands that are needed after its tiles.
type ahead string

const (
	nothing   ahead = ""
	copying   ahead = "copying"   // packs the next panel of B, which is not transposed, and as wide as the kernel
	turning   ahead = "turning"   // packs the next panel of a transposed B
	fetching  ahead = "fetching"  // fetches rows of A, or of a packed panel, into the L2 cache
	following ahead = "following" // fetches the next packed panel there, a line at a time
)

// lookingAhead generates the micro-kernels that look ahead, as tall as there are registers for. Those
// that fetch and follow there are of eightRows, too, which is what reads rows that share sets of the cache.
func lookingAhead(e emitter) (goTable string) {
	const eightRows = 8
	kernel := func(ahead ahead, h, v int) string {
		mk := microKernel{emitter: e, h: h, v: v, ahead: ahead}
		return fmt.Sprintf("{%d, %d, %d, %s}", h, mk.aheadSteps(), mk.aheadBytes()/e.typ.size, mk.generate())
	}
	for _, ahead := range []ahead{copying, turning} {
		goTable += fmt.Sprintf("\nvar %s%s%s = []panelKernel[%s]{\n", e.typ.letter, ahead, e.isa.suffix, e.typ.goName)
		for v, tallest := range e.isa.gemmRows {
			goTable += "\t" + kernel(ahead, min(tallest, 2*rowsPerPointer), v+1) + ",\n"
		}
		goTable += "}\n"
	}
	for _, ahead := range []ahead{fetching, following} {
		goTable += fmt.Sprintf("\nvar %s%s%s = [][]panelKernel[%s]{\n", e.typ.letter, ahead, e.isa.suffix, e.typ.goName)
		for v, tallest := range e.isa.gemmRows {
			goTable += "\t{" + kernel(ahead, min(tallest, 2*rowsPerPointer), v+1)
			if tallest > eightRows {
				goTable += ", " + kernel(ahead, eightRows, v+1)
			}
			goTable += "},\n"
		}
		goTable += "}\n"
	}
	return goTable
}

// rowsToCopy is how many rows AVX-512, and AVX2 at a slow pace, fetch ahead, into the L1 cache, of the row of B that it
// copies: as many as an index can be scaled by. On Ice Lake, 64x3072x768, whose rows share sets, is 1.1
// times as fast, and eight products of 64 to 1024 rows 1.01 to 1.03. AVX2 loses 2 to 5% on Zen 3. Where rows are
// copied in every other four steps of k or fewer, what the next panel has in them is not fetched: 128 rows
// times 768x3072 and 3072x768 are 1.03 to 1.045 times as fast, in float64 1.01 to 1.03, 512 cubed 1.02 and 1.03.
// There AVX2 fetches rows ahead, too: without, only one row that is waited for is in sight of the CPU at a time, and
// 128 rows times 768x3072, 1024x1024 took 1.1 to 1.2 times as long as at a fast pace; with, 0.85.
const rowsToCopy = 8

// aheadSteps is how many steps of k there are for each piece that is copied, turned or fetched.
func (mk microKernel) aheadSteps() int {
	if mk.ahead == turning {
		return mk.isa.turnSteps
	}
	return stepsAtOnce
}

// aheadBytes is the size of such a piece: a row of a panel, a vector of a column, a line of what
// follows, or a line more than the tiles read of A in the meantime, as rows need not begin with a line.
func (mk microKernel) aheadBytes() int {
	switch mk.ahead {
	case copying:
		return mk.v * mk.isa.width
	case turning:
		return mk.isa.width
	case following:
		return cacheLine
	}
	return mk.h*stepsAtOnce*mk.typ.size + cacheLine
}

// operandAhead is what is left to do about an operand while a kernel runs.
type operandAhead struct {
	from  reg.GPVirtual // where to read it
	panel reg.GPVirtual // where to write it, unless it is fetched

	// On the stack.
	left  operand.Mem // rows to copy, groups of rows to turn, or rows to fetch
	rests operand.Mem // bits of the steps of k that are left, of which one tells that nothing is done now
	pace  operand.Mem // bytes from one row of B to the next, or if B is transposed, from one column
	// What is turned or fetched is done in rounds: the pieces of all columns for one group, or of one row.
	pieces, each operand.Mem // that are left in a round, and in all of it
	skip         operand.Mem // from the end of a round to the next one, in bytes
}

// lookAhead loads what a kernel needs for it.
func (mk microKernel) lookAhead(extra microArgs) (n operandAhead) {
	local := func(x reg.GPVirtual) operand.Mem {
		m := mk.AllocLocal(8)
		mk.MOVQ(x, m)
		return m
	}
	if mk.ahead == following {
		n.from = extra.load("from")
		return n
	}
	n.left, n.rests = local(extra.load("left")), local(extra.load("rests"))
	pace := extra.load("fromRow")
	mk.toBytes(pace)
	n.from = extra.load("from")
	if mk.ahead != fetching {
		n.panel, n.pace = extra.load("panel"), local(pace)
	}
	if mk.ahead == copying {
		return n
	}
	each := extra.load("each")
	n.pieces, n.each = local(each), local(each)
	if mk.ahead == turning { // back from behind the last column, and on by a piece
		mk.IMULQ(each, pace)
		mk.NEGQ(pace)
		mk.ADDQ(operand.U32(mk.aheadBytes()), pace)
	} else {
		mk.IMUL3Q(operand.U32(mk.aheadBytes()), each, each)
		mk.SUBQ(each, pace)
	}
	n.skip = local(pace)
	return n
}

// emit does a piece, if there is one left and, by the steps of k that are left, it is time for it. What
// follows is fetched in any case, and asks nothing: whoever calls ends the call in time.
func (n operandAhead) emit(mk microKernel, steps reg.GPVirtual, label string) {
	mk.Comment("what is needed next")
	if mk.ahead == following {
		mk.PREFETCHT1(operand.Mem{Base: n.from})
		mk.ADDQ(operand.Imm(cacheLine), n.from)
		return
	}
	mk.TESTQ(steps, n.rests)
	mk.JNE(operand.LabelRef(label))
	mk.CMPQ(n.left, operand.Imm(0))
	mk.JEQ(operand.LabelRef(label))
	width := mk.v * mk.isa.width
	switch mk.ahead {
	case copying:
		for at := 0; at < width; at += 32 { // of AVX-512 as halves, as in C
			x := mk.YMM()
			mk.load(operand.Mem{Base: n.from, Disp: at}, x)
			mk.store(x, operand.Mem{Base: n.panel, Disp: at})
		}
		mk.fetchCopied(n, width, label)
		mk.ADDQ(n.pace, n.from)
		mk.ADDQ(operand.U32(width), n.panel)
	case turning:
		mk.Comment("the next group of rows has its piece in the next line")
		mk.PREFETCHT1(operand.Mem{Base: n.from, Disp: cacheLine})
		mk.turnPiece(n, width)
		mk.ADDQ(n.pace, n.from)
		mk.ADDQ(operand.U32(mk.typ.size), n.panel)
		each := mk.endRound(n, label)
		mk.NEGQ(each)
		mk.LEAQ(operand.Mem{Base: n.panel, Index: each, Scale: uint8(mk.typ.size), Disp: mk.lanes() * width}, n.panel)
	case fetching:
		for line := 0; line < mk.aheadBytes(); line += cacheLine {
			mk.PREFETCHT1(operand.Mem{Base: n.from, Disp: line})
		}
		mk.ADDQ(operand.U32(mk.aheadBytes()), n.from)
		mk.endRound(n, label)
	}
	mk.DECQ(n.left)
	mk.Label(label)
}

// fetchCopied has fetched what is to be copied later. Where rows are copied at a slow pace, the row that is
// rowsToCopy further on comes in time. Else what the next panel has in this row is fetched as well,
// and with AVX2 alone.
func (mk microKernel) fetchCopied(n operandAhead, width int, label string) {
	further := func() {
		mk.Comment("the row that is rowsToCopy further on, which the sets of the L2 cache may not have kept")
		pace := mk.GP64()
		mk.MOVQ(n.pace, pace)
		for line := cacheLine; line < width+cacheLine; line += cacheLine {
			mk.PREFETCHT0(operand.Mem{Base: n.from, Index: pace, Scale: rowsToCopy, Disp: line - 1})
		}
	}
	if mk.isa.masks {
		further()
	}
	mk.CMPQ(n.rests, operand.Imm(0))
	if mk.isa.masks {
		mk.JNE(operand.LabelRef(label + "Soon"))
	} else {
		mk.JEQ(operand.LabelRef(label + "Fast"))
		further()
		mk.JMP(operand.LabelRef(label + "Soon"))
		mk.Label(label + "Fast")
	}
	mk.Comment("the same row of the panel after it, by its last byte: lines may be shared")
	for line := cacheLine; line < width+cacheLine; line += cacheLine {
		mk.PREFETCHT1(operand.Mem{Base: n.from, Disp: width + line - 1})
	}
	mk.Label(label + "Soon")
}

// turnPiece copies a vector of a column into as many rows of a panel, element by element: the ports
// of vectors have the multiply-adds to do, those of memory are idle.
func (mk microKernel) turnPiece(n operandAhead, width int) {
	x := mk.GP64()
	for i := range mk.lanes() {
		from, to := operand.Mem{Base: n.from, Disp: i * mk.typ.size}, operand.Mem{Base: n.panel, Disp: i * width}
		if mk.f32() {
			mk.MOVL(from, x.As32())
			mk.MOVL(x.As32(), to)
		} else {
			mk.MOVQ(from, x)
			mk.MOVQ(x, to)
		}
	}
}

// endRound goes to a label unless a round has ended, and begins the next one. It returns how many
// pieces a round has.
func (mk microKernel) endRound(n operandAhead, label string) (each reg.GPVirtual) {
	mk.DECQ(n.pieces)
	mk.JNE(operand.LabelRef(label))
	mk.ADDQ(n.skip, n.from)
	each = mk.GP64()
	mk.MOVQ(n.each, each)
	mk.MOVQ(each, n.pieces)
	return each
}
