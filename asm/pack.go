package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pack generates the copies that bring B into micro-panels: one for every
// width, and the transposing one.
func pack(e emitter) (goTable string) {
	goTable = fmt.Sprintf("\nvar %spack%s = []packKernel[%s]{", e.typ.letter, e.isa.suffix, e.typ.goName)
	for v := range e.isa.gemmRows {
		goTable += packRows(e, v+1) + ", "
	}
	goTable += "}\n"
	if e.isa.masks {
		turn(e)
	} else {
		packTransposed(e)
	}
	copyRows(e)
	return goTable
}

// packRows copies k rows of v vectors, the last one cut, and pads them with zeros.
func packRows(e emitter, v int) (name string) {
	width := v * e.lanes()
	name = fmt.Sprintf("%spack%d%s", e.typ.letter, width, e.isa.suffix)
	e.function(name, fmt.Sprintf("func(k int, b *%[1]s, bRow int, panel *%[1]s, cols int)", e.typ.goName),
		fmt.Sprintf("%s is a packKernel for panels of %d columns.", name, width))
	k, b, row, panel, cols := e.param("k"), e.param("b"), e.param("bRow"), e.param("panel"), e.param("cols")
	e.toBytes(row)
	ahead := e.GP64()
	e.MOVQ(row, ahead)
	e.SHLQ(operand.Imm(4), ahead)
	loop := func(label string, mask *tail) {
		e.Label(label)
		for line := 0; line < v*e.isa.width; line += cacheLine {
			e.PREFETCHT0(operand.Mem{Base: b, Index: ahead, Scale: 1, Disp: line + cacheLine - 1})
		}
		for j := range v {
			x := e.vec()
			m := operand.Mem{Base: b, Disp: j * e.isa.width}
			if mask != nil && j == v-1 {
				e.loadTail(*mask, m, x)
			} else {
				e.load(m, x)
			}
			e.store(x, operand.Mem{Base: panel, Disp: j * e.isa.width})
		}
		e.ADDQ(row, b)
		e.ADDQ(operand.U32(v*e.isa.width), panel)
		e.DECQ(k)
		e.JNE(operand.LabelRef(label))
		e.done()
	}
	e.CMPQ(cols, operand.U32(width))
	e.JNE(operand.LabelRef("cut"))
	loop("whole", nil)
	e.Label("cut")
	e.SUBQ(operand.U32((v-1)*e.lanes()), cols)
	mask := e.tailMask(cols)
	loop("cutRow", &mask)
	return name
}

// describeTransposed begins a function that copies columns into rows.
func describeTransposed(e emitter, least int) {
	name := fmt.Sprintf("%spackTransposed%s", e.typ.letter, e.isa.suffix)
	e.function(name, fmt.Sprintf("func(k, cols int, b *%[1]s, bCol int, panel *%[1]s, width int)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor p := range k {",
		"\t\tfor j := range cols {",
		"\t\t\tpanel[p*width+j] = b[j*bCol+p]",
		"\t\t}",
		"\t}",
		"",
		fmt.Sprintf("for k >= 1 and cols >= %d.", least))
}

// turn copies columns of an operand that is stored by columns, k elements each, into
// rows: a square with a side of half a vector at a time is transposed in
// registers. The last ones, down and across, are cut by masks.
func turn(e emitter) {
	describeTransposed(e, 1)
	side := e.lanes() / 2
	k, cols, first, col := e.param("k"), e.param("cols"), e.param("b"), e.param("bCol")
	panel, width := e.param("panel"), e.param("width")
	e.toBytes(col, width)
	count := e.GP64()
	e.MOVQ(k, count)
	e.ANDQ(operand.Imm(uint64(side-1)), count)
	rest := e.tailMask(count)

	// squares emits the squares of some columns, one below the other, whose elements column tells and forward
	// moves on; stores go through mask, if it is not nil.
	squares := func(prefix string, column func(j int) operand.Mem, forward func(), mask *tail) {
		left, to := e.GP64(), e.GP64()
		e.MOVQ(k, left)
		e.MOVQ(panel, to)
		store := func(row reg.VecVirtual) {
			if mask != nil {
				e.storeTail(*mask, row, operand.Mem{Base: to})
			} else {
				e.store(row, operand.Mem{Base: to})
			}
			e.ADDQ(width, to)
		}
		square := func(load func(m, x operand.Op)) []reg.VecVirtual {
			x := make([]reg.VecVirtual, side)
			for j := range x {
				x[j] = e.YMM()
				load(column(j), x[j])
			}
			return e.transpose(x)
		}
		e.SUBQ(operand.Imm(uint64(side)), left)
		e.JLT(operand.LabelRef(prefix + "Rest"))
		e.Label(prefix + "Square")
		for _, row := range square(func(m, x operand.Op) { e.load(m, x) }) {
			store(row)
		}
		forward()
		e.SUBQ(operand.Imm(uint64(side)), left)
		e.JGE(operand.LabelRef(prefix + "Square"))
		e.Label(prefix + "Rest")
		e.ADDQ(operand.Imm(uint64(side)), left)
		e.JEQ(operand.LabelRef(prefix + "Next"))
		for _, row := range square(func(m, x operand.Op) { e.loadTail(rest, m, x) })[:side-1] {
			store(row)
			e.DECQ(left)
			e.JEQ(operand.LabelRef(prefix + "Next"))
		}
		e.Label(prefix + "Next")
	}

	b := e.GP64()
	column := e.eachColumn(b, col, side)
	e.SUBQ(operand.Imm(uint64(side)), cols)
	e.JLT(operand.LabelRef("few"))
	e.Label("columns")
	e.MOVQ(first, b)
	squares("whole", column, func() { e.ADDQ(operand.Imm(uint64(side*e.typ.size)), b) }, nil)
	e.LEAQ(operand.Mem{Base: first, Index: col, Scale: uint8(side)}, first)
	e.ADDQ(operand.U32(side*e.typ.size), panel)
	e.SUBQ(operand.Imm(uint64(side)), cols)
	e.JGE(operand.LabelRef("columns"))

	e.Label("few")
	e.ADDQ(operand.Imm(uint64(side)), cols)
	e.JEQ(operand.LabelRef("end"))
	e.Comment("columns behind the last are the last one again")
	columns, none, at := make([]reg.GPVirtual, side), e.GP64(), e.GP64()
	columns[0] = first
	e.XORQ(none, none)
	for j := range side - 1 {
		e.CMPQ(cols, operand.Imm(uint64(j+1)))
		e.CMOVQLE(none, col)
		columns[j+1] = e.GP64()
		e.MOVQ(columns[j], columns[j+1])
		e.ADDQ(col, columns[j+1])
	}
	mask := e.tailMask(cols)
	e.XORQ(at, at)
	squares("few", func(j int) operand.Mem { return operand.Mem{Base: columns[j], Index: at, Scale: 1} },
		func() { e.ADDQ(operand.Imm(uint64(side*e.typ.size)), at) }, &mask)
	e.Label("end")
	e.done()
}

// eachColumn returns the addresses of side columns, 4 or 8 of them, of which b is the first.
func (e emitter) eachColumn(b, col reg.GPVirtual, side int) func(j int) operand.Mem {
	col3, col5, col7 := e.GP64(), e.GP64(), e.GP64()
	e.LEAQ(operand.Mem{Base: col, Index: col, Scale: 2}, col3)
	if side == 8 {
		e.LEAQ(operand.Mem{Base: col, Index: col, Scale: 4}, col5)
		e.LEAQ(operand.Mem{Base: col3, Index: col, Scale: 4}, col7)
	}
	addresses := []operand.Mem{
		{Base: b}, {Base: b, Index: col, Scale: 1}, {Base: b, Index: col, Scale: 2}, {Base: b, Index: col3, Scale: 1},
		{Base: b, Index: col, Scale: 4}, {Base: b, Index: col5, Scale: 1}, {Base: b, Index: col3, Scale: 2}, {Base: b, Index: col7, Scale: 1},
	}
	return func(j int) operand.Mem { return addresses[j] }
}

// transpose returns the transpose of a square of half vectors.
func (e emitter) transpose(x []reg.VecVirtual) []reg.VecVirtual {
	n := len(x)
	y := make([]reg.VecVirtual, n)
	for i := range y {
		y[i] = e.YMM()
	}
	if n == 4 {
		for i := 0; i < 4; i += 2 {
			e.VUNPCKLPD(x[i+1], x[i], y[i])
			e.VUNPCKHPD(x[i+1], x[i], y[i+1])
		}
		for i := range 2 {
			e.VSHUFF64X2(operand.Imm(0), y[i+2], y[i], x[i])
			e.VSHUFF64X2(operand.Imm(3), y[i+2], y[i], x[i+2])
		}
		return x
	}
	for i := 0; i < 8; i += 2 {
		e.VUNPCKLPS(x[i+1], x[i], y[i])
		e.VUNPCKHPS(x[i+1], x[i], y[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			e.VUNPCKLPD(y[i+j+2], y[i+j], x[i+2*j])
			e.VUNPCKHPD(y[i+j+2], y[i+j], x[i+2*j+1])
		}
	}
	for i := range 4 {
		e.VSHUFF32X4(operand.Imm(0), x[i+4], x[i], y[i])
		e.VSHUFF32X4(operand.Imm(3), x[i+4], x[i], y[i+4])
	}
	return y
}

// packTransposed copies columns of an operand that is stored by columns, k
// elements each, into rows: a square of lanes x lanes at a time is transposed in
// registers. The last one, down and across, ends with the operand. Of columns that
// are shorter than a square, masks keep what is behind them away.
func packTransposed(e emitter) {
	n := e.lanes()
	describeTransposed(e, n)
	cols, col, width := e.param("cols"), e.param("bCol"), e.param("width")
	firstB, firstPanel := e.param("b"), e.param("panel") // of the square at the top
	k, b, panel := e.GP64(), e.GP64(), e.GP64()
	e.toBytes(col, width)
	column := e.eachColumn(b, col, n)
	// halfSquare transposes n/2 rows of n columns, x[j] being columns j and j+n/2 side by side.
	x, y := e.vecs(n/2), e.vecs(n/2)
	halfSquare := func() []reg.VecVirtual {
		if !e.f32() {
			e.VUNPCKLPD(x[1], x[0], y[0])
			e.VUNPCKHPD(x[1], x[0], y[1])
			return y
		}
		e.VUNPCKLPS(x[1], x[0], y[0])
		e.VUNPCKHPS(x[1], x[0], y[1])
		e.VUNPCKLPS(x[3], x[2], y[2])
		e.VUNPCKHPS(x[3], x[2], y[3])
		e.VUNPCKLPD(y[2], y[0], x[0])
		e.VUNPCKHPD(y[2], y[0], x[1])
		e.VUNPCKLPD(y[3], y[1], x[2])
		e.VUNPCKHPD(y[3], y[1], x[3])
		return x
	}

	e.SUBQ(operand.U32(n), cols)
	e.Label("columns")
	e.Load(e.Param("k"), k)
	e.MOVQ(firstB, b)
	e.MOVQ(firstPanel, panel)
	e.SUBQ(operand.U32(n), k)
	e.JLT(operand.LabelRef("short"))
	e.Label("square")
	for half := range 2 {
		for j := range x {
			e.load(column(j).Offset(16*half), x[j].AsX())
			e.VINSERTF128(operand.Imm(1), column(j+n/2).Offset(16*half), x[j], x[j])
		}
		for _, row := range halfSquare() {
			e.store(row, operand.Mem{Base: panel})
			e.ADDQ(width, panel)
		}
	}
	e.ADDQ(operand.U32(e.isa.width), b)
	e.TESTQ(k, k)
	e.JEQ(operand.LabelRef("bottom"))
	e.SUBQ(operand.U32(n), k)
	e.JGE(operand.LabelRef("square"))
	e.Comment("-k rows too many: the last square begins as much higher")
	e.LEAQ(operand.Mem{Base: b, Index: k, Scale: uint8(e.typ.size)}, b)
	e.IMULQ(width, k)
	e.ADDQ(k, panel)
	e.XORQ(k, k)
	e.JMP(operand.LabelRef("square"))

	e.Label("short")
	e.ADDQ(operand.U32(n), k)
	count := e.GP64()
	e.MOVQ(k, count)
	mask, high := e.tailMask(count), e.XMM()
	for half := range 2 {
		part := tail{vec: mask.vec.AsX().(reg.VecVirtual)}
		for j := range x {
			e.loadTail(part, column(j).Offset(16*half), x[j].AsX())
			e.loadTail(part, column(j+n/2).Offset(16*half), high)
			e.VINSERTF128(operand.Imm(1), high, x[j], x[j])
		}
		for _, row := range halfSquare() {
			e.store(row, operand.Mem{Base: panel})
			e.ADDQ(width, panel)
			e.DECQ(k)
			e.JEQ(operand.LabelRef("bottom"))
		}
		if half == 0 {
			e.VEXTRACTF128(operand.Imm(1), mask.vec, mask.vec.AsX())
		}
	}

	e.Label("bottom")
	e.TESTQ(cols, cols)
	e.JEQ(operand.LabelRef("end"))
	e.LEAQ(operand.Mem{Base: firstB, Index: col, Scale: uint8(n)}, firstB)
	e.ADDQ(operand.U32(e.isa.width), firstPanel)
	e.SUBQ(operand.U32(n), cols)
	e.JGE(operand.LabelRef("columns"))
	e.Comment("-cols columns too many")
	e.LEAQ(operand.Mem{Base: firstPanel, Index: cols, Scale: uint8(e.typ.size)}, firstPanel)
	e.IMULQ(col, cols)
	e.ADDQ(cols, firstB)
	e.XORQ(cols, cols)
	e.JMP(operand.LabelRef("columns"))
	e.Label("end")
	e.done()
}

// copyRows copies rows of a matrix, fetching the next row but one meanwhile.
func copyRows(e emitter) {
	name := fmt.Sprintf("%scopyRows%s", e.typ.letter, e.isa.suffix)
	e.function(name, fmt.Sprintf("func(rows, cols int, src *%[1]s, srcRow int, dst *%[1]s, dstRow int)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i := range rows {",
		"\t\tcopy(dst[i*dstRow:][:cols], src[i*srcRow:])",
		"\t}")
	rows, cols := e.param("rows"), e.param("cols")
	src, srcRow, dst, dstRow := e.param("src"), e.param("srcRow"), e.param("dst"), e.param("dstRow")
	e.toBytes(srcRow, dstRow)
	rest := e.GP64()
	e.MOVQ(cols, rest)
	e.ANDQ(operand.U32(e.lanes()-1), rest)
	mask := e.tailMask(rest)
	e.toBytes(cols)
	whole := e.GP64()
	e.MOVQ(cols, whole)
	e.ANDQ(operand.I32(-e.isa.width), whole)

	e.Label("row")
	from, to, at, ahead := e.GP64(), e.GP64(), e.GP64(), e.GP64()
	e.MOVQ(src, from)
	e.LEAQ(operand.Mem{Base: src, Index: srcRow, Scale: 2}, ahead)
	e.MOVQ(dst, to)
	e.XORQ(at, at)
	e.JMP(operand.LabelRef("test"))
	e.Label("vector")
	x := e.vec()
	e.PREFETCHT0(operand.Mem{Base: ahead, Index: at, Scale: 1})
	e.load(operand.Mem{Base: from, Index: at, Scale: 1}, x)
	e.store(x, operand.Mem{Base: to, Index: at, Scale: 1})
	e.ADDQ(operand.U32(e.isa.width), at)
	e.Label("test")
	e.CMPQ(at, whole)
	e.JLT(operand.LabelRef("vector"))
	e.CMPQ(at, cols)
	e.JEQ(operand.LabelRef("next"))
	y := e.vec()
	e.loadTail(mask, operand.Mem{Base: from, Index: at, Scale: 1}, y)
	e.storeTail(mask, y, operand.Mem{Base: to, Index: at, Scale: 1})
	e.Label("next")
	e.ADDQ(srcRow, src)
	e.ADDQ(dstRow, dst)
	e.DECQ(rows)
	e.JNE(operand.LabelRef("row"))
	e.done()
}
