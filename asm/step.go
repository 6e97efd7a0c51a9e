package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What a micro-kernel does in each step of k, and how it reaches A, B and C.

// steps emits the loop over stepsAtOnce steps of a walk. Its last turns fetch C, from row on, each one a row, as
// all at once would hold up A and B.
func (mk microKernel) steps(r gemmRegisters, w walk, label string, row reg.GPVirtual, sums [][]reg.VecVirtual, mask *tail, fetches fetch) {
	r = mk.enter(r, w, fetches)
	mk.alignLoop()
	mk.Label(label)
	mk.eachStep(r, sums, mask, fetches, func(u int) {
		if u == 0 && !mk.around {
			var lines []operand.Mem
			for line := 0; line < mk.v*mk.isa.width; line += cacheLine {
				lines = append(lines, operand.Mem{Base: row, Disp: line})
			}
			mk.fetchC(r, row, label, stepsAtOnce, append(lines, operand.Mem{Base: row, Disp: mk.v*mk.isa.width - 1})...)
		}
		if mk.ahead != nothing && u > 0 && (u+1)%mk.aheadSteps() == 0 {
			mk.next.emit(mk, r.left, fmt.Sprintf("%sAhead%d", label, u+1))
		}
	})
	mk.SUBQ(operand.Imm(stepsAtOnce), r.left)
	mk.JGE(operand.LabelRef(label))
	mk.leave(r)
}

// fetchC fetches a row of C, that is these lines of it, in each of the last turns of a loop of so many steps.
func (mk microKernel) fetchC(r gemmRegisters, row reg.GPVirtual, label string, steps int, lines ...operand.Mem) {
	mk.CMPQ(r.left, operand.U32(steps*(mk.h+fetchAhead)))
	mk.JGE(operand.LabelRef(label + "Fetched"))
	for _, line := range lines {
		mk.PREFETCHT0(line)
	}
	mk.ADDQ(mk.ldcOf(r), row)
	mk.Label(label + "Fetched")
}

// fetchRow has what is read of B stepsAhead steps on fetched: each line, from the last one on. What
// the first one has is often the end of a line of the panel before.
func (mk microKernel) fetchRow(r gemmRegisters, u int) {
	for end := mk.v * mk.isa.width; end > 0; end -= cacheLine {
		m := operand.Mem{Base: r.pb, Index: r.bRow, Scale: stepsAhead, Disp: end - 1}
		if u%rowsAtOnce == 1 {
			m.Index, m.Scale = r.by9Rows, 1
		}
		mk.PREFETCHT0(m)
	}
}

// row returns new registers for a row of a tile.
func (mk microKernel) row() []reg.VecVirtual {
	if mk.pairs != noPairs {
		last := mk.vec().AsX().(reg.VecVirtual)
		mk.pairs, mk.v = noPairs, mk.v-1
		return append(mk.row(), last)
	}
	if mk.half {
		return append(mk.vecs(mk.v-1), mk.YMM())
	}
	return mk.vecs(mk.v)
}

// step adds the products of one column of A and one row of B, which are u steps on, to the sums.
func (mk microKernel) step(r gemmRegisters, u int, sums [][]reg.VecVirtual, mask *tail, fetches fetch) {
	if mk.beside > 0 {
		mk.Comment("columns beside the panel: sums += a[0:h] * b[v*lanes+j]")
		x := mk.rowsVector()
		mk.loadTail(r.rows, mk.elementOfA(r, 0, u), x)
		for j, s := range r.sums {
			mk.fmaBroadcast(mk.onRow(r, r.pb, u, mk.v*mk.isa.width+j*mk.typ.size), x, s)
		}
	}
	mk.Comment("sums[i] += a[i*aRow] * b[0:]")
	b := mk.row()
	if mk.pairs == alongM {
		b = b[:mk.v-1]
		mk.stepAlongM(r, u)
	}
	if fetches == fetchRow {
		mk.fetchRow(r, u)
	}
	for j := range b {
		mk.loadVector(mk.vectorOfB(r, j, u), b[j], j, mask)
		if fetches == fetchPanel { // the last byte of each vector: the line of the first is the last one of this panel, if they share it
			mk.PREFETCHT1(operand.Mem{Base: r.pb, Disp: (j+mk.v+1)*mk.isa.width - 1})
		}
		if mk.packs {
			mk.store(b[j], mk.vector(r, r.panel, j))
		}
	}
	if mk.packs {
		mk.ADDQ(operand.U32(mk.v*mk.isa.width), r.panel)
	}
	for i := range sums {
		if r.runs != nil && r.runs[i] != nil {
			mk.multiplyRun(r, i, u, b[0], sums[i][0])
		} else {
			mk.multiply(i, mk.elementOfA(r, i, u), b, sums[i])
		}
	}
}

// runs returns registers, by row of a tile of one vector that spares loads, for elements of A that are
// loaded several at once: nil for other rows, and no slice for other tiles and walks.
//
// Such a tile loads an element of A for each multiply-add. Some rows, whose columns are contiguous, load those of several
// steps at once, in 128 bits that are broadcast, and broadcast each of them in registers, which takes a place of a
// multiply-add: so many rows that the others load as long as all multiply and broadcast. On Ice Lake
// 4 steps of 16 rows take 45 cycles instead of 61, of 8 rows 24.5 instead of 32, where loads of 512 bits
// take 0.89 each. Half a vector gains nothing: loads of 256 bits take 0.6.
func (mk microKernel) runs(w walk) []reg.VecVirtual {
	if !mk.sparing || w != alongRows || mk.v > 1 {
		return nil
	}
	inEight := 3 // rows
	if !mk.f32() {
		inEight = 4
	}
	runs := make([]reg.VecVirtual, mk.h)
	for i := range runs {
		if i*inEight/8 != (i+1)*inEight/8 {
			runs[i] = mk.vec()
		}
	}
	return runs
}

// multiplyRun is multiply for a row of runs.
func (mk microKernel) multiplyRun(r gemmRegisters, i, u int, b, sum reg.VecVirtual) {
	run, x := r.runs[i], mk.vec()
	if mk.f32() {
		if u == 0 {
			mk.broadcast128(mk.elementOfA(r, i, u), run)
		}
		mk.VPERMILPS(operand.Imm(uint64(u)*0x55), run, x)
	} else {
		if u%2 == 0 {
			mk.broadcast128(mk.elementOfA(r, i, u), run)
		}
		mk.VPERMILPD(operand.Imm(uint64(u%2)*0xff), run, x)
	}
	mk.fma(x, b, sum)
}

// multiply adds the products of a, which is in row i of the tile, and a row of B to the sums of that row.
//
// AVX-512 can read a as an operand of the multiply-add, for each vector anew. For one vector that
// saves an instruction. Of a vector and a half, CPUs that load two vectors a cycle and multiply two
// have time for it in every third row, but not if columns of A are loaded as well; and where a
// vector is multiplied in halves those rows do not wait: 0.88 of the time on Zen 4, 1.06 on Ice
// Lake, whose kernels that spare loads do without. Of two vectors, which broadcast them all, it would be 0.97 on Zen 4, and 1.12 to 1.16 on Ice
// Lake. For three it makes no difference, for four the loads of B are in the way.
func (mk microKernel) multiply(i int, a operand.Mem, b, sums []reg.VecVirtual) {
	inMemory := len(b) == 1 || len(b) == 2 && mk.half && i%3 == 1 && mk.pairs != alongM && !mk.sparing
	if mk.isa.masks && inMemory {
		for j := range b {
			mk.fmaBroadcast(a, b[j], sums[j])
		}
		return
	}
	x := mk.vec()
	mk.broadcast(a, x)
	for j := range b {
		mk.fma(asWide(x, b[j]), b[j], sums[j])
	}
}

// provide takes registers for the multiples of the stride that h rows need, and for as many pointers.
func (r *gemmRegisters) provide(e emitter, h int) {
	if h > 3 {
		r.by3 = e.GP64()
	}
	if h > 5 {
		r.by5 = e.GP64()
	}
	for range (h - 1) / rowsPerPointer {
		r.pointers = append(r.pointers, e.GP64())
	}
	r.multiples(e)
}

// multiples computes these multiples.
func (r gemmRegisters) multiples(e emitter) {
	if r.by3 != nil {
		e.LEAQ(operand.Mem{Base: r.stride, Index: r.stride, Scale: 2}, r.by3)
	}
	if r.by5 != nil {
		e.LEAQ(operand.Mem{Base: r.stride, Index: r.stride, Scale: 4}, r.by5)
	}
}

// point sets the pointers behind the first one.
func (r gemmRegisters) point(e emitter) {
	for i, p := range r.pointers[1:] {
		e.Comment("the next pointer is 7*aRow further")
		e.LEAQ(operand.Mem{Base: r.pointers[i], Index: r.by3, Scale: 2}, p)
		e.ADDQ(r.stride, p)
	}
}

// element is the address of row i of A.
func (r gemmRegisters) element(i int) operand.Mem {
	m := operand.Mem{Base: r.pointers[i/rowsPerPointer], Scale: 1}
	switch i % rowsPerPointer {
	case 0:
		m.Scale = 0
	case 1:
		m.Index = r.stride
	case 2:
		m.Index, m.Scale = r.stride, 2
	case 3:
		m.Index = r.by3
	case 4:
		m.Index, m.Scale = r.stride, 4
	case 5:
		m.Index = r.by5
	case 6:
		m.Index, m.Scale = r.by3, 2
	}
	return m
}

// rowsVector returns a new register for an element from each row of a tile.
func (mk microKernel) rowsVector() reg.VecVirtual {
	if 2*mk.h <= mk.lanes() {
		return mk.YMM()
	}
	return mk.vec()
}

// storeSums stores the sums of the columns beside the panel, each column's in a row.
func (mk microKernel) storeSums(r gemmRegisters, x microArgs) {
	extra := x.extra()
	to, row := extra.load("sumsAt"), extra.load("sumsRow")
	mk.toBytes(row)
	for _, s := range r.sums {
		mk.storeTail(r.rows, s, operand.Mem{Base: to})
		mk.ADDQ(row, to)
	}
	mk.ADDQ(operand.U32(mk.h*mk.typ.size), extra.addr("sumsAt"))
}

// vector is the address of vector j of the row at p.
func (mk microKernel) vector(r gemmRegisters, p reg.GPVirtual, j int) operand.Mem {
	if r.last != nil && j == mk.v-1 {
		return operand.Mem{Base: p, Index: r.last, Scale: 1}
	}
	return operand.Mem{Base: p, Disp: j * mk.isa.width}
}

// loadVector loads vector j of a row, the last one under the mask, unless that is nil.
func (mk microKernel) loadVector(m operand.Mem, x reg.VecVirtual, j int, mask *tail) {
	if mask != nil && j == mk.v-1 {
		mk.loadTail(*mask, m, x)
	} else {
		mk.load(m, x)
	}
}

// eachVector emits do for every vector of a tile, whose rows begin at p, ld
// bytes apart, and leaves p behind the last row.
func (mk microKernel) eachVector(r gemmRegisters, p reg.GPVirtual, ld operand.Op, sums [][]reg.VecVirtual, mask *tail, do func(m operand.Mem, s reg.VecVirtual, cut bool)) {
	for i := range sums {
		for j, s := range sums[i] {
			do(mk.vector(r, p, j), s, mask != nil && j == mk.v-1)
		}
		mk.ADDQ(ld, p)
	}
}
