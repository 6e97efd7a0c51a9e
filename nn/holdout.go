package nn

import (
	"math"
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
)

// holdOut splits the training samples into those to train on and those to judge
// by, which are drawn by a random stream of their own from the run's seed: a
// run is split alike each time it is resumed. Without any held out nothing is copied.
func holdOut(c Config, data *dataset.Data) (train, held dataset.Split, err error) {
	n := data.Train.Len()
	out := int(math.Round(c.HoldOut * float64(n)))
	switch {
	case c.HoldOut == 0:
		return data.Train, held, nil
	case out < 1 || out >= n:
		return train, held, configErrorf("hold-out", "%v of %d training samples is %d; choose a share that leaves at least one on either side", c.HoldOut, n, out)
	}
	order := make([]int, n)
	nprand.New(c.Seed).Permutation(order)
	slices.Sort(order[:out]) // memory is then read in order
	slices.Sort(order[out:])
	return pickSplit(data, order[out:]), pickSplit(data, order[:out]), nil
}

func pickSplit(data *dataset.Data, picks []int) dataset.Split {
	n, from := data.Pixels(), data.Train
	s := dataset.Split{Images: kernels.Aligned[uint8](len(picks) * n)[:0], Labels: make([]uint8, 0, len(picks))}
	for _, pick := range picks {
		s.Images = append(s.Images, from.Images[pick*n:(pick+1)*n]...)
		s.Labels = append(s.Labels, from.Labels[pick])
	}
	return s
}

// earlyStop keeps the parameters of the evaluation that was best on the
// held-out samples, to go back to when the run stops.
type earlyStop[T kernels.Float] struct {
	patience int
	best     Params[T] // only with patience
}

func newEarlyStop[T kernels.Float](c Config, params Params[T]) earlyStop[T] {
	e := earlyStop[T]{patience: c.Patience}
	if e.patience > 0 {
		e.best = params.zeros()
	}
	return e
}

// bestOf returns which of the accuracies is the best, the first of equal ones.
func bestOf(accuracies []float64) int { return slices.Index(accuracies, slices.Max(accuracies)) }

// over reports whether the accuracies have not risen for too long.
func (e *earlyStop[T]) over(accuracies []float64) bool {
	return e.patience > 0 && len(accuracies) > 0 && len(accuracies)-1-bestOf(accuracies) >= e.patience
}

// observe takes note of the last of the accuracies, which params reached. When
// the run is over, it sets params to the best.
func (e *earlyStop[T]) observe(accuracies []float64, params Params[T]) {
	switch {
	case e.patience == 0:
	case bestOf(accuracies) == len(accuracies)-1:
		e.best.set(params)
	case e.over(accuracies):
		params.set(e.best)
	}
}
