package nprand

import "math"

// log returns the natural logarithm of x, positive, finite and normal, rounded
// correctly. Go's math.Log is up to a unit in the last place away from that,
// and differs between platforms, which would show in the weights that a seed gives.
//
// x = 2^e * m with m in [1/sqrt(2), sqrt(2)), and log(m) = 2 atanh(z) for z =
// (m-1)/(m+1), |z| < 0.172, by its series. All of it is calculated with some
// 104 bits, so that the last rounding is the only one that counts.
func log(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	// m-1 is exact; m+1 may need one bit more than fits.
	z := div(twoSum(m, -1), twoSum(m, 1))
	z2 := mul(z, z)
	s := reciprocals[len(reciprocals)-1]
	for i := len(reciprocals) - 2; i >= 0; i-- {
		s = add(mul(s, z2), reciprocals[i])
	}
	s = mul(s, z)
	return add(mul(ln2, double{float64(e), 0}), double{2 * s.hi, 2 * s.lo}).hi
}

// reciprocals are 1, 1/3, 1/5, ...: as many as 0.172^(2n) < 2^-104 asks for.
var reciprocals = func() (r [21]double) {
	for i := range r {
		r[i] = div(double{1, 0}, double{float64(2*i + 1), 0})
	}
	return r
}()

var ln2 = double{math.Ln2, 2.319046813846299558e-17}

// A double is the unevaluated sum of two float64, |lo| no more than half a unit
// in the last place of hi. The operations are those of Dekker, "A
// floating-point technique for extending the available precision" (1971),
// with FMA for exact products; their relative errors are a few times 2^-106.
type double struct{ hi, lo float64 }

// twoSum returns a + b exactly.
func twoSum(a, b float64) double {
	s := a + b
	t := s - a
	return double{s, (a - (s - t)) + (b - t)}
}

func fastTwoSum(a, b float64) double {
	s := a + b
	return double{s, b - (s - a)}
}

func add(a, b double) double {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	s = fastTwoSum(s.hi, s.lo+t.hi)
	return fastTwoSum(s.hi, s.lo+t.lo)
}

func mul(a, b double) double {
	p := float64(a.hi * b.hi) // the conversion forbids fusing it with the sum below
	e := math.FMA(a.hi, b.hi, -p)
	e = math.FMA(a.hi, b.lo, e)
	e = math.FMA(a.lo, b.hi, e)
	return fastTwoSum(p, e)
}

func div(a, b double) double {
	q := a.hi / b.hi
	// What a - q*b leaves over, divided again.
	r := add(a, negate(mul(b, double{q, 0})))
	q2 := r.hi / b.hi
	r = add(r, negate(mul(b, double{q2, 0})))
	return add(fastTwoSum(q, q2), double{r.hi / b.hi, 0})
}

func negate(a double) double { return double{-a.hi, -a.lo} }
