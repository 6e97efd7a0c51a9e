package main

import (
	"math"
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa describes an instruction set to the kernel generators. They are
// written over it: a new instruction set is a new value here.
type isa struct {
	name       string   // as kernels calls the implementation; ends file names
	suffix     string   // ends function names
	width      int      // bytes in a vector register
	registers  int      // vector registers that its instructions can name
	masks      bool     // whether loads and stores take a mask register
	extensions []string // what its instructions may require, in avo's names

	// gemmRows[v-1] is the height of the tallest micro-kernel of v vectors.
	gemmRows []int
	// packing says that there are kernels that pack a panel while they compute its first tile,
	// where a B is packed for less tiles than it takes to copy the next panel on the way.
	packing bool
	// fetchesRows says that kernels fetch rows of B stepsAhead steps ahead; and what the next panel
	// has of them, as others do of rows that are far apart, only if these share sets of the cache,
	// or the caller says that B is large. With AVX2 on Zen 3, 6x500x500 in float32 is 1.4 times as
	// fast, 4x1001x1001 1.3, large squares 1.01; what comes from memory, as 4x2500x2500, is twice
	// as fast by panels.
	fetchesRows bool
	// turnSteps is how many steps of k there are for each vector that is turned on the way.
	turnSteps int
	// halves is the widest micro-kernel, in vectors, that comes with a last vector
	// of half the width, too: where a full one is two operations, as on Zen 4, a
	// half one takes half the time.
	halves int
	// sparing says that there are kernels that spare loads, of tiles that are products of their own: of one
	// vector, and of one and a half. See microKernel.
	sparing bool
	// There are kernels that multiply with up to beside columns behind their panel as
	// well, which has besideVectors vectors.
	beside, besideVectors int
	// around is the width, in vectors, of the micro-kernels that write C past the
	// caches: a whole number of cache lines.
	around int
	// pairs[v-1] is the height of the tallest micro-kernel of v vectors the last of which is a pair
	// of columns: of half a vector and a pair if v = 1, which has halfPairRows at most in float32.
	pairs []int
	// uprightColumns[v-1] is how many columns an upright kernel of v vectors has at most. The fewer
	// they are, the more vectors there are: sums that do not wait for each other.
	uprightColumns []int
	// dotRows[v-1] is the height of the tallest dot product kernel of v columns, and dotSums[v-1]
	// in how many sums these compute an element: 1 or 2.
	dotRows, dotSums []int
	// zippedRows[v-2] is the height of the tallest one of v columns whose elements alternate.
	zippedRows []int
}

// The tallest micro-kernels keep rows*vectors sums, a row of B and a
// broadcast element of A in registers, and a mask if it is a vector: of 16
// registers 12+2+1+1, of 32 registers 28+2+2 or 24+4+2.
var isas = []isa{
	{
		name: "avx2", suffix: "AVX2", width: 32, registers: 16,
		extensions: []string{"AVX", "AVX2", "FMA3"},
		gemmRows:   []int{12, 6, 4}, around: 2, packing: true, fetchesRows: true, turnSteps: 4, uprightColumns: []int{12, 6, 4, 2}, dotRows: []int{6, 3, 3, 2}, dotSums: []int{2, 2, 1, 1},
	},
	{
		name: "avx512", suffix: "AVX512", width: 64, registers: 32, masks: true,
		extensions: []string{"AVX", "AVX2", "FMA3", "AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ"},
		gemmRows:   []int{16, 14, 8, 6}, turnSteps: 2, halves: 4, sparing: true, beside: 3, besideVectors: 3, around: 3, pairs: []int{12, 12, 8, 6}, uprightColumns: []int{12, 8, 4, 4}, dotRows: []int{6, 4, 4, 3}, dotSums: []int{2, 2, 2, 2}, zippedRows: []int{6, 4, 3},
	},
}

// everyAMD64 is what any amd64 CPU has, and no instruction set need list.
var everyAMD64 = []string{"SSE", "SSE2", "MMX+", "CMOV"}

// A float is an element type.
type float struct {
	goName string
	letter string // as the BLAS begins names: s or d
	size   int    // bytes
}

var floats = []float{{"float32", "s", 4}, {"float64", "d", 8}}

// An emitter writes functions of one element type for one instruction set. Its
// methods carry the names of what they do, and choose the instruction.
type emitter struct {
	*build.Context
	isa isa
	typ float
}

// lanes is the number of elements in a vector.
func (e emitter) lanes() int { return e.isa.width / e.typ.size }

// vec returns a new virtual vector register.
func (e emitter) vec() reg.VecVirtual {
	if e.isa.width == 64 {
		return e.ZMM()
	}
	return e.YMM()
}

// asWide returns x, or its first half if y is half a vector.
func asWide(x, y reg.VecVirtual) reg.Register {
	switch y.Size() {
	case 16:
		return x.AsX()
	case 32:
		return x.AsY()
	}
	return x
}

func (e emitter) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = e.vec()
	}
	return v
}

// function begins a function. NOSPLIT leaves out the stack check, as it uses no stack.
func (e emitter) function(name, signature string, doc ...string) {
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.Pragma("noescape")
	e.SignatureExpr(signature)
	e.Doc(doc...)
}

// done ends a function. Upper halves left dirty would slow down every SSE
// instruction that the Go compiler emits.
func (e emitter) done() {
	e.VZEROUPPER()
	e.RET()
}

// param loads an argument into a new general register.
func (e emitter) param(name string) reg.GPVirtual {
	r := e.GP64()
	e.Load(e.Param(name), r)
	return r
}

// base loads the data pointer of a slice argument.
func (e emitter) base(name string) reg.GPVirtual {
	r := e.GP64()
	e.Load(e.Param(name).Base(), r)
	return r
}

// length loads the length of a slice argument.
func (e emitter) length(name string) reg.GPVirtual {
	r := e.GP64()
	e.Load(e.Param(name).Len(), r)
	return r
}

// paramAddr returns the memory of an argument.
func (e emitter) paramAddr(name string) operand.Mem {
	b, err := e.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// toBytes turns a count of elements into one of bytes.
func (e emitter) toBytes(counts ...reg.GPVirtual) {
	for _, r := range counts {
		e.SHLQ(operand.Imm(e.sizeShift()), r)
	}
}

// sizeShift is the binary logarithm of the element's size.
func (e emitter) sizeShift() uint64 { return uint64(bits.TrailingZeros(uint(e.typ.size))) }

// alignLoop puts the next instruction at the start of a fetch block. No jump may lead to what it
// emits, but to behind it: with a label right before it, Go's assembler does not come to an end.
func (e emitter) alignLoop() {
	e.Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []operand.Op{operand.Imm(32)}})
}

// magnitude loads the bits of an element without its sign: the register, and
// with it the zero flag, tells whether it is 0 of either sign.
func (e emitter) magnitude(m operand.Mem) reg.GPVirtual {
	r := e.GP64()
	if e.f32() {
		e.MOVL(m, r.As32())
		e.ADDL(r.As32(), r.As32())
	} else {
		e.MOVQ(m, r)
		e.ADDQ(r, r)
	}
	return r
}

// jumpIfOne jumps if an element in memory is 1.
func (e emitter) jumpIfOne(m operand.Mem, label string) {
	if e.f32() {
		e.CMPL(m, operand.U32(math.Float32bits(1)))
	} else {
		one := e.GP64()
		e.MOVQ(operand.U64(math.Float64bits(1)), one)
		e.CMPQ(one, m)
	}
	e.JEQ(operand.LabelRef(label))
}

func (e emitter) zero(r reg.VecVirtual) {
	if e.isa.width == 64 {
		e.VPXORD(r, r, r)
	} else {
		e.VXORPS(r, r, r)
	}
}

func (e emitter) f32() bool { return e.typ.size == 4 }

// load and store move vectors, at any alignment.
func (e emitter) load(ops ...operand.Op) {
	if e.f32() {
		e.VMOVUPS(ops...)
	} else {
		e.VMOVUPD(ops...)
	}
}

func (e emitter) store(r, m operand.Op) { e.load(r, m) }

// storeAround writes a vector to aligned memory past the caches.
func (e emitter) storeAround(r, m operand.Op) {
	if e.f32() {
		e.VMOVNTPS(r, m)
	} else {
		e.VMOVNTPD(r, m)
	}
}

// broadcast fills a vector with one element from memory.
func (e emitter) broadcast(m, r operand.Op) {
	if e.f32() {
		e.VBROADCASTSS(m, r)
	} else {
		e.VBROADCASTSD(m, r)
	}
}

// broadcast128 fills a vector of half or all of AVX-512 with 128 bits from memory.
func (e emitter) broadcast128(m operand.Op, r reg.VecVirtual) {
	if e.f32() {
		e.VBROADCASTF32X4(m, r)
	} else {
		e.VBROADCASTF64X2(m, r)
	}
}

// mul is dst = x*y.
func (e emitter) mul(x, y, dst operand.Op) {
	if e.f32() {
		e.VMULPS(x, y, dst)
	} else {
		e.VMULPD(x, y, dst)
	}
}

// add is dst = x+y.
func (e emitter) add(x, y, dst operand.Op) {
	if e.f32() {
		e.VADDPS(x, y, dst)
	} else {
		e.VADDPD(x, y, dst)
	}
}

// fma is dst += x*y.
func (e emitter) fma(x, y, dst operand.Op) {
	if e.f32() {
		e.VFMADD231PS(x, y, dst)
	} else {
		e.VFMADD231PD(x, y, dst)
	}
}

// fmaBroadcast is dst += x*y for one element x in memory, where instructions
// can take it so. It saves a register and, if x is used but once, time.
func (e emitter) fmaBroadcast(x, y, dst operand.Op) {
	if e.f32() {
		e.VFMADD231PS_BCST(x, y, dst)
	} else {
		e.VFMADD231PD_BCST(x, y, dst)
	}
}

// A tail is the mask for the last elements of a row, fewer than a vector.
type tail struct {
	vec reg.VecVirtual // AVX2: the sign of each element decides
	k   reg.OpmaskVirtual
}

// tailMask makes the mask for the first n elements of a vector, 0 <= n <=
// lanes. n is overwritten.
func (e emitter) tailMask(n reg.GPVirtual) tail {
	if e.isa.masks {
		e.Comment("mask = 1<<n - 1")
		count := reg.RCX // where a variable shift wants it
		e.MOVQ(n, count)
		e.MOVL(operand.U32(1), n.As32())
		e.SHLL(reg.CL, n.As32())
		e.DECL(n.As32())
		t := tail{k: e.K()}
		e.KMOVW(n.As32(), t.k)
		return t
	}
	e.Comment("mask = the vector that ends n elements into the zeros")
	e.toBytes(n)
	e.NEGQ(n)
	table := e.GP64()
	e.LEAQ(tailTable().Offset(e.isa.width), table)
	e.ADDQ(n, table)
	t := tail{vec: e.vec()}
	e.VMOVUPS(operand.Mem{Base: table}, t.vec)
	return t
}

// loadTail loads the elements under the mask and zeros the others, whose memory it does not touch.
func (e emitter) loadTail(t tail, m operand.Op, r operand.Op) {
	switch {
	case e.isa.masks && e.f32():
		e.VMOVUPS_Z(m, t.k, r)
	case e.isa.masks:
		e.VMOVUPD_Z(m, t.k, r)
	case e.f32():
		e.VMASKMOVPS(m, t.vec, r)
	default:
		e.VMASKMOVPD(m, t.vec, r)
	}
}

// storeTail stores the elements under the mask.
func (e emitter) storeTail(t tail, r, m operand.Op) {
	switch {
	case e.isa.masks:
		e.load(r, t.k, m)
	case e.f32():
		e.VMASKMOVPS(r, t.vec, m)
	default:
		e.VMASKMOVPD(r, t.vec, m)
	}
}

// tailTableName names the data that AVX2 masks are cut from: a vector of ones
// and one of zeros. elementsName names the numbers 0, 1, 2, ...: read from n elements
// further on, they have VPERMPS shift a vector down by n.
const tailTableName, elementsName = "tailMasks", "elements"

func tailTable() operand.Mem {
	return operand.NewDataAddr(operand.Symbol{Name: tailTableName, Static: true}, 0)
}

// tailData emits those of these tables that a file refers to.
func (e emitter) tailData(f *ir.File) {
	if refersTo(f, tailTableName) {
		e.StaticGlobal(tailTableName)
		e.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 2 * e.isa.width / 8 {
			v := uint64(0)
			if i < e.isa.width/8 {
				v = ^v
			}
			e.AppendDatum(operand.U64(v))
		}
	}
	if refersTo(f, elementsName) {
		e.StaticGlobal(elementsName)
		e.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			e.AppendDatum(operand.U32(i))
		}
	}
}

// refersTo reports whether an instruction of f has the address of some static data.
func refersTo(f *ir.File, name string) bool {
	for _, fn := range f.Functions() {
		for _, inst := range fn.Instructions() {
			for _, op := range inst.Operands {
				if m, ok := op.(operand.Mem); ok && m.Symbol.Name == name {
					return true
				}
			}
		}
	}
	return false
}
