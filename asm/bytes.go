package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bytesToFloat generates the conversion of bytes to numbers, with a division.
func bytesToFloat(e emitter) {
	name := e.typ.letter + "bytes" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst []%[1]s, src, next *uint8, divisor, high, low %[1]s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i := range dst {",
		"\t\tx := T(src[i])",
		"\t\tdst[i] = fma(x, high, x*low)",
		"\t}",
		"",
		"where high+low is 1/divisor to twice the precision, so that the result is x/divisor, rounded once.",
		"It has the bytes from next on fetched into the cache meanwhile.")
	dst, n := e.base("dst"), e.length("dst")
	src, next := e.param("src"), e.param("next")
	high, low := e.vec(), e.vec()
	e.broadcast(e.paramAddr("high"), high)
	e.broadcast(e.paramAddr("low"), low)
	lanes, width := e.lanes(), e.isa.width
	vector := func(u int) {
		x, y := e.vec(), e.vec()
		e.bytes(operand.Mem{Base: src, Disp: u * lanes}, x)
		e.mul(low, x, y)
		e.fma(x, high, y)
		e.store(y, operand.Mem{Base: dst, Disp: u * width})
	}
	advance := func(vectors int) {
		e.ADDQ(operand.U32(vectors*lanes), src)
		e.ADDQ(operand.U32(vectors*width), dst)
	}

	e.PREFETCHT1(operand.Mem{Base: next})
	e.SUBQ(operand.U32(cacheLine), n)
	e.JLT(operand.LabelRef("rest"))
	e.alignLoop()
	e.Label("line")
	e.PREFETCHT1(operand.Mem{Base: next, Disp: cacheLine})
	e.ADDQ(operand.U32(cacheLine), next)
	for u := range cacheLine / lanes {
		vector(u)
	}
	advance(cacheLine / lanes)
	e.SUBQ(operand.U32(cacheLine), n)
	e.JGE(operand.LabelRef("line"))
	e.Label("rest")
	e.Comment("one vector at a time")
	e.ADDQ(operand.U32(cacheLine-lanes), n)
	e.JLT(operand.LabelRef("restDone"))
	e.Label("vector")
	vector(0)
	advance(1)
	e.SUBQ(operand.U32(lanes), n)
	e.JGE(operand.LabelRef("vector"))
	e.Label("restDone")
	e.Comment("and the last elements one by one")
	e.ADDQ(operand.U32(lanes), n)
	e.JEQ(operand.LabelRef("end"))
	e.Label("element")
	e.oneByte(src, dst, high.AsX(), low.AsX())
	e.INCQ(src)
	e.ADDQ(operand.U32(e.typ.size), dst)
	e.DECQ(n)
	e.JNE(operand.LabelRef("element"))
	e.Label("end")
	e.done()
}

// bytes fills a vector with numbers from bytes.
func (e emitter) bytes(m operand.Mem, r reg.VecVirtual) {
	switch {
	case e.f32():
		e.VPMOVZXBD(m, r)
		e.VCVTDQ2PS(r, r)
	case e.isa.width == 64:
		e.VPMOVZXBD(m, r.AsY())
		e.VCVTDQ2PD(r.AsY(), r)
	default:
		e.VPMOVZXBD(m, r.AsX())
		e.VCVTDQ2PD(r.AsX(), r)
	}
}

// oneByte converts one byte as bytesToFloat does.
func (e emitter) oneByte(src, dst reg.GPVirtual, high, low reg.Register) {
	v, x, y := e.GP32(), e.XMM(), e.XMM()
	e.MOVBLZX(operand.Mem{Base: src}, v)
	e.VMOVD(v, x)
	if e.f32() {
		e.VCVTDQ2PS(x, x)
		e.VMULSS(low, x, y)
		e.VFMADD231SS(x, high, y)
		e.VMOVSS(y, operand.Mem{Base: dst})
	} else {
		e.VCVTDQ2PD(x, x)
		e.VMULSD(low, x, y)
		e.VFMADD231SD(x, high, y)
		e.VMOVSD(y, operand.Mem{Base: dst})
	}
}

// fetchRows generates the fetching of rows of bytes, for any amd64 CPU.
func fetchRows(e emitter) {
	e.function("fetchRows", "func(src *uint8, rows []int, n int)",
		"fetchRows has n bytes from src[rows[i]*n] on, for each i, fetched into the L2 cache.")
	src, rows, end, n := e.param("src"), e.base("rows"), e.length("rows"), e.param("n")
	e.LEAQ(operand.Mem{Base: rows, Index: end, Scale: 8}, end)
	e.JMP(operand.LabelRef("next"))
	e.Label("row")
	line, last := e.GP64(), e.GP64()
	e.MOVQ(operand.Mem{Base: rows}, line)
	e.IMULQ(n, line)
	e.ADDQ(src, line)
	e.LEAQ(operand.Mem{Base: line, Index: n, Scale: 1}, last)
	e.ANDQ(operand.I32(-cacheLine), line)
	e.Label("line")
	e.PREFETCHT1(operand.Mem{Base: line})
	e.ADDQ(operand.U32(cacheLine), line)
	e.CMPQ(line, last)
	e.JLT(operand.LabelRef("line"))
	e.ADDQ(operand.Imm(8), rows)
	e.Label("next")
	e.CMPQ(rows, end)
	e.JLT(operand.LabelRef("row"))
	e.RET()
}
