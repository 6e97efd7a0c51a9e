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
	for _, atEnd := range []bool{true, false} {
		for _, mn := range [][2]int{{1, 1}, {1, 70}, {70, 1}, {mr, nr}, {mr + 1, nr + 1}, {2*mr - 1, nr - 1}, {3, 2*nr + o.VectorLen() + 1}, {100, 50}} {
			for _, k := range []int{1, 3, 10, 50} {
				for _, trans := range transposes {
					g := gemmCase{transA: trans[0], transB: trans[1], m: mn[0], n: mn[1], k: k}
					aRows, aCols := g.aShape()
					bRows, bCols := g.bShape()
					lda, ldb, ldc := aCols+3, bCols+1, g.n+2
					a := fenced[T](t, extent(aRows, aCols, lda), atEnd)
					b := fenced[T](t, extent(bRows, bCols, ldb), atEnd)
					c := fenced[T](t, extent(g.m, g.n, ldc), atEnd)
					faultMeans(t, fmt.Sprintf("Gemm %+v", g), func() {
						o.Gemm(g.transA, g.transB, g.m, g.n, g.k, 1, a, lda, b, ldb, 0.5, c, ldc)
					})
				}
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
				o.GatherBytes(z, pixels, row, n, 3)
			})
		}
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
