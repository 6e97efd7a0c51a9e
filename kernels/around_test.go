package kernels

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// A C that is written past the caches has the same bits as any other, whatever is
// done to it on the way, and nothing beside it is written.
func TestWritesAround(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { writesAround(t, o) },
		func(t *testing.T, o Ops[float64]) { writesAround(t, o) })
}

func writesAround[T Float](t *testing.T, o Ops[T]) {
	ks := o.ks
	if ks.around.v == 0 {
		if len(ks.around.run) > 0 {
			t.Error("kernels of no width")
		}
		return // an implementation need not have them
	}
	const ldc = 1024
	rng := rand.New(rand.NewPCG(61, 62))
	n := 3*ks.around.v*ks.lanes + 5
	bias := make([]T, n)
	for j := range bias {
		bias[j] = T(j%7) - 3
	}
	for m := 1; m <= 2*len(ks.around.run)+3; m++ {
		for _, k := range []int{1, 4, 16, 19} {
			a, b, mask := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, n, n).data, randomMatrix[T](rng, m, n, n).data
			for _, e := range []Epilogue[T]{{}, {Bias: bias, ReLU: true}, {Mask: mask, LDMask: n}} {
				c := Aligned[T](m * ldc)
				for i := range c {
					c[i] = 7
				}
				want := slices.Clone(c)
				p := product[T]{ks: ks, m: m, n: n, k: k, kc: k, alpha: 1.5, a: stridesOf(a, k, false), b: stridesOf(b, n, false), c: want, ldc: ldc}
				p.e = e.check("Gemm", m, n, want, ldc)
				p.blocked()
				p.c, p.around = c, true
				p.blocked()
				for i := range c {
					if !sameBits(c[i], want[i]) {
						t.Fatalf("%dx%dx%d, bias %v, mask %v: c[%d][%d] = %v past the caches, %v otherwise", m, n, k, e.Bias != nil, e.Mask != nil, i/ldc, i%ldc, c[i], want[i])
					}
				}
			}
		}
	}
}

// Only a C that is written once, not read, of AroundBytes bytes and
// aligned is written past it.
func TestWritesAroundWhatDoesNotFit(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { writesAroundWhat(t, o) },
		func(t *testing.T, o Ops[float64]) { writesAroundWhat(t, o) })
}

func writesAroundWhat[T Float](t *testing.T, o Ops[T]) {
	c := Aligned[T](64)
	tu := o.Tuning()
	tu.AroundBytes = 1 << 26
	whole := product[T]{ks: o.Tuned(tu).ks, m: 1 << 14 / int(unsafe.Sizeof(T(0))), n: 1 << 12, k: 16, kc: 16, c: c, ldc: 1 << 12}
	if got, want := whole.writesAround(), len(o.ks.around.run) > 0; got != want {
		t.Errorf("writesAround() = %v, want %v", got, want)
	}
	for name, change := range map[string]func(p *product[T]){
		"small":       func(p *product[T]) { p.m = 1<<14/int(unsafe.Sizeof(T(0))) - 1 },
		"read":        func(p *product[T]) { p.beta = 1 },
		"deep":        func(p *product[T]) { p.k = 32 },
		"not aligned": func(p *product[T]) { p.c = c[1:] },
		"odd rows":    func(p *product[T]) { p.ldc++ },
	} {
		p := whole
		change(&p)
		if p.writesAround() {
			t.Errorf("%s: written past the caches", name)
		}
	}
}
