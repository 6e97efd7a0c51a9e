package nn

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// History is the record of a run.
type History struct {
	// Loss[i] is the loss of iteration i's batch, after the update, or before
	// it with Config.EpochHistory.
	Loss []float64
	// EvalIterations are the iterations, counted from 0, after whose updates
	// the accuracies over the whole sets were taken: the first of each epoch.
	EvalIterations    []int
	TrainAcc, TestAcc []float64
	// HeldAcc are the accuracies over the held-out samples, taken at the same
	// time; nil if none are.
	HeldAcc []float64
}

func (h History) clone() History {
	return History{
		slices.Clone(h.Loss), slices.Clone(h.EvalIterations), slices.Clone(h.TrainAcc), slices.Clone(h.TestAcc), slices.Clone(h.HeldAcc),
	}
}

// Concluded returns h with the accuracies at the end of the run, as d has measured them,
// where the last iteration was none after which they were taken.
func (h History) Concluded(d Diagnosis) History {
	end := len(h.Loss) - 1
	if end < 0 || len(h.EvalIterations) > 0 && last(h.EvalIterations) == end {
		return h
	}
	h = h.clone()
	h.EvalIterations = append(h.EvalIterations, end)
	h.TrainAcc, h.TestAcc = append(h.TrainAcc, d.TrainAccuracy), append(h.TestAcc, d.TestAccuracy)
	if h.HeldAcc != nil {
		h.HeldAcc = append(h.HeldAcc, float64(d.HeldAccuracy))
	}
	return h
}

// BestIteration returns the iteration after which the accuracy on the held-out
// samples was highest, the first of equal ones; -1 if none was measured.
func (h History) BestIteration() int {
	if len(h.HeldAcc) == 0 {
		return -1
	}
	return h.EvalIterations[bestOf(h.HeldAcc)]
}

// Progress is what a run reports after each iteration.
type Progress struct {
	Iteration  int     // iterations done since the beginning, 1..Iterations
	Iterations int     // how many there will be
	Epoch      int     // the epoch that the iteration belongs to, counted from 0
	Epochs     int     // how many will have begun
	Loss       float64 // of the batch, as in History

	// Evaluated reports that the accuracies over the whole sets were taken
	// after this iteration.
	Evaluated         bool
	TrainAcc, TestAcc float64
	HeldAcc           float64 // on the held-out samples, if
	Held              bool    // there are any
	Figures           EpochFigures

	// Samples were trained on in Elapsed, both since this Run began and
	// without the evaluations: their quotient is the speed of training.
	Samples int
	Elapsed time.Duration
}

// FormatFloat returns x as Python prints it: the shortest digits that read
// back as x, always with a point or an exponent.
func FormatFloat(x float64) string {
	s := strconv.FormatFloat(x, 'e', -1, 64)
	mantissa, exponent, ok := strings.Cut(s, "e")
	if !ok {
		return strings.ToLower(strings.TrimPrefix(s, "+")) // nan, inf, -inf
	}
	e, _ := strconv.Atoi(exponent)
	if e < -4 || e >= 16 {
		return mantissa + "e" + exponent
	}
	s = strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
