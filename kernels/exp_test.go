package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The documented errors of Exp, in units in the last place: against the true value, and against
// math.Exp, whose own error comes on top. Plain Go is math.Exp.
const expBound, mathExpBound = 1, 2

// In float32, every 499th number from where exp is 0 to where it is Inf, in its order.
func TestExpFloat32(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		var x []float32
		for _, side := range []struct{ first, last float32 }{{0, 89.5}, {float32(math.Copysign(0, -1)), -105}} {
			for bits := math.Float32bits(side.first); bits <= math.Float32bits(side.last); bits += 499 {
				x = append(x, math.Float32frombits(bits))
			}
		}
		y := make([]float32, len(x))
		On[float32](im).Exp(y, x)
		worst, at := 0.0, float32(0)
		for i, got := range y {
			want := math.Exp(float64(x[i]))
			if want > math.MaxFloat32 {
				want = math.Inf(1)
			}
			if e := ulps(float64(got), want, 24, -149); !(e <= worst) {
				worst, at = e, x[i]
			}
		}
		t.Logf("largest error %.3f ulp, at %v", worst, at)
		if !(worst <= expBound) {
			t.Errorf("largest error %v ulp, at %v, want at most %v", worst, at, expBound)
		}
	})
}

// In float64, against math.Exp, and for fewer numbers against sums of 200 bits.
func TestExpFloat64(t *testing.T) {
	eachImplementation(t, func(t *testing.T, im *Implementation) {
		o := On[float64](im)
		rng := rand.New(rand.NewPCG(21, 22))
		x := []float64{709.1, 709.5, 709.78, -708.3, -708.5, -745.1, -745.2, 1e-300, -1e-20, 0.5 * math.Ln2, -0.5 * math.Ln2}
		for len(x) < 1<<18 {
			x = append(x, -746+rng.Float64()*(746+709), 3*rng.NormFloat64())
		}
		y := make([]float64, len(x))
		o.Exp(y, x)
		check := func(bound float64, n int, reference func(i int) (error float64)) {
			worst, at := 0.0, 0.0
			for i, v := range x[:n] {
				if e := reference(i); !(e <= worst) {
					worst, at = e, v
				}
			}
			t.Logf("largest error %.3f ulp, at %v", worst, at)
			if !(worst <= bound) {
				t.Errorf("largest error %v ulp, at %v, want at most %v", worst, at, bound)
			}
		}
		bound := float64(expBound)
		if im == portable {
			bound = mathExpBound
		}
		check(bound, 2000, func(i int) float64 {
			want, _ := exactExp(x[i]).Float64()
			off, _ := new(big.Float).Sub(exactExp(x[i]), big.NewFloat(y[i])).Float64()
			return math.Abs(off) / lastPlace(want, 53, -1074)
		})
		check(mathExpBound, len(x), func(i int) float64 {
			if x[i] > 709 { // math.Exp is not to be trusted there, see portableExpOne
				return 0
			}
			return ulps(y[i], math.Exp(x[i]), 53, -1074)
		})
	})
}

// exactExp returns exp(x), by the Taylor series of a small part of x.
func exactExp(x float64) *big.Float {
	const bits, squarings = 200, 12
	r := new(big.Float).SetPrec(bits).SetMantExp(big.NewFloat(x), -squarings)
	sum, term := new(big.Float).SetPrec(bits).SetInt64(1), new(big.Float).SetPrec(bits).SetInt64(1)
	for i := int64(1); i < 50; i++ {
		term.Mul(term, r)
		term.Quo(term, new(big.Float).SetInt64(i))
		sum.Add(sum, term)
	}
	for range squarings {
		sum.Mul(sum, sum)
	}
	return sum
}

// ulps is how far got is from want, in units in the last place of a type with
// so many bits, whose smallest number is 2 to the power of least.
func ulps(got, want float64, bits, least int) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got-want) / lastPlace(want, bits, least)
}

func lastPlace(x float64, bits, least int) float64 {
	_, exponent := math.Frexp(x)
	return math.Ldexp(1, max(exponent-bits, least))
}

// Every length, every lane, in place and into fresh memory: an element's result
// does not depend on where it stands.
func TestExpPlaces(t *testing.T) {
	eachType(t,
		func(t *testing.T, o Ops[float32]) { testExpPlaces(t, o) },
		func(t *testing.T, o Ops[float64]) { testExpPlaces(t, o) })
}

func testExpPlaces[T Float](t *testing.T, o Ops[T]) {
	inf, nan := T(math.Inf(1)), T(math.NaN())
	kinds := []T{0, T(math.Copysign(0, -1)), 1, -1, inf, -inf, nan, -nan, 5e-40, 800, -800, 3e38, -3e38, -87.5, 88.5, 0.1}
	want := make([]T, len(kinds))
	for i, x := range kinds {
		o.Exp(want[i:i+1], []T{x})
	}
	for i, x := range []T{1, 1, T(math.E), T(1 / math.E), inf, 0, nan, nan, 1, inf, 0, inf, 0} {
		if d := math.Abs(float64(want[i] - x)); !sameBits(want[i], x) && !(d <= 1e-6) || (x == 0) != (want[i] == 0) {
			t.Errorf("Exp(%v) = %v, want %v", kinds[i], want[i], x)
		}
	}
	for n := range 2*4*o.VectorLen() + 2 {
		for shift := range 3 {
			in, out := newGuarded[T](n), newGuarded[T](n)
			for i := range in.data {
				in.data[i] = kinds[(7*i+shift)%len(kinds)]
			}
			for _, dst := range []guarded[T]{out, in} {
				o.Exp(dst.data, in.data)
				dst.check(t, "dst")
				in.check(t, "src")
				for i, got := range dst.data {
					if w := want[(7*i+shift)%len(kinds)]; !sameBits(got, w) {
						t.Fatalf("n = %d: element %d is %v, want %v", n, i, got, w)
					}
				}
			}
		}
	}
}
