package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vecMatSums[v-1] is in how many sums a vecMatKernel of v vectors computes each element: so many that
// a multiply-add seldom waits for another, which takes as long as eight.
var vecMatSums = []int{8, 4, 3, 2, 2, 2, 2, 1}

// vecMat generates the kernels for products of a vector and a matrix, by their width in vectors.
func vecMat(e emitter) (goTable string) {
	var names []string
	for i, sums := range vecMatSums {
		names = append(names, microKernel{emitter: e, h: 1, v: i + 1}.generateVecMat(sums))
	}
	return fmt.Sprintf("\nvar %svecMat%s = []vecMatKernel[%s]{%s}\n", e.typ.letter, e.isa.suffix, e.typ.goName, strings.Join(names, ", "))
}

// generateVecMat generates a kernel that computes a row of C in so many sums for each element, the
// steps of k in turn.
func (mk microKernel) generateVecMat(sums int) (name string) {
	mk.whole = true
	name = fmt.Sprintf("%svecMat%d%s", mk.typ.letter, mk.columns(), mk.isa.suffix)
	mk.function(name, fmt.Sprintf("func(k int, x *%[1]s, xStep int, b *%[1]s, bRow int, y *%[1]s, cols int)", mk.typ.goName),
		fmt.Sprintf("%s is a vecMatKernel for at most %d columns.", name, mk.columns()))
	r := gemmRegisters{
		pointers: []reg.GPVirtual{mk.param("x")}, stride: mk.param("xStep"),
		pb: mk.param("b"), bRow: mk.param("bRow"), c: mk.param("y"), left: mk.param("k"),
	}
	mk.toBytes(r.stride, r.bRow)
	r.ldc = r.bRow // there is no second row
	mk.bodies(&r, mk.param("cols"), func(prefix string, mask *tail) { mk.vecMatTile(r, prefix, mask, sums) })
	mk.done()
	return name
}

// vecMatTile emits the tile.
func (mk microKernel) vecMatTile(r gemmRegisters, prefix string, mask *tail, sums int) {
	parts := make([][]reg.VecVirtual, sums)
	for i := range parts {
		parts[i] = mk.vecs(mk.v)
		for _, s := range parts[i] {
			mk.zero(s)
		}
	}
	step := func(u int) {
		x := mk.vec()
		mk.broadcast(operand.Mem{Base: r.pointers[0]}, x)
		for j, s := range parts[u%sums] {
			b := mk.vector(r, r.pb, j)
			if mask == nil {
				mk.fma(b, x, s)
				continue
			}
			cut := mk.vec()
			mk.loadVector(b, cut, j, mask)
			mk.fma(cut, x, s)
		}
		mk.ADDQ(r.stride, r.pointers[0])
		mk.ADDQ(r.bRow, r.pb)
	}
	atOnce := (stepsAtOnce + sums - 1) / sums * sums
	mk.SUBQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JLT(operand.LabelRef(prefix + "Rest"))
	mk.alignLoop()
	mk.Label(prefix + "Steps")
	for u := range atOnce {
		step(u)
	}
	mk.SUBQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JGE(operand.LabelRef(prefix + "Steps"))
	mk.Label(prefix + "Rest")
	mk.ADDQ(operand.Imm(uint64(atOnce)), r.left)
	for u := range atOnce - 1 {
		mk.JEQ(operand.LabelRef(prefix + "Sum"))
		step(u)
		mk.DECQ(r.left)
	}
	mk.Label(prefix + "Sum")
	for n := sums; n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			for j, s := range parts[i] {
				mk.add(parts[n-1-i][j], s, s)
			}
		}
	}
	mk.write(r, func() reg.GPVirtual { return mk.param("cols") }, prefix, parts[:1], mask)
}
