package bench

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"

	"golang.org/x/perf/benchmath"
)

// A Sweep is what was measured of a parameter.
type Sweep struct {
	Impl, Type       string
	Parameter, About string
	Threads          int
	Values           []SweepValue
	Now              int // index of the value in use
	Shapes           []SweepShape
	Rounds, Noisy    int
}

// A SweepValue is a value of the parameter, and how fast products are with it: ratios
// are rates over those with the value in use, taken round by round, so that above 1 is
// faster. They have an interval of 95% confidence that assumes nothing about the
// distribution (infinite under six rounds).
type SweepValue struct {
	Label   string
	Geomean benchmath.Summary   // of the geometric means over all shapes
	Shapes  []benchmath.Summary // of each shape
	Same    []bool              // whether the shape is computed as with the value in use
}

// A SweepShape is a product, and how fast it is with the value in use.
type SweepShape struct {
	Name  string
	Rate  float64 // median FLOP/s
	Share float64 // median percentage of the multiply-add peak
}

// worthwhile is the least geometric mean for which a value is worth changing: less is
// easily another thing on another day.
const worthwhile = 1.005

// Better returns the index of the value that is faster than the one in use by more than
// the noise explains, the fastest if several are, and -1 if none is.
func (s *Sweep) Better() int {
	better := -1
	for i, v := range s.Values {
		if v.Geomean.Lo > 1 && v.Geomean.Center >= worthwhile && (better < 0 || v.Geomean.Center > s.Values[better].Geomean.Center) {
			better = i
		}
	}
	return better
}

// summarize takes the medians over the rounds.
func (p *sweepPlan) summarize(rounds []Round) *Sweep {
	t := p.tunable
	s := &Sweep{
		Impl: t.impl, Type: t.typ, Parameter: p.parameter.name, About: p.parameter.about,
		Threads: p.threads, Now: p.now, Rounds: len(rounds),
	}
	samples := make([]map[string]Row, len(rounds))
	for i, round := range rounds {
		if round.Noise.Noisy() {
			s.Noisy++
		}
		samples[i] = map[string]Row{}
		for _, row := range round.Rows {
			samples[i][row.Name] = row
		}
	}
	for i, shape := range p.shapes {
		var rates, shares []float64
		for _, rows := range samples {
			for _, m := range rows[p.measured[i][p.now]].metrics {
				switch m.unit {
				case unitFLOPs:
					rates = append(rates, m.value)
				case unitPeak:
					shares = append(shares, m.value)
				}
			}
		}
		s.Shapes = append(s.Shapes, SweepShape{shape.String(), summary(rates).Center, summary(shares).Center})
	}
	for j, c := range p.candidates {
		v := SweepValue{Label: c.label}
		means := make([]float64, len(rounds))
		for i := range p.shapes {
			now, then := p.measured[i][p.now], p.measured[i][j]
			var ratios []float64
			for r, rows := range samples {
				ratio := rows[now].NsPerOp / rows[then].NsPerOp
				ratios = append(ratios, ratio)
				means[r] += math.Log(ratio) / float64(len(p.shapes))
			}
			v.Shapes = append(v.Shapes, summary(ratios))
			v.Same = append(v.Same, now == then)
		}
		for r := range means {
			means[r] = math.Exp(means[r])
		}
		v.Geomean = summary(means)
		s.Values = append(s.Values, v)
	}
	return s
}

// String names s for people.
func (s *Sweep) String() string {
	name := fmt.Sprintf("%s %s, %s", s.Impl, s.Type, s.Parameter)
	if s.Threads > 1 {
		name += ", " + threadsInWords(s.Threads)
	}
	return name
}

// WriteTable writes a row for each shape and a column for each value.
func (s *Sweep) WriteTable(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s; %s now\n%s", s, s.About, s.Values[s.Now].Label, counted(s.Rounds, "round"))
	if s.Noisy > 0 {
		fmt.Fprintf(w, ", %d of them marked noisy", s.Noisy)
	}
	fmt.Fprint(w, "\n\n")
	head, mean, low, high := []string{"m,n,k"}, []string{"geomean"}, []string{"  95% from"}, []string{"      to"}
	better := s.Better()
	for i, v := range s.Values {
		switch i {
		case s.Now:
			head = append(head, "*"+v.Label)
			mean, low, high = append(mean, "1"), append(low, ""), append(high, "")
			continue
		case better:
			head = append(head, ">"+v.Label)
		default:
			head = append(head, v.Label)
		}
		mean = append(mean, number("%.3f", v.Geomean.Center))
		low, high = append(low, bound(v.Geomean.Lo)), append(high, bound(v.Geomean.Hi))
	}
	g := &grid{left: 1, rows: [][]string{append(head, "GFLOP/s", "%peak")}}
	for i, shape := range s.Shapes {
		row := []string{shape.Name}
		for j, v := range s.Values {
			switch {
			case j == s.Now:
				row = append(row, "1")
			case v.Same[i]:
				row = append(row, "=")
			default:
				row = append(row, number("%.3f", v.Shapes[i].Center))
			}
		}
		g.rows = append(g.rows, append(row, gflops(shape.Rate), number("%.1f", shape.Share)))
	}
	g.rows = append(g.rows, mean, low, high)
	g.write(w)
}

// bound is an end of an interval; a dash where too few rounds tell.
func bound(x float64) string {
	if math.IsInf(x, 0) {
		return "-"
	}
	return number("%.3f", x)
}

// WriteHeader writes what the tables refer to: the machine, the code, the tunings in
// use and the multiply-add peaks, which it measures.
func (r *TuneRun) WriteHeader(w io.Writer) {
	e, cpu := r.env, r.env.cpu
	dirty := map[string]string{"true": " with changes"}[e.source.Dirty]
	g := &grid{left: 2, rows: [][]string{
		{"cpu", fmt.Sprintf("%s (%s)", orUnknown(cpu.Brand), cpuID(cpu))},
		{"caches", fmt.Sprintf("L1 %s, L2 %s, L3 %s", cacheLabel(cpu.L1D), cacheLabel(cpu.L2), cacheLabel(cpu.L3))},
		{"system", fmt.Sprintf("%s/%s, kernel %s, virtualization %s", runtime.GOOS, runtime.GOARCH, osRelease(), virtualization(cpu))},
		{"commit", shortCommit(e.source.Commit) + dirty},
		{"date", e.started.Format("2006-01-02 15:04 UTC")},
		{"go", runtime.Version()},
		{"rounds", fmt.Sprintf("%d of %v samples", r.options.Rounds, r.options.Sample)},
	}}
	for _, t := range r.tunables {
		g.rows = append(g.rows, []string{t.String(), strings.Trim(fmt.Sprintf("%+v", t.now), "{}")})
		if t.peak != nil {
			g.rows = append(g.rows, []string{"", "peak " + gflops(t.peak.sample(r.options.Sample, r.now).flops) + " GFLOP/s"})
		}
	}
	g.write(w)
	for _, why := range r.LeftOut {
		fmt.Fprintf(w, "left out: %s\n", why)
	}
	fmt.Fprint(w, `
A ratio is the speed with a value over that with the one in use (*), the median over
rounds in which they took turns; = where both do the same. > marks the value that is
faster by more than the noise.
`)
}

// cacheLabel is a size in KiB or MiB.
func cacheLabel(bytes int) string {
	switch {
	case bytes <= 0:
		return unknown
	case bytes < 1<<20:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%.4g MiB", float64(bytes)/(1<<20))
}

// WriteChanges lists what the sweeps would change.
func WriteChanges(w io.Writer, sweeps []*Sweep) {
	g := &grid{left: 4}
	for _, s := range sweeps {
		if i := s.Better(); i >= 0 {
			v := s.Values[i]
			g.rows = append(g.rows, []string{
				"  " + s.Impl + " " + s.Type, s.Parameter, s.Values[s.Now].Label + " -> " + v.Label,
				fmt.Sprintf("%.3f (%.3f..%.3f)", v.Geomean.Center, v.Geomean.Lo, v.Geomean.Hi),
			})
		}
	}
	swept := counted(len(sweeps), "parameter") + " swept"
	if len(g.rows) == 0 {
		fmt.Fprintf(w, "\n%s: would change nothing.\n", swept)
		return
	}
	fmt.Fprintf(w, "\n%s: would change, each by itself,\n\n", swept)
	g.write(w)
}
