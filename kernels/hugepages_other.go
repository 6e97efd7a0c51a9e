//go:build !linux

package kernels

func adviseHuge[T any]([]T) {}
