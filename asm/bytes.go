package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// chunkBytes is how many bytes bytesToFloat converts at a time, as kernels has it: a vector of
// float32, with AVX-512.
const chunkBytes = 16

// bytesToFloat generates the conversion of bytes to numbers, with a division.
func bytesToFloat(e emitter) {
	name := e.typ.letter + "bytes" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst *%[1]s, src, next *uint8, chunks *int, n int, divisor, high, low %[1]s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor c := range n {",
		"\t\tfrom, to := chunks[2*c], chunks[2*c+1]",
		fmt.Sprintf("\t\tfor i := range %d {", chunkBytes),
		"\t\t\tx := T(src[from+i])",
		"\t\t\tdst[to+i] = fma(x, high, x*low)",
		"\t\t}",
		"\t}",
		"",
		"where high+low is 1/divisor to twice the precision, so that the result is x/divisor, rounded once.",
		"It has the same chunks of next fetched into the cache meanwhile.")
	dst, src, next := e.param("dst"), e.param("src"), e.param("next")
	chunks, n := e.param("chunks"), e.param("n")
	high, low := e.vec(), e.vec()
	e.broadcast(e.paramAddr("high"), high)
	e.broadcast(e.paramAddr("low"), low)
	e.TESTQ(n, n)
	e.JEQ(operand.LabelRef("end"))
	e.alignLoop()
	e.Label("chunk")
	from, to := e.GP64(), e.GP64()
	e.MOVQ(operand.Mem{Base: chunks}, from)
	e.MOVQ(operand.Mem{Base: chunks, Disp: 8}, to)
	e.PREFETCHT1(operand.Mem{Base: next, Index: from, Scale: 1})
	for at := 0; at < chunkBytes; at += e.lanes() {
		x, y := e.vec(), e.vec()
		e.bytes(operand.Mem{Base: src, Index: from, Scale: 1, Disp: at}, x)
		e.mul(low, x, y)
		e.fma(x, high, y)
		e.store(y, operand.Mem{Base: dst, Index: to, Scale: uint8(e.typ.size), Disp: at * e.typ.size})
	}
	e.ADDQ(operand.Imm(2*8), chunks)
	e.DECQ(n)
	e.JNE(operand.LabelRef("chunk"))
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

// usedBlock is how many columns bytesInUse looks at, as kernels has it: what fits eight registers.
const usedBlock = 256

// bytesInUse generates the search for columns of bytes that are not all 0, with AVX2.
func bytesInUse(e emitter) {
	e.function("bytesInUse"+e.isa.suffix, fmt.Sprintf("func(used *[%d]uint64, src *uint8, rows []int, n int)", usedBlock/64),
		fmt.Sprintf("bytesInUse%s sets bit j%%64 of used[j/64], j < %d, if src[rows[i]*n+j] is not 0 for", e.isa.suffix, usedBlock),
		"some i, and clears it otherwise.")
	used, src, n := e.param("used"), e.param("src"), e.param("n")
	rows, end := e.base("rows"), e.length("rows")
	seen := e.vecs(usedBlock / e.isa.width)
	for _, s := range seen {
		e.VPXOR(s, s, s)
	}
	e.LEAQ(operand.Mem{Base: rows, Index: end, Scale: 8}, end)
	e.JMP(operand.LabelRef("more"))
	e.alignLoop()
	e.Label("row")
	row := e.GP64()
	e.MOVQ(operand.Mem{Base: rows}, row)
	e.IMULQ(n, row)
	for i, s := range seen {
		e.VPOR(operand.Mem{Base: src, Index: row, Scale: 1, Disp: i * e.isa.width}, s, s)
	}
	e.ADDQ(operand.Imm(8), rows)
	e.Label("more")
	e.CMPQ(rows, end)
	e.JLT(operand.LabelRef("row"))
	zero := e.vec()
	e.VPXOR(zero, zero, zero)
	for i, s := range seen {
		bits := e.GP32()
		e.VPCMPEQB(zero, s, s)
		e.VPMOVMSKB(s, bits)
		e.NOTL(bits)
		e.MOVL(bits, operand.Mem{Base: used, Disp: i * e.isa.width / 8})
	}
	e.done()
}
