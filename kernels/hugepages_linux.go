package kernels

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for huge pages under s, as far as it covers whole ones: the
// pages of a large pack buffer would not all fit the TLB. The kernel may decline.
func adviseHuge[T any](s []T) {
	skip := (hugePage - int(address(s)%hugePage)) % hugePage
	whole := (int(byteLen(s)) - skip) / hugePage * hugePage
	if whole <= 0 {
		return
	}
	start := (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), skip))
	syscall.Madvise(unsafe.Slice(start, whole), syscall.MADV_HUGEPAGE) // advice: an error changes nothing
}
