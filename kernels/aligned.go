package kernels

import "unsafe"

const (
	cacheLine = 64      // bytes
	hugePage  = 2 << 20 // of the systems where adviseHuge asks for them
)

// Aligned returns n zeros that start at a cache line or, if they take 2 MiB and
// more, at a huge page, where the system offers those (on Linux, transparent ones,
// also if they are for those only who ask). Nothing requires operands to be made
// so. It is the better for them: a vector at a time lies in one cache line, and
// what is read here and there, as samples are or the columns of a large matrix, is
// found without a walk through the page tables.
//
// Aligned panics if n < 0, and allocates.
func Aligned[T Float | uint8](n int) []T {
	checkSize("Aligned", "n", n)
	var z T
	size := int(unsafe.Sizeof(z))
	align := cacheLine
	if n >= hugePage/size {
		align = hugePage
	}
	raw := make([]T, n+align/size)
	skip := (align - int(address(raw)%uintptr(align))) % align / size
	adviseHuge(raw)
	return raw[skip : skip+n : skip+n]
}
