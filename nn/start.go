package nn

import (
	"math"

	"github.com/lanewise/lanewise/kernels"
)

// startIterations is how many iterations at the start of a run are measured
// for the diagnosis: what kills ReLU units mostly happens there.
const startIterations = 20

// startRecord is what was measured at the start of a run. Checkpoints keep it.
type startRecord struct {
	// updateW1[i] and updateW2[i] are the sizes of update i relative to the weights
	// it changed: the Euclidean norm of what was
	// subtracted, learning rate x gradient without momentum, over that of the
	// weights before.
	updateW1, updateW2 []float64
	// silent[i] counts the hidden units that fired for no sample of batch i
	// after update i; silentBefore those that did so for the first batch
	// before any update.
	silent       []int
	silentBefore int
	// scaledW1 is what updateW1[0] would have been with pixels divided by
	// their largest value. It is NaN until measured, and where they are.
	scaledW1 float64
	// normW1 is the norm of the weights before the first update.
	normW1, normW2 float64
}

// measureScaled fills start.scaledW1 on the first batch. What it leaves in the
// stepper is not of the run.
func (t *Trainer[T]) measureScaled() {
	t.start.scaledW1 = math.NaN()
	if t.cfg.ScalePixels {
		return
	}
	t.stepper.Gather(t.train.Images, t.train.Labels, t.picks, t.data.Max)
	t.stepper.Forward()
	t.stepper.Loss()
	t.start.scaledW1 = t.relativeUpdate(t.stepper.Backward().W1, t.net.Params.W1)
}

// measureUpdate records the update that is about to go along direction.
func (t *Trainer[T]) measureUpdate(direction Params[T]) {
	s, p := &t.start, t.net.Params
	if t.iteration == 0 {
		s.normW1, s.normW2 = norm(p.W1.Data), norm(p.W2.Data)
		s.silentBefore = silentUnits(t.stepper.Hidden())
	}
	s.updateW1 = append(s.updateW1, t.relativeUpdate(direction.W1, p.W1))
	s.updateW2 = append(s.updateW2, t.relativeUpdate(direction.W2, p.W2))
}

// measureUpdated records what the update has done to the hidden units.
func (t *Trainer[T]) measureUpdated() {
	t.start.silent = append(t.start.silent, silentUnits(t.stepper.Hidden()))
}

func (t *Trainer[T]) relativeUpdate(direction, weights Tensor[T]) float64 {
	return t.cfg.rate(t.iteration) * norm(direction.Data) / norm(weights.Data)
}

func norm[T kernels.Float](x []T) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// silentUnits counts the columns of the activations that have no element above 0.
func silentUnits[T kernels.Float](activations Tensor[T]) int {
	rows, units := activations.Shape[0], activations.Shape[1]
	silent := 0
	for j := range units {
		fires := false
		for i := range rows {
			fires = fires || activations.Data[i*units+j] > 0
		}
		if !fires {
			silent++
		}
	}
	return silent
}
