package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// TestTuneTiles checks the tiles that are tried, and that those in use are among them
// under the tuning in use, whichever way they are written there.
func TestTuneTiles(t *testing.T) {
	var j journal
	for rows, want := range map[int]string{0: "9x8 11x8 12x8 4x16 5x16 *6x16 3x24 4x24", 6: "9x8 11x8 12x8 4x16 5x16 *6x16 3x24 4x24", 3: "9x8 11x8 12x8 *3x16 4x16 5x16 6x16 3x24 4x24"} {
		made := j.tunable(nil)
		made.now.Rows = rows
		if rows > 0 {
			made.mr = rows
		}
		var got []string
		for _, c := range tiles(made) {
			if c.tuning == made.now {
				c.label = "*" + c.label
			}
			got = append(got, c.label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("rows = %d: %s, want %s", rows, strings.Join(got, " "), want)
		}
	}
}

// TestTuneParametersOfThisCPU plans the real sweeps of every implementation.
func TestTuneParametersOfThisCPU(t *testing.T) {
	for _, im := range kernels.Supported() {
		for _, of := range []*tunable{newTunable[float32](im), newTunable[float64](im)} {
			of.threads = 2
			for _, p := range parameters {
				plan, err := planSweep(of, p)
				if err != nil {
					neverPacksA := of.now.PackStride == never && of.now.TurnStride == never
					ofVectors := []string{"TailColumns", "TailDepth", "UprightColumns", "LoneDepth", "NarrowDepth", "AroundBytes", "AloneDepth", "AloneBytes", "VecMatBytes", "FetchBytes", "PanelBytes", "AheadTurns", "UnevenDepth", "AsRowsDepth"}
					switch {
					case slices.Contains(ofVectors, p.name) && of.lanes == 1,
						p.name == "UprightDepth" && !strings.HasPrefix(of.String(), "avx512"),                           // others have no kernels for a pair
						(p.name == "SpareLoads" || p.name == "WholeBytes") && !strings.HasPrefix(of.String(), "avx512"), // others have no kernels that do
						p.name == "CrowdedBytes" && of.now.CrowdedRows >= of.now.PackRows,
						p.name == "AroundDepth" && of.now.AroundBytes == never,
						p.name == "TurnRows" && of.now.TurnDepth == never,
						p.name == "TurnPages" && of.now.TurnColumns >= of.now.PackColumns,
						p.name == "ThinDepth" && of.now.ThinColumns == 0,
						(p.name == "PackWork" || p.name == "SplitDepth") && of.now.PackDepth == 0,
						(p.name == "PackColumns" || p.name == "TurnColumns") && neverPacksA,
						strings.Contains(err.Error(), kernels.ThreadsVariable):
						continue
					}
					t.Errorf("%v %s: %v", of, p.name, err)
					continue
				}
				now, seen := 0, map[string]bool{}
				for i, c := range plan.candidates {
					if err := of.check(c.tuning); err != nil {
						t.Errorf("%v: candidate %s: %v", plan, c.label, err)
					}
					if c.tuning == of.now {
						now++
					}
					if seen[c.label] || (c.tuning == of.now) != (i == plan.now) {
						t.Errorf("%v: candidate %s is there twice", plan, c.label)
					}
					seen[c.label] = true
				}
				if now != 1 {
					t.Errorf("%v: the value in use is there %d times among %d", plan, now, len(plan.candidates))
				}
				names := map[string]bool{}
				for i, g := range plan.groups {
					for _, c := range g.Contenders {
						if names[g.Name(&c)] {
							t.Errorf("%v: %s is there twice", plan, g.Name(&c))
						}
						names[g.Name(&c)] = true
					}
					for _, name := range plan.measured[i] {
						if !names[name] {
							t.Errorf("%v: %s is not measured", plan, name)
						}
					}
					if s := plan.shapes[i]; s.flop() > 8e9 {
						t.Errorf("%v: %v takes too long", plan, s)
					}
				}
			}
		}
	}
}

func TestTuneOptions(t *testing.T) {
	ims := kernels.Supported()[:1]
	good := TuneOptions{Implementations: ims, Rounds: 1, Sample: time.Millisecond}
	for want, change := range map[string]func(o *TuneOptions){
		"rounds = 0, want at least 1":                  func(o *TuneOptions) { o.Rounds = 0 },
		"sample = 1µs, want at least 1ms":              func(o *TuneOptions) { o.Sample = time.Microsecond },
		"type = f16, want one of f32, f64":             func(o *TuneOptions) { o.Types = []string{"f16"} },
		"parameter = KD, want one of Tile, KC, MC, NC": func(o *TuneOptions) { o.Parameters = []string{"KD"} },
	} {
		o := good
		change(&o)
		if _, err := PrepareTune(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	o := good
	o.Types, o.Parameters = []string{"f64"}, []string{"nc", "KC", "NC"}
	r, err := PrepareTune(o)
	if err != nil {
		t.Fatal(err)
	}
	var plans []string
	for _, p := range r.plans {
		plans = append(plans, p.String())
	}
	name := ims[0].Name()
	if want := []string{name + " f64 KC", name + " f64 NC"}; !slices.Equal(plans, want) {
		t.Errorf("plans %q, want %q", plans, want)
	}

	all, err := TuneImplementations(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, im := range all {
		if len(all) > 1 && im.Name() == "portable" {
			t.Error("plain Go is tuned unasked, beside assembly")
		}
	}
	portable, _ := kernels.Lookup("portable")
	if ims, err := TuneImplementations(portable); err != nil || !slices.Equal(ims, []*kernels.Implementation{portable}) {
		t.Errorf("%v, %v", ims, err)
	}
}
