package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// upright generates the kernels of few columns whose vectors run along m, by their width in half
// vectors, or in whole ones where there are no kernels of halves.
func upright(e emitter) (goTable string) {
	var mks []microKernel
	for i, most := range e.isa.uprightColumns {
		mk := microKernel{emitter: e, h: most, v: i + 1}
		if e.isa.halves > 0 {
			mk.half = true
			mks = append(mks, mk)
			mk.half = false
		}
		mks = append(mks, mk)
	}
	if e.isa.width == 64 {
		e.joinOrders()
	}
	return e.table("upright", "uprightKernel", mks, microKernel.generateUpright)
}

// generateUpright generates a kernel: it is that of a tile of the transpose of C, with A for the
// operand that vectors are loaded of, and turns what it writes.
func (mk microKernel) generateUpright() (name string) {
	name = fmt.Sprintf("%supright%dx%d%s", mk.typ.letter, mk.columns(), mk.h, mk.isa.suffix)
	mk.function(name, fmt.Sprintf("func(k int, a *%[1]s, aCol int, b *%[1]s, bRow, bCol int, c *%[1]s, ldc, rows int)", mk.typ.goName),
		fmt.Sprintf("%s is an uprightKernel for at most %d rows, and columns = %d.", name, mk.columns(), mk.h))
	r := gemmRegisters{
		pointers: []reg.GPVirtual{mk.param("b")}, stride: mk.param("bCol"), aCol: mk.param("bRow"),
		pb: mk.param("a"), bRow: mk.param("aCol"), c: mk.param("c"), ldc: mk.param("ldc"), left: mk.param("k"),
	}
	mk.toBytes(r.stride, r.aCol, r.bRow, r.ldc)
	r.provide(mk.emitter, mk.h)
	r.point(mk.emitter)
	mk.bodies(&r, mk.param("rows"), func(prefix string, mask *tail) { mk.uprightTile(r, prefix, mask) })
	mk.done()
	return name
}

// uprightTile emits the tile.
func (mk microKernel) uprightTile(r gemmRegisters, prefix string, mask *tail) {
	sums := mk.zeroSums()
	one := func() { mk.oneStep(r, sums, mask, fetchNothing) }
	mk.allSteps(r, prefix, stepsAtOnce, func() {
		mk.CMPQ(r.aCol, operand.Imm(uint64(mk.typ.size)))
		mk.JNE(operand.LabelRef(prefix + "Columns"))
		mk.nearAndFar(r, alongRows, prefix, prefix+"Rest", sums, mask)
		mk.JMP(operand.LabelRef(prefix + "Rest"))
		mk.Label(prefix + "Columns")
		mk.nearAndFar(r, alongColumns, prefix+"Columns", prefix+"Rest", sums, mask)
	}, one)

	mk.Label(prefix + "Write")
	left, written := mk.param("rows"), prefix+"Written"
	for v := range sums[0] {
		column := make([]reg.VecVirtual, mk.h)
		for j := range column {
			column[j] = sums[j][v]
		}
		last := v == mk.v-1
		if last && r.last != nil {
			mk.Comment("the last vector ends with the last row")
			mk.SUBQ(operand.U32(mk.lastLanes()), left)
			mk.IMULQ(r.ldc, left)
			mk.Load(mk.Param("c"), r.c)
			mk.ADDQ(left, r.c)
		}
		if last && mask != nil {
			if v > 0 {
				mk.SUBQ(operand.U32(v*mk.lanes()), left)
			}
			mk.writeRows(r, column, left, written)
		} else {
			mk.writeRows(r, column, nil, "")
		}
	}
	mk.Label(written)
}

// writeRows writes the transpose of what is in columns, row by row, and moves r.c on. If left is not nil, it
// goes to written behind so many rows.
func (mk microKernel) writeRows(r gemmRegisters, columns []reg.VecVirtual, left reg.Register, written string) {
	inLane := 16 / mk.typ.size
	var groups []columnGroup
	for j := 0; j < len(columns); j += inLane {
		groups = append(groups, mk.group(columns[j:min(j+inLane, len(columns))]))
	}
	var writers []func(lane, i int)
	for g := 0; g < len(groups); g++ {
		m := operand.Mem{Base: r.c, Disp: 16 * g}
		if g+1 < len(groups) && groups[g+1].columns == inLane {
			both := mk.join(groups[g], groups[g+1])
			writers = append(writers, func(lane, i int) { both.write(mk, lane, i, m) })
			g++
		} else {
			group := &groups[g]
			writers = append(writers, func(lane, i int) { mk.writeGroup(group, lane, i, m) })
		}
	}
	for lane := range int(columns[0].Size()) / 16 {
		for i := range inLane {
			for _, write := range writers {
				write(lane, i)
			}
			mk.ADDQ(r.ldc, r.c)
			if left != nil {
				mk.DECQ(left)
				mk.JEQ(operand.LabelRef(written))
			}
		}
	}
}

// joined are two whole groups side by side, a row in each half of a vector of 64 bytes, or in a vector of 32.
type joined [][]reg.VecVirtual

// join brings the rows of x and y together.
func (mk microKernel) join(x, y columnGroup) (rows joined) {
	for i := range x.vectors {
		both := make([]reg.VecVirtual, 2)
		for part := range both {
			if both[part] = mk.like(x.vectors[i]); x.vectors[i].Size() == 64 {
				mk.VMOVUPS(mk.joinOrder().Offset(64*part), both[part])
				mk.VPERMI2PD(y.vectors[i], x.vectors[i], both[part])
			} else {
				mk.VPERM2F128(operand.Imm(uint64(0x20+0x11*part)), y.vectors[i], x.vectors[i], both[part])
			}
		}
		rows = append(rows, both)
	}
	return rows
}

// write writes row i of a lane.
func (rows joined) write(mk microKernel, lane, i int, m operand.Mem) {
	switch both := rows[i]; {
	case both[0].Size() == 32:
		mk.VMOVUPS(both[lane], m)
	case lane%2 == 0:
		mk.VMOVUPS(both[lane/2].AsY(), m)
	default:
		mk.VEXTRACTF64X4(operand.Imm(1), both[lane/2], m)
	}
}

// joinOrder is the data by which lanes 0 and 1 of two vectors are joined, and behind it lanes 2 and 3.
func (e emitter) joinOrder() operand.Mem {
	return operand.NewDataAddr(operand.Symbol{Name: e.typ.letter + "joinOrder", Static: true}, 0)
}

func (e emitter) joinOrders() {
	e.StaticGlobal(e.joinOrder().Symbol.Name)
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, i := range []uint64{0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15} {
		e.AppendDatum(operand.U64(i))
	}
}

// A columnGroup is as many columns as fit 16 bytes, or fewer. A lane, of 16 bytes, of each of its
// vectors has some rows of them, one behind the other.
type columnGroup struct {
	columns, rows int
	vectors       []reg.VecVirtual
	lane          reg.Register // the one in use
}

// group arranges columns as a group.
func (mk microKernel) group(x []reg.VecVirtual) columnGroup {
	n := len(x)
	if n == 1 {
		return columnGroup{columns: 1, rows: 16 / mk.typ.size, vectors: x}
	}
	if !mk.f32() {
		low, high := mk.like(x[0]), mk.like(x[0])
		mk.VUNPCKLPD(x[1], x[0], low)
		mk.VUNPCKHPD(x[1], x[0], high)
		return columnGroup{columns: 2, rows: 1, vectors: []reg.VecVirtual{low, high}}
	}
	pairs := func(x, y reg.VecVirtual) []reg.VecVirtual {
		low, high := mk.like(x), mk.like(x)
		mk.VUNPCKLPS(y, x, low)
		mk.VUNPCKHPS(y, x, high)
		return []reg.VecVirtual{low, high}
	}
	first := pairs(x[0], x[1])
	if n == 2 {
		return columnGroup{columns: 2, rows: 2, vectors: first}
	}
	second := pairs(x[2], x[n-1])
	var rows []reg.VecVirtual
	for i := range first {
		low, high := mk.like(x[0]), mk.like(x[0])
		mk.VUNPCKLPD(second[i], first[i], low)
		mk.VUNPCKHPD(second[i], first[i], high)
		rows = append(rows, low, high)
	}
	return columnGroup{columns: n, rows: 1, vectors: rows}
}

// like returns a new register as wide as x.
func (mk microKernel) like(x reg.VecVirtual) reg.VecVirtual {
	if x.Size() == 64 {
		return mk.ZMM()
	}
	return mk.YMM()
}

// writeGroup writes row i of a lane of g. Rows come in order.
func (mk microKernel) writeGroup(g *columnGroup, lane, i int, m operand.Mem) {
	x, at := g.vectors[i/g.rows], i%g.rows
	switch {
	case at > 0: // it is there
	case lane == 0:
		g.lane = x.AsX()
	default:
		part := mk.XMM()
		if x.Size() == 64 {
			mk.VEXTRACTF32X4(operand.Imm(uint64(lane)), x, part)
		} else {
			mk.VEXTRACTF128(operand.Imm(uint64(lane)), x, part)
		}
		g.lane = part
	}
	switch bytes := g.columns * mk.typ.size; {
	case bytes == 16:
		mk.VMOVUPS(g.lane, m)
	case bytes == 12:
		mk.VMOVLPS(g.lane, m)
		mk.VEXTRACTPS(operand.Imm(2), g.lane, m.Offset(8))
	case bytes == 8 && at == 0:
		mk.VMOVLPS(g.lane, m)
	case bytes == 8:
		mk.VMOVHPS(g.lane, m)
	case at == 0:
		mk.VMOVSS(g.lane, m)
	default:
		mk.VEXTRACTPS(operand.Imm(uint64(at)), g.lane, m)
	}
}
