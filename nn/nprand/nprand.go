// Package nprand is NumPy's legacy random stream, the one behind
// numpy.random.seed, randn and choice: a seed gives the same numbers here as
// there, so that a training run can be compared with one in NumPy.
//
// Uniform numbers and integers are NumPy's to the bit. Normal numbers are too,
// but for about one in three thousand that is one or two units in the last
// place off: NumPy takes the logarithm of its C library, which rounds it
// wrongly now and then and differently on different machines. The one used
// here is correctly rounded and the same everywhere. In float32 the difference
// does not show.
package nprand

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// RandomState is a stream of random numbers. Make one with [New] or
// [FromState]. It is not safe for concurrent use.
type RandomState struct {
	mt       mt19937
	gauss    float64 // the second number of a pair, if hasGauss
	hasGauss bool
}

// New returns the stream that numpy.random.seed(seed) starts.
func New(seed uint32) *RandomState {
	r := new(RandomState)
	r.mt.seed(seed)
	return r
}

// Float64 returns a number in [0, 1) with 53 random bits, as numpy.random.rand does.
func (r *RandomState) Float64() float64 {
	hi, lo := r.mt.uint32()>>5, r.mt.uint32()>>6
	return float64(uint64(hi)<<26|uint64(lo)) / (1 << 53)
}

// NormFloat64 returns a number from the standard normal distribution, as
// numpy.random.randn does: by Marsaglia's polar method, which makes two at a
// time and keeps one for the next call.
func (r *RandomState) NormFloat64() float64 {
	if r.hasGauss {
		r.hasGauss = false
		v := r.gauss
		r.gauss = 0
		return v
	}
	for {
		x1, x2 := 2*r.Float64()-1, 2*r.Float64()-1
		r2 := float64(x1*x1) + float64(x2*x2) // the conversions forbid fusing, which would change bits
		if r2 >= 1 || r2 == 0 {
			continue
		}
		f := math.Sqrt(-2 * log(r2) / r2)
		r.gauss, r.hasGauss = f*x1, true
		return f * x2
	}
}

// Randn fills dst with numbers from the standard normal distribution, in
// order, as numpy.random.randn(len(dst)) does.
func (r *RandomState) Randn(dst []float64) {
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}

// Choice fills dst with integers drawn from 0..n-1 with replacement, as
// numpy.random.choice(n, len(dst)) does. It panics if n is not in 1..2^32.
func (r *RandomState) Choice(dst []int, n int) {
	if n < 1 || uint64(n) > 1<<32 {
		panic(fmt.Sprintf("nprand: Choice: n = %d, want 1..2^32", n))
	}
	for i := range dst {
		dst[i] = int(r.below(uint32(n - 1)))
	}
}

// Permutation fills dst with 0..len(dst)-1 in random order, as
// numpy.random.permutation(len(dst)) does. It panics if len(dst) > 2^32.
func (r *RandomState) Permutation(dst []int) {
	if uint64(len(dst)) > 1<<32 {
		panic(fmt.Sprintf("nprand: Permutation: len(dst) = %d, want at most 2^32", len(dst)))
	}
	for i := range dst {
		dst[i] = i
	}
	for i := len(dst) - 1; i > 0; i-- {
		j := r.below(uint32(i))
		dst[i], dst[j] = dst[j], dst[i]
	}
}

// below draws from 0..top: as many bits as top has, again until they are no
// more than it. For a top of 0 nothing is drawn, as in NumPy.
func (r *RandomState) below(top uint32) uint32 {
	if top == 0 {
		return 0
	}
	mask := uint32(1)<<bits.Len32(top) - 1
	for {
		if v := r.mt.uint32() & mask; v <= top {
			return v
		}
	}
}

// State is all that decides how a stream goes on: the parts of NumPy's
// random.get_state(), which random.set_state takes in this order after 'MT19937'.
type State struct {
	Key      []uint32 // 624 words
	Pos      int      // words of Key that have been used, 0..624
	HasGauss bool     // whether a normal number is kept for the next call
	Gauss    float64  // that number
}

// State returns a copy of the state.
func (r *RandomState) State() State {
	key := make([]uint32, stateLen)
	copy(key, r.mt.key[:])
	return State{Key: key, Pos: r.mt.pos, HasGauss: r.hasGauss, Gauss: r.gauss}
}

// FromState returns a stream that goes on from s. The error says which part of
// s no stream can have.
func FromState(s State) (*RandomState, error) {
	if len(s.Key) != stateLen {
		return nil, fmt.Errorf("random state: key of %d words, want %d", len(s.Key), stateLen)
	}
	if s.Pos < 0 || s.Pos > stateLen {
		return nil, fmt.Errorf("random state: position %d, want 0..%d", s.Pos, stateLen)
	}
	// |gauss| = sqrt(-2 log(r2) / r2) * |x| with x^2 <= r2, and r2 >= 2^-105.
	if !(math.Abs(s.Gauss) < 13) {
		return nil, fmt.Errorf("random state: kept normal number %v, want one within -13..13", s.Gauss)
	}
	r := &RandomState{mt: mt19937{pos: s.Pos}, gauss: s.Gauss, hasGauss: s.HasGauss}
	copy(r.mt.key[:], s.Key)
	if r.mt.stuck() {
		return nil, errors.New("random state: the key is all zeros, from which nothing but zeros follows")
	}
	return r, nil
}
