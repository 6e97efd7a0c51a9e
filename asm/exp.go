package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exp generates the exponential function, elementwise.
func exp(e emitter) {
	c := e.expConstants()
	name := e.typ.letter + "exp" + e.isa.suffix
	e.function(name, fmt.Sprintf("func(dst, src []%s)", e.typ.goName),
		name+" is the loop",
		"",
		"\tfor i, x := range src {",
		"\t\tdst[i] = exp(x)",
		"\t}",
		"",
		"with x = n*log(2) + r, |r| <= log(2)/2, and exp(x) = 2^n * exp(r), the latter by its Taylor series.")
	dst, src, n := e.base("dst"), e.base("src"), e.length("src")
	low, high := e.vec(), e.vec()
	e.load(c.at(expLow), low)
	e.load(c.at(expHigh), high)
	e.stream(dst, n, []reg.GPVirtual{src}, func(x []reg.VecVirtual) reg.VecVirtual {
		e.min(x[0], high, x[0])
		return e.exp(c, x[0], low)
	})
}

// The constants of the exponential function, in the order in which their table has them.
const (
	expLow      = iota // exp(x) is 0 from here down,
	expHigh            // and Inf from here up
	expLog2E           // 1/log(2)
	expLn2High         // log(2), rounded,
	expLn2Low          // and the rest of it
	expHalf            // 1/2
	expInteger         // added to a small whole number, leaves that in the lowest bits
	expOne             // 1
	expMinusInf        // -Inf
	expTaylor          // 1/i!, the highest i first
)

// expDegree is the degree of the Taylor polynomial. What it leaves out is a
// tenth of a unit in the last place: 0.35^8/8! and 0.35^14/14!.
func (e emitter) expDegree() int {
	if e.f32() {
		return 7
	}
	return 13
}

// A constantTable is read-only data whose entries are as wide as a vector, so that
// instructions take them from memory on every instruction set.
type constantTable struct {
	name  string
	width int
}

func (c constantTable) at(i int) operand.Mem {
	return operand.NewDataAddr(operand.Symbol{Name: c.name, Static: true}, i*c.width)
}

// expConstants emits the constants of the element type, once a file.
func (e emitter) expConstants() constantTable {
	values := make([]float64, expTaylor)
	values[expLow], values[expHigh] = -746, 710
	values[expInteger] = 0x1.8p52
	values[expLn2High] = math.Ln2
	values[expLn2Low] = 0x1.abc9e3b39803fp-56 // log(2) to 107 bits, less that
	if e.f32() {
		values[expLow], values[expHigh] = -104, 89
		values[expInteger] = 0x1.8p23
		values[expLn2High] = float64(float32(math.Ln2))
		values[expLn2Low] = math.Ln2 - values[expLn2High]
	}
	values[expLog2E] = math.Log2E
	values[expHalf], values[expOne], values[expMinusInf] = 0.5, 1, math.Inf(-1)
	factorial := 1.0
	coefficients := []float64{1}
	for i := 1; i <= e.expDegree(); i++ {
		factorial *= float64(i)
		coefficients = append([]float64{1 / factorial}, coefficients...)
	}
	values = append(values, coefficients...)

	c := constantTable{e.typ.letter + "expConstants", e.isa.width}
	e.StaticGlobal(c.name)
	e.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, v := range values {
		for range e.lanes() {
			if e.f32() {
				e.AppendDatum(operand.U32(math.Float32bits(float32(v))))
			} else {
				e.AppendDatum(operand.U64(math.Float64bits(v)))
			}
		}
	}
	return c
}

// exp replaces x by exp(x) and returns it. It wants x below expHigh, or NaN, and expLow in
// a register.
func (e emitter) exp(c constantTable, x, low reg.VecVirtual) reg.VecVirtual {
	e.max(x, low, x)
	n, p := e.vec(), e.vec()
	e.mul(c.at(expLog2E), x, n)
	e.round(n, n)
	e.fmaNegative(c.at(expLn2High), n, x)
	e.fmaNegative(c.at(expLn2Low), n, x)
	e.load(c.at(expTaylor), p)
	for i := range e.expDegree() {
		e.fmaOnto(x, c.at(expTaylor+i+1), p)
	}
	e.scale(c, n, p)
	return p
}

// scale multiplies p by 2 to the power of the whole numbers in n, with one
// rounding where the result is subnormal.
func (e emitter) scale(c constantTable, n, p reg.VecVirtual) {
	if e.isa.masks {
		if e.f32() {
			e.VSCALEFPS(n, p, p)
		} else {
			e.VSCALEFPD(n, p, p)
		}
		return
	}
	// Two steps, as one power of 2 would be out of range; the first one is exact.
	half := e.vec()
	e.mul(c.at(expHalf), n, half)
	e.round(half, half)
	e.sub(half, n, n)
	for _, part := range []reg.VecVirtual{half, n} {
		e.add(c.at(expInteger), part, part)
		if e.f32() {
			e.VPSLLD(operand.Imm(23), part, part)
			e.VPADDD(c.at(expOne), part, part)
		} else {
			e.VPSLLQ(operand.Imm(52), part, part)
			e.VPADDQ(c.at(expOne), part, part)
		}
		e.mul(part, p, p)
	}
}

// sub is dst = x-y.
func (e emitter) sub(y, x, dst operand.Op) {
	if e.f32() {
		e.VSUBPS(y, x, dst)
	} else {
		e.VSUBPD(y, x, dst)
	}
}

// div is dst = x/y.
func (e emitter) div(y, x, dst operand.Op) {
	if e.f32() {
		e.VDIVPS(y, x, dst)
	} else {
		e.VDIVPD(y, x, dst)
	}
}

// max is the larger of x and y, and x if one of them is NaN.
func (e emitter) max(x, y, dst operand.Op) {
	if e.f32() {
		e.VMAXPS(x, y, dst)
	} else {
		e.VMAXPD(x, y, dst)
	}
}

// min is the smaller of x and y, and x if one of them is NaN.
func (e emitter) min(x, y, dst operand.Op) {
	if e.f32() {
		e.VMINPS(x, y, dst)
	} else {
		e.VMINPD(x, y, dst)
	}
}

// fmaNegative is dst -= x*y.
func (e emitter) fmaNegative(x, y, dst operand.Op) {
	if e.f32() {
		e.VFNMADD231PS(x, y, dst)
	} else {
		e.VFNMADD231PD(x, y, dst)
	}
}

// toNearest rounds to the nearest whole number, without raising an exception.
const toNearest = 8

func (e emitter) round(x, dst operand.Op) {
	switch {
	case e.isa.masks && e.f32():
		e.VRNDSCALEPS(operand.Imm(toNearest), x, dst)
	case e.isa.masks:
		e.VRNDSCALEPD(operand.Imm(toNearest), x, dst)
	case e.f32():
		e.VROUNDPS(operand.Imm(toNearest), x, dst)
	default:
		e.VROUNDPD(operand.Imm(toNearest), x, dst)
	}
}
