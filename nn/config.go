package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config is everything that decides a training run, apart from the data, the
// element type and the implementation of the kernels.
type Config struct {
	Hidden       int     `json:"hidden"`        // units of the hidden layer
	BatchSize    int     `json:"batch_size"`    // samples per iteration, drawn with replacement unless Shuffle is set
	Iterations   int     `json:"iterations"`    // updates of the parameters
	LearningRate float64 `json:"learning_rate"` // an update is minus this times the gradient
	InitStd      float64 `json:"init_std"`      // standard deviation of the first weights, with InitNormal
	ScalePixels  bool    `json:"scale_pixels"`  // divide pixels by the largest value they can have
	Seed         uint32  `json:"seed"`          // of the random stream for weights and batches

	Init     Init    `json:"init"`     // how large the first weights are
	Momentum float64 `json:"momentum"` // share of the last update's direction that goes into the next; 0 for none
	Decay    float64 `json:"decay"`    // share of the learning rate that every thousand iterations take away; 0 for none
	Shuffle  bool    `json:"shuffle"`  // every epoch takes every sample once, in a new order
	HoldOut  float64 `json:"hold_out"` // share of the training samples that are not trained on; 0 for none
	Patience int     `json:"patience"` // epochs without a better accuracy on those, after which the run stops; 0 for no stopping

	// EpochHistory is for runs that want means over epochs only: the loss of a
	// batch is what its gradient was taken at, before the update. Otherwise it
	// is computed again after the update, which costs a forward pass.
	EpochHistory bool `json:"epoch_history"`

	// SkipZeros leaves out the inputs that are 0 in a whole batch, where that is
	// faster: see [Stepper.SkipZeros]. Sums are rounded otherwise, so that in float32 a
	// long run does not end in the same digits.
	SkipZeros bool `json:"skip_zeros"`
}

// Init says how large the first weights are. All are normal, with mean 0, and biases start at 0.
type Init uint8

const (
	// InitNormal is a standard deviation of Config.InitStd everywhere.
	InitNormal Init = iota
	// InitHe is a standard deviation of sqrt(2/n) for a layer of n inputs, which
	// keeps the signal as large behind ReLU as it was before: He et al.,
	// "Delving Deep into Rectifiers" (2015).
	InitHe
)

var initNames = []string{InitNormal: "normal", InitHe: "he"}

// Inits returns the names of what an Init can be.
func Inits() []string { return slices.Clone(initNames) }

func (i Init) String() string { return initNames[i] }

// MarshalText implements [encoding.TextMarshaler].
func (i Init) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (i *Init) UnmarshalText(text []byte) error {
	at := slices.Index(initNames, string(text))
	if at < 0 {
		return fmt.Errorf("no way to begin is called %q; choose one of: %s", text, strings.Join(initNames, ", "))
	}
	*i = Init(at)
	return nil
}

// The largest values a Config may have. They keep a typing error from asking for
// more memory than a machine has, and rates and weights within float32.
const (
	maxHidden     = 1 << 16
	maxBatchSize  = 1 << 16
	maxIterations = 100_000_000
	maxFactor     = 1e30
	maxHoldOut    = 0.9
	maxPatience   = 1_000_000
)

// A ConfigError says what is wrong with a setting of a [Config].
type ConfigError struct {
	Setting string // in words: batch size
	Problem string // beginning with the value: 0 is out of range; choose 1 to 65536
}

func (e *ConfigError) Error() string { return e.Setting + ": " + e.Problem }

func configErrorf(setting, format string, args ...any) error {
	return &ConfigError{setting, fmt.Sprintf(format, args...)}
}

// Validate returns a [*ConfigError] for a value that is out of its limits.
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
			return configErrorf(f.name, "%d is out of range; choose 1 to %d", f.value, f.limit)
		}
	}
	if !(c.LearningRate > 0 && c.LearningRate <= maxFactor) {
		return configErrorf("learning rate", "%v is out of range; choose a number above 0, up to %g (0.1 is usual)", c.LearningRate, maxFactor)
	}
	if !(c.InitStd >= 0 && c.InitStd <= maxFactor) {
		return configErrorf("initial weight deviation", "%v is out of range; choose 0 to %g (0.01 is usual)", c.InitStd, maxFactor)
	}
	if int(c.Init) >= len(initNames) {
		return configErrorf("init", "%d is out of range; choose 0 to %d", c.Init, len(initNames)-1)
	}
	if !(c.Momentum >= 0 && c.Momentum < 1) {
		return configErrorf("momentum", "%v is out of range; choose 0 or more, below 1 (0.9 is usual)", c.Momentum)
	}
	if !(c.Decay >= 0 && c.Decay < 1) {
		return configErrorf("decay", "%v is out of range; choose 0 or more, below 1 (0.5 halves the learning rate every thousand iterations)", c.Decay)
	}
	if !(c.HoldOut >= 0 && c.HoldOut <= maxHoldOut) {
		return configErrorf("hold-out", "%v is out of range; choose 0 to %g (0.1 holds a tenth of the training samples out)", c.HoldOut, maxHoldOut)
	}
	if c.Patience < 0 || c.Patience > maxPatience {
		return configErrorf("patience", "%d is out of range; choose 0 to %d epochs", c.Patience, maxPatience)
	}
	if c.Patience > 0 && c.HoldOut == 0 {
		return configErrorf("patience", "%d epochs, but no samples are held out to judge by; hold some out, a share of 0.1, say", c.Patience)
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

// rate returns the learning rate of iteration i. It falls a little with each
// one, and depends neither on the size of the data nor on the length of the
// run, which may be made longer later.
func (c Config) rate(i int) float64 {
	if c.Decay == 0 {
		return c.LearningRate
	}
	return c.LearningRate * math.Pow(1-c.Decay, float64(i)/1000)
}

// A Preset is a Config with a name.
type Preset struct {
	Name, Description string
	Config            Config
}

// Presets returns the presets. The first two differ in as little as the second's
// description says.
func Presets() []Preset {
	notebook := Config{
		Hidden: 50, BatchSize: 100, Iterations: 6000,
		LearningRate: 0.1, InitStd: 0.01, Seed: 42,
	}
	scaled := notebook
	scaled.ScalePixels = true
	best := Config{
		Hidden: 256, BatchSize: 100, Iterations: 4800,
		LearningRate: 0.2, Init: InitHe, ScalePixels: true, Seed: 42,
		Momentum: 0.9, Decay: 0.5, Shuffle: true, EpochHistory: true, SkipZeros: true,
	}
	return []Preset{
		{"seed", "the notebook's run to the digit: pixels as they are in the file, on which it sticks", notebook},
		{"scaled", "the same with pixels divided by their largest value, which learns", scaled},
		{"best", "what the same two layers can do: better first weights, momentum, shuffled epochs, a falling rate", best},
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
