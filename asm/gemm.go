package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm generates the micro-kernels of one element type, of all heights up to MR and
// all widths up to NR in vectors, and the table through which Go finds them.
func gemm(e emitter) (goTable string) {
	return e.table("gemm", "microKernel", e.wholeKernels(), microKernel.generate)
}

// halves generates the micro-kernels whose last vector has half the width.
func halves(e emitter) (goTable string) {
	return e.table("halves", "microKernel", e.halfKernels(), microKernel.generate)
}

// wholeKernels returns the tallest micro-kernel of each width in whole vectors.
func (e emitter) wholeKernels() (mks []microKernel) {
	for i, tallest := range e.isa.gemmRows {
		mks = append(mks, microKernel{emitter: e, h: tallest, v: i + 1})
	}
	return mks
}

// halfKernels returns those of wholeKernels with a last vector of half the width.
func (e emitter) halfKernels() []microKernel {
	mks := e.wholeKernels()[:e.isa.halves]
	for i := range mks {
		mks[i].half = true
	}
	return mks
}

// table generates kernels, of each of mks and of all heights up to its own, and the Go table of
// them; nothing if mks is empty.
func (e emitter) table(kind, goType string, mks []microKernel, generate func(microKernel) (name string)) (goTable string) {
	if len(mks) == 0 {
		return ""
	}
	goTable = fmt.Sprintf("\nvar %s%s%s = [][]%s[%s]{\n", e.typ.letter, kind, e.isa.suffix, goType, e.typ.goName)
	for _, mk := range mks {
		var names []string
		for tallest := mk.h; len(names) < tallest; {
			mk.h = len(names) + 1
			names = append(names, generate(mk))
		}
		goTable += "\t{" + strings.Join(names, ", ") + "},\n"
	}
	return goTable + "}\n"
}

// around generates the micro-kernels that write C past the caches.
func around(e emitter) (goTable string) {
	if e.isa.around == 0 {
		return ""
	}
	v, tallest := e.isa.around, e.isa.gemmRows[e.isa.around-1]
	var names []string
	for h := 1; h <= tallest; h++ {
		names = append(names, microKernel{emitter: e, h: h, v: v, around: true}.generate())
	}
	return fmt.Sprintf("\nvar %saround%s = aroundKernels[%s]{v: %d, run: []microKernel[%[3]s]{%[5]s}}\n", e.typ.letter, e.isa.suffix, e.typ.goName, v, strings.Join(names, ", "))
}

// packing generates the micro-kernels that pack.
func packing(e emitter) (goTable string) {
	if !e.isa.packing {
		return ""
	}
	goTable = fmt.Sprintf("\nvar %spacking%s = []panelKernel[%s]{\n", e.typ.letter, e.isa.suffix, e.typ.goName)
	for v, tallest := range e.isa.gemmRows {
		h := min(tallest, 2*rowsPerPointer) // a register less is free
		name := microKernel{emitter: e, h: h, v: v + 1, packs: true}.generate()
		goTable += fmt.Sprintf("\t{h: %d, run: %s},\n", h, name)
	}
	return goTable + "}\n"
}

// beside generates the micro-kernels that multiply with columns beside the panel as well.
func beside(e emitter) (goTable string) {
	if e.isa.beside == 0 {
		return ""
	}
	v, h := e.isa.besideVectors, e.isa.gemmRows[e.isa.besideVectors-1]
	goTable = fmt.Sprintf("\nvar %sbeside%s = besideKernels[%s]{v: %d, h: %d, run: [][2]microKernel[%[3]s]{\n", e.typ.letter, e.isa.suffix, e.typ.goName, v, h)
	for t := 1; t <= e.isa.beside; t++ {
		lower := microKernel{emitter: e, h: h - 1, v: v, beside: t}.generate()
		goTable += fmt.Sprintf("\t{%s, %s},\n", lower, microKernel{emitter: e, h: h, v: v, beside: t}.generate())
	}
	return goTable + "}}\n"
}

// A microKernel multiplies h rows of A by v vectors of columns of B.
//
// All sums stay in registers. Per step of k it loads a row of B as v
// vectors, broadcasts h elements of A, one after the other, and does h*v
// multiply-adds. Rows or columns of A are contiguous, with any stride between them, so
// that it can be read in place, transposed or not, as well as packed.
type microKernel struct {
	emitter
	h, v int
	half bool // the last vector, before a pair if there is one, has half the width
	// packs makes it write what it loads of B into a packed panel, for the tiles
	// below: a copy on its own would wait for memory, here it waits behind the
	// multiply-adds. It computes one tile.
	packs bool
	// ahead is what it does about operands that are needed next while it multiplies, in small pieces
	// every few steps of k: on its own, that would wait for memory. All vectors are whole.
	ahead ahead
	// beside is how many columns behind the panel it multiplies with as well, if A's
	// columns are contiguous: in vectors along m, as a vector of so few columns would be mostly empty.
	beside int
	// around makes it write C past the caches, and not read it: beta = 0, all vectors
	// are whole, and every row of a tile begins with a cache line.
	around bool
	// sparing has it load less often, on CPUs that do not load two vectors in the time of two
	// multiply-adds: see runs and multiply.
	sparing bool
	// whole says that vectors of C are stored whole, of which others ask: see asksWhole.
	whole bool
	// pairs says that the last two columns are a pair: a vector of a row of it would be mostly empty.
	pairs pairs

	// Of a kernel that looks ahead: strides in bytes, on the stack, as registers are all taken, and
	// what is left to do.
	ldc, bRow operand.Mem
	next      operandAhead
}

const cacheLine = 64 // bytes

// Rows of B that are farRow bytes apart or more are too far apart for the CPU to foresee which
// comes next: each step also fetches, into the L2 cache, what the next panel has in that row.
// 8x4096x1024 in place: 2.2 times as fast in float32, 2.6 in float64; below 2 KiB it costs 1 to 2%,
// and up to 20% in small products. Nor does it pay if what the rows of B span is less than farBytes,
// and in that cache: 2x700x30 takes 1.28 times as long in float32, 1.24 in float64. A block of a
// larger B spans as little and is not: the caller says so. See fetchesRows.
const farRow, farBytes = 2049, 512 << 10

// stepsAhead is how many steps of k ahead a row of B is fetched into the L1 cache: as many as an
// index can be scaled by.
const stepsAhead = 8

// A fetch is what a step has fetched of B.
type fetch int

const (
	fetchNothing fetch = iota
	fetchRow           // what the panel has in the row that is stepsAhead steps on
	fetchPanel         // what the next panel has in the same row
)

// Rows that are a multiple of setPeriod bytes apart, give or take sharing, share sets of the L1
// cache, and nearly all of them of the L2 cache: what comes unasked is pushed out.
const setPeriod, sharing = 4096, 15

// fetchAhead is how many turns of the inner loop before the last ones, one for each row of the
// tile, rows of C begin to be fetched: so late that B does not push them out of the L1 cache again,
// and so early that they come from memory in time. Turns that are left behind the last row go on to
// the rows of the tile below, or of nothing. At the beginning of a tile instead, 1024 cubed takes
// 0.4 to 1% longer.
const fetchAhead = 8

// stepsAtOnce is how many steps of k the inner loop is unrolled to.
const stepsAtOnce = 4

// Rows of A are addressed from two pointers, seven rows apart, with the
// multiples 1, 3 and 5 of the stride in registers.
const rowsPerPointer = 7

// gemmRegisters are the general registers that live as long as the kernel or
// a tile: where A, B and C are read and written, the strides in bytes, and
// the steps that are left.
type gemmRegisters struct {
	pointers            []reg.GPVirtual // into A, every rowsPerPointer rows
	stride, by3, by5    reg.GPVirtual
	c, ldc, pb          reg.GPVirtual
	a, aCol, bRow, left reg.GPVirtual
	last                reg.GPVirtual // where the last vector of a row begins, if not at its place: its offset, and its address on a walk over B in place
	panel               reg.GPVirtual // of a kernel that packs: where to
	walk                walk
	by3Cols, by9Rows    reg.GPVirtual // three times aCol and, where rows of B are fetched, bRow times stepsAhead+1
	// Of a kernel that multiplies with columns beside the panel: their sums, and the mask for h of them.
	sums []reg.VecVirtual
	rows tail
	// Of a kernel that spares loads, by row: elements of A, where they are loaded several at once.
	runs []reg.VecVirtual
	// Of a kernel with a pair along m: the sums of its columns.
	pairs [][2]reg.VecVirtual
}

func (mk microKernel) generate() (name string) {
	kind, what := "gemm", "a microKernel"
	width := mk.columns()
	dimensions := ""
	switch {
	case mk.pairs != noPairs:
		kind, what = mk.pairs.describe(width)
	case mk.half:
		kind, what = "halves", "a microKernel for at most so many columns"
	case mk.packs:
		kind, what = "packing", "the function of a panelKernel"
	case mk.ahead != nothing:
		kind, what = string(mk.ahead), "the function of a panelKernel"
	case mk.beside > 0:
		kind, what = "beside", "one of besideKernels"
		dimensions = fmt.Sprintf("x%d", mk.beside)
	case mk.around:
		kind, what = "around", "one of aroundKernels"
	}
	name = fmt.Sprintf("%s%s%dx%d%s%s", mk.typ.letter, kind, mk.h, width, dimensions, mk.isa.suffix)
	mk.microFunction(name, fmt.Sprintf("%s is %s with h = %d and v = %d vectors of %d.", name, what, mk.h, mk.v, mk.lanes()))
	x := mk.args()
	r := gemmRegisters{stride: x.load("aRow"), ldc: x.load("ldc"), aCol: mk.GP64(), a: mk.GP64(), c: mk.GP64()}
	mk.toBytes(r.stride, r.ldc)
	if mk.ahead != nothing {
		mk.ldc = mk.AllocLocal(8)
		mk.MOVQ(r.ldc, mk.ldc)
		if mk.ahead == fetching {
			mk.bRow = mk.AllocLocal(8)
			mk.MOVQ(mk.loadRow(x), mk.bRow)
		}
		mk.next = mk.lookAhead(x.extra())
	} else {
		r.bRow = mk.loadRow(x)
	}
	r.pointers = []reg.GPVirtual{mk.GP64()}
	if mk.packs {
		r.pointers[0] = r.a // it has no next tile to go to
		r.panel = x.extra().load("panel")
	}
	r.provide(mk.emitter, mk.h)
	r.pb, r.left = mk.GP64(), mk.GP64()

	var cols reg.GPVirtual
	if !mk.around && mk.ahead == nothing { // all of them
		cols = x.load("cols")
	}
	var far []func()
	mk.bodies(&r, cols, func(prefix string, mask *tail) { far = append(far, mk.tileLoop(r, prefix, mask)) })
	if mk.around {
		mk.SFENCE()
	}
	mk.done()
	for _, emit := range far {
		emit()
	}
	return name
}

// columns is how many columns the kernel computes at most.
func (mk microKernel) columns() int {
	n := mk.v * mk.lanes()
	if mk.pairs != noPairs {
		n += 2 - mk.lanes()
	}
	if mk.half {
		n -= mk.lanes() / 2
	}
	return n
}

// bodies emits the body of the kernel, once or twice, each with what the last vector of a row
// takes: a mask for it, nil if it is whole. cols becomes something else.
//
// No whole vector is loaded under a mask, not even one of AVX-512: Intel's CPUs take a
// multiply-add's place for that, and were 4 to 5% slower in tiles of three vectors. A cut vector
// behind whole ones is a whole one that begins earlier.
func (mk microKernel) bodies(r *gemmRegisters, cols reg.GPVirtual, body func(prefix string, mask *tail)) {
	switch {
	case mk.pairs != noPairs:
		mk.Comment("the last two columns are a pair, of which the panel may hold one, too")
		mk.SUBQ(operand.Imm(2), cols)
		mk.toBytes(cols)
		r.last = cols
		two := mk.GP64()
		mk.MOVQ(operand.U32(2), two)
		mask := mk.tailMask(two)
		if mk.pairs == alongM {
			r.pairs, r.rows = mk.pairsAlongM()
		}
		body("tile", &mask)
	case mk.around, mk.ahead != nothing:
		body("tile", nil)
	case mk.v > 1:
		mk.Comment("the last vector ends with the last column, and computes some columns again")
		if mk.beside > 0 {
			mk.besideSums(r)
		}
		mk.SUBQ(operand.U32(mk.lastLanes()), cols)
		mk.toBytes(cols)
		r.last = cols
		body("tile", nil)
	default:
		mk.CMPQ(cols, operand.U32(mk.lastLanes()))
		mk.JNE(operand.LabelRef("cut"))
		body("whole", nil)
		mk.done()
		mk.Label("cut")
		mask := mk.tailMask(cols)
		body("cut", &mask)
	}
}

// lastLanes is how many elements the last vector of a row has.
func (mk microKernel) lastLanes() int {
	if mk.half {
		return mk.lanes() / 2
	}
	return mk.lanes()
}

// besideSums provides the sums of the columns beside the panel.
func (mk microKernel) besideSums(r *gemmRegisters) {
	rows := mk.GP64()
	mk.MOVQ(operand.U32(mk.h), rows)
	r.rows = mk.tailMask(rows)
	for range mk.beside {
		r.sums = append(r.sums, mk.rowsVector())
	}
}

// loadRow loads the stride of B's rows, in bytes.
func (mk microKernel) loadRow(x microArgs) reg.GPVirtual {
	row := x.load("bRow")
	mk.toBytes(row)
	return row
}

// tileLoop emits the loop over the tiles. mask is for the last vector of each row, nil if it is whole.
// What is left out, so that the others need not jump over it, far emits.
func (mk microKernel) tileLoop(r gemmRegisters, prefix string, mask *tail) (far func()) {
	sums := make([][]reg.VecVirtual, mk.h)
	for i := range sums {
		sums[i] = mk.row()
	}

	mk.Label(prefix + "Panel")
	x := mk.args()
	mk.MOVQ(x.addr("a"), r.a)
	mk.MOVQ(x.addr("c"), r.c)
	mk.MOVQ(x.addr("b"), r.pb)
	mk.MOVQ(x.addr("k"), r.left)
	mk.MOVQ(x.addr("aCol"), r.aCol)
	mk.toBytes(r.aCol)
	if !mk.packs {
		mk.MOVQ(x.load("tiles"), x.addr("tilesLeft"))
	}
	mk.MOVQ(x.load("mask"), x.addr("maskAt"))
	if mk.beside > 0 {
		extra := x.extra()
		mk.MOVQ(extra.load("sums"), extra.addr("sumsAt"))
	}

	mk.Label(prefix + "Tile")
	if r.pointers[0] != r.a {
		mk.MOVQ(r.a, r.pointers[0])
	}
	r.point(mk.emitter)
	for i := range sums {
		inLoop := sums[i]
		if mk.pairs == alongM { // the pair's are in r.pairs until the row is complete
			inLoop = inLoop[:mk.v-1]
		}
		for _, s := range inLoop {
			mk.zero(s)
		}
	}
	for _, s := range r.sums {
		mk.zero(s)
	}
	for _, pair := range r.pairs {
		mk.zero(pair[0])
		mk.zero(pair[1])
	}
	asksLarge := mk.hasFar() && mk.isa.fetchesRows
	if asksLarge { // before row takes the last register
		mk.CMPQ(mk.args().addr("largeB"), operand.Imm(0))
		mk.JNE(operand.LabelRef(prefix + "Large"))
	}
	row := mk.GP64()
	if !mk.around {
		mk.MOVQ(r.c, row)
	}

	atOnce := stepsAtOnce
	if mk.pairs == alongK {
		atOnce = mk.pairDepth()
	}
	mk.SUBQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JLT(operand.LabelRef(prefix + "Rest"))
	if mk.hasFar() {
		mk.CMPQ(r.bRow, operand.U32(farRow))
		mk.JGE(operand.LabelRef(prefix + "Far"))
	}
	walks := mk.walks()
	mk.Label(prefix + "Walk")
	if len(walks) > 1 {
		mk.CMPQ(r.aCol, operand.Imm(uint64(mk.typ.size)))
		mk.JNE(operand.LabelRef(prefix + "Columns"))
	}
	if mk.pairs == alongK {
		mk.pairSteps(r, prefix+"Steps", row, sums)
	} else {
		mk.steps(r, walks[0], prefix+"Steps", row, sums, mask, mk.fetches())
	}
	mk.Label(prefix + "Rest")
	mk.ADDQ(operand.Imm(uint64(atOnce)), r.left)
	mk.JEQ(operand.LabelRef(prefix + "Store"))
	mk.Label(prefix + "Step")
	if mk.packs {
		mk.oneStep(r, sums, mask, fetchPanel)
	} else {
		mk.oneStep(r, sums, mask, fetchNothing)
	}
	mk.DECQ(r.left)
	mk.JNE(operand.LabelRef(prefix + "Step"))

	mk.Label(prefix + "Store")
	if mk.pairs == alongM {
		mk.turnPairs(r, sums)
	}
	x = mk.args()
	mk.storeTile(r, x, prefix, sums, mask)

	if mk.packs {
		return func() {}
	}
	mk.Comment("next tile")
	down := mk.GP64()
	mk.IMUL3Q(operand.U32(mk.h), r.stride, down)
	mk.ADDQ(down, r.a)
	mk.MOVQ(x.addr("b"), r.pb)
	mk.MOVQ(x.addr("k"), r.left)
	mk.DECQ(x.addr("tilesLeft"))
	mk.JNE(operand.LabelRef(prefix + "Tile"))
	if mk.repeats() {
		mk.nextPanel(x, prefix)
	}
	mk.Label(prefix + "Done")
	return func() {
		if len(walks) > 1 {
			mk.Label(prefix + "Columns")
			mk.steps(r, walks[1], prefix+"ColumnSteps", row, sums, mask, mk.fetches())
			mk.JMP(operand.LabelRef(prefix + "Rest"))
		}
		if !mk.hasFar() {
			return
		}
		if asksLarge {
			mk.Label(prefix + "Large")
			mk.SUBQ(operand.Imm(uint64(atOnce)), r.left)
			mk.JLT(operand.LabelRef(prefix + "Rest"))
			mk.JMP(operand.LabelRef(prefix + "Fetches"))
		}
		mk.Label(prefix + "Far")
		if asksLarge {
			bytes := row // registers are all taken
			mk.Comment("rows that share sets of the cache are a multiple of 4 KiB apart, or nearly")
			mk.LEAQ(operand.Mem{Base: r.bRow, Disp: sharing}, bytes)
			mk.ANDQ(operand.U32(setPeriod-1), bytes)
			mk.CMPQ(bytes, operand.U32(2*sharing))
			mk.JGT(operand.LabelRef(prefix + "Near"))
			mk.Label(prefix + "Fetches")
		} else {
			mk.Comment("what so many steps span, and as many more as the caller says")
			bytes := mk.args().load("largeB")
			mk.ADDQ(r.left, bytes)
			mk.IMULQ(r.bRow, bytes)
			mk.CMPQ(bytes, operand.U32(farBytes))
			mk.JLT(operand.LabelRef(prefix + "Near"))
		}
		mk.MOVQ(r.c, row) // where C is not fetched as well: no label may be right before the loop (alignLoop)
		mk.steps(r, byStrides, prefix+"FarSteps", row, sums, mask, fetchPanel)
		mk.JMP(operand.LabelRef(prefix + "Rest"))
		mk.Label(prefix + "Near")
		if !mk.around {
			mk.MOVQ(r.c, row)
		}
		mk.JMP(operand.LabelRef(prefix + "Walk"))
	}
}

// walks returns those that the kernel has. Of two, the first one is for an A whose rows are contiguous.
func (mk microKernel) walks() []walk {
	switch {
	case mk.packs:
		return []walk{byStrides}
	case mk.pairs == alongK:
		return nil
	case mk.beside > 0, mk.pairs == alongM, mk.h == 1: // of one row, columns are contiguous
		return []walk{alongColumns}
	}
	return []walk{alongRows, alongColumns}
}

// hasFar reports whether the kernel may read a B in place, in rows that are far apart.
func (mk microKernel) hasFar() bool { return !mk.packs && mk.ahead == nothing && mk.pairs == noPairs }

// fetches is what the kernel fetches of B, but for one in place that is large, or whose rows are far
// apart.
func (mk microKernel) fetches() fetch {
	switch {
	case mk.packs:
		return fetchPanel
	case mk.hasFar() && mk.isa.fetchesRows:
		return fetchRow
	}
	return fetchNothing
}

// repeats reports whether the kernel computes several panels in a call.
func (mk microKernel) repeats() bool {
	return !mk.packs && mk.ahead == nothing && !mk.half && mk.pairs == noPairs && mk.beside == 0
}

// nextPanel moves b, c and what goes with its columns on to the next panel, if there is one.
func (mk microKernel) nextPanel(x microArgs, prefix string) {
	width := operand.U32(mk.v * mk.isa.width)
	mk.DECQ(x.addr("panels"))
	mk.JEQ(operand.LabelRef(prefix + "Done"))
	step := x.load("bStep")
	mk.toBytes(step)
	mk.ADDQ(step, x.addr("b"))
	mk.ADDQ(width, x.addr("c"))
	for _, field := range []string{"bias", "mask"} {
		mk.CMPQ(x.addr(field), operand.Imm(0))
		mk.JEQ(operand.LabelRef(prefix + "No" + field))
		mk.ADDQ(width, x.addr(field))
		mk.Label(prefix + "No" + field)
	}
	mk.JMP(operand.LabelRef(prefix + "Panel"))
}
