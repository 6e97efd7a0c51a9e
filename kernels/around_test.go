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
	// Rows of B follow each other, are far apart, and share sets of the cache.
	for _, ldb := range []int{n, n + 520, 1024} {
		for m := 1; m <= 2*len(ks.around.run)+3; m++ {
			for _, k := range []int{1, 4, 16, 19} {
				b, mask := randomMatrix[T](rng, k, n, ldb).data, randomMatrix[T](rng, m, n, n).data
				for _, trans := range []bool{false, true} {
					rows, cols := stored(trans, m, k)
					a := stridesOf(randomMatrix[T](rng, rows, cols, cols).data, cols, trans)
					for _, e := range []Epilogue[T]{{}, {Bias: bias, ReLU: true}, {Mask: mask, LDMask: n}} {
						c := Aligned[T](m * ldc)
						for i := range c {
							c[i] = 7
						}
						want := slices.Clone(c)
						p := product[T]{ks: ks, m: m, n: n, k: k, kc: k, alpha: 1.5, a: a, b: stridesOf(b, ldb, false), c: want, ldc: ldc}
						p.e = e.check("Gemm", m, n, want, ldc)
						p.blocked()
						for _, large := range []bool{false, true} {
							for i := range c {
								c[i] = 7
							}
							p.c, p.around = c, true
							if large {
								p.macroKernel(&panels[T]{data: b, row: ldb, step: 1, large: true, fetched: true}, nil)
							} else {
								p.blocked()
							}
							for i := range c {
								if !sameBits(c[i], want[i]) {
									t.Fatalf("%dx%dx%d, transposed %v, ldb = %d, large %v, bias %v, mask %v: c[%d][%d] = %v past the caches, %v otherwise", m, n, k, trans, ldb, large, e.Bias != nil, e.Mask != nil, i/ldc, i%ldc, c[i], want[i])
								}
							}
						}
					}
				}
			}
		}
	}
}

// countAround has the kernels of ks that write past the caches count their tiles.
func countAround[T Float](ks *kernelSet[T]) (tiles *int) {
	tiles = new(int)
	ks.around.run = slices.Clone(ks.around.run)
	for h, run := range ks.around.run {
		ks.around.run[h] = func(x *microArgs[T]) { *tiles += x.tiles * x.panels; run(x) }
	}
	return tiles
}

// Tiles of a B in place write past the caches, too, whatever their width is else.
func TestFewRowsWriteAround(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { fewRowsWriteAround(t, o) },
		func(t *testing.T, o Ops[float64]) { fewRowsWriteAround(t, o) })
}

func fewRowsWriteAround[T Float](t *testing.T, o Ops[T]) {
	ks := *o.ks
	if ks.around.v == 0 {
		return // it has no such kernels
	}
	tiles := countAround(&ks)
	const m, k, many = 4, 3, 40
	n := many * ks.nr()
	a, b := make([]T, m*k), make([]T, k*n)
	p := product[T]{ks: &ks, m: m, n: n, k: k, kc: k, alpha: 1, a: stridesOf(a, k, false), b: stridesOf(b, n, false), c: Aligned[T](m * n), ldc: n, around: true}
	if p.blocked(); *tiles != many {
		t.Errorf("%d of %d tiles are written past the caches", *tiles, many)
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
	tu.AroundBytes, tu.AroundDepth = 1<<26, 16
	whole := product[T]{ks: o.Tuned(tu).ks, m: 1 << 14 / int(unsafe.Sizeof(T(0))), n: 1 << 12, k: 16, kc: 16, c: c, ldc: 1 << 12}
	if got, want := whole.writesAround(), len(o.ks.around.run) > 0; got != want {
		t.Errorf("writesAround() = %v, want %v", got, want)
	}
	shallow := whole
	shallow.m, shallow.k, shallow.kc = 2*whole.m, 15, 15
	if got, want := shallow.writesAround(), len(o.ks.around.run) > 0; got != want {
		t.Errorf("one step of k less, and C twice as large: writesAround() = %v, want %v", got, want)
	}
	for name, change := range map[string]func(p *product[T]){
		"shallow":     func(p *product[T]) { p.m, p.k, p.kc = 2*p.m-1, 15, 15 },
		"small":       func(p *product[T]) { p.m = 1<<14/int(unsafe.Sizeof(T(0))) - 1 },
		"read":        func(p *product[T]) { p.beta = 1 },
		"never":       func(p *product[T]) { tu.AroundBytes, p.m = never, 1<<20; p.ks = o.Tuned(tu).ks },
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
