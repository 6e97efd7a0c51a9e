package bench

import (
	"fmt"
	"math"
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
)

// plainNet is the reference for a training step: the same net in float64 and plain
// loops, with nothing of packages kernels and nn in it but the numbers it starts from.
type plainNet struct {
	params [4][]float64 // W1, b1, W2, b2
	before [4][]float64 // the same before the last step

	// doubtful are the hidden units whose input was so close to 0 for a sample of the last
	// step that rounding to T decides whether they fire.
	doubtful [trainHidden]bool
}

// step64 is one step of gradient descent on the samples x, trainInputs numbers each.
func step64[T kernels.Float](net *plainNet, x []T, labels []int) {
	for i, p := range net.params {
		net.before[i] = append([]float64(nil), p...)
	}
	near := 100 * gamma[T](1)
	clear(net.doubtful[:])
	w1, b1, w2, b2 := net.before[0], net.before[1], net.before[2], net.before[3]
	rate := trainRate / float64(len(labels))
	for row, label := range labels {
		in := x[row*trainInputs : (row+1)*trainInputs]
		var hidden, dHidden [trainHidden]float64
		for j := range hidden {
			sum := b1[j]
			for i, v := range in {
				sum += float64(v) * w1[i*trainHidden+j]
			}
			hidden[j] = max(sum, 0)
			net.doubtful[j] = net.doubtful[j] || math.Abs(sum) < near
		}
		var p [trainClasses]float64
		total := 0.0
		for c := range p {
			sum := b2[c]
			for j, h := range hidden {
				sum += h * w2[j*trainClasses+c]
			}
			p[c] = math.Exp(sum)
			total += p[c]
		}
		for c := range p {
			d := p[c] / total // gradient of the loss with respect to the logit
			if c == label {
				d--
			}
			net.params[3][c] -= rate * d
			for j, h := range hidden {
				net.params[2][j*trainClasses+c] -= rate * d * h
				dHidden[j] += d * w2[j*trainClasses+c]
			}
		}
		for j, h := range hidden {
			if h <= 0 {
				continue
			}
			net.params[1][j] -= rate * dHidden[j]
			for i, v := range in {
				net.params[0][i*trainHidden+j] -= rate * dHidden[j] * float64(v)
			}
		}
	}
}

// compare compares the parameters after the last step with others. Doubtful units pass: what
// one sample more or less adds to their weights is far more than rounding is.
func compare[T kernels.Float](net *plainNet, got [4][]float64, tolerance float64) error {
	for i, want := range net.params {
		want = slices.Clone(want)
		for j := range want {
			if i < 2 && net.doubtful[j%trainHidden] { // W1 has a column for each unit, b1 a number
				want[j] = got[i][j]
			}
		}
		if err := closeTo[T](got[i], want, net.before[i], tolerance); err != nil {
			return fmt.Errorf("%s: %w", nn.ParamNames[i], err)
		}
	}
	return nil
}

// closeTo checks that the update from before to got is the one to want, up to a
// tolerance relative to its norm, where numbers are stored as T.
func closeTo[T kernels.Float](got, want, before []float64, tolerance float64) error {
	off, update, size := 0.0, 0.0, 0.0
	for i, w := range want {
		off += (got[i] - w) * (got[i] - w)
		update += (w - before[i]) * (w - before[i])
		size += w * w
	}
	// What is stored is rounded: allow for that, too.
	limit := tolerance*math.Sqrt(update) + gamma[T](2)*math.Sqrt(size)
	if off = math.Sqrt(off); !(off <= limit) {
		return fmt.Errorf("it is off by %.3g (norm), want at most %.3g for an update of %.3g", off, limit, math.Sqrt(update))
	}
	return nil
}
