package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dots generates the kernels for products of few columns, where vectors run along k.
func dots(e emitter) (goTable string) {
	goTable = fmt.Sprintf("\nvar %sdot%s = [][]dotKernel[%s]{\n", e.typ.letter, e.isa.suffix, e.typ.goName)
	var column []string
	for v, tallest := range e.isa.dotRows {
		names := dotKernel{emitter: e, v: v + 1}.heights(tallest)
		goTable += "\t{" + strings.Join(names, ", ") + "},\n"
		if v == 0 {
			column = names
		}
	}
	column[len(column)-1] = dotKernel{emitter: e, h: len(column), v: 1, far: true}.generate()
	return goTable + fmt.Sprintf("}\n\nvar %sdotFar%s = []dotKernel[%s]{%s}\n", e.typ.letter, e.isa.suffix, e.typ.goName, strings.Join(column, ", "))
}

// zippedDots generates those for columns whose elements alternate.
func zippedDots(e emitter) (goTable string) {
	if e.isa.zippedRows == nil {
		return ""
	}
	e.zipOrders()
	goTable = fmt.Sprintf("\nvar %szipped%s = [][]dotKernel[%s]{\n", e.typ.letter, e.isa.suffix, e.typ.goName)
	for i, tallest := range e.isa.zippedRows {
		names := dotKernel{emitter: e, v: i + 2, zipped: true}.heights(tallest)
		goTable += "\t{" + strings.Join(names, ", ") + "},\n"
	}
	return goTable + "}\n"
}

// A dotKernel multiplies h rows of A by v columns of B, both contiguous along k.
type dotKernel struct {
	emitter
	h, v int
	far  bool // A comes from memory: it is fetched rowsAhead bytes ahead
	// zipped says that the elements of B's columns alternate: it is a matrix of v columns, row by row.
	zipped bool
}

// sums is the number of sums an element of C is computed in, which hides the latency of the
// additions where there are few elements. It is the same for all heights, so that an element has
// the same bits whichever of them computes it.
func (dk dotKernel) sums() int { return dk.isa.dotSums[dk.v-1] }

// heights generates the kernel of all heights.
func (dk dotKernel) heights(tallest int) (names []string) {
	for dk.h = 1; dk.h <= tallest; dk.h++ {
		names = append(names, dk.generate())
	}
	return names
}

func (dk dotKernel) generate() (name string) {
	kind, from := "dot", ""
	if dk.far {
		kind, from = "dotFar", ", of an A that comes from memory"
	}
	if dk.zipped {
		kind, from = "zipped", ", of a B whose rows are contiguous: bCol = 1, and element (p, j) is b[p*v + j]"
	}
	name = fmt.Sprintf("%s%s%dx%d%s", dk.typ.letter, kind, dk.h, dk.v, dk.isa.suffix)
	dk.function(name,
		fmt.Sprintf("func(tiles, k int, a *%[1]s, aRow int, b *%[1]s, bCol int, c *%[1]s, cRow, cCol int, alpha, beta %[1]s)", dk.typ.goName),
		fmt.Sprintf("%s is a dotKernel with h = %d and v = %d%s.", name, dk.h, dk.v, from))
	lanes, dotSums := dk.lanes(), dk.sums()
	a, aRow := dk.param("a"), dk.param("aRow")
	bCol, c := dk.param("bCol"), dk.param("c")
	dk.toBytes(aRow, bCol)
	aRow3, bCol3 := dk.times3(aRow, dk.h), dk.times3(bCol, dk.v)
	rest := dk.param("k")
	dk.ANDQ(operand.U32(lanes-1), rest)
	var zip zipper
	if dk.zipped {
		zip = dk.zipper(rest)
	}
	mask := dk.tailMask(rest)

	dk.Label("tile")
	pa, pb, left := dk.GP64(), dk.param("b"), dk.param("k")
	dk.MOVQ(a, pa)
	pointers := []reg.GPVirtual{pa}
	if dk.h > 4 {
		pointers = append(pointers, dk.GP64())
		dk.LEAQ(operand.Mem{Base: pa, Index: aRow, Scale: 4}, pointers[1])
	}
	sums := dk.vecs(dk.h * dk.v * dotSums)
	for _, s := range sums {
		dk.zero(s)
	}
	// step adds the products of one vector along k to the sums numbered u.
	step := func(u, at int, part bool) {
		load := func(m, r operand.Op) { dk.load(m, r) }
		if part {
			load = func(m, r operand.Op) { dk.loadTail(mask, m, r) }
		}
		var b []reg.VecVirtual
		if dk.zipped {
			b = zip.unzip(dk, operand.Mem{Base: pb, Disp: at * dk.v}, part)
		} else {
			b = dk.vecs(dk.v)
			for j := range b {
				load(strided(pb, bCol, bCol3, j, at), b[j])
			}
		}
		for i := range dk.h {
			x := dk.vec()
			load(strided(pointers[i/4], aRow, aRow3, i%4, at), x)
			if dk.far && at%cacheLine == 0 {
				dk.PREFETCHT1(strided(pointers[i/4], aRow, aRow3, i%4, at+rowsAhead))
			}
			for j := range b {
				dk.fma(x, b[j], sums[(i*dk.v+j)*dotSums+u])
			}
		}
	}
	forward := func(vectors int) {
		for _, p := range pointers {
			dk.ADDQ(operand.U32(vectors*dk.isa.width), p)
		}
		if dk.zipped {
			vectors *= dk.v
		}
		dk.ADDQ(operand.U32(vectors*dk.isa.width), pb)
	}

	dk.SUBQ(operand.U32(uint32(dotSums*lanes)), left)
	dk.JLT(operand.LabelRef("one"))
	dk.alignLoop()
	dk.Label("steps")
	for u := range dotSums {
		step(u, u*dk.isa.width, false)
	}
	forward(dotSums)
	dk.SUBQ(operand.U32(uint32(dotSums*lanes)), left)
	dk.JGE(operand.LabelRef("steps"))
	dk.Label("one")
	if dotSums > 1 { // there may be a whole vector left
		dk.ADDQ(operand.U32(uint32((dotSums-1)*lanes)), left)
		dk.JLT(operand.LabelRef("part"))
		step(0, 0, false)
		forward(1)
		dk.Label("part")
	}
	dk.TESTQ(operand.U32(lanes-1), left)
	dk.JEQ(operand.LabelRef("sum"))
	step(dotSums-1, 0, true)

	dk.Label("sum")
	for e := range dk.h * dk.v {
		if dotSums > 1 {
			dk.add(sums[e*dotSums+1], sums[e*dotSums], sums[e*dotSums])
		}
		sums[e] = sums[e*dotSums]
	}
	cRow, cCol := dk.param("cRow"), dk.param("cCol")
	dk.toBytes(cRow, cCol)
	cCol3 := dk.times3(cCol, dk.v)
	alpha := dk.XMM()
	if dk.f32() {
		dk.VBROADCASTSS(dk.paramAddr("alpha"), alpha)
	} else {
		dk.VMOVDDUP(dk.paramAddr("alpha"), alpha)
	}
	var totals []reg.VecVirtual
	together := 16 / dk.typ.size
	for first := 0; first < dk.h*dk.v; first += together {
		total := dk.sumUpTogether(sums[first:min(first+together, dk.h*dk.v)])
		dk.mul(alpha, total, total)
		totals = append(totals, total)
	}
	dk.magnitude(dk.paramAddr("beta"))
	dk.JNE(operand.LabelRef("addsOld"))
	if dk.v%together == 0 {
		dk.CMPQ(cCol, operand.Imm(uint64(dk.typ.size)))
		dk.JNE(operand.LabelRef("apart"))
		dk.Comment("rows of C are whole vectors of totals")
		for i := range dk.h {
			for j := range dk.v / together {
				dk.VMOVUPS(totals[i*dk.v/together+j], operand.Mem{Base: c, Disp: 16 * j})
			}
			dk.ADDQ(cRow, c)
		}
		dk.JMP(operand.LabelRef("next"))
		dk.Label("apart")
	}
	dk.storeTotals(totals, c, cRow, cCol, cCol3, nil)
	dk.Label("next")
	down := dk.GP64()
	dk.IMUL3Q(operand.U32(dk.h), aRow, down)
	dk.ADDQ(down, a)
	dk.DECQ(dk.paramAddr("tiles"))
	dk.JNE(operand.LabelRef("tile"))
	dk.done()
	dk.Label("addsOld")
	beta := dk.XMM()
	if dk.f32() {
		dk.VMOVSS(dk.paramAddr("beta"), beta)
	} else {
		dk.VMOVSD(dk.paramAddr("beta"), beta)
	}
	dk.storeTotals(totals, c, cRow, cCol, cCol3, beta)
	dk.JMP(operand.LabelRef("next"))
	return name
}

// storeTotals stores the elements of a tile, row by row, and moves c down by a row
// each. If beta is not nil, it adds beta times what is there.
func (dk dotKernel) storeTotals(totals []reg.VecVirtual, c, cRow, cCol, cCol3 reg.GPVirtual, beta reg.VecVirtual) {
	together := 16 / dk.typ.size
	for e := range dk.h * dk.v {
		x, m := totals[e/together], strided(c, cCol, cCol3, e%dk.v, 0)
		if i := e % together; i > 0 {
			all := x
			x = dk.XMM()
			if dk.f32() {
				dk.VPERMILPS(operand.Imm(uint64(i)), all, x)
			} else {
				dk.VPERMILPD(operand.Imm(uint64(i)), all, x)
			}
		}
		switch {
		case dk.f32() && beta != nil:
			dk.VFMADD231SS(m, beta, x)
			fallthrough
		case dk.f32():
			dk.VMOVSS(x, m)
		case beta != nil:
			dk.VFMADD231SD(m, beta, x)
			fallthrough
		default:
			dk.VMOVSD(x, m)
		}
		if e%dk.v == dk.v-1 {
			dk.ADDQ(cRow, c)
		}
	}
}

// sumUpTogether adds the elements of each vector, as many at most as there are
// elements in 128 bits, and returns the sums side by side: halves first, then every other
// element, which for several vectors takes little more than for one.
func (e emitter) sumUpTogether(vectors []reg.VecVirtual) reg.VecVirtual {
	halves := make([]reg.Register, 16/e.typ.size)
	for i, v := range vectors {
		halves[i] = v.AsY()
		if e.isa.width == 64 {
			high := e.YMM()
			e.VEXTRACTF64X4(operand.Imm(1), v, high)
			e.add(high, v.AsY(), v.AsY())
		}
	}
	for i := len(vectors); i < len(halves); i++ { // there is room for more
		halves[i] = halves[len(vectors)-1]
	}
	// pair adds what low and high take of x and y, side by side.
	pair := func(x, y reg.Register, low, high func(ops ...operand.Op)) reg.VecVirtual {
		l, h := e.YMM(), e.YMM()
		low(y, x, l)
		high(y, x, h)
		e.add(h, l, l)
		return l
	}
	unpackLow := func(ops ...operand.Op) { e.VUNPCKLPD(ops...) }
	unpackHigh := func(ops ...operand.Op) { e.VUNPCKHPD(ops...) }
	var sum reg.VecVirtual
	if e.f32() {
		single := func(x, y reg.Register) reg.VecVirtual {
			return pair(x, y, func(ops ...operand.Op) { e.VUNPCKLPS(ops...) }, func(ops ...operand.Op) { e.VUNPCKHPS(ops...) })
		}
		sum = pair(single(halves[0], halves[1]), single(halves[2], halves[3]), unpackLow, unpackHigh)
	} else {
		sum = pair(halves[0], halves[1], unpackLow, unpackHigh)
	}
	high, total := e.XMM(), sum.AsX().(reg.VecVirtual)
	if e.isa.registers > 16 { // the older instruction cannot name the upper registers
		e.VEXTRACTF32X4(operand.Imm(1), sum, high)
	} else {
		e.VEXTRACTF128(operand.Imm(1), sum, high)
	}
	e.add(high, total, total)
	return total
}

// times3 returns 3*stride if one of n rows is that far away.
func (e emitter) times3(stride reg.GPVirtual, n int) reg.GPVirtual {
	r := e.GP64()
	if n > 3 {
		e.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, r)
	}
	return r
}

// strided is the address i strides and disp bytes behind base, i <= 4.
func strided(base, stride, stride3 reg.GPVirtual, i, disp int) operand.Mem {
	m := operand.Mem{Base: base, Disp: disp}
	switch i {
	case 1, 2, 4:
		m.Index, m.Scale = stride, uint8(i)
	case 3:
		m.Index, m.Scale = stride3, 1
	}
	return m
}

// sumUp adds the elements of a vector, halves first, and returns the sum in a register's first.
func (e emitter) sumUp(v reg.VecVirtual) reg.Register { return e.fold(v, e.add) }

// maxUp is sumUp for the largest element.
func (e emitter) maxUp(v reg.VecVirtual) reg.Register { return e.fold(v, e.max) }

// fold combines the elements of a vector, halves first, by an operation on
// vectors, and returns the result in a register's first element.
func (e emitter) fold(v reg.VecVirtual, f func(x, y, dst operand.Op)) reg.Register {
	y, x := v.AsY(), v.AsX()
	if e.isa.width == 64 {
		high := e.YMM()
		e.VEXTRACTF64X4(operand.Imm(1), v, high)
		f(high, y, y)
	}
	high := e.XMM()
	if e.isa.registers > 16 { // the older instruction cannot name the upper registers
		e.VEXTRACTF32X4(operand.Imm(1), y, high)
	} else {
		e.VEXTRACTF128(operand.Imm(1), y, high)
	}
	f(high, x, x)
	if e.f32() {
		e.VPERMILPS(operand.Imm(0b1110), x, high)
		f(high, x, x)
		e.VPERMILPS(operand.Imm(0b01), x, high)
	} else {
		e.VPERMILPD(operand.Imm(1), x, high)
	}
	f(high, x, x)
	return x
}
