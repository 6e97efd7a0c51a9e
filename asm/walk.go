package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A walk is how a loop gets from one step of k to the next, in A and B.
//
// Those along rows and columns take stepsAtOnce steps at once: which one it is, is in the addresses that
// A and B are read from, and pointers move once in a loop. Each addition less in a step is 3 to 5% of
// what the CPU has to do for it: nothing where a core has one thread, as it waits for multiply-adds,
// but 1.03 to 1.1 times the speed of large squares with AVX2 where a thread beside it takes half
// of what the core can issue.
type walk int

const (
	byStrides    walk = iota // adding them to the pointers, for any operands
	alongRows                // of A, which are contiguous
	alongColumns             // of A, which are contiguous
)

// rowsAtOnce is how many rows of B in place a walk takes at once: for more, registers are lacking.
const rowsAtOnce = 2

// eachStep emits stepsAtOnce steps, and what comes behind each of them.
func (mk microKernel) eachStep(r gemmRegisters, sums [][]reg.VecVirtual, mask *tail, fetches fetch, behind func(u int)) {
	r.runs = mk.runs(r.walk)
	for u := range stepsAtOnce {
		if r.walk == byStrides {
			mk.oneStep(r, sums, mask, fetches)
		} else {
			mk.step(r, u, sums, mask, fetches)
			if !mk.packed() && u%rowsAtOnce == rowsAtOnce-1 {
				mk.advanceB(r, rowsAtOnce)
			}
		}
		behind(u)
	}
	if r.walk != byStrides {
		mk.advanceA(r, stepsAtOnce)
		if mk.packed() {
			mk.advanceB(r, stepsAtOnce)
		}
	}
}

// oneStep emits a step, and the way to the next one.
func (mk microKernel) oneStep(r gemmRegisters, sums [][]reg.VecVirtual, mask *tail, fetches fetch) {
	mk.step(r, 0, sums, mask, fetches)
	mk.advanceA(r, 1)
	mk.advanceB(r, 1)
}

// enter begins a walk: it returns the registers for it. r.last, unless B is packed, becomes an address, as
// no address has both an offset and a multiple of a stride in registers.
func (mk microKernel) enter(r gemmRegisters, w walk, fetches fetch) gemmRegisters {
	r.walk = w
	if w == byStrides {
		return r
	}
	if w == alongColumns {
		r.by3Cols = mk.GP64()
		mk.LEAQ(operand.Mem{Base: r.aCol, Index: r.aCol, Scale: 2}, r.by3Cols)
	}
	if mk.packed() {
		return r
	}
	if r.bRow == nil {
		r.bRow = mk.GP64()
		mk.MOVQ(mk.bRow, r.bRow)
	}
	if r.last != nil {
		mk.ADDQ(r.pb, r.last)
	}
	if fetches == fetchRow {
		r.by9Rows = mk.GP64()
		mk.LEAQ(operand.Mem{Base: r.bRow, Index: r.bRow, Scale: stepsAhead}, r.by9Rows)
	}
	return r
}

// leave ends a walk: registers are as before it, also those that need not have been kept.
func (mk microKernel) leave(r gemmRegisters) {
	switch {
	case r.walk == alongRows && r.aCol != nil:
		mk.MOVQ(operand.U32(mk.typ.size), r.aCol)
	case r.walk == alongColumns:
		r.multiples(mk.emitter)
		r.point(mk.emitter)
	}
	if r.walk != byStrides && !mk.packed() && r.last != nil {
		mk.SUBQ(r.pb, r.last)
	}
}

// packed reports whether B is packed in any case, so that its rows are as far apart as they are wide.
func (mk microKernel) packed() bool {
	return mk.ahead != nothing && mk.ahead != fetching
}

// move adds a multiple of a stride to a pointer.
func (mk microKernel) move(times int, stride, p reg.GPVirtual) {
	if times == 1 {
		mk.ADDQ(stride, p)
	} else {
		mk.LEAQ(operand.Mem{Base: p, Index: stride, Scale: uint8(times)}, p)
	}
}

// advanceA moves on by so many columns of A: one, or stepsAtOnce of a walk.
func (mk microKernel) advanceA(r gemmRegisters, steps int) {
	if r.walk == alongColumns {
		mk.move(steps, r.aCol, r.pointers[0])
		return
	}
	for _, p := range r.pointers {
		if r.walk == alongRows || r.aCol == nil {
			mk.ADDQ(operand.U32(steps*mk.typ.size), p)
		} else {
			mk.ADDQ(r.aCol, p)
		}
	}
}

// advanceB moves on by so many rows of B.
func (mk microKernel) advanceB(r gemmRegisters, rows int) {
	switch {
	case mk.packed():
		mk.ADDQ(operand.U32(rows*mk.v*mk.isa.width), r.pb)
	case r.bRow == nil: // one row
		mk.ADDQ(mk.bRow, r.pb)
	default:
		mk.move(rows, r.bRow, r.pb)
		if r.walk != byStrides && r.last != nil {
			mk.move(rows, r.bRow, r.last)
		}
	}
}

// elementOfA is the address of an element of A: in row i of the tile, u steps on.
func (mk microKernel) elementOfA(r gemmRegisters, i, u int) operand.Mem {
	if r.walk != alongColumns {
		return r.element(i).Offset(u * mk.typ.size)
	}
	m := operand.Mem{Base: r.pointers[0], Disp: i * mk.typ.size}
	switch u {
	case 1, 2:
		m.Index, m.Scale = r.aCol, uint8(u)
	case 3:
		m.Index, m.Scale = r.by3Cols, 1
	}
	return m
}

// onRow is an address in the row of B that is u steps on, so many bytes behind where p is in this one.
func (mk microKernel) onRow(r gemmRegisters, p reg.GPVirtual, u, bytes int) operand.Mem {
	m := operand.Mem{Base: p, Disp: bytes}
	if mk.packed() {
		return m.Offset(u * mk.v * mk.isa.width)
	}
	if u%rowsAtOnce == 1 {
		m.Index, m.Scale = r.bRow, 1
	}
	return m
}

// vectorOfB is the address of vector j of the row of B that is u steps on.
func (mk microKernel) vectorOfB(r gemmRegisters, j, u int) operand.Mem {
	switch {
	case r.walk == byStrides:
		return mk.vector(r, r.pb, j)
	case r.last != nil && j == mk.v-1:
		return mk.onRow(r, r.last, u, 0)
	}
	return mk.onRow(r, r.pb, u, j*mk.isa.width)
}
