package nprand

// The Mersenne Twister MT19937 of Matsumoto and Nishimura, "Mersenne Twister:
// a 623-dimensionally equidistributed uniform pseudo-random number generator"
// (1998), with the seeding of 2002 (init_genrand).

const (
	stateLen  = 624
	shiftSize = 397
)

type mt19937 struct {
	key [stateLen]uint32
	pos int // words of key given out since it was made anew, 0..stateLen
}

func (m *mt19937) seed(seed uint32) {
	for i := range m.key {
		m.key[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	m.pos = stateLen
}

func (m *mt19937) uint32() uint32 {
	if m.pos == stateLen {
		m.twist()
	}
	y := m.key[m.pos]
	m.pos++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// twist makes the next 624 words.
func (m *mt19937) twist() {
	for i := range m.key {
		// The high bit of one word and the low bits of the next, times the matrix A.
		y := m.key[i]&0x80000000 | m.key[(i+1)%stateLen]&0x7fffffff
		m.key[i] = m.key[(i+shiftSize)%stateLen] ^ y>>1 ^ -(y&1)&0x9908b0df
	}
	m.pos = 0
}

// stuck reports whether the state is the one that is followed by itself: all
// its 19937 bits, which leave out the low ones of the first word, are zero.
func (m *mt19937) stuck() bool {
	bits := m.key[0] & 0x80000000
	for _, k := range m.key[1:] {
		bits |= k
	}
	return bits == 0
}
