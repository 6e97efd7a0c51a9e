package nn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
)

// onEach runs a test on every implementation that the CPU supports, in both types.
func onEach(t *testing.T, f32 func(*testing.T, kernels.Ops[float32]), f64 func(*testing.T, kernels.Ops[float64])) {
	for _, im := range kernels.Supported() {
		t.Run(im.Name()+"/float32", func(t *testing.T) { f32(t, kernels.On[float32](im)) })
		t.Run(im.Name()+"/float64", func(t *testing.T) { f64(t, kernels.On[float64](im)) })
	}
}

// mustPanic checks that f panics with a message that has all of the words.
func mustPanic(t *testing.T, f func(), words ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		message := fmt.Sprint(recover())
		for _, w := range words {
			if !strings.Contains(message, w) {
				t.Errorf("panic %q, want one with %q", message, w)
			}
		}
	}()
	f()
}

func mustHave(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v, want one with %q", err, w)
		}
	}
}

// closeTo checks each element within tolerance, relative to the largest one wanted.
func closeTo[T kernels.Float](t *testing.T, what string, got []T, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, want %d", what, len(got), len(want))
		return
	}
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tolerance*scale) {
			t.Errorf("%s[%d] = %v, want %v", what, i, got[i], w)
		}
	}
}

func epsilon[T kernels.Float]() float64 {
	if dtype[T]() == "float32" {
		return 0x1p-24
	}
	return 0x1p-53
}

func sameBits[T kernels.Float](a, b []T) bool {
	return slices.EqualFunc(a, b, func(x, y T) bool { return math.Float64bits(float64(x)) == math.Float64bits(float64(y)) })
}

// blobs is a set of images of 4 x 4 pixels in four classes, each of which has
// another row bright; easy to learn with pixels of a suitable size.
func blobs(train, test int) *dataset.Data {
	rng := rand.New(rand.NewPCG(1, 2))
	split := func(n int) (s dataset.Split) {
		for range n {
			class := rng.IntN(4)
			for p := range 16 {
				v := rng.IntN(120)
				if p/4 == class {
					v += 120
				}
				s.Images = append(s.Images, uint8(v))
			}
			s.Labels = append(s.Labels, uint8(class))
		}
		return s
	}
	return &dataset.Data{Name: "blobs", Source: "test", Rows: 4, Cols: 4, Classes: 4, Max: 240, Train: split(train), Test: split(test)}
}

func blobsConfig() Config {
	return Config{Hidden: 8, BatchSize: 30, Iterations: 60, LearningRate: 0.5, InitStd: 0.3, ScalePixels: true, Seed: 1}
}

// everyOption returns c with all that can be set beyond the notebook's.
func everyOption(c Config) Config {
	c.Init, c.InitStd = InitHe, 0
	c.Momentum, c.Decay, c.Shuffle, c.LearningRate = 0.9, 0.95, true, 0.1
	c.HoldOut, c.Patience, c.EpochHistory = 0.2, 3, true
	return c
}

func newTestTrainer[T kernels.Float](t *testing.T, ops kernels.Ops[T], cfg Config, data *dataset.Data) *Trainer[T] {
	t.Helper()
	tr, err := NewTrainer(ops, cfg, data)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func runAll[T kernels.Float](t *testing.T, tr *Trainer[T]) {
	t.Helper()
	if err := tr.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}
