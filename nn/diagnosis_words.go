package nn

import (
	"fmt"
	"math"
	"strings"
)

// What the words turn on, beside the figures of the verdict.
const (
	largeUpdate = 1.0  // times the weights: an update that leaves little of them
	smallUpdate = 0.1  // of the weights: one that a scaling has to reach to be called a cure
	slowUpdate  = 1e-5 // of the weights: one that changes next to nothing
)

// String says in plain words, one subject a line, what the figures tell: the
// verdict, what the first updates did, and what would help if the
// measurements point to it.
func (d Diagnosis) String() string {
	lines := []string{d.headline()}
	if d.NonFiniteParams == 0 { // what units do with numbers that are none says nothing
		lines = append(lines, d.unitsLine())
	}
	if len(d.Updates) > 0 && d.StartNormW1 > 0 {
		lines = append(lines, d.updatesLine())
	}
	if remedy := d.remedy(); remedy != "" {
		lines = append(lines, remedy)
	}
	return strings.Join(lines, "\n")
}

func (d Diagnosis) headline() string {
	switch d.Verdict {
	case Diverged:
		if d.NonFiniteParams > 0 {
			return fmt.Sprintf("Diverged: %d of the %d weights and biases are not finite numbers any more.", d.NonFiniteParams, d.Parameters)
		}
		return fmt.Sprintf("Diverged: the loss stands at %s, where giving every class the same probability would cost %.3g.", d.lastLoss(), d.GuessLoss)
	case Saturated:
		return fmt.Sprintf("Saturated: the net gives %s of the training samples one class with a probability above %g, and gets %s of them right; always naming the commonest class gets %s. "+
			"The loss stands at %s, where giving every class the same probability would cost %.3g.",
			percent(d.CertainShare), certainty, percent(d.TrainAccuracy), percent(d.MajorityShare), d.lastLoss(), d.GuessLoss)
	case Dead:
		return fmt.Sprintf("Dead: the net gives class %d to %s of the training samples and gets %s of them right; always naming the commonest class gets %s.",
			d.OneClass, percent(d.OneClassShare), percent(d.TrainAccuracy), percent(d.MajorityShare))
	case Healthy:
		return fmt.Sprintf("Healthy: the net gets %s of the training samples and %s of the test samples right; always naming the commonest class gets %s. The loss went from %.3g with the first batch to %s.",
			percent(d.TrainAccuracy), percent(d.TestAccuracy), percent(d.MajorityShare), d.FirstLoss, d.lastLoss())
	}
	begin := "Not learning"
	if d.Verdict == TooShort {
		begin = "Too short to tell"
	}
	line := fmt.Sprintf(begin+": after %s the net gets %s of the training samples right; always naming the commonest class gets %s.",
		count(d.Iterations, "iteration"), percent(d.TrainAccuracy), percent(d.MajorityShare))
	if d.Iterations > 0 {
		line += fmt.Sprintf(" The loss stands at %s; giving every class the same probability costs %.3g.", d.lastLoss(), d.GuessLoss)
	}
	return line
}

// lastLoss says of how many batches it is the mean.
func (d Diagnosis) lastLoss() string {
	if d.LastBatches == 1 {
		return fmt.Sprintf("%.3g with the last batch", d.LastLoss)
	}
	return fmt.Sprintf("%.3g, the mean of the last %d batches", d.LastLoss, d.LastBatches)
}

func (d Diagnosis) unitsLine() string {
	if d.DeadUnits+d.RareUnits == 0 {
		return fmt.Sprintf("All %d hidden units fire for at least one in a thousand of the training samples.", d.Units)
	}
	line := fmt.Sprintf("Of the %d hidden units %d fire for no training sample at all and %d for fewer than one in a thousand.", d.Units, d.DeadUnits, d.RareUnits)
	return line + " A unit that does not fire passes no gradient on, so the weights before it stay as they are."
}

func (d Diagnosis) updatesLine() string {
	w1, at1 := d.largest(func(u Update) Figure { return u.W1 })
	w2, at2 := d.largest(func(u Update) Figure { return u.W2 })
	line := fmt.Sprintf("The largest of the first %s changed W1 by %s (iteration %d) and W2 by %s (iteration %d).",
		count(len(d.Updates), "update"), ofItsSize(w1), at1, ofItsSize(w2), at2)
	if d.Verdict == Healthy {
		return line
	}
	most := d.Updates[0]
	for _, u := range d.Updates {
		if u.Silent > most.Silent {
			most = u
		}
	}
	if most.Silent <= d.SilentBefore {
		return line
	}
	line += fmt.Sprintf(" Before the first, %d of the %d hidden units were silent for a whole batch, after it %d", d.SilentBefore, d.Units, d.Updates[0].Silent)
	if most.Iteration > 0 {
		line += fmt.Sprintf(", after iteration %d %d", most.Iteration, most.Silent)
	}
	return line + "."
}

// remedy says what would help, where the measurements show that it would.
func (d Diagnosis) remedy() string {
	if d.Verdict == Healthy || len(d.Updates) == 0 {
		return ""
	}
	if d.StartNormW1 == 0 {
		return "The weights began at 0, where all hidden units are silent and no gradient reaches them: start from random weights."
	}
	w1, _ := d.largest(func(u Update) Figure { return u.W1 })
	w2, _ := d.largest(func(u Update) Figure { return u.W2 })
	first := float64(d.Updates[0].W1)
	scaled := float64(d.ScaledUpdateW1)
	switch {
	case max(w1, w2) >= largeUpdate && scaled < smallUpdate && first > 10*scaled:
		return fmt.Sprintf("The pixels went in as they are, up to %g (root mean square %.3g), and the gradient of W1 grows with them. "+
			"Divided by %d, the same first batch would have changed W1 by %s instead of %s, %.0f times less: divide the pixels (--preset scaled).",
			d.InputMax, d.InputRMS, d.PixelMax, ofItsSize(scaled), ofItsSize(first), first/scaled)
	case max(w1, w2) >= largeUpdate:
		return fmt.Sprintf("Updates as large as the weights leave nothing of what was learned. They are in proportion to the learning rate, which was %g: choose a lower one.", d.LearningRate)
	case 2*d.SilentBefore >= d.Units:
		return fmt.Sprintf("%d of the %d hidden units were silent before the first update: the weights that the run began with do not suit these inputs (root mean square %.3g).", d.SilentBefore, d.Units, d.InputRMS)
	case d.Verdict == NotLearning && w1 < slowUpdate:
		return fmt.Sprintf("Updates that small change next to nothing: the learning rate of %g is too low for these inputs (root mean square %.3g).", d.LearningRate, d.InputRMS)
	case d.Verdict == TooShort:
		return fmt.Sprintf("The updates are of a usual size, but %s come to %.2g times the weights at most: it needs more, or a learning rate above %g.",
			count(d.Iterations, "iteration"), d.allUpdates(), d.LearningRate)
	case d.Verdict == NotLearning:
		return "The updates are of a usual size: it may only need more iterations."
	}
	return "The first updates do not explain it: what went wrong came later."
}

// largest returns the largest of the first updates' figures and its
// iteration. What is not a number counts as infinite.
func (d Diagnosis) largest(of func(Update) Figure) (value float64, iteration int) {
	value = math.Inf(-1)
	for _, u := range d.Updates {
		v := float64(of(u))
		if math.IsNaN(v) {
			v = math.Inf(1)
		}
		if v > value {
			value, iteration = v, u.Iteration
		}
	}
	return value, iteration
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func ofItsSize(ratio float64) string {
	switch {
	case math.IsInf(ratio, 1):
		return "more than any number"
	case ratio >= largeUpdate:
		return fmt.Sprintf("%.3g times its size", ratio)
	}
	return fmt.Sprintf("%.2g%% of its size", 100*ratio)
}

// percent rounds to a tenth of a per cent, but never to all or nothing.
func percent(share float64) string {
	s := fmt.Sprintf("%.1f%%", 100*share)
	switch {
	case s == "100.0%" && share < 1:
		return fmt.Sprintf("%.2f%%", min(99.99, 100*share))
	case s == "0.0%" && share > 0:
		return fmt.Sprintf("%.2g%%", 100*share)
	}
	return s
}
