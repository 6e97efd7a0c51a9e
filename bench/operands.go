package bench

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/lanewise/lanewise/kernels"
)

// seed starts every random stream, so that all runs measure the same operands.
const seed = 42

// operandSource returns the random numbers from which the operands of g are drawn in
// a round.
func operandSource(g *Group, round int) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(g.Family + "/" + g.Params))
	return rand.New(rand.NewPCG(seed+uint64(round), h.Sum64()))
}

// normals returns n numbers of a standard normal distribution. Zeros or equal
// numbers would make hardware look faster than it is on real data: they switch
// fewer transistors, and a branch on the sign is always predicted.
func normals[T kernels.Float](rng *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rng.NormFloat64())
	}
	return x
}

// tiledNormals is normals with a period, for arrays so long that drawing every
// element would take longer than the measurement.
func tiledNormals[T kernels.Float](rng *rand.Rand, n int) []T {
	const period = 1 << 16
	if n <= period {
		return normals[T](rng, n)
	}
	x := make([]T, n)
	copy(x, normals[T](rng, period))
	for have := period; have < n; have *= 2 {
		copy(x[have:], x[:have])
	}
	return x
}
