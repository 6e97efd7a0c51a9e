package nn

import (
	"fmt"
	"strings"
)

// Config is everything that decides a training run, apart from the data, the
// element type and the implementation of the kernels.
type Config struct {
	Hidden       int     `json:"hidden"`        // units of the hidden layer
	BatchSize    int     `json:"batch_size"`    // samples per iteration, drawn with replacement
	Iterations   int     `json:"iterations"`    // updates of the parameters
	LearningRate float64 `json:"learning_rate"` // an update is minus this times the gradient
	InitStd      float64 `json:"init_std"`      // standard deviation of the first weights
	ScalePixels  bool    `json:"scale_pixels"`  // divide pixels by the largest value they can have
	Seed         uint32  `json:"seed"`          // of the random stream for weights and batches
}

// The largest values a Config may have. They keep a typing error from asking for
// more memory than a machine has, and rates and weights within float32.
const (
	maxHidden     = 1 << 16
	maxBatchSize  = 1 << 16
	maxIterations = 100_000_000
	maxFactor     = 1e30
)

// Validate returns an error that names a value which is out of its limits.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
		limit int
	}{
		{"hidden units", c.Hidden, maxHidden},
		{"batch size", c.BatchSize, maxBatchSize},
		{"iterations", c.Iterations, maxIterations},
	} {
		if f.value < 1 || f.value > f.limit {
			return fmt.Errorf("%s: %d is out of range; choose 1 to %d", f.name, f.value, f.limit)
		}
	}
	if !(c.LearningRate > 0 && c.LearningRate <= maxFactor) {
		return fmt.Errorf("learning rate: %v is out of range; choose a number above 0, up to %g (0.1 is usual)", c.LearningRate, maxFactor)
	}
	if !(c.InitStd >= 0 && c.InitStd <= maxFactor) {
		return fmt.Errorf("initial weight deviation: %v is out of range; choose 0 to %g (0.01 is usual)", c.InitStd, maxFactor)
	}
	return nil
}

// epoch returns the number of whole passes through train samples that the
// iterations before iteration i make up, so that it grows by one at the first
// iteration at or past each epoch's boundary, train/BatchSize iterations apart, whole
// number or not. A batch as large as the training set or larger is an epoch.
func (c Config) epoch(i, train int) int {
	batch := min(c.BatchSize, train)
	return int(int64(i) * int64(batch) / int64(train))
}

// startsEpoch reports whether iteration i is the first of an epoch. The notebook
// asks i % (train/batch) == 0, which is the same where that is a whole number.
func (c Config) startsEpoch(i, train int) bool {
	return i == 0 || c.epoch(i, train) != c.epoch(i-1, train)
}

// A Preset is a Config with a name.
type Preset struct {
	Name, Description string
	Config            Config
}

// Presets returns the presets, which differ from the notebook's run in as little as
// their descriptions say.
func Presets() []Preset {
	notebook := Config{
		Hidden: 50, BatchSize: 100, Iterations: 6000,
		LearningRate: 0.1, InitStd: 0.01, Seed: 42,
	}
	scaled := notebook
	scaled.ScalePixels = true
	return []Preset{
		{"seed", "the notebook's run to the digit: pixels as they are in the file, on which it sticks", notebook},
		{"scaled", "the same with pixels divided by their largest value, which learns", scaled},
	}
}

// PresetNamed returns the preset called name. The error lists those that there are.
func PresetNamed(name string) (Preset, error) {
	var names []string
	for _, p := range Presets() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, fmt.Errorf("no preset %q; choose one of: %s", name, strings.Join(names, ", "))
}
