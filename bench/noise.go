package bench

import (
	"fmt"
	"strings"
	"time"
)

// Noise is what got in the way of a round.
type Noise struct {
	Duration time.Duration
	// StealShare is the part of the machine's processor time that its host gave to
	// others, 0 to 1; -1 where it cannot be known.
	StealShare float64
	// InvoluntarySwitches counts how often the system took the processor away from
	// this process; -1 where it cannot be known.
	InvoluntarySwitches int64
	// SharedShare is the part of the time of the turns that were watched, 0 to 1, before or after which somebody
	// else was on the other thread of the core; -1 where nobody looked.
	SharedShare float64
}

// A round is noisy when the host took more than noisyStealShare of the processor
// time, when the system took the processor away noisySwitchRate times a second, or when the core
// was shared for more than noisySharedShare of the time.
// A quiet machine takes it away a few times a second at most.
const (
	noisyStealShare  = 0.01
	noisySwitchRate  = 20
	noisySharedShare = 0.05
)

// Label is the value of the configuration key noise: "quiet", or what was seen, as in "steal+shared".
func (n Noise) Label() string {
	var seen []string
	if n.StealShare > noisyStealShare {
		seen = append(seen, "steal")
	}
	if n.switched() {
		seen = append(seen, "switches")
	}
	if n.SharedShare > noisySharedShare {
		seen = append(seen, "shared")
	}
	switch {
	case len(seen) > 0:
		return strings.Join(seen, "+")
	case n.StealShare < 0 && n.InvoluntarySwitches < 0:
		return unknown
	}
	return "quiet"
}

// switched reports whether the system took the processor away too often.
func (n Noise) switched() bool {
	return float64(n.InvoluntarySwitches) > noisySwitchRate*n.Duration.Seconds()
}

// Noisy reports whether something got in the way.
func (n Noise) Noisy() bool { return n.Label() != "quiet" && n.Label() != unknown }

// String describes the noise for people.
func (n Noise) String() string {
	s := n.Label()
	if n.StealShare > noisyStealShare {
		s += fmt.Sprintf(", %.1f%% of the processor time stolen", 100*n.StealShare)
	}
	if n.switched() {
		s += fmt.Sprintf(", %d involuntary switches in %.1f s", n.InvoluntarySwitches, n.Duration.Seconds())
	}
	if n.SharedShare > noisySharedShare {
		s += fmt.Sprintf(", the core shared during %.0f%% of what was watched", 100*n.SharedShare)
	}
	return s
}

// noiseReading is the state of the system's counters at one moment.
type noiseReading struct {
	at           time.Time
	steal, total uint64 // processor time in ticks; total is 0 if unknown
	switches     int64  // -1 if unknown
}

func noiseBetween(a, b noiseReading) Noise {
	n := Noise{Duration: b.at.Sub(a.at), StealShare: -1, InvoluntarySwitches: -1, SharedShare: -1}
	if a.total > 0 && b.total > a.total {
		n.StealShare = float64(b.steal-a.steal) / float64(b.total-a.total)
	}
	if a.switches >= 0 && b.switches >= 0 {
		n.InvoluntarySwitches = b.switches - a.switches
	}
	return n
}

// readNoise reads the counters.
func readNoise() noiseReading {
	r := noiseReading{at: time.Now(), switches: involuntarySwitches()}
	r.steal, r.total = processorTicks()
	return r
}
