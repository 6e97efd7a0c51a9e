package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
)

// A trainPlan is what the flags come to: everything that is known before data
// is read.
type trainPlan struct {
	config  nn.Config
	dtype   string // "float32" or "float64"
	im      *kernels.Implementation
	data    string // for dataset.Open
	offline bool   // the user has not named the data, so nothing may be downloaded
	notes   []string
}

// plan turns the flags into a plan, and checks everything that can be
// checked without reading data.
func (f *trainFlags) plan() (p trainPlan, err error) {
	if f.threads < 0 {
		return p, usageErrorf("--threads %d is out of range: needs a whole number >= 1, or 0 for no limit", f.threads)
	}
	if err := f.outputs.check(); err != nil {
		return p, err
	}
	if err := checkExplain(f.explain); err != nil {
		return p, err
	}
	if f.resume != "" {
		if f.load != "" {
			return p, usageErrorf("--load and --resume: one file has the weights to begin with; --resume goes on with a run, --load starts a new one")
		}
		return f.planResumed()
	}
	if p.im, err = f.isa.implementation(); err != nil {
		return p, err
	}
	if f.changed("init-std") && f.changed("init") && f.config.Init != nn.InitNormal {
		return p, usageErrorf("--init-std %g: the weights of --init %s have a deviation of their own: leave one of the two out", f.config.InitStd, f.config.Init)
	}
	p.config = f.override(f.preset.preset.Config)
	if err := p.config.Validate(); err != nil {
		return p, usageError{byFlag(err)}
	}
	p.dtype, p.data, p.offline = string(f.dtype), f.data, f.data == ""
	if _, err := os.Stat(f.load); f.load != "" && err != nil { // now rather than after a download
		return p, fmt.Errorf("--load %s: %w", f.load, errors.Unwrap(err))
	}
	return p, nil
}

// settingFlags are the flags for what a [nn.ConfigError] calls a setting.
var settingFlags = map[string]string{
	"hidden units": "hidden", "batch size": "batch", "iterations": "iterations", "learning rate": "rate",
	"initial weight deviation": "init-std", "init": "init", "momentum": "momentum", "decay": "decay",
	"hold-out": "hold-out", "patience": "patience",
}

// byFlag names the flag where err is about a setting.
func byFlag(err error) error {
	if e, ok := err.(*nn.ConfigError); ok { // and no more: what wraps it says where the setting is from
		return fmt.Errorf("--%s %s", settingFlags[e.Setting], e.Problem)
	}
	return err
}

// override returns c with the settings that were given as flags.
func (f *trainFlags) override(c nn.Config) nn.Config {
	for flag, set := range map[string]func(){
		"hidden":       func() { c.Hidden = f.config.Hidden },
		"batch":        func() { c.BatchSize = f.config.BatchSize },
		"iterations":   func() { c.Iterations = f.config.Iterations },
		"rate":         func() { c.LearningRate = f.config.LearningRate },
		"init":         func() { c.Init = f.config.Init },
		"init-std":     func() { c.Init, c.InitStd = nn.InitNormal, f.config.InitStd },
		"momentum":     func() { c.Momentum = f.config.Momentum },
		"decay":        func() { c.Decay = f.config.Decay },
		"shuffle":      func() { c.Shuffle = f.config.Shuffle },
		"skip-zeros":   func() { c.SkipZeros = f.config.SkipZeros },
		"hold-out":     func() { c.HoldOut = f.config.HoldOut },
		"patience":     func() { c.Patience = f.config.Patience },
		"scale-pixels": func() { c.ScalePixels = f.config.ScalePixels },
		"seed":         func() { c.Seed = f.config.Seed },
	} {
		if f.changed(flag) {
			set()
		}
	}
	if f.losses != "" {
		c.EpochHistory = f.losses == "epoch"
	}
	return c
}

// planResumed is plan for a run that goes on: all but its length is as it was.
func (f *trainFlags) planResumed() (p trainPlan, err error) {
	for _, flag := range []string{
		"preset", "hidden", "batch", "rate", "init", "init-std", "momentum", "decay", "shuffle", "skip-zeros", "hold-out", "patience", "scale-pixels", "seed", "history " + f.losses,
	} {
		if f.changed(flag) || f.losses != "" && flag == "history "+f.losses {
			return p, usageErrorf("--%s cannot be changed in a run that goes on: leave it out, or start anew with --load %s", flag, f.resume)
		}
	}
	info, err := nn.ReadCheckpointInfo(f.resume)
	if err != nil {
		return p, fmt.Errorf("--resume: %w", err)
	}
	if f.changed("dtype") && string(f.dtype) != info.DType {
		return p, usageErrorf("--dtype %s: the run in %s is in %s: leave it out", &f.dtype, f.resume, info.DType)
	}
	p.config, p.dtype = info.Config, info.DType
	if f.changed("iterations") {
		p.config.Iterations = f.config.Iterations
		if err := p.config.Validate(); err != nil {
			return p, usageError{byFlag(err)}
		}
		if p.config.Iterations < info.Iteration {
			return p, usageErrorf("--iterations %d: the run in %s has done %d already: choose at least that many",
				p.config.Iterations, f.resume, info.Iteration)
		}
	}
	if p.im, err = f.resumedImplementation(info); err != nil {
		return p, err
	}
	if p.im.Name() != info.Implementation {
		p.notes = append(p.notes, fmt.Sprintf("the run in %s was on %s, now it is on %s: rounding will differ", f.resume, info.Implementation, p.im))
	}
	p.data = f.data
	if f.data == "" {
		p.data, p.offline = resumedData(info), true
	}
	return p, nil
}

// resumedImplementation is what the user asks for, else what the run was on.
func (f *trainFlags) resumedImplementation(info nn.CheckpointInfo) (*kernels.Implementation, error) {
	if f.isa.chosen == nil && kernels.Chosen().Requested == "" {
		if im, err := kernels.Lookup(info.Implementation); err == nil {
			return im, nil
		}
	}
	return f.isa.implementation()
}

// resumedData returns where the data of the run is, as [dataset.Open] wants
// it: the path that it was read from, else its name. That it is the same data is
// checked later, by its content.
func resumedData(info nn.CheckpointInfo) string {
	if path, err := filepath.Abs(info.DataSource); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if slices.Contains(dataNames(), info.DataName) {
		return info.DataName
	}
	return info.DataSource
}
