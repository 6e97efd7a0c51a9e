package kernels

import "unsafe"

// workspace holds the buffers of a call, or of a piece of one. What they may
// hold is bounded: blocks of 3*MC x KC and KC x NC elements, padded and an eighth
// more, some columns of columnDepth, or a piece of C of turnedPiece.
type workspace[T Float] struct {
	a, b   []T
	thread int // that has it
}

var (
	workspaces32 pool[workspace[float32]]
	workspaces64 pool[workspace[float64]]
)

func workspaces[T Float]() *pool[workspace[T]] {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return (*pool[workspace[T]])(unsafe.Pointer(&workspaces32)) // T is float32
	}
	return (*pool[workspace[T]])(unsafe.Pointer(&workspaces64)) // T is float64
}

func borrowWorkspace[T Float](thread int) *workspace[T] {
	w := workspaces[T]().borrow(thread)
	w.thread = thread
	return w
}

func (w *workspace[T]) giveBack() { workspaces[T]().giveBack(w, w.thread) }

// room returns a slice of n elements as Aligned does, in buf if it is large
// enough. It allocates somewhat more, for shapes that grow step by step.
func room[T Float](buf []T, n int) []T {
	if cap(buf) < n {
		buf = Aligned[T](n + n/8)
	}
	return buf[:n]
}

// A parcel is what a call shares out among threads, kept for the next call.
type parcel[T Float] struct {
	pieces pieces[T]
	batch  batch[T]
}

var (
	parcels32 pool[parcel[float32]]
	parcels64 pool[parcel[float64]]
)

func parcels[T Float]() *pool[parcel[T]] {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return (*pool[parcel[T]])(unsafe.Pointer(&parcels32)) // T is float32
	}
	return (*pool[parcel[T]])(unsafe.Pointer(&parcels64)) // T is float64
}

func borrowParcel[T Float]() *parcel[T] { return parcels[T]().borrow(caller) }

// giveBack keeps nothing of the caller's alive.
func (p *parcel[T]) giveBack() {
	*p = parcel[T]{}
	parcels[T]().giveBack(p, caller)
}
