package bench

import (
	"fmt"
	"math"

	"github.com/lanewise/lanewise/kernels"
)

// elementwiseSizes are the bytes of one array. Two or three arrays take part, so
// that the first size stays in a first-level cache of 32 KiB and the second in a
// second-level cache of 256 KiB; the third goes to memory.
var elementwiseSizes = []arraySize{{"8Ki", 8 << 10}, {"64Ki", 64 << 10}, {"64Mi", 64 << 20}}

type arraySize struct {
	name  string
	bytes int
}

// arrays are the operands of the elementwise benchmarks.
type arrays[T kernels.Float] struct{ dst, grad, x []T }

// elementwise is one iteration of an elementwise benchmark and its meaning.
type elementwise[T kernels.Float] struct {
	run  func(v *arrays[T])
	want func(v *arrays[T], i int) T // what dst[i] has to be
}

// copying is Go's copy: nothing that reads one array and writes another is faster.
func copying[T kernels.Float](from func(*arrays[T]) []T) elementwise[T] {
	return elementwise[T]{
		run:  func(v *arrays[T]) { copy(v.dst, from(v)) },
		want: func(v *arrays[T], i int) T { return from(v)[i] },
	}
}

func (cs contenders[T]) reluGroup(size arraySize) *Group {
	kernel := func(ops kernels.Ops[T]) elementwise[T] {
		return elementwise[T]{
			run: func(v *arrays[T]) { ops.ReLU(v.dst, v.x) },
			want: func(v *arrays[T], i int) T {
				if v.x[i] <= 0 {
					return 0
				}
				return v.x[i]
			},
		}
	}
	return cs.elementwiseGroup("ReLU", size, 2, kernel, copying(func(v *arrays[T]) []T { return v.x }))
}

func (cs contenders[T]) reluGradGroup(size arraySize) *Group {
	kernel := func(ops kernels.Ops[T]) elementwise[T] {
		return elementwise[T]{
			run: func(v *arrays[T]) { ops.ReLUGrad(v.dst, v.grad, v.x) },
			want: func(v *arrays[T], i int) T {
				if v.x[i] <= 0 {
					return 0
				}
				return v.grad[i]
			},
		}
	}
	return cs.elementwiseGroup("ReLUGrad", size, 3, kernel, copying(func(v *arrays[T]) []T { return v.grad }))
}

// elementwiseGroup makes the group of a kernel that touches so many arrays, with
// copy, which touches two, beside it.
func (cs contenders[T]) elementwiseGroup(family string, size arraySize, touched int, kernel func(kernels.Ops[T]) elementwise[T], limit elementwise[T]) *Group {
	g := &Group{
		Family: family,
		Params: "type=" + typeName[T]() + "/bytes=" + size.name,
		Work:   Work{Bytes: float64(touched * size.bytes)},
	}
	for _, ops := range cs.ops {
		g.Contenders = append(g.Contenders, Contender{Impl: ops.Implementation().Name(), bind: bindElementwise(kernel(ops))})
	}
	g.Contenders = append(g.Contenders, Contender{
		Impl: "copy", bind: bindElementwise(limit), work: &Work{Bytes: float64(2 * size.bytes)},
	})
	g.operands = func(round int) any {
		rng := operandSource(g, round)
		elementSize := 8
		if isFloat32[T]() {
			elementSize = 4
		}
		n := size.bytes / elementSize
		v := &arrays[T]{dst: tiledNormals[T](rng, n), x: tiledNormals[T](rng, n)}
		if touched == 3 {
			v.grad = tiledNormals[T](rng, n)
		}
		return v
	}
	return g
}

func bindElementwise[T kernels.Float](e elementwise[T]) func(any) task {
	return func(operands any) task {
		v := operands.(*arrays[T])
		return task{
			run: func(n int) {
				for range n {
					e.run(v)
				}
			},
			check: func() error {
				for i := range v.dst {
					v.dst[i] = T(math.NaN())
				}
				e.run(v)
				for i, got := range v.dst {
					if want := e.want(v, i); got != want {
						return fmt.Errorf("element dst[%d] = %g, want %g", i, got, want)
					}
				}
				return nil
			},
		}
	}
}
