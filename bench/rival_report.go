package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// A RivalReport is what a record tells about rivals. It is made from the record alone,
// so that records of any age give the same tables.
type RivalReport struct {
	Path     string
	Config   map[string]string // the record's configuration lines
	Contests []*Contest
	Rounds   int
	Noisy    int // rounds that are marked
	// Rivals is what the sidecar says of them; nil without one.
	Rivals []Rival
}

// A Contest is the matrix products of one type, and the training in it, on one instruction
// set and one number of threads.
type Contest struct {
	Ours    string // implementation of package kernels
	Type    string // f32, f64
	Threads int
	Rivals  []string // in the order of RivalNames
	Shapes  []*ContestShape
}

// A ContestShape is one matrix product, or training with one batch size.
type ContestShape struct {
	Family, Shape string
	Rates         map[string]float64 // median FLOP/s of each contender; samples/s of training
	Peak          float64            // median of the same that the multiply-add peak beside ours amounts to; NaN if it is not known
	Shares        map[string]float64 // median share of each contender in it, round by round, in percent; NaN if it is not known
	// Ratios holds for each rival the rate of ours over its rate, taken round by round:
	// the median, with an interval of 95% confidence that assumes nothing about the
	// distribution (infinite under six rounds).
	Ratios map[string]benchmath.Summary

	// Of turns before and after which nobody else was on the core; NaN if nobody looked, or there were none.
	Alone       map[string]float64 // median part of the time of each contender that these are, in percent
	AloneShare  float64            // as Shares, of ours
	AloneRatios map[string]float64 // medians of the ratios to each rival, round by round

	samples map[string]map[string]sample // by contender and round
}

// sample is one row of a record.
type sample struct {
	rate, share                  float64
	alone, aloneRate, aloneShare float64 // NaN if nobody looked, or there was no such time
}

// Best returns the rival with the highest rate, leaving some aside; "" if there is none.
func (s *ContestShape) Best(aside ...string) string {
	best := ""
	for rival := range s.Ratios {
		if slices.Contains(aside, rival) {
			continue
		}
		if best == "" || s.Rates[rival] > s.Rates[best] || s.Rates[rival] == s.Rates[best] && rival < best {
			best = rival
		}
	}
	return best
}

// Name returns the name of the record, without its folder.
func (r *RivalReport) Name() string { return strings.TrimSuffix(filepath.Base(r.Path), ".txt") }

// A FamilyRatio sums up the ratios of ours to the best rival of each shape of a family.
type FamilyRatio struct {
	Geomean float64 // NaN if there is no shape with a rival
	Worst   float64 // the smallest ratio
	Shape   string  // that has it
	Shapes  int     // with a rival
}

// Ratio returns the ratios of a family, "" for all of matrix products, leaving some rivals aside.
func (c *Contest) Ratio(family string, aside ...string) FamilyRatio {
	r := FamilyRatio{Geomean: math.NaN(), Worst: math.NaN()}
	sum := 0.0
	for _, s := range c.Shapes {
		best := s.Best(aside...)
		if best == "" || family != s.Family && (family != "" || setOf(s.Family) != nil) {
			continue
		}
		ratio := s.Ratios[best].Center
		sum += math.Log(ratio)
		r.Shapes++
		if !(ratio >= r.Worst) {
			r.Worst, r.Shape = ratio, s.Shape
		}
	}
	if r.Shapes > 0 {
		r.Geomean = math.Exp(sum / float64(r.Shapes))
	}
	return r
}

// HasShares reports whether there are matrix products in r whose peak is known.
func (r *RivalReport) HasShares() bool {
	return slices.ContainsFunc(r.Contests, func(c *Contest) bool {
		shapes, _ := c.Products()
		return slices.ContainsFunc(shapes, func(s *ContestShape) bool { return s.Peak > 0 })
	})
}

// Products returns the shapes that are matrix products, and the rivals that computed any of them.
func (c *Contest) Products() (shapes []*ContestShape, rivals []string) {
	shapes = slices.DeleteFunc(slices.Clone(c.Shapes), func(s *ContestShape) bool { return setOf(s.Family) != nil })
	rivals = slices.DeleteFunc(slices.Clone(c.Rivals), func(rival string) bool {
		return !slices.ContainsFunc(shapes, func(s *ContestShape) bool { return s.Rates[rival] > 0 })
	})
	return shapes, rivals
}

// Families returns the families of the shapes, in their order.
func (c *Contest) Families() []string {
	var families []string
	for _, s := range c.Shapes {
		if !slices.Contains(families, s.Family) {
			families = append(families, s.Family)
		}
	}
	return families
}

// ReadRivals reads a record. It fails on a file without matrix products or training of the
// record's implementation and a rival.
func ReadRivals(path string) (*RivalReport, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := &RivalReport{Path: path}
	rounds := map[string]bool{} // whether noisy
	reader := benchfmt.NewReader(file, path)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("%w: not the Go benchmark format, or damaged", rec)
		case *benchfmt.Result:
			if r.Config == nil {
				r.Config = map[string]string{}
				for _, c := range rec.Config {
					r.Config[c.Key] = string(c.Value)
				}
			}
			noise := rec.GetConfig("noise")
			rounds[rec.GetConfig("round")] = noise != "quiet" && noise != unknown
			if err := r.add(rec); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	if reader.Err() != nil {
		return nil, reader.Err()
	}
	for _, noisy := range rounds {
		r.Rounds++
		if noisy {
			r.Noisy++
		}
	}
	r.summarize()
	if len(r.Contests) == 0 {
		return nil, fmt.Errorf("%s: neither matrix products nor training of an implementation beside rivals in it, want a record of \"lanewise bench rivals\"", path)
	}
	return r, r.readSidecar()
}

// add takes in a row of the record.
func (r *RivalReport) add(rec *benchfmt.Result) error {
	base, parts := rec.Name.Parts()
	values := map[string]string{}
	for _, part := range parts {
		key, value, _ := strings.Cut(strings.TrimPrefix(string(part), "/"), "=")
		values[key] = value
	}
	unit := unitFLOPs
	switch string(base) {
	case "SGEMM":
		values["type"] = "f32"
	case "DGEMM":
		values["type"] = "f64"
	case trainingBenchmark:
		unit = unitSamples
	default:
		return nil
	}
	threads := 1
	if values["threads"] != "" {
		if _, err := fmt.Sscan(values["threads"], &threads); err != nil {
			return fmt.Errorf("%s: threads = %s, want a number", rec.Name, values["threads"])
		}
	}
	rate, ok := rec.Value(unit)
	if !ok || !(rate > 0) {
		return fmt.Errorf("%s: no %s, or none above 0", rec.Name, unit)
	}
	share, _ := rec.Value(unitPeak)
	value := func(unit string) float64 {
		if v, ok := rec.Value(unit); ok {
			return v
		}
		return math.NaN()
	}
	c := r.contest(rec.GetConfig("isa"), values["type"], threads)
	shape := c.shape(values)
	impl, round := values["impl"], rec.GetConfig("round")
	if impl != c.Ours && !slices.Contains(c.Rivals, impl) {
		c.Rivals = append(c.Rivals, impl)
	}
	if shape.samples[impl] == nil {
		shape.samples[impl] = map[string]sample{}
	}
	if _, twice := shape.samples[impl][round]; twice {
		return fmt.Errorf("%s is in round %s twice: are these several records in one file?", rec.Name, round)
	}
	shape.samples[impl][round] = sample{rate, share, value(unitAlone), value(unitFLOPsAlone), value(unitPeakAlone)}
	return nil
}

func (r *RivalReport) contest(ours, typ string, threads int) *Contest {
	for _, c := range r.Contests {
		if c.Ours == ours && c.Type == typ && c.Threads == threads {
			return c
		}
	}
	c := &Contest{Ours: ours, Type: typ, Threads: threads}
	r.Contests = append(r.Contests, c)
	return c
}

func (c *Contest) shape(values map[string]string) *ContestShape {
	var name, family string
	if values["batch"] != "" {
		name, family = "batch "+values["batch"], familyTrainedOn(values["data"])
	} else {
		name = strings.TrimSpace(fmt.Sprintf("%s,%s,%s %s", values["m"], values["n"], values["k"], values["trans"]))
		family = familyOf(name, c.Threads)
	}
	for _, s := range c.Shapes {
		if s.Family == family && s.Shape == name {
			return s
		}
	}
	s := &ContestShape{Family: family, Shape: name, samples: map[string]map[string]sample{}}
	c.Shapes = append(c.Shapes, s)
	return s
}

// otherFamily is that of shapes which are in no family, as those of "lanewise bench".
const otherFamily = "other"

// familyOf returns the family of a shape.
func familyOf(shape string, threads int) string {
	for _, f := range rivalFamilies {
		if (f.name == parallelFamily) != (threads > 1) {
			continue
		}
		for _, s := range f.shapes {
			if s.String() == shape {
				return f.name
			}
		}
	}
	return otherFamily
}

// summarize takes the medians, and drops what has no two sides.
func (r *RivalReport) summarize() {
	for _, c := range r.Contests {
		for _, s := range c.Shapes {
			s.summarize(c.Ours)
		}
		c.Shapes = slices.DeleteFunc(c.Shapes, func(s *ContestShape) bool { return s.Ratios == nil })
		slices.SortStableFunc(c.Rivals, func(a, b string) int { return rivalPlace(a) - rivalPlace(b) })
	}
	r.Contests = slices.DeleteFunc(r.Contests, func(c *Contest) bool {
		return len(c.Rivals) == 0 || len(c.Shapes) == 0
	})
}

// rivalPlace is where a column stands: rivals in their order, other contenders behind.
func rivalPlace(name string) int {
	if i := slices.Index(RivalNames(), name); i >= 0 {
		return i
	}
	return len(rivalSpecs)
}

func (s *ContestShape) summarize(ours string) {
	mine := s.samples[ours]
	if mine == nil {
		return
	}
	var peaks, aloneShares []float64
	for _, x := range mine {
		if x.share > 0 {
			peaks = append(peaks, x.rate/x.share*100)
		}
		aloneShares = append(aloneShares, x.aloneShare)
	}
	s.Peak, s.AloneShare = summary(peaks).Center, summary(known(aloneShares)).Center
	s.Rates, s.Shares, s.Ratios = map[string]float64{}, map[string]float64{}, map[string]benchmath.Summary{}
	s.Alone, s.AloneRatios = map[string]float64{}, map[string]float64{}
	for impl, rounds := range s.samples {
		var rates, shares, ratios, alone, aloneRatios []float64
		for round, x := range rounds {
			rates = append(rates, x.rate)
			alone = append(alone, x.alone)
			if m, ok := mine[round]; ok {
				ratios = append(ratios, m.rate/x.rate)
				aloneRatios = append(aloneRatios, m.aloneRate/x.aloneRate)
				if m.share > 0 {
					shares = append(shares, x.rate/m.rate*m.share)
				}
			}
		}
		s.Rates[impl], s.Shares[impl], s.Alone[impl] = summary(rates).Center, summary(shares).Center, summary(alone).Center
		if impl != ours && len(ratios) > 0 {
			s.Ratios[impl], s.AloneRatios[impl] = summary(ratios), summary(known(aloneRatios)).Center
		}
	}
}

// known returns the values that are not NaN, in the same memory.
func known(values []float64) []float64 { return slices.DeleteFunc(values, math.IsNaN) }

// summary is the median of values and its interval; NaN without values.
func summary(values []float64) benchmath.Summary {
	if len(values) == 0 {
		return benchmath.Summary{Center: math.NaN(), Lo: math.NaN(), Hi: math.NaN()}
	}
	return benchmath.AssumeNothing.Summary(benchmath.NewSample(values, &benchmath.DefaultThresholds), 0.95)
}

// readSidecar looks up what was forced and what was left out.
func (r *RivalReport) readSidecar() error {
	data, err := os.ReadFile(strings.TrimSuffix(r.Path, ".txt") + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var side sidecar
	if err := json.Unmarshal(data, &side); err != nil {
		return fmt.Errorf("the .json beside %s: %w", r.Path, err)
	}
	r.Rivals = side.Rivals
	return nil
}
