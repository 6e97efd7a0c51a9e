package kernels

import "unsafe"

// workspace holds the pack buffers of one call, and the pieces it shares out.
type workspace[T Float] struct {
	a, b   []T
	pieces pieces[T]
	batch  batch[T]
}

// Free workspaces wait here for the next call. A sync.Pool would keep one for
// each P, and make new ones whenever the scheduler moves a worker to another.
var workspaces32, workspaces64 = make(chan *workspace[float32], freeWorkspaces), make(chan *workspace[float64], freeWorkspaces)

// freeWorkspaces bounds how many are kept; more calls at once make their own.
const freeWorkspaces = 128

func workspaces[T Float]() chan *workspace[T] {
	var z T
	if unsafe.Sizeof(z) == 4 {
		return *(*chan *workspace[T])(unsafe.Pointer(&workspaces32)) // T is float32
	}
	return *(*chan *workspace[T])(unsafe.Pointer(&workspaces64)) // T is float64
}

func borrowWorkspace[T Float]() *workspace[T] {
	select {
	case w := <-workspaces[T]():
		return w
	default:
		return new(workspace[T])
	}
}

func (w *workspace[T]) giveBack() {
	select {
	case workspaces[T]() <- w:
	default:
	}
}

// room returns a slice of n elements that starts at a cache line, in buf if it
// is large enough. Large ones are on huge pages where the system offers them.
func room[T Float](buf []T, n int) []T {
	if cap(buf) >= n {
		return buf[:n]
	}
	var z T
	size := int(unsafe.Sizeof(z))
	align := 64
	if n*size >= hugePage {
		align = hugePage
	}
	raw := make([]T, n+align/size)
	skip := (align - int(address(raw)%uintptr(align))) % align / size
	adviseHuge(raw)
	return raw[skip : skip+n : skip+n]
}

// hugePage is the size of a huge page on the systems where adviseHuge asks for them.
const hugePage = 2 << 20
