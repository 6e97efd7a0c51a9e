package bench

import (
	"fmt"
	"math"

	"github.com/lanewise/lanewise/kernels"
)

// plainNet is the reference for a training step: the same net in float64 and plain
// loops, with nothing of packages kernels and nn in it but the numbers it starts from.
type plainNet struct {
	params [4][]float64 // W1, b1, W2, b2
	before [4][]float64 // the same before the last step
}

// step64 is one step of gradient descent on the samples x, trainInputs numbers each.
func step64[T kernels.Float](net *plainNet, x []T, labels []int) {
	for i, p := range net.params {
		net.before[i] = append([]float64(nil), p...)
	}
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

// closeTo checks that the update from before to got is the one to want, up to a
// tolerance relative to its norm, where numbers are stored as T. It compares whole arrays, because a single unit
// whose input is all but zero may fall on either side of the ReLU.
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
