package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmax generates softmax by rows, and the same with the gradient of the cross-entropy.
func softmax(e emitter) {
	c := e.expConstants()
	name := e.typ.letter + "softmax" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst, x []%s, n int)", e.typ.goName),
		name+" sets each row of n elements of dst to exp(x - max(x)) / sum(exp(x - max(x))) of that of x.")
	(&softmaxRows{emitter: e, c: c}).generate()

	s := &softmaxRows{emitter: e, c: c, gradient: true, classes: e.classNumbers()}
	name = e.typ.letter + "softmaxGrad" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst, x []%[1]s, n int, labels []int, batch %[1]s, picked []%[1]s)", e.typ.goName),
		name+" computes, for each row i of n elements of x,",
		"",
		"\tp = exp(x - max(x)) / sum(exp(x - max(x)))",
		"\tpicked[i] = p[labels[i]]",
		"\trow i of dst = (p - onehot(labels[i])) / batch")
	s.generate()
}

// classNumbers emits a vector of the numbers 0, 1, ... and one of the number of
// lanes in each element, as whole numbers.
func (e emitter) classNumbers() constantTable {
	c := constantTable{e.typ.letter + "classNumbers", e.isa.width}
	e.StaticGlobal(c.name)
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 2 * e.lanes() {
		v := i
		if i >= e.lanes() {
			v = e.lanes()
		}
		if e.f32() {
			e.AppendDatum(operand.U32(uint32(v)))
		} else {
			e.AppendDatum(operand.U64(uint64(v)))
		}
	}
	return c
}

// softmaxRows is the body of either function. It goes over a row three times:
// for the maximum, for the exponentials and their sum, and for the quotients.
type softmaxRows struct {
	emitter
	c        constantTable
	gradient bool
	classes  constantTable

	x, dst, n reg.GPVirtual // the row, and its length
	rest      reg.GPVirtual // elements behind the last whole vector
	mask      tail

	labels, picked reg.GPVirtual
	batch          reg.VecVirtual
	label          reg.VecVirtual // the label, less the classes of the vectors that are done
}

func (s *softmaxRows) generate() {
	s.x, s.dst, s.n = s.base("x"), s.base("dst"), s.param("n")
	end := s.length("dst")
	s.toBytes(end)
	s.ADDQ(s.dst, end)
	s.rest = s.GP64()
	s.MOVQ(s.n, s.rest)
	s.ANDQ(operand.U32(s.lanes()-1), s.rest)
	count := s.GP64()
	s.MOVQ(s.rest, count)
	s.mask = s.tailMask(count)
	low, minusInf := s.vec(), s.vec()
	s.load(s.c.at(expLow), low)
	s.load(s.c.at(expMinusInf), minusInf)
	if s.gradient {
		s.labels, s.picked = s.base("labels"), s.base("picked")
		s.batch, s.label = s.vec(), s.vec()
		s.broadcast(s.paramAddr("batch"), s.batch)
	}

	s.Label("row")
	largest := s.vec()
	s.load(minusInf, largest)
	s.pass("max", s.x, s.x, func(from, _ operand.Mem, last bool) {
		if !last {
			s.max(from, largest, largest)
			return
		}
		v := s.vec()
		s.loadTail(s.mask, from, v)
		s.blendTail(v, minusInf, v)
		s.max(v, largest, largest)
	})
	s.broadcast(s.maxUp(largest), largest)

	// The exponentials of the last vector stay in a register: what is stored under
	// a mask has to reach the cache before it can be loaded again.
	sum, cut := s.vec(), s.vec()
	s.zero(sum)
	s.pass("exp", s.x, s.dst, func(from, to operand.Mem, last bool) {
		v := s.vec()
		if !last {
			s.load(from, v)
		} else {
			s.loadTail(s.mask, from, v)
			s.blendTail(v, minusInf, v) // adds exp(-Inf) = 0, or NaN to what is NaN
		}
		s.sub(largest, v, v)
		p := s.exp(s.c, v, low)
		s.add(p, sum, sum)
		if !last {
			s.store(p, to)
			return
		}
		if s.gradient { // for pick
			s.storeTail(s.mask, p, to)
		}
		s.load(p, cut)
	})
	s.broadcast(s.sumUp(sum), sum)

	if s.gradient {
		s.pick(sum)
	}
	s.pass("div", s.dst, s.dst, func(from, to operand.Mem, last bool) {
		v := cut
		if !last {
			v = s.vec()
			s.load(from, v)
		}
		s.div(sum, v, v)
		if s.gradient {
			s.lessOneHot(v)
			s.div(s.batch, v, v)
		}
		if !last {
			s.store(v, to)
		} else {
			s.storeTail(s.mask, v, to)
		}
	})

	row := s.GP64()
	s.MOVQ(s.n, row)
	s.toBytes(row)
	s.ADDQ(row, s.x)
	s.ADDQ(row, s.dst)
	s.CMPQ(s.dst, end)
	s.JLT(operand.LabelRef("row"))
	s.done()
}

// pass emits a loop over the vectors of a row, from one place and to another, the last
// one under the mask.
func (s *softmaxRows) pass(name string, from, to reg.GPVirtual, f func(from, to operand.Mem, last bool)) {
	left, pf := s.GP64(), s.GP64()
	s.MOVQ(s.n, left)
	s.MOVQ(from, pf)
	pt := pf
	if to != from {
		pt = s.GP64()
		s.MOVQ(to, pt)
	}
	s.SUBQ(operand.U32(s.lanes()), left)
	s.JLT(operand.LabelRef(name + "Rest"))
	s.Label(name + "Vector")
	f(operand.Mem{Base: pf}, operand.Mem{Base: pt}, false)
	s.ADDQ(operand.U32(s.isa.width), pf)
	if to != from {
		s.ADDQ(operand.U32(s.isa.width), pt)
	}
	s.SUBQ(operand.U32(s.lanes()), left)
	s.JGE(operand.LabelRef(name + "Vector"))
	s.Label(name + "Rest")
	s.TESTQ(s.rest, s.rest)
	s.JEQ(operand.LabelRef(name + "Done"))
	f(operand.Mem{Base: pf}, operand.Mem{Base: pt}, true)
	s.Label(name + "Done")
}

// pick stores the probability of the row's class and goes on to the next label.
func (s *softmaxRows) pick(sum reg.VecVirtual) {
	label, v := s.GP64(), s.XMM()
	s.MOVQ(operand.Mem{Base: s.labels}, label)
	chosen, to := operand.Mem{Base: s.dst, Index: label, Scale: uint8(s.typ.size)}, operand.Mem{Base: s.picked}
	if s.f32() {
		s.VPBROADCASTD(operand.Mem{Base: s.labels}, s.label)
		s.VMOVSS(chosen, v)
		s.VDIVSS(sum.AsX(), v, v)
		s.VMOVSS(v, to)
	} else {
		s.VPBROADCASTQ(operand.Mem{Base: s.labels}, s.label)
		s.VMOVSD(chosen, v)
		s.VDIVSD(sum.AsX(), v, v)
		s.VMOVSD(v, to)
	}
	s.ADDQ(operand.Imm(8), s.labels)
	s.ADDQ(operand.U32(s.typ.size), s.picked)
}

// lessOneHot subtracts 1 from the element of v whose class is the label.
func (s *softmaxRows) lessOneHot(v reg.VecVirtual) {
	one, numbers, step := s.c.at(expOne), s.classes.at(0), s.classes.at(1)
	switch {
	case s.isa.masks && s.f32():
		k := s.K()
		s.VPCMPEQD(numbers, s.label, k)
		s.VSUBPS(one, v, k, v)
		s.VPSUBD(step, s.label, s.label)
	case s.isa.masks:
		k := s.K()
		s.VPCMPEQQ(numbers, s.label, k)
		s.VSUBPD(one, v, k, v)
		s.VPSUBQ(step, s.label, s.label)
	case s.f32():
		m := s.vec()
		s.VPCMPEQD(numbers, s.label, m)
		s.VANDPS(one, m, m)
		s.VSUBPS(m, v, v)
		s.VPSUBD(step, s.label, s.label)
	default:
		m := s.vec()
		s.VPCMPEQQ(numbers, s.label, m)
		s.VANDPD(one, m, m)
		s.VSUBPD(m, v, v)
		s.VPSUBQ(step, s.label, s.label)
	}
}

// blendTail is dst = x under the mask and y elsewhere.
func (s *softmaxRows) blendTail(x, y, dst reg.VecVirtual) {
	switch {
	case s.isa.masks && s.f32():
		s.VBLENDMPS(x, y, s.mask.k, dst)
	case s.isa.masks:
		s.VBLENDMPD(x, y, s.mask.k, dst)
	case s.f32():
		s.VBLENDVPS(s.mask.vec, x, y, dst)
	default:
		s.VBLENDVPD(s.mask.vec, x, y, dst)
	}
}
