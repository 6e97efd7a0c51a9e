package kernels

import "testing"

// Which products store vectors of C whole: their results do not tell.
func TestStoresWhole(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { storesWhole(t, o) },
		func(t *testing.T, o Ops[float64]) { storesWhole(t, o) })
}

func storesWhole[T Float](t *testing.T, o Ops[T]) {
	if o.ks.halves == nil {
		return // it has no vectors that are stored as two halves
	}
	const near = 10000 // bytes
	n := 2 * o.ks.nr()
	for _, s := range []struct {
		m, k, most     int
		packed, fusing bool
		want           bool
	}{
		{8, 5, near, false, false, true}, {8, 5, near, false, true, true}, {8, 5, 0, false, false, false},
		{40, 5, near, false, false, false}, {40, 31, near, false, true, false}, {40, 31, near, true, false, false},
		{40, 32, near, false, false, true}, {40, 32, near, false, true, true}, {40, 32, near, true, false, true}, {40, 32, near, true, true, true},
		{40, 32, 0, false, false, false}, {40, 32, 0, true, true, false},
	} {
		ks, calls, whole := *o.ks, 0, 0
		ks.tuning.WholeBytes, ks.tuning.ThreadWork = s.most, never
		if s.packed {
			ks.tuning.PackRows, ks.tuning.LargeRows, ks.tuning.FetchedRows, ks.tuning.CrowdedRows, ks.tuning.PackDepth = 0, 0, 0, 0, 0
		}
		ks.micro = each(ks.micro, func(run microKernel[T]) microKernel[T] {
			return func(x *microArgs[T]) {
				calls++
				whole += x.whole
				run(x)
			}
		})
		ks = ks.arranged()
		o, a, b, c := Ops[T]{ks: &ks}.Threads(1), make([]T, s.k*s.m), make([]T, s.k*n), make([]T, s.m*n)
		if s.fusing {
			o.GemmFused(true, false, s.m, n, s.k, 1, a, s.m, b, n, 0, c, n, Epilogue[T]{ReLU: true})
		} else {
			o.Gemm(true, false, s.m, n, s.k, 1, a, s.m, b, n, 0, c, n)
		}
		want := 0
		if s.want {
			want = calls
		}
		if calls == 0 || whole != want {
			t.Errorf("%dx%dx%d, near is up to %d bytes, B packed %v, epilogue %v: %d of %d calls store whole vectors, want %d",
				s.m, n, s.k, s.most, s.packed, s.fusing, whole, calls, want)
		}
	}
}
