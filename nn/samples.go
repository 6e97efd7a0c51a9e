package nn

import (
	"context"
	"math"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
)

// forwardChunk is how many samples go through the net at a time when a whole
// set does, which bounds the memory.
const forwardChunk = 500

// forward runs the whole of split through the net, calling visit for each
// chunk. It stops with ctx's error when that is cancelled.
func (t *Trainer[T]) forward(ctx context.Context, split dataset.Split, visit func(logits Tensor[T], labels []int)) error {
	picks, s := make([]int, 0, forwardChunk), t.stepper
	for from := 0; from < split.Len(); from += forwardChunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		picks = picks[:0]
		for i := from; i < min(from+forwardChunk, split.Len()); i++ {
			picks = append(picks, i)
		}
		s.Gather(split.Images, split.Labels, picks, t.divisor())
		s.Forward()
		visit(s.Logits(), s.Labels())
	}
	return nil
}

func (t *Trainer[T]) accuracy(ctx context.Context, split dataset.Split) (float64, error) {
	right := 0
	err := t.forward(ctx, split, func(logits Tensor[T], labels []int) {
		right += t.net.countRight(logits, labels)
	})
	return float64(right) / float64(split.Len()), err
}

// sampleCounts is what was counted while a set went through the net.
type sampleCounts struct {
	samples, right int
	fires          []int // for how many samples each hidden unit does
	given          []int // to how many samples the net gives each class
	labelled       []int // how many samples each class has
	certain        int   // to how many samples it gives one class with a probability above certainty
}

func (t *Trainer[T]) count(ctx context.Context, split dataset.Split) (sampleCounts, error) {
	c := sampleCounts{
		samples: split.Len(), fires: make([]int, t.net.Hidden()),
		given: make([]int, t.data.Classes), labelled: make([]int, t.data.Classes),
	}
	err := t.forward(ctx, split, func(logits Tensor[T], labels []int) {
		units := len(c.fires)
		for i, label := range labels {
			for j, v := range t.stepper.Hidden().Data[i*units : (i+1)*units] {
				if v > 0 {
					c.fires[j]++
				}
			}
			class := t.net.class(logits, i)
			c.given[class]++
			c.labelled[label]++
			if probabilityOf(logits.Data[i*len(c.given):(i+1)*len(c.given)], class) > certainty {
				c.certain++
			}
			if class == label {
				c.right++
			}
		}
	})
	return c, err
}

// probabilityOf returns the softmax of one of the logits.
func probabilityOf[T kernels.Float](logits []T, class int) float64 {
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v) - float64(logits[class]))
	}
	return 1 / sum
}

func (c sampleCounts) accuracy() float64 { return float64(c.right) / float64(c.samples) }

// silent returns how many hidden units fire for no sample, and how many for
// some but for fewer than rareShare of them.
func (c sampleCounts) silent() (dead, rare int) {
	for _, f := range c.fires {
		switch {
		case f == 0:
			dead++
		case float64(f) < rareShare*float64(c.samples):
			rare++
		}
	}
	return dead, rare
}
