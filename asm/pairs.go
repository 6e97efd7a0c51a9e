package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pairs is the way in which a micro-kernel computes the last two columns of its panel.
type pairs int

const (
	noPairs pairs = iota
	alongK        // a vector holds several steps of k: A's rows are contiguous
	alongM        // a vector holds a column of several rows: A's columns are contiguous
)

// describe returns how such kernels are called, and what they are.
func (p pairs) describe(columns int) (kind, description string) {
	kind, contiguous := "pairs", "aCol"
	if p == alongM {
		kind, contiguous = "pairsTurned", "aRow"
	}
	return kind, fmt.Sprintf("a microKernel for %d columns, or one less, and %s = 1,", columns, contiguous)
}

// panelsWithPairs generates the micro-kernels for panels that end in a pair of columns.
func panelsWithPairs(e emitter) (goTable string) {
	if e.isa.pairs == nil {
		return ""
	}
	e.pairOrder()
	for _, way := range []pairs{alongK, alongM} {
		kind, _ := way.describe(0)
		goTable += e.table(kind, "microKernel", e.pairKernels(way), microKernel.generate)
	}
	return goTable
}

// pairKernels returns the tallest micro-kernel of each width that ends in a pair.
func (e emitter) pairKernels(way pairs) (mks []microKernel) {
	for i, tallest := range e.isa.pairs {
		if i == 0 && way == alongM { // as rows of the transpose, columns that few take less time
			tallest = 0
		}
		if i == 0 && e.f32() {
			tallest = min(tallest, halfPairRows)
		}
		mks = append(mks, microKernel{emitter: e, h: tallest, v: max(i+1, 2), half: i == 0, pairs: way})
	}
	return mks
}

// pairDepth is how many steps of k one vector holds of a pair of columns.
func (mk microKernel) pairDepth() int { return mk.lanes() / 2 }

// pairOrderName names the data by which a vector of pairs becomes one of two
// columns, and behind it that by which it becomes pairs again.
func (e emitter) pairOrderName() string { return e.typ.letter + "pairOrder" }

func (e emitter) pairOrder() {
	half := e.lanes() / 2
	order := make([]int, 2*e.lanes())
	for i := range half {
		order[i], order[half+i] = 2*i, 2*i+1
		order[e.lanes()+2*i], order[e.lanes()+2*i+1] = i, half+i
	}
	e.indices(e.pairOrderName(), order)
}

// indices emits data of elements' places, for instructions that move them.
func (e emitter) indices(name string, order []int) {
	e.StaticGlobal(name)
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, i := range order {
		if e.f32() {
			e.AppendDatum(operand.U32(uint32(i)))
		} else {
			e.AppendDatum(operand.U64(uint64(i)))
		}
	}
}

// loadPairOrder loads one of the two orders.
func (e emitter) loadPairOrder(again bool, r reg.VecVirtual) {
	m := operand.NewDataAddr(operand.Symbol{Name: e.pairOrderName(), Static: true}, 0)
	if again {
		m = m.Offset(e.isa.width)
	}
	e.VMOVUPS(m, r)
}

// pairSteps emits the loop over pairDepth steps of k. The last two columns are multiplied at its
// end, all steps at once: one sum of each column is of every pairDepth-th product, and behind the loop
// these come together, in the same order in both forms. C is fetched from row on, unless it is nil.
func (mk microKernel) pairSteps(r gemmRegisters, label string, row reg.GPVirtual, sums [][]reg.VecVirtual) {
	r.walk = alongRows // over A
	// loop gathers what B has of the pair in each step, and multiplies with it.
	loop := func(gather func(m operand.Mem, u int), multiply func()) {
		mk.alignLoop()
		mk.Label(label)
		for u := range mk.pairDepth() {
			b := mk.row()[:mk.v-1]
			for j := range b {
				mk.load(mk.vector(r, r.pb, j), b[j])
			}
			gather(operand.Mem{Base: r.pb, Index: r.last, Scale: 1}, u)
			for i := range sums {
				mk.multiply(i, mk.elementOfA(r, i, u), b, sums[i])
			}
			mk.ADDQ(r.bRow, r.pb)
		}
		if row != nil {
			mk.fetchC(r, row, label, mk.pairDepth(), operand.Mem{Base: row}, operand.Mem{Base: row, Index: r.last, Scale: 1, Disp: 2*mk.typ.size - 1})
		}
		multiply()
		mk.advanceA(r, mk.pairDepth())
		mk.SUBQ(operand.Imm(uint64(mk.pairDepth())), r.left)
		mk.JGE(operand.LabelRef(label))
		mk.Comment("the sums of a row's pair come together")
	}
	if mk.half && mk.f32() {
		mk.halfPairs(r, sums, loop)
	} else {
		mk.wholePairs(r, sums, loop)
	}
}

// A pairLoop emits a loop, given what it does in each step and at its end.
type pairLoop func(gather func(m operand.Mem, u int), multiply func())

// wholePairs has the sums of one column in the lower half of a vector, of the other in the upper half.
func (mk microKernel) wholePairs(r gemmRegisters, sums [][]reg.VecVirtual, loop pairLoop) {
	last := mk.v - 1
	both := mk.vec()
	part := []reg.VecVirtual{mk.vec(), mk.vec()}
	order := part[0]
	loop(func(m operand.Mem, u int) { mk.gatherPair(m, u, both, part) }, func() {
		mk.loadPairOrder(false, order)
		if mk.f32() {
			mk.VPERMPS(both, order, both)
		} else {
			mk.VPERMPD(both, order, both)
		}
		for i := range sums {
			x := mk.vec()
			if mk.f32() {
				mk.VBROADCASTF32X8(r.element(i), x)
			} else {
				mk.VBROADCASTF64X4(r.element(i), x)
			}
			mk.fma(x, both, sums[i][last].AsZ())
		}
	})
	mk.loadPairOrder(true, order)
	for i := range sums {
		s := sums[i][last]
		z, y, x := s.AsZ(), s.AsY(), s.AsX()
		high := part[1]
		if mk.f32() {
			mk.VPERMPS(z, order, z)
		} else {
			mk.VPERMPD(z, order, z)
		}
		mk.VEXTRACTF64X4(operand.Imm(1), z, high.AsY())
		mk.add(high.AsY(), y, y)
		mk.VEXTRACTF32X4(operand.Imm(1), y, high.AsX())
		mk.add(high.AsX(), x, x)
		if mk.f32() {
			mk.VPERMILPS(operand.Imm(0b1110), x, high.AsX())
			mk.add(high.AsX(), x, x)
		}
	}
}

// halfPairRows is how many rows there are registers for in halfPairs, three for each.
const halfPairRows = 9

// halfPairs has the sums of each column in half a vector, as what is before the pair is half a vector of float32:
// Intel's CPUs multiply two of these in a cycle, but not while there are whole ones on the way. See "Pairs behind
// half a vector" in kernels/MEASURED.md.
func (mk microKernel) halfPairs(r gemmRegisters, sums [][]reg.VecVirtual, loop pairLoop) {
	last := mk.v - 1
	second := make([]reg.VecVirtual, mk.h) // sums of the second column; those of the first are where the pair's will be
	for i := range second {
		second[i] = mk.YMM()
		mk.zero(second[i])
	}
	steps, part := []reg.VecVirtual{mk.YMM(), mk.YMM()}, mk.YMM()
	loop(func(m operand.Mem, u int) { mk.gatherHalfPair(m, u, steps, part) }, func() {
		columns := []reg.VecVirtual{part, steps[1]}
		mk.VSHUFPS(operand.Imm(0b10001000), steps[1], steps[0], columns[0])
		mk.VSHUFPS(operand.Imm(0b11011101), steps[1], steps[0], columns[1])
		for i := range sums {
			x := mk.YMM()
			mk.load(r.element(i), x)
			mk.fma(x, columns[0], sums[i][last].AsY())
			mk.fma(x, columns[1], second[i])
		}
	})
	for i := range sums {
		x, y, high := sums[i][last].AsX(), second[i].AsX(), mk.XMM()
		mk.VEXTRACTF32X4(operand.Imm(1), sums[i][last].AsY(), high)
		mk.add(high, x, x)
		mk.VEXTRACTF32X4(operand.Imm(1), second[i], high)
		mk.add(high, y, y)
		mk.VUNPCKHPS(y, x, high)
		mk.VUNPCKLPS(y, x, x)
		mk.add(high, x, x)
		mk.VPERMILPS(operand.Imm(0b1110), x, high)
		mk.add(high, x, x)
	}
}

// gatherHalfPair loads the pair of step u from m. After the last step steps hold all of them, in an order in
// which one shuffle for each column brings its steps together.
func (mk microKernel) gatherHalfPair(m operand.Mem, u int, steps []reg.VecVirtual, part reg.VecVirtual) {
	to := part.AsX()
	if u < 4 {
		to = steps[u/2].AsX()
	}
	if u%2 == 0 {
		mk.VMOVSD(m, to)
		return
	}
	mk.VMOVHPS(m, to, to)
	if u > 4 {
		mk.VINSERTF32X4(operand.Imm(1), to, steps[u/2-2], steps[u/2-2])
	}
}

// gatherPair loads the pair of step u from m. After the last step both holds all of them.
func (mk microKernel) gatherPair(m operand.Mem, u int, both reg.VecVirtual, part []reg.VecVirtual) {
	if mk.f32() {
		to := part[1]
		switch u / 2 {
		case 0:
			to = both
		case 2:
			to = part[0]
		}
		if u%2 == 0 {
			mk.VMOVSD(m, to.AsX())
			return
		}
		mk.VMOVHPS(m, to.AsX(), to.AsX())
		switch u {
		case 3:
			mk.VINSERTF32X4(operand.Imm(1), to.AsX(), both.AsY(), both.AsY())
		case 7:
			mk.VINSERTF32X4(operand.Imm(1), to.AsX(), part[0].AsY(), part[0].AsY())
			mk.VINSERTF64X4(operand.Imm(1), part[0].AsY(), both, both)
		}
		return
	}
	switch u {
	case 0:
		mk.VMOVUPD(m, both.AsX())
	case 1:
		mk.VINSERTF64X2(operand.Imm(1), m, both.AsY(), both.AsY())
	case 2:
		mk.VMOVUPD(m, part[0].AsX())
	case 3:
		mk.VINSERTF64X2(operand.Imm(1), m, part[0].AsY(), part[0].AsY())
		mk.VINSERTF64X4(operand.Imm(1), part[0].AsY(), both, both)
	}
}

// pairsAlongM returns registers for the sums of a pair along m, a vector of
// each column for so many rows, and the mask for the rows in the last one.
func (mk microKernel) pairsAlongM() (sums [][2]reg.VecVirtual, rows tail) {
	left := mk.h
	for ; left > mk.lanes(); left -= mk.lanes() {
		sums = append(sums, [2]reg.VecVirtual{mk.vec(), mk.vec()})
	}
	last := mk
	last.h = left
	sums = append(sums, [2]reg.VecVirtual{last.rowsVector(), last.rowsVector()})
	mk.Comment("the mask for the last rows of a tile")
	n := mk.GP64()
	mk.MOVQ(operand.U32(left), n)
	return sums, mk.tailMask(n)
}

// stepAlongM adds the products of one column of A and the pair in one row of B, u steps on, to the pair's sums.
func (mk microKernel) stepAlongM(r gemmRegisters, u int) {
	for q, sums := range r.pairs {
		m := mk.elementOfA(r, q*mk.lanes(), u)
		a := asWide(mk.vec(), sums[0])
		if q < len(r.pairs)-1 {
			mk.load(m, a)
		} else {
			mk.loadTail(r.rows, m, a)
		}
		for j, s := range sums {
			mk.fmaBroadcast(mk.vectorOfB(r, mk.v-1, u).Offset(j*mk.typ.size), a, s)
		}
	}
}

// turnPairs moves the sums of a pair along m to where a row's other sums are.
func (mk microKernel) turnPairs(r gemmRegisters, sums [][]reg.VecVirtual) {
	mk.Comment("the sums of a row's pair come together")
	perLane := 16 / mk.typ.size // rows in 128 bits of a vector
	for q, pair := range r.pairs {
		low, high := mk.vec(), mk.vec()
		x, y := asWide(low, pair[0]), asWide(high, pair[0])
		if mk.f32() {
			mk.VUNPCKLPS(pair[1], pair[0], x)
			mk.VUNPCKHPS(pair[1], pair[0], y)
		} else {
			mk.VUNPCKLPD(pair[1], pair[0], x)
			mk.VUNPCKHPD(pair[1], pair[0], y)
		}
		for i := q * mk.lanes(); i < min((q+1)*mk.lanes(), mk.h); i++ {
			lane, at := i%mk.lanes()/perLane, i%perLane
			from := low
			if 2*at >= perLane {
				from = high
			}
			to := sums[i][mk.v-1]
			switch {
			case lane == 0:
				mk.VMOVAPS(from.AsX(), to)
			case lane == 1:
				mk.VEXTRACTF32X4(operand.Imm(1), from.AsY(), to)
			default:
				mk.VEXTRACTF32X4(operand.Imm(uint64(lane)), from, to)
			}
			if mk.f32() && at%2 == 1 {
				mk.VPERMILPS(operand.Imm(0b1110), to, to)
			}
		}
	}
}
