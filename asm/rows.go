package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// addRowsMost is how many rows of a matrix are read at once: in multiples of what BLIS took for a matrix
// of 64 MiB, 4 rows 0.9, 8 rows 1.07.
const addRowsMost = 8

// rowsAhead is how many bytes ahead rows that come from memory are fetched into the L2 cache. 64
// MiB as above: 1.07 with 1024 bytes, 1.03 with 512, 0.9 without fetching, 0.87 into the L1 cache;
// dot products 1.05 to 1.07 (AVX-512) and 0.9 (AVX2) with 1024, 0.91 to 1.02 and 0.83 to 0.94
// without. A matrix that is in a cache takes 2 (L2) to 16% (L3) longer with it.
const rowsAhead = 1024

// addRows generates the kernels that add multiples of a matrix's rows to a vector, and one for so
// many rows as there are at most that come from memory.
func addRows(e emitter) (goTable string) {
	var names []string
	for h := 1; h <= addRowsMost; h++ {
		names = append(names, addRowsKernel(e, h, false))
	}
	goTable = fmt.Sprintf("\nvar %saddRows%s = []addRowsKernel[%s]{%s}\n", e.typ.letter, e.isa.suffix, e.typ.goName, strings.Join(names, ", "))
	return goTable + fmt.Sprintf("\nvar %saddFarRows%s addRowsKernel[%s] = %s\n", e.typ.letter, e.isa.suffix, e.typ.goName, addRowsKernel(e, addRowsMost, true))
}

func addRowsKernel(e emitter, h int, far bool) (name string) {
	kind, what := "addRows", "rows"
	if far {
		kind, what = "addFarRows", "rows that come from memory"
	}
	name = fmt.Sprintf("%s%s%d%s", e.typ.letter, kind, h, e.isa.suffix)
	e.function(name, fmt.Sprintf("func(n int, x, a *%[1]s, aRow int, y *%[1]s)", e.typ.goName),
		fmt.Sprintf("%s is an addRowsKernel for %d %s.", name, h, what))
	n, x, y := e.param("n"), e.param("x"), e.param("y")
	rows := gemmRegisters{pointers: []reg.GPVirtual{e.param("a")}, stride: e.param("aRow")}
	e.toBytes(rows.stride)
	rows.provide(e, h)
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
				if far && m.Disp%cacheLine == 0 && vectors > 1 {
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
