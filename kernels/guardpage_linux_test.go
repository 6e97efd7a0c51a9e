package kernels

import (
	"fmt"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns n elements that end where unmapped memory begins, or begin
// where it ends: a kernel that reads even one element too many dies.
func fenced[T Float | uint8 | int](t *testing.T, n int, atEnd bool) []T {
	t.Helper()
	var z T
	page := syscall.Getpagesize()
	size := n * int(unsafe.Sizeof(z))
	pages := (size + page - 1) / page
	mem, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(mem) })
	for _, fence := range [][]byte{mem[:page], mem[(pages+1)*page:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	at := page
	if atEnd {
		at = (pages+1)*page - size
	}
	s := unsafe.Slice((*T)(unsafe.Pointer(&mem[at])), n)
	for i := range s {
		s[i] = T(i % 7)
		s[i] -= 3 // wraps round for bytes
	}
	return s
}

// No operation touches memory outside its arguments, not even to throw away
// what it read.
func TestMemoryOutsideIsNotTouched(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { memoryOutside(t, o) },
		func(t *testing.T, o Ops[float64]) { memoryOutside(t, o) })
}

func memoryOutside[T Float](t *testing.T, o Ops[T]) {
	mr, nr := o.Tile()
	lanes, tu := o.VectorLen(), o.ks.tuning
	var products []gemmCase
	add := func(m, n int, depths ...int) {
		for _, k := range depths {
			for _, trans := range transposes {
				g := gemmCase{transA: trans[0], transB: trans[1], m: m, n: n, k: k}
				padded := g
				padded.padA, padded.padB, padded.padC = 3, 1, 2
				products = append(products, g, padded)
			}
		}
	}
	for _, mn := range [][2]int{{1, 1}, {1, 70}, {70, 1}, {mr, nr}, {mr + 1, nr + 1}, {2*mr - 1, nr - 1}, {3, 2*nr + lanes + 1}, {100, 50}} {
		add(mn[0], mn[1], 1, 3, 10, 50)
	}
	for n := 2; n < 9*lanes; n += lanes/2 + 1 { // a row, and a column, in registers
		add(1, n, 5, 19)
		add(n, 1, 19)
	}
	for _, n := range []int{3*lanes + 1, 4*lanes - 1} { // a last vector that is cut, in the widest kernels
		for _, m := range []int{2, 3, 5} {
			add(m, n, 1, 10)
		}
		add(tu.PackRows+18, n, 9)
		add(tu.PackRows+18, n, tu.PackDepth+1) // B is packed
	}
	add(2*mr*mr+1, nr+2, tu.TailDepth) // two columns that may go beside a panel
	for _, n := range endings(o.ks) {
		for _, m := range []int{3, turnedPairRows, 13, 23} {
			add(m, n, pairDepth, turnedPairDepth+1)
		}
	}
	for n := 2; n <= narrow; n++ { // narrow ones along k
		for m := 2; m <= 7; m++ {
			add(m, n, 128+m, 160+2*m, 192)
		}
	}
	for _, n := range []int{2, 3, 4, 7, 8, 13} { // few columns upright
		for _, m := range []int{5, 9, 2*lanes + 3, 4*lanes + 1} {
			add(m, n, 7)
		}
	}
	add(tu.PackRows+18, nr-1, 9)
	add(tu.PackRows+18, nr-1, tu.PackDepth+1)
	for _, trans := range transposes { // A is packed
		products = append(products, gemmCase{transA: trans[0], transB: trans[1], m: 9, n: columnsThatPackA(o), k: 21, padA: padToPack(tu, trans[0])})
	}
	for _, atEnd := range []bool{true, false} {
		for _, g := range products {
			productsOutside(t, o, g, atEnd)
		}
		for _, mn := range [][2]int{{1, 1}, {1, 70}, {70, 1}, {mr + 1, 3*lanes + 1}, {100, 50}, {2*lanes - 1, 4*lanes - 1}} {
			for _, pad := range [][3]int{{0, 1, 1}, {3, 2, 1}, {0, 1, 3}} {
				vectorsOutside(t, o, mn[0], mn[1], pad[0], pad[1], pad[2], atEnd)
			}
		}
		lengths := []int{1<<18 + 5}
		for n := range 2*4*o.VectorLen() + 2 {
			lengths = append(lengths, n)
		}
		label, row := fenced[int](t, 1, atEnd), []int{0}
		label[0] = 0
		for _, n := range lengths {
			if n == 0 {
				continue
			}
			pixels := fenced[uint8](t, n, atEnd)
			x, y, z := fenced[T](t, n, atEnd), fenced[T](t, n, atEnd), fenced[T](t, n, atEnd)
			faultMeans(t, fmt.Sprintf("elementwise, n = %d", n), func() {
				o.ReLU(z, x)
				o.ReLUGrad(z, x, y)
				o.Axpy(2, x, z)
				o.AddBias(z, x, y, 1, n)
				o.BiasGrad(z, x, 1, n)
				o.Exp(z, x)
				o.Softmax(z, x, 1, n)
				o.SoftmaxCrossEntropy(z, x, label, 1e-7, 1, n)
				o.FetchBytes(pixels, row, n)
				o.GatherBytes(z, pixels, row, n, 3)
				for _, columns := range [][]Range{o.ColumnsInUse(nil, pixels, row, n), {{0, 1}}, {{n - 1, n}}, {{0, n / 3}, {n - n/3, n}}} {
					o.GatherColumns(z[:widthOf(columns)], n, pixels, row, n, columns, 3)
				}
			})
		}
	}
}

// productsOutside computes g in every way there is, each operand fenced.
func productsOutside[T Float](t *testing.T, o Ops[T], g gemmCase, atEnd bool) {
	t.Helper()
	aRows, aCols := g.aShape()
	bRows, bCols := g.bShape()
	lda, ldb, ldc, ldmask := aCols+g.padA, bCols+g.padB, g.n+g.padC, g.n+g.padB
	sizeA, sizeB, sizeC := extent(aRows, aCols, lda), extent(bRows, bCols, ldb), extent(g.m, g.n, ldc)
	const count = 2
	a, b, c := fenced[T](t, count*sizeA, atEnd), fenced[T](t, count*sizeB, atEnd), fenced[T](t, count*sizeC, atEnd)
	faultMeans(t, fmt.Sprintf("GemmBatched %+v", g), func() {
		o.GemmBatched(count, g.transA, g.transB, g.m, g.n, g.k, 1, a, lda, sizeA, b, ldb, sizeB, 0.5, c, ldc, sizeC)
	})
	if atEnd { // the last of each, next to the fence
		a, b, c = a[sizeA:], b[sizeB:], c[sizeC:]
	} else {
		a, b, c = a[:sizeA:sizeA], b[:sizeB:sizeB], c[:sizeC:sizeC]
	}
	bias, mask := fenced[T](t, g.n, atEnd), fenced[T](t, extent(g.m, g.n, ldmask), atEnd)
	e := Epilogue[T]{Bias: bias, ReLU: true, Mask: mask, LDMask: ldmask}
	faultMeans(t, fmt.Sprintf("Gemm %+v", g), func() {
		o.Gemm(g.transA, g.transB, g.m, g.n, g.k, 1, a, lda, b, ldb, 0.5, c, ldc)
		o.Gemm(g.transA, g.transB, g.m, g.n, g.k, 1, a, lda, b, ldb, 0, c, ldc)
	})
	faultMeans(t, fmt.Sprintf("GemmFused %+v", g), func() {
		o.GemmFused(g.transA, g.transB, g.m, g.n, g.k, 1, a, lda, b, ldb, 0.5, c, ldc, e)
	})
	faultMeans(t, fmt.Sprintf("GemmFused on one thread, beta = 1, %+v", g), func() {
		o.Threads(1).GemmFused(g.transA, g.transB, g.m, g.n, g.k, 1, a, lda, b, ldb, 1, c, ldc, e)
	})
	var packed *PackedB[T]
	faultMeans(t, fmt.Sprintf("PackB %+v", g), func() {
		packed = o.PackB(g.transB, g.k, g.n, b, ldb)
	})
	faultMeans(t, fmt.Sprintf("GemmPacked %+v", g), func() {
		o.GemmPacked(g.transA, g.m, 1, a, lda, packed, 0.5, c, ldc, e)
	})
}

// vectorsOutside multiplies a matrix, transposed and not, by a vector, each operand fenced.
func vectorsOutside[T Float](t *testing.T, o Ops[T], m, n, padA, incX, incY int, atEnd bool) {
	t.Helper()
	a := fenced[T](t, extent(m, n, n+padA), atEnd)
	for _, trans := range []bool{false, true} {
		rows, k := m, n
		if trans {
			rows, k = n, m
		}
		x, y := fenced[T](t, extent(k, 1, incX), atEnd), fenced[T](t, extent(rows, 1, incY), atEnd)
		faultMeans(t, fmt.Sprintf("Gemv %v %dx%d, lda + %d, increments %d and %d", trans, m, n, padA, incX, incY), func() {
			o.Gemv(trans, m, n, 1, a, n+padA, x, incX, 0, y, incY)
			o.Gemv(trans, m, n, 2, a, n+padA, x, incX, 0.5, y, incY)
		})
	}
}

// faultMeans fails the test, with what was being done, if f touches unmapped
// memory. Without it the process would die without saying where.
func faultMeans(t *testing.T, what string, f func()) {
	t.Helper()
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if v := recover(); v != nil {
			t.Fatalf("%s: %v", what, v)
		}
	}()
	f()
}
