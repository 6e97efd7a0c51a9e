package bench

import (
	"encoding/json"
	"runtime"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// sidecar is the .json file beside a record: what is too long for a configuration
// line, or concerns a round as a whole. It holds no summaries of the samples.
type sidecar struct {
	Record      string            `json:"record"` // name of the .txt file
	Machine     string            `json:"machine"`
	Config      map[string]string `json:"config"` // as in the record
	Commit      string            `json:"commit"` // in full
	Started     time.Time         `json:"started"`
	Finished    time.Time         `json:"finished"`
	Interrupted bool              `json:"interrupted"` // fewer rounds than options.rounds

	CPU             sidecarCPU              `json:"cpu"`
	GOMAXPROCS      int                     `json:"gomaxprocs"` // while measuring
	Implementations []sidecarImplementation `json:"implementations"`
	Default         string                  `json:"default"` // implementation that the library uses here
	Reason          string                  `json:"reason"`  // why
	Options         sidecarOptions          `json:"options"`
	Build           map[string]string       `json:"build"`
	Rounds          []sidecarRound          `json:"rounds"`

	// Of a run beside rivals: what was found of them, and the environment that forced
	// their kernels.
	Rivals []Rival           `json:"rivals,omitempty"`
	Forced map[string]string `json:"forced,omitempty"`
}

type sidecarCPU struct {
	Brand         string   `json:"brand"`
	Vendor        string   `json:"vendor"`
	Family        int      `json:"family"`
	Model         int      `json:"model"`
	Stepping      int      `json:"stepping"`
	PhysicalCores int      `json:"physical_cores"` // 0 if unknown
	LogicalCores  int      `json:"logical_cores"`
	CacheLine     int      `json:"cache_line_bytes"` // 0 if unknown, as the caches
	L1D           int      `json:"l1d_bytes"`
	L2            int      `json:"l2_bytes"`
	L3            int      `json:"l3_bytes"`
	Hypervisor    string   `json:"hypervisor,omitempty"`
	Features      []string `json:"features"`
}

type sidecarImplementation struct {
	Name     string   `json:"name"`
	Measured bool     `json:"measured"`
	Missing  []string `json:"missing,omitempty"` // CPU features for want of which it cannot run
}

type sidecarOptions struct {
	Rounds   int     `json:"rounds"`
	Sample   string  `json:"sample"`
	Turns    int     `json:"turns,omitempty"`    // that a sample beside rivals is cut into
	Patience float64 `json:"patience,omitempty"` // with which these wait for a core that nobody else uses
	Long     bool    `json:"long"`
	Filter   string  `json:"filter,omitempty"`
	// Products that were asked for instead of the suite, or beside families, as MxNxK:TN.
	Shapes []string `json:"shapes,omitempty"`

	Types    []string `json:"types,omitempty"` // of a run beside rivals, as families
	Families []string `json:"families,omitempty"`
}

type sidecarRound struct {
	Round    int     `json:"round"`
	Seconds  float64 `json:"seconds"`
	Noise    string  `json:"noise"`
	Steal    float64 `json:"steal_share"`          // of all processor time; -1 if unknown
	Switches int64   `json:"involuntary_switches"` // -1 if unknown
	Shared   float64 `json:"shared_share"`         // of the time of turns that were watched, before or after which the core was shared; -1 if none was
	Waited   float64 `json:"waited_seconds"`       // for it not to be, turns that were taken again included
	// PeakFLOPs is the best multiply-add probe of the round, by type and implementation.
	PeakFLOPs map[string]float64 `json:"peak_flops"`
}

// describeCPU fills in the machine.
func describeCPU(c kernels.CPUInfo) sidecarCPU {
	return sidecarCPU{
		Brand: c.Brand, Vendor: c.Vendor, Family: c.Family, Model: c.Model, Stepping: c.Stepping,
		PhysicalCores: c.PhysicalCores, LogicalCores: c.LogicalCores, CacheLine: c.CacheLine,
		L1D: c.L1D, L2: c.L2, L3: c.L3, Hypervisor: c.Hypervisor, Features: c.Features,
	}
}

// describe makes the sidecar of a run, rounds and times excepted.
func (e environment) describe(o Options, measured []*kernels.Implementation) sidecar {
	s := sidecar{
		Machine: machineSlug(e.cpu), Config: map[string]string{}, Commit: e.source.Commit, Started: e.started,
		CPU: describeCPU(e.cpu), Default: kernels.Default().Name(), Reason: kernels.Chosen().Reason(),
		Options: sidecarOptions{Rounds: o.Rounds, Sample: o.Sample.String(), Long: o.Long, Filter: o.Filter, Shapes: ShapeTexts(o.Shapes)},
		Build:   map[string]string{"go": runtime.Version()},
	}
	for _, c := range e.config() {
		s.Config[c.key] = c.value
	}
	for _, im := range kernels.All() {
		si := sidecarImplementation{Name: im.Name(), Missing: im.Missing()}
		for _, m := range measured {
			si.Measured = si.Measured || m == im
		}
		s.Implementations = append(s.Implementations, si)
	}
	if e.build != nil {
		s.Build["version"] = e.build.Main.Version
		for _, b := range e.build.Settings {
			s.Build[b.Key] = b.Value
		}
	}
	return s
}

// addRound notes what holds for a whole round.
func (s *sidecar) addRound(r Round) {
	s.Rounds = append(s.Rounds, sidecarRound{
		Round: r.Number, Seconds: r.Noise.Duration.Seconds(), Noise: r.Noise.Label(),
		Steal: r.Noise.StealShare, Switches: r.Noise.InvoluntarySwitches, Shared: r.Noise.SharedShare, Waited: r.Waited.Seconds(), PeakFLOPs: r.Peaks,
	})
}

// encode returns s as indented JSON.
func (s *sidecar) encode() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
}
