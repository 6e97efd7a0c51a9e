package bench

import (
	"time"

	"golang.org/x/perf/benchfmt"
)

// Units beside Go's own ns/op, B/op and allocs/op.
const (
	unitFLOPs   = "FLOP/s"
	unitPeak    = "%peak"
	unitBytes   = "GB/s"
	unitSamples = "samples/s"
	unitMemory  = "memory-B"
	unitFMA     = "FMA/cycle"
	unitHz      = "Hz"
	unitAlone   = "%alone"

	// Of turns during which nobody else was on the core.
	unitFLOPsAlone = "FLOP/s-alone"
	unitPeakAlone  = "%peak-alone"
)

// unitLines tells readers of a record in which direction our units improve.
func unitLines() []*benchfmt.UnitMetadata {
	var lines []*benchfmt.UnitMetadata
	add := func(unit, better string) {
		lines = append(lines, &benchfmt.UnitMetadata{
			UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}, OrigUnit: unit, Value: better,
		})
	}
	for _, unit := range []string{unitFLOPs, unitPeak, unitBytes, unitSamples, unitFMA, unitHz, unitAlone, unitFLOPsAlone, unitPeakAlone} {
		add(unit, "higher")
	}
	add(unitMemory, "lower")
	return lines
}

// metric is one measurement of a benchmark.
type metric struct {
	value float64
	unit  string
}

// metrics turns the time of an iteration, in seconds, into the units that its work
// is reported in. peak is the multiply-add peak in FLOP/s, 0 if there is none.
func (w Work) metrics(seconds, peak float64) []metric {
	var ms []metric
	if w.FLOP > 0 {
		ms = append(ms, metric{w.FLOP / seconds, unitFLOPs})
		if peak > 0 {
			ms = append(ms, metric{100 * w.FLOP / seconds / peak, unitPeak})
		}
	}
	if w.Bytes > 0 {
		ms = append(ms, metric{w.Bytes / seconds / 1e9, unitBytes})
	}
	if w.Samples > 0 {
		ms = append(ms, metric{w.Samples / seconds, unitSamples})
	}
	return ms
}

// metrics returns what is reported beside the time of an iteration, in seconds.
func (t task) metrics(w Work, seconds, peak float64) []metric {
	ms := w.metrics(seconds, peak)
	if t.memory > 0 {
		ms = append(ms, metric{float64(t.memory), unitMemory})
	}
	return ms
}

// A clock tells the time since some fixed moment. The runner reads no other one.
type clock func() time.Duration

// wallClock is the monotonic clock of the system.
func wallClock() clock {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
