package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mostZipped is how many columns are unzipped at most.
const mostZipped = 4

// A zipper takes apart the columns of a matrix of few, contiguous row by row.
type zipper struct{ masks []tail } // for the vectors of the rows behind the last that fill a vector of each column

// zipOrder is the name of the data by which column j of two or three of them is taken out of
// vectors of all: of the first two and, behind that, out of the result and the third one.
func (e emitter) zipOrder(columns, j int) string {
	return e.typ.letter + "unzip" + string(rune('0'+j)) + "of" + string(rune('0'+columns))
}

// zipOrders emits these data.
func (e emitter) zipOrders() {
	lanes := e.lanes()
	for columns := 2; columns <= 3; columns++ {
		for j := range columns {
			var order []int
			for vectors := 2; vectors <= columns; vectors++ {
				for i := range lanes {
					at := i*columns + j
					switch {
					case vectors == 3 && at < 2*lanes:
						at = i // it is there
					case vectors == 3:
						at -= lanes // the third vector is the second one now
					case at >= 2*lanes:
						at = 0 // any, it is replaced
					}
					order = append(order, at)
				}
			}
			e.indices(e.zipOrder(columns, j), order)
		}
	}
}

// zipper makes the masks for so many rows, fewer than a vector has elements.
func (dk dotKernel) zipper(rows reg.GPVirtual) (zip zipper) {
	dk.Comment("masks for the elements of all columns in the last rows")
	elements, ones := dk.GP64(), dk.GP64()
	dk.IMUL3Q(operand.U32(uint32(dk.v)), rows, elements)
	count := reg.RCX
	dk.MOVQ(elements, count)
	dk.MOVQ(operand.U32(1), ones)
	dk.SHLQ(reg.CL, ones)
	dk.DECQ(ones)
	for i := range dk.v {
		k := dk.K()
		if i > 0 {
			dk.SHRQ(operand.Imm(uint64(dk.lanes())), ones)
		}
		dk.KMOVW(ones.As32(), k)
		zip.masks = append(zip.masks, tail{k: k})
	}
	return zip
}

// unzip returns a vector of each column, of the rows at m.
func (zip zipper) unzip(dk dotKernel, m operand.Mem, part bool) (columns []reg.VecVirtual) {
	x := dk.vecs(dk.v)
	for i := range x {
		if at := m.Offset(i * dk.isa.width); part {
			dk.loadTail(zip.masks[i], at, x[i])
		} else {
			dk.load(at, x[i])
		}
	}
	if dk.v == mostZipped { // every other column, and every other of those
		even, odd := dk.unzipTwo(x[:2]), dk.unzipTwo(x[2:])
		first, second := dk.unzipTwo([]reg.VecVirtual{even[0], odd[0]}), dk.unzipTwo([]reg.VecVirtual{even[1], odd[1]})
		return []reg.VecVirtual{first[0], second[0], first[1], second[1]}
	}
	if dk.v == 2 {
		return dk.unzipTwo(x)
	}
	for j := range x {
		first := dk.takeOut(3, j, 0, x[0], x[1])
		columns = append(columns, dk.takeOut(3, j, 1, first, x[2]))
	}
	return columns
}

// unzipTwo takes two columns out of two vectors.
func (dk dotKernel) unzipTwo(x []reg.VecVirtual) []reg.VecVirtual {
	return []reg.VecVirtual{dk.takeOut(2, 0, 0, x[0], x[1]), dk.takeOut(2, 1, 0, x[0], x[1])}
}

// takeOut returns what one of the orders takes out of x and y.
func (dk dotKernel) takeOut(columns, j, order int, x, y reg.VecVirtual) reg.VecVirtual {
	r := dk.vec()
	dk.VMOVUPS(operand.NewDataAddr(operand.Symbol{Name: dk.zipOrder(columns, j), Static: true}, order*dk.isa.width), r)
	if dk.f32() {
		dk.VPERMI2PS(y, x, r)
	} else {
		dk.VPERMI2PD(y, x, r)
	}
	return r
}
