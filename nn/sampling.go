package nn

import "github.com/lanewise/lanewise/nn/nprand"

// sampler draws the batches of a run from n samples: with replacement, or from
// one random order of all samples after the other.
type sampler struct {
	n       int
	shuffle bool
	order   []int // of the epoch at work, if samples are shuffled
}

func newSampler(c Config, n int) (sampler, error) {
	s := sampler{n: n, shuffle: c.Shuffle}
	if !c.Shuffle {
		return s, nil
	}
	if c.BatchSize > n {
		return s, configErrorf("batch size", "%d, but shuffled epochs have %d samples; choose at most that many, or draw with replacement", c.BatchSize, n)
	}
	s.order = make([]int, n)
	for i := range s.order {
		s.order[i] = i
	}
	return s, nil
}

// draw fills picks with the samples of iteration i's batch. A batch that begins
// before the end of an epoch goes on into the next, so that none is smaller
// and every sample has its turn.
func (s *sampler) draw(rng *nprand.RandomState, picks []int, i int) {
	if !s.shuffle {
		rng.Choice(picks, s.n)
		return
	}
	at := s.position(i, len(picks))
	for j := range picks {
		if at == 0 {
			rng.Permutation(s.order)
		}
		picks[j] = s.order[at]
		at = (at + 1) % s.n
	}
}

// changesOrder reports whether drawing iteration i's batch begins an epoch with a new order.
func (s *sampler) changesOrder(i, batch int) bool {
	if !s.shuffle {
		return false
	}
	at := s.position(i, batch)
	return at == 0 || at+batch > s.n
}

// position returns how much of the order at work the batches before iteration i have taken; 0 if all of it.
func (s *sampler) position(i, batch int) int { return int(int64(i) * int64(batch) % int64(s.n)) }
