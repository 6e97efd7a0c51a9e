package nn

import (
	"math"
	"testing"
)

func TestPresets(t *testing.T) {
	notebook := Config{Hidden: 50, BatchSize: 100, Iterations: 6000, LearningRate: 0.1, InitStd: 0.01, Seed: 42}
	scaled := notebook
	scaled.ScalePixels = true
	if best, err := PresetNamed("best"); err != nil || !best.Config.Shuffle || best.Config.Init != InitHe || best.Config.Momentum == 0 || best.Config.Decay == 0 {
		t.Errorf("PresetNamed(best) = %+v, %v", best, err)
	}
	for name, want := range map[string]Config{"seed": notebook, "scaled": scaled} {
		p, err := PresetNamed(name)
		if err != nil || p.Name != name || p.Config != want || p.Description == "" {
			t.Errorf("PresetNamed(%s) = %+v, %v, want %+v", name, p, err, want)
		}
	}
	_, err := PresetNamed("none")
	mustHave(t, err, `"none"`, "seed, scaled, best")
	for _, p := range Presets() {
		if err := p.Config.Validate(); err != nil {
			t.Errorf("preset %s: %v", p.Name, err)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		words  []string
	}{
		{func(c *Config) { c.Hidden = 0 }, []string{"hidden units: 0", "1 to 65536"}},
		{func(c *Config) { c.Hidden = 65537 }, []string{"hidden units: 65537"}},
		{func(c *Config) { c.BatchSize = -5 }, []string{"batch size: -5", "1 to 65536"}},
		{func(c *Config) { c.Iterations = 0 }, []string{"iterations: 0", "1 to 100000000"}},
		{func(c *Config) { c.LearningRate = 0 }, []string{"learning rate: 0", "above 0"}},
		{func(c *Config) { c.LearningRate = math.NaN() }, []string{"learning rate: NaN"}},
		{func(c *Config) { c.LearningRate = math.Inf(1) }, []string{"learning rate: +Inf"}},
		{func(c *Config) { c.InitStd = -0.1 }, []string{"weight deviation: -0.1", "0 to 1e+30"}},
		{func(c *Config) { c.Init = 2 }, []string{"init: 2", "0 to 1"}},
		{func(c *Config) { c.Momentum = 1 }, []string{"momentum: 1", "below 1"}},
		{func(c *Config) { c.Momentum = -0.1 }, []string{"momentum: -0.1"}},
		{func(c *Config) { c.Momentum = math.NaN() }, []string{"momentum: NaN"}},
		{func(c *Config) { c.Decay = 1 }, []string{"decay: 1", "below 1"}},
		{func(c *Config) { c.Decay = math.NaN() }, []string{"decay: NaN"}},
		{func(c *Config) { c.HoldOut = 0.95 }, []string{"hold-out: 0.95", "0 to 0.9"}},
		{func(c *Config) { c.HoldOut = math.NaN() }, []string{"hold-out: NaN"}},
		{func(c *Config) { c.HoldOut, c.Patience = 0.1, -1 }, []string{"patience: -1", "0 to 1000000"}},
		{func(c *Config) { c.Patience = 3 }, []string{"patience: 3", "hold some out"}},
		{func(c *Config) { c.InitStd = math.NaN() }, []string{"weight deviation: NaN"}},
	} {
		cfg := blobsConfig()
		c.change(&cfg)
		mustHave(t, cfg.Validate(), c.words...)
	}
	if err := everyOption(blobsConfig()).Validate(); err != nil {
		t.Error(err)
	}
	zero := blobsConfig()
	zero.InitStd = 0 // of no use, but what it leads to is to be seen
	if err := zero.Validate(); err != nil {
		t.Error(err)
	}
}

func TestInitText(t *testing.T) {
	for name, want := range map[string]Init{"normal": InitNormal, "he": InitHe} {
		var got Init
		if err := got.UnmarshalText([]byte(name)); err != nil || got != want || got.String() != name {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	mustHave(t, new(Init).UnmarshalText([]byte("glorot")), "glorot", "normal, he")
}

// Where an epoch is a whole number of iterations, this is the notebook's
// i % (train / batch) == 0.
func TestStartsEpochIsTheNotebooksModulo(t *testing.T) {
	for _, c := range [][2]int{{60000, 100}, {60000, 1}, {100, 100}, {100, 50}, {50, 100}, {1, 7}} {
		train, batch := c[0], c[1]
		cfg := Config{BatchSize: batch}
		perEpoch := math.Max(float64(train)/float64(batch), 1)
		for i := range 3000 {
			want := math.Mod(float64(i), perEpoch) == 0
			if got := cfg.startsEpoch(i, train); got != want {
				t.Errorf("%d samples, batch %d: startsEpoch(%d) = %v, want %v", train, batch, i, got, want)
			}
			if got, want := cfg.epoch(i, train), int(float64(i)/perEpoch); got != want {
				t.Errorf("%d samples, batch %d: epoch(%d) = %d, want %d", train, batch, i, got, want)
			}
		}
	}
}

// Elsewhere an epoch begins with the first iteration at or past its boundary.
func TestStartsEpochAtOrPastTheBoundary(t *testing.T) {
	for _, c := range [][2]int{{1437, 100}, {1437, 30}, {10, 3}, {10, 7}, {1000, 999}} {
		train, batch := c[0], c[1]
		cfg := Config{BatchSize: batch}
		starts := 0
		for i := range 200 {
			if cfg.startsEpoch(i, train) {
				// Boundary number starts is at iteration starts*train/batch.
				if i*batch < starts*train || (i-1)*batch >= starts*train {
					t.Errorf("%d samples, batch %d: epoch %d begins at iteration %d", train, batch, starts, i)
				}
				starts++
			}
		}
		if want := 199*batch/train + 1; starts != want {
			t.Errorf("%d samples, batch %d: %d epochs begin in 200 iterations, want %d", train, batch, starts, want)
		}
	}
	if epochs := (Config{BatchSize: maxBatchSize}).epoch(maxIterations, 1<<17); epochs != maxIterations/2 {
		t.Errorf("the largest run has %d epochs, want %d", epochs, maxIterations/2)
	}
}

// The texts are what Python 3 prints for these numbers.
func TestFormatFloat(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0.0", 1: "1.0", 0.1028: "0.1028", 0.10441666666666667: "0.10441666666666667",
		0.5: "0.5", 100: "100.0", 1e15: "1000000000000000.0", 1e16: "1e+16", 123456789012345680: "1.2345678901234568e+17",
		0.0001: "0.0001", 0.00012345: "0.00012345", 0.00001: "1e-05", 1.5e-7: "1.5e-07", 5e-324: "5e-324",
		1.7976931348623157e308: "1.7976931348623157e+308", -0.25: "-0.25", 2.0 / 3: "0.6666666666666666",
		math.Inf(1): "inf", math.Inf(-1): "-inf",
	} {
		if got := FormatFloat(x); got != want {
			t.Errorf("FormatFloat(%g) = %s, want %s", x, got, want)
		}
	}
	if got := FormatFloat(math.NaN()); got != "nan" {
		t.Errorf("FormatFloat(NaN) = %s", got)
	}
	if got := FormatFloat(math.Copysign(0, -1)); got != "-0.0" {
		t.Errorf("FormatFloat(-0) = %s", got)
	}
}
