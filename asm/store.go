package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// storeTile is C = epilogue(alpha*sums + beta*C), and moves c down to the next tile.
func (mk microKernel) storeTile(r gemmRegisters, x microArgs, prefix string, sums [][]reg.VecVirtual, mask *tail) {
	// alpha and beta are 1 or 0 nearly always, which saves a product in the place
	// of a multiply-add for each sum: the bits are the same.
	mk.jumpIfOne(x.addr("alpha"), prefix+"Beta")
	alpha := mk.vec()
	mk.broadcast(x.addr("alpha"), alpha)
	for i := range sums {
		for _, s := range sums[i] {
			mk.mul(asWide(alpha, s), s, s)
		}
	}
	for _, s := range r.sums {
		mk.mul(asWide(alpha, s), s, s)
	}
	mk.Label(prefix + "Beta")
	if mk.beside > 0 {
		mk.storeSums(r, x)
	}
	if !mk.around {
		mk.addOld(r, x, prefix, sums, mask)
	}

	mk.Label(prefix + "Bias")
	any := x.load("bias")
	mk.ORQ(x.addr("relu"), any)
	mk.ORQ(x.addr("mask"), any)
	mk.JEQ(operand.LabelRef(prefix + "Write"))
	bias := x.load("bias")
	mk.TESTQ(bias, bias)
	mk.JEQ(operand.LabelRef(prefix + "ReLU"))
	for j, b := range mk.row() {
		mk.loadVector(mk.vector(r, bias, j), b, j, mask)
		for i := range sums {
			mk.add(b, sums[i][j], sums[i][j])
		}
	}

	mk.Label(prefix + "ReLU")
	relu := x.load("relu")
	mk.TESTQ(relu, relu)
	mk.JEQ(operand.LabelRef(prefix + "Mask"))
	zero := mk.vec()
	mk.zero(zero)
	for i := range sums {
		for _, s := range sums[i] {
			mk.keepWherePositive(s, asWide(zero, s), s)
		}
	}

	mk.Label(prefix + "Mask")
	active := x.load("maskAt")
	mk.TESTQ(active, active)
	mk.JEQ(operand.LabelRef(prefix + "Write"))
	maskRow := x.load("maskRow")
	mk.toBytes(maskRow)
	activation := mk.vec()
	mk.zero(zero)
	mk.eachVector(r, active, maskRow, sums, mask, func(m operand.Mem, s reg.VecVirtual, cut bool) {
		activation := asWide(activation, s)
		if cut {
			mk.loadTail(*mask, m, activation)
		} else {
			mk.load(m, activation)
		}
		mk.keepWherePositive(activation, asWide(zero, s), s)
	})
	mk.Comment("the mask of the next tile")
	mk.MOVQ(active, x.addr("maskAt"))

	mk.write(r, func() reg.GPVirtual { return x.load("cols") }, prefix, sums, mask)
}

// write writes C, and moves r.c down to the next tile.
func (mk microKernel) write(r gemmRegisters, cols func() reg.GPVirtual, prefix string, sums [][]reg.VecVirtual, mask *tail) {
	mk.Label(prefix + "Write")
	switch {
	case mask != nil && !mk.isa.masks:
		mk.writeCut(r, cols(), prefix, sums)
	case mk.asksWhole(sums, mask):
		whole := mk
		whole.whole = true
		mk.CMPQ(mk.args().addr("whole"), operand.Imm(0))
		mk.JEQ(operand.LabelRef(prefix + "Halves"))
		whole.writeVectors(r, sums, mask)
		mk.JMP(operand.LabelRef(prefix + "Written"))
		mk.Label(prefix + "Halves")
		mk.writeVectors(r, sums, mask)
		mk.Label(prefix + "Written")
	default:
		mk.writeVectors(r, sums, mask)
	}
}

// asksWhole reports whether the kernel asks how to store vectors of 512 bits: if it stores such.
func (mk microKernel) asksWhole(sums [][]reg.VecVirtual, mask *tail) bool {
	return !mk.whole && !mk.around && !mk.packs && mk.ahead == nothing && sums[0][0].Size() == 64 && (mk.v > 1 || mask == nil)
}

// writeVectors is write for vectors that are whole, or under a mask register.
func (mk microKernel) writeVectors(r gemmRegisters, sums [][]reg.VecVirtual, mask *tail) {
	mk.eachVector(r, r.c, mk.ldcOf(r), sums, mask, func(m operand.Mem, s reg.VecVirtual, cut bool) {
		switch {
		case mk.around:
			mk.storeAround(s, m)
		case cut:
			mk.storeTail(*mask, s, m)
		case s.Size() == 64 && !mk.whole: // as halves: see "Stores of C" in kernels/MEASURED.md
			mk.store(s.AsY(), m)
			mk.VEXTRACTF64X4(operand.Imm(1), s, m.Offset(32))
		default:
			mk.store(s, m)
		}
	})
}

// writeCut stores rows of one vector that is cut, without masks, with which a store takes a
// dozen cycles on CPUs by AMD: as the first and the last elements of a row, the largest
// power of two that it holds. rest is cols at first.
func (mk microKernel) writeCut(r gemmRegisters, rest reg.GPVirtual, prefix string, sums [][]reg.VecVirtual) {
	mk.Comment("rest = the bytes of a row but for the highest bit, which is bit top")
	top, order := mk.GP64(), mk.GP64()
	mk.toBytes(rest)
	mk.BSRQ(rest, top)
	mk.BTRQ(top, rest)
	mk.LEAQ(operand.NewDataAddr(operand.Symbol{Name: elementsName, Static: true}, 0), order)
	last, shifted := mk.vec(), mk.vec()
	mk.VMOVDQU(operand.Mem{Base: order, Index: rest, Scale: 1}, last)
	// rows emits the stores of all rows, in two parts each.
	rows := func(bits int, store func(x, m operand.Op)) {
		mk.Label(fmt.Sprintf("%sWrite%d", prefix, bits))
		mk.eachVector(r, r.c, r.ldc, sums, nil, func(m operand.Mem, s reg.VecVirtual, _ bool) {
			store(s.AsX(), m)
			m.Index, m.Scale = rest, 1
			mk.VPERMPS(s, last, shifted)
			store(shifted.AsX(), m)
		})
		mk.JMP(operand.LabelRef(prefix + "Written"))
	}
	mk.CMPQ(top, operand.Imm(3))
	mk.JEQ(operand.LabelRef(prefix + "Write64"))
	if mk.f32() {
		mk.JLT(operand.LabelRef(prefix + "Write32"))
	}
	rows(128, func(x, m operand.Op) { mk.VMOVUPS(x, m) })
	rows(64, func(x, m operand.Op) { mk.VMOVSD(x, m) })
	if mk.f32() {
		rows(32, func(x, m operand.Op) { mk.VMOVSS(x, m) })
	}
	mk.Label(prefix + "Written")
}

// addOld is sums += beta*C.
func (mk microKernel) addOld(r gemmRegisters, x microArgs, prefix string, sums [][]reg.VecVirtual, mask *tail) {
	mk.Comment("beta = 0, of either sign, must not read C")
	mk.magnitude(x.addr("beta"))
	mk.JEQ(operand.LabelRef(prefix + "Bias"))
	beta, old := mk.vec(), mk.vec()
	row := mk.GP64()
	mk.MOVQ(r.c, row)
	mk.jumpIfOne(x.addr("beta"), prefix+"Add")
	mk.broadcast(x.addr("beta"), beta)
	mk.eachVector(r, row, mk.ldcOf(r), sums, mask, func(m operand.Mem, s reg.VecVirtual, cut bool) {
		if cut {
			old := asWide(old, s)
			mk.loadTail(*mask, m, old)
			mk.fma(old, asWide(beta, s), s)
		} else {
			mk.fma(m, asWide(beta, s), s)
		}
	})
	mk.JMP(operand.LabelRef(prefix + "Bias"))
	mk.Label(prefix + "Add")
	mk.eachVector(r, row, mk.ldcOf(r), sums, mask, func(m operand.Mem, s reg.VecVirtual, cut bool) {
		if cut {
			old := asWide(old, s)
			mk.loadTail(*mask, m, old)
			mk.add(old, s, s)
		} else {
			mk.add(m, s, s)
		}
	})
}

// ldcOf is ldc in bytes, in a register or in memory.
func (mk microKernel) ldcOf(r gemmRegisters) operand.Op {
	if mk.ahead != nothing {
		return mk.ldc
	}
	return r.ldc
}
