package kernels

import (
	"math"
	"testing"
)

// Whatever a machine says of its caches, blocks are whole tiles of a sane size.
func TestBlocksFitTheCaches(t *testing.T) {
	const mr, nr, size = 14, 32, 4
	tu := tuning{kc: 384}
	for _, c := range []struct{ l2, l3 int }{
		{0, 0}, {-1, -1}, {1 << 10, 1 << 10}, {256 << 10, 6 << 20}, {1 << 20, 32 << 20}, {2 << 20, 105 << 20}, {math.MaxInt, math.MaxInt},
	} {
		got := tu.fit(mr, nr, size, CPUInfo{L2: c.l2, L3: c.l3})
		if got.mc%mr != 0 || got.nc%nr != 0 || got.mc < 2*mr || got.nc < 4*nr {
			t.Errorf("caches of %d and %d: blocks of %d rows and %d columns", c.l2, c.l3, got.mc, got.nc)
		}
		a, b := got.mc*got.kc*size, got.nc*got.kc*size
		if most := max(cacheSize(c.l2, assumedL2, leastL2, mostL2)/2, 2*mr*got.kc*size); a > most {
			t.Errorf("L2 of %d: a block of A takes %d bytes", c.l2, a)
		}
		if most := max(cacheSize(c.l3, assumedL3, leastL3, mostL3)/4, 4*nr*got.kc*size); b > most {
			t.Errorf("L3 of %d: a block of B takes %d bytes", c.l3, b)
		}
	}
	if small, large := tu.fit(mr, nr, size, CPUInfo{L2: 1 << 20}), tu.fit(mr, nr, size, CPUInfo{L2: 2 << 20}); large.mc <= small.mc {
		t.Errorf("twice the L2 gives blocks of %d rows, not more than %d", large.mc, small.mc)
	}
}
