//go:build !linux

package kernels

func adviseHuge[T Float]([]T) {}
