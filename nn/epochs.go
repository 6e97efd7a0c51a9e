package nn

import "slices"

// EpochFigures is what was measured at the first update of an epoch and of the
// net that it led to.
type EpochFigures struct {
	Iteration int `json:"iteration"` // of the update, counted from 0
	// The Euclidean norms of the batch's gradients.
	GradientW1 Figure `json:"gradient_w1"`
	GradientW2 Figure `json:"gradient_w2"`
	// The norms of the changes relative to those of the weights before.
	UpdateW1 Figure `json:"update_w1"`
	UpdateW2 Figure `json:"update_w2"`

	DeadUnits int   `json:"dead_units"` // hidden units that fire for no training sample
	RareUnits int   `json:"rare_units"` // that fire for some, but for fewer than one in a thousand
	Predicted []int `json:"predicted"`  // to how many training samples the net gives each class
}

// EpochFigures returns what was measured at the evaluations so far, in the order of [History.EvalIterations].
func (t *Trainer[T]) EpochFigures() []EpochFigures {
	done := slices.Clone(t.epochs[:len(t.history.EvalIterations)])
	for i := range done {
		done[i].Predicted = slices.Clone(done[i].Predicted)
	}
	return done
}

// beginEpoch measures the gradient of an epoch's first batch.
func (t *Trainer[T]) beginEpoch(grad Params[T]) {
	t.epochs = append(t.epochs, EpochFigures{
		Iteration:  t.iteration,
		GradientW1: Figure(norm(grad.W1.Data)), GradientW2: Figure(norm(grad.W2.Data)),
	})
}

// measureEpochUpdate measures the update that goes along direction.
func (t *Trainer[T]) measureEpochUpdate(direction Params[T]) {
	e := &t.epochs[len(t.epochs)-1]
	e.UpdateW1 = Figure(t.relativeUpdate(direction.W1, t.net.Params.W1))
	e.UpdateW2 = Figure(t.relativeUpdate(direction.W2, t.net.Params.W2))
}

// endEpoch adds what the evaluation has counted.
func (t *Trainer[T]) endEpoch(c sampleCounts) {
	e := &t.epochs[len(t.epochs)-1]
	e.DeadUnits, e.RareUnits = c.silent()
	e.Predicted = c.given
}
