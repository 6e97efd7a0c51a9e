package nn

import (
	"context"
	"encoding/json"
	"math"
	"slices"
)

// A Verdict is what a diagnosis comes to.
type Verdict string

const (
	// Healthy: the net does better than naming the commonest class, and its
	// loss has come down.
	Healthy Verdict = "healthy"
	// Dead: it is not healthy, and at least half of its hidden units hardly ever fire.
	Dead Verdict = "dead"
	// Diverged: parameters or the loss are not finite, or the loss is far above
	// that of guessing, or the weights have grown beyond measure.
	Diverged Verdict = "diverged"
	// Saturated: it is not healthy, and softmax gives nearly all samples one
	// class with all but certainty, be it right or wrong: the differences between
	// samples do not show any more, and the loss is as large as it can get.
	Saturated Verdict = "saturated"
	// TooShort: it is none of those, and all updates together are too small to tell.
	TooShort Verdict = "too short"
	// NotLearning: none of the others.
	NotLearning Verdict = "not learning"
)

// The figures that verdicts turn on.
const (
	rareShare      = 0.001 // a unit that fires for fewer of the samples hardly ever does
	deadUnitsShare = 0.5   // of the units dead or nearly, for the net to count as dead
	learnedShare   = 0.05  // of what the commonest class leaves to learn, for the net to have learned
	fallenLoss     = 0.9   // of the first loss or that of guessing, for the net to have learned
	certainty      = 0.999 // a probability above it is all but certain
	certainSamples = 0.9   // of the samples with such a class, for the net to be saturated
	explodedNorm   = 1e9   // times the norm of W1 at the start, for the weights to have diverged though finite
	explodedLoss   = 2     // times the loss of guessing
	shortRun       = 3     // times the weights: what updates as large as the first ones have to come to together
)

// Diagnosis is what was measured of a net and the run that made it, over the
// whole of the training and test sets, and the verdict drawn from that alone.
type Diagnosis struct {
	Verdict    Verdict `json:"verdict"`
	Iterations int     `json:"iterations"` // done

	TrainAccuracy float64 `json:"train_accuracy"`
	TestAccuracy  float64 `json:"test_accuracy"`
	HeldAccuracy  Figure  `json:"held_accuracy"`  // on the held-out samples; NaN if there are none
	MajorityClass int     `json:"majority_class"` // the commonest label of the training set
	MajorityShare float64 `json:"majority_share"` // of the training samples: the accuracy of always naming it
	OneClass      int     `json:"one_class"`      // the class that the net gives most often
	OneClassShare float64 `json:"one_class_share"`

	CertainShare float64 `json:"certain_share"` // of the samples: those whose class gets a probability above 0.999

	Units     int `json:"units"`      // of the hidden layer
	DeadUnits int `json:"dead_units"` // that fire for no training sample
	RareUnits int `json:"rare_units"` // that fire for some, but for fewer than one in a thousand

	FirstLoss       Figure `json:"first_loss"`        // after the first update
	LastLoss        Figure `json:"last_loss"`         // mean of the last tenth of the run, at most 100 iterations
	LastBatches     int    `json:"last_batches"`      // how many these are
	GuessLoss       Figure `json:"guess_loss"`        // of giving every class the same probability
	LossFinite      bool   `json:"loss_finite"`       // throughout the run
	Parameters      int    `json:"parameters"`        // numbers in W1, b1, W2 and b2
	NonFiniteParams int    `json:"non_finite_params"` // of those, that are NaN or infinite

	InputMax     float64 `json:"input_max"` // of the training set, as the net sees it
	InputRMS     float64 `json:"input_rms"` // root mean square
	PixelMax     uint8   `json:"pixel_max"` // the largest value that a pixel can have in the data
	ScaledPixels bool    `json:"scaled_pixels"`
	LearningRate float64 `json:"learning_rate"`

	// Updates are the first updates of the run; SilentBefore counts the units
	// that fired for no sample of the first batch before them.
	Updates      []Update `json:"updates"`
	SilentBefore int      `json:"silent_before"`
	// ScaledUpdateW1 is what the first Update.W1 would have been, on the same
	// batch, with pixels divided by PixelMax; not finite where they were.
	ScaledUpdateW1 Figure `json:"scaled_update_w1"`
	// The Euclidean norms of the weights before the first update and now.
	StartNormW1 Figure `json:"start_norm_w1"`
	NormW1      Figure `json:"norm_w1"`
}

// An Update is what was measured of one of the first updates.
type Update struct {
	Iteration int `json:"iteration"` // counted from 0
	// W1 and W2 are the sizes of the update relative to the weights it
	// changed: the norm of learning rate x gradient over that of the weights.
	W1 Figure `json:"w1"`
	W2 Figure `json:"w2"`
	// Silent counts the hidden units that fired for no sample of the batch
	// after the update.
	Silent int `json:"silent"`
}

// A Figure is a number that may be NaN or infinite, which JSON cannot express: it is null there.
type Figure float64

// MarshalJSON implements [json.Marshaler].
func (f Figure) MarshalJSON() ([]byte, error) {
	if !finite(float64(f)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Diagnose measures the net as it is and says how the run went. It takes as long as an evaluation.
func (t *Trainer[T]) Diagnose() Diagnosis {
	d := Diagnosis{
		Iterations: t.iteration, Units: t.net.Hidden(),
		GuessLoss: Figure(math.Log(float64(t.data.Classes))),
		PixelMax:  t.data.Max, ScaledPixels: t.cfg.ScalePixels, LearningRate: t.cfg.LearningRate,
		SilentBefore: t.start.silentBefore, ScaledUpdateW1: Figure(t.start.scaledW1),
		StartNormW1: Figure(t.start.normW1), NormW1: Figure(norm(t.net.Params.W1.Data)),
	}
	for i, silent := range t.start.silent {
		d.Updates = append(d.Updates, Update{i, Figure(t.start.updateW1[i]), Figure(t.start.updateW2[i]), silent})
	}
	t.diagnoseSamples(&d)
	t.diagnoseInputs(&d)
	d.summarizeLoss(t.history.Loss)
	for _, p := range t.net.Params.List() {
		d.Parameters += len(p.Data)
		for _, v := range p.Data {
			if !finite(float64(v)) {
				d.NonFiniteParams++
			}
		}
	}
	d.Verdict = d.verdict()
	return d
}

// diagnoseSamples sends all samples through the net and counts what they do.
func (t *Trainer[T]) diagnoseSamples(d *Diagnosis) {
	c, _ := t.count(context.Background(), t.train) // only cancelling makes it fail
	d.DeadUnits, d.RareUnits = c.silent()
	share := func(counts []int) (class int, share float64) {
		most := slices.Max(counts)
		return slices.Index(counts, most), float64(most) / float64(c.samples)
	}
	d.OneClass, d.OneClassShare = share(c.given)
	d.MajorityClass, d.MajorityShare = share(c.labelled)
	d.CertainShare = float64(c.certain) / float64(c.samples)
	d.TrainAccuracy = c.accuracy()
	d.TestAccuracy, _ = t.accuracy(context.Background(), t.data.Test)
	d.HeldAccuracy = Figure(math.NaN())
	if t.held.Len() > 0 {
		held, _ := t.accuracy(context.Background(), t.held)
		d.HeldAccuracy = Figure(held)
	}
}

func (t *Trainer[T]) diagnoseInputs(d *Diagnosis) {
	var counts [256]int
	for _, v := range t.train.Images {
		counts[v]++
	}
	var sum float64
	for v, count := range counts {
		if count > 0 {
			x := float64(T(v) / T(t.divisor()))
			d.InputMax = max(d.InputMax, x)
			sum += float64(count) * x * x
		}
	}
	d.InputRMS = math.Sqrt(sum / float64(len(t.train.Images)))
}

func (d *Diagnosis) summarizeLoss(loss []float64) {
	d.FirstLoss, d.LastLoss, d.LossFinite = Figure(math.NaN()), Figure(math.NaN()), true
	if len(loss) == 0 {
		return
	}
	d.LastBatches = max(1, min(100, len(loss)/10))
	var sum float64
	for _, v := range loss[len(loss)-d.LastBatches:] {
		sum += v
	}
	d.FirstLoss, d.LastLoss = Figure(loss[0]), Figure(sum/float64(d.LastBatches))
	d.LossFinite = !slices.ContainsFunc(loss, func(v float64) bool { return !finite(v) })
}

func (d Diagnosis) verdict() Verdict {
	// Random weights can be right more often than the commonest class is, but
	// then the loss has not moved.
	learned := d.TrainAccuracy >= d.MajorityShare+learnedShare*(1-d.MajorityShare) &&
		(d.Iterations == 0 || d.LastLoss < fallenLoss*max(d.FirstLoss, d.GuessLoss))
	saturated := d.CertainShare >= certainSamples && !(d.NormW1 > explodedNorm*d.StartNormW1)
	switch {
	case d.NonFiniteParams > 0 || !d.LossFinite:
		return Diverged
	case d.LastLoss > explodedLoss*d.GuessLoss && saturated:
		return Saturated
	case d.LastLoss > explodedLoss*d.GuessLoss:
		return Diverged
	case learned:
		return Healthy
	case float64(d.DeadUnits+d.RareUnits) >= deadUnitsShare*float64(d.Units):
		return Dead
	case saturated:
		return Saturated
	case d.allUpdates() < shortRun:
		return TooShort
	}
	return NotLearning
}

// allUpdates is what all updates would come to together, relative to the weights they
// changed, if each were as large as the largest of the first and went the same way. It is
// 0 before any, and infinite where they change so little that more of them would not help.
func (d Diagnosis) allUpdates() float64 {
	if len(d.Updates) == 0 {
		return 0
	}
	w1, _ := d.largest(func(u Update) Figure { return u.W1 })
	w2, _ := d.largest(func(u Update) Figure { return u.W2 })
	if w1 < slowUpdate {
		return math.Inf(1)
	}
	return float64(d.Iterations) * max(w1, w2)
}
