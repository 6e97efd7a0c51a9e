package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/nprand"
)

// BenchmarkStepThreads takes steps of the notebook's net on one thread and on as many
// as there may be, in turns, and reports how many times as fast the latter are, in the
// middle of the turns: 1 or more, or threads should have been left alone.
//
//	go test -run - -bench StepThreads -benchtime 31x ./nn
func BenchmarkStepThreads(b *testing.B) {
	for _, batch := range []int{1, 10, 100, 1000} {
		for _, used := range []int{784, 516} { // of the pixels, as many as on MNIST with batches of 100
			b.Run(fmt.Sprintf("type=f32/batch=%d/used=%d", batch, used), func(b *testing.B) { benchmarkStepThreads[float32](b, batch, used) })
			b.Run(fmt.Sprintf("type=f64/batch=%d/used=%d", batch, used), func(b *testing.B) { benchmarkStepThreads[float64](b, batch, used) })
		}
	}
}

func benchmarkStepThreads[T kernels.Float](b *testing.B, batch, used int) {
	const samples, inputs, classes, turn = 60000, 784, 10, 20 * time.Millisecond
	rng := rand.New(rand.NewPCG(51, 52))
	images, labels := kernels.Aligned[uint8](samples*inputs), make([]uint8, samples)
	for i := range images {
		if i%inputs < used {
			images[i] = uint8(rng.Uint32())
		}
	}
	for i := range labels {
		labels[i] = uint8(rng.IntN(classes))
	}
	run := func(ops kernels.Ops[T]) (turns func() float64) {
		net := NewTwoLayerNet(ops, inputs, 50, classes, 0.01, nprand.New(1))
		s, picks, next := NewStepper(ops, net), make([]int, batch), make([]int, batch)
		return func() float64 {
			steps, began := 0, time.Now()
			for time.Since(began) < turn {
				picks, next = next, picks
				for i := range next {
					next[i] = rng.IntN(samples)
				}
				s.Gather(images, labels, picks, 255)
				s.Forward()
				s.Loss()
				s.Fetch(images, next)
				s.Descend(0.01)
				steps++
			}
			return float64(steps) / time.Since(began).Seconds()
		}
	}
	ops := kernels.On[T](kernels.Default())
	one, many := run(ops.Threads(1)), run(ops)
	many() // the workers start
	var ratios []float64
	for b.Loop() {
		x := one()
		ratios = append(ratios, many()/x)
	}
	b.ReportMetric(0, "ns/op") // the length of a turn, which tells nothing
	b.ReportMetric(median(ratios), "x-one-thread")
}
