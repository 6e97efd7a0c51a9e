package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// addRowsMost is how many rows of a matrix are read at once, and rowsAhead how
// many bytes ahead they are fetched into the L2 cache. A matrix of 64 MiB in
// multiples of what BLIS took: 4 rows 0.9, 8 rows 1.07 with 1024 bytes, 1.03 with
// 512, 0.9 without fetching, 0.87 when fetching into the L1 cache.
const addRowsMost, rowsAhead = 8, 1024

// addRows generates the kernels that add multiples of a matrix's rows to a vector.
func addRows(e emitter) (goTable string) {
	var names []string
	for h := 1; h <= addRowsMost; h++ {
		names = append(names, addRowsKernel(e, h))
	}
	return fmt.Sprintf("\nvar %saddRows%s = []addRowsKernel[%s]{%s}\n", e.typ.letter, e.isa.suffix, e.typ.goName, strings.Join(names, ", "))
}

func addRowsKernel(e emitter, h int) (name string) {
	name = fmt.Sprintf("%saddRows%d%s", e.typ.letter, h, e.isa.suffix)
	e.function(name, fmt.Sprintf("func(n int, x, a *%[1]s, aRow int, y *%[1]s)", e.typ.goName),
		fmt.Sprintf("%s is an addRowsKernel for %d rows.", name, h))
	n, x, y := e.param("n"), e.param("x"), e.param("y")
	rows := gemmRegisters{pointers: []reg.GPVirtual{e.param("a")}, stride: e.param("aRow")}
	e.toBytes(rows.stride)
	rows.multiples(e, h)
	rows.point(e)
	factors := e.vecs(h)
	for i, f := range factors {
		e.broadcast(operand.Mem{Base: x, Disp: i * e.typ.size}, f)
	}
	last := e.GP64()
	e.MOVQ(n, last)
	e.ANDQ(operand.U32(e.lanes()-1), last)
	mask := e.tailMask(last)

	// step adds to so many vectors of y.
	step := func(vectors int, load, store func(m, r operand.Op)) {
		sums := e.vecs(vectors)
		for j, s := range sums {
			load(operand.Mem{Base: y, Disp: j * e.isa.width}, s)
		}
		for i, f := range factors {
			for j, s := range sums {
				m := rows.element(i)
				m.Disp = j*e.isa.width + rowsAhead
				if m.Disp%cacheLine == 0 && vectors > 1 {
					e.PREFETCHT1(m)
				}
				m.Disp -= rowsAhead
				a := e.vec()
				load(m, a)
				e.fma(a, f, s)
			}
		}
		for j, s := range sums {
			store(s, operand.Mem{Base: y, Disp: j * e.isa.width})
		}
		for _, p := range append(rows.pointers, y) {
			e.ADDQ(operand.U32(vectors*e.isa.width), p)
		}
	}
	whole := func(from, to operand.Op) { e.load(from, to) }
	const unroll = 2
	e.SUBQ(operand.U32(unroll*e.lanes()), n)
	e.JLT(operand.LabelRef("one"))
	e.alignLoop()
	e.Label("steps")
	step(unroll, whole, whole)
	e.SUBQ(operand.U32(unroll*e.lanes()), n)
	e.JGE(operand.LabelRef("steps"))
	e.Label("one")
	e.ADDQ(operand.U32((unroll-1)*e.lanes()), n)
	e.JLT(operand.LabelRef("part"))
	step(1, whole, whole)
	e.Label("part")
	e.TESTQ(operand.U32(e.lanes()-1), n)
	e.JEQ(operand.LabelRef("end"))
	step(1, func(m, r operand.Op) { e.loadTail(mask, m, r) }, func(r, m operand.Op) { e.storeTail(mask, r, m) })
	e.Label("end")
	e.done()
	return name
}
