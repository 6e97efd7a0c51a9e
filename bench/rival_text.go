package bench

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchmath"
)

// WriteTables writes, for each contest, a table of its shapes and one of its training.
func (r *RivalReport) WriteTables(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n%s\n", r.Config["cpu"], r.Origin())
	for _, rival := range r.Rivals {
		fmt.Fprintf(w, "  %s\n", rival)
	}
	for _, c := range r.Contests {
		if table := c.table(); len(table.rows) > 1 {
			fmt.Fprintf(w, "\n%s: median GFLOP/s, and the ratio of %s to the best rival, round by round\n\n", c, c.Ours)
			table.write(w)
		}
		for _, s := range c.Shapes {
			if setOf(s.Family) != nil {
				fmt.Fprintf(w, "\n%s: %s, %s: median samples/s, and the ratio of %s to each rival, round by round\n\n", c, s.Family, s.Shape, c.Ours)
				c.trainingTable(s).write(w)
			}
		}
	}
}

// Origin tells what was measured for r, and in how many rounds.
func (r *RivalReport) Origin() string {
	s := fmt.Sprintf("commit %s%s, %s", r.Config["commit"],
		map[bool]string{true: " with changes"}[r.Config["dirty"] == "true"], counted(r.Rounds, "round"))
	if r.Noisy > 0 {
		s += fmt.Sprintf(", %d of them marked noisy", r.Noisy)
	}
	return s
}

// String describes r in a line.
func (r Rival) String() string {
	if r.LeftOut != "" {
		return fmt.Sprintf("%s is LEFT OUT: %s", r.Name, r.LeftOut)
	}
	s := r.Name + " " + r.Version
	if r.BLAS != "" {
		s += ", " + r.BLAS
	}
	if r.Kernels != "" {
		s += ", kernels for " + r.Kernels + " reached"
	}
	if r.Only != "" {
		s += "; only " + r.Only
	}
	return s
}

// String names c for people.
func (c *Contest) String() string {
	return fmt.Sprintf("%s %s, %s", c.Ours, c.Type, threadsInWords(c.Threads))
}

// table has a row for each matrix product.
func (c *Contest) table() *grid {
	products, rivals := c.Products()
	head := []string{"family", "m,n,k", c.Ours, "%peak", "peak"}
	head = append(append(head, rivals...), "ratio", "95%", "to")
	watched := slices.ContainsFunc(products, func(s *ContestShape) bool { return !math.IsNaN(s.Alone[c.Ours]) })
	if watched {
		head = append(head, "%alone", "%peak alone", "ratio alone")
	}
	g := &grid{left: 2, rows: [][]string{head}}
	for i, s := range products {
		family := s.Family
		if i > 0 && products[i-1].Family == family {
			family = ""
		}
		row := []string{family, s.Shape, gflops(s.Rates[c.Ours]), number("%.1f", s.Shares[c.Ours]), gflops(s.Peak)}
		for _, rival := range rivals {
			row = append(row, gflops(s.Rates[rival]))
		}
		best := s.Best()
		ratio := s.Ratios[best]
		row = append(row, number("%.3f", ratio.Center), interval(ratio), best)
		if watched {
			alone := percent(s.Alone[c.Ours])
			if best != "" {
				alone += "/" + percent(s.Alone[best])
			}
			row = append(row, alone, number("%.1f", s.AloneShare), number("%.3f", s.AloneRatios[best]))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// trainingTable has a row for each contender of s.
func (c *Contest) trainingTable(s *ContestShape) *grid {
	g := &grid{left: 1, rows: [][]string{{"loop", "samples/s", "%peak", "ratio", "95%"}}}
	for _, name := range append([]string{c.Ours}, c.Rivals...) {
		rate := s.Rates[name]
		if !(rate > 0) {
			continue
		}
		row := []string{name, number("%.0f", rate), number("%.1f", 100*rate/s.Peak)}
		if ratio, ok := s.Ratios[name]; ok {
			row = append(row, number("%.3f", ratio.Center), interval(ratio))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// WriteRatios writes a table of the geometric means, with a row for each family and a
// column for each contest of the reports.
func WriteRatios(w io.Writer, reports []*RivalReport) {
	var contests []*Contest
	for _, r := range reports {
		contests = append(contests, r.Contests...)
	}
	fmt.Fprint(w, "\nRatio to the best rival of each shape: geometric mean of a family, and in brackets its\nsmallest ratio\n\n")
	head := []string{"family"}
	for _, c := range contests {
		column := c.Ours + " " + c.Type
		if c.Threads > 1 {
			column += fmt.Sprintf(" x%d", c.Threads)
		}
		head = append(head, column)
	}
	g := &grid{left: 1, rows: [][]string{head}}
	add := func(title, family string, aside ...string) {
		row := []string{title}
		some := false
		for _, c := range contests {
			r := c.Ratio(family, aside...)
			some = some || r.Shapes > 0
			row = append(row, r.String())
		}
		if some {
			g.rows = append(g.rows, row)
		}
	}
	for _, family := range append(RivalFamilies(), otherFamily) {
		add(family, family)
		if family == "small" && anyShape(contests, func(s *ContestShape) bool { return s.Best() == "libxsmm" }) {
			// It generates a kernel for one shape and has no call for the others.
			add("small but for libxsmm", family, "libxsmm")
		}
		if setOf(family) != nil {
			// The one that the project has set itself goals for.
			add(family+" to numpy-tuned", family, slices.DeleteFunc(RivalNames(), func(name string) bool { return name == "numpy-tuned" })...)
		}
	}
	add("all shapes", "")
	g.write(w)
}

func anyShape(contests []*Contest, is func(*ContestShape) bool) bool {
	for _, c := range contests {
		for _, s := range c.Shapes {
			if is(s) {
				return true
			}
		}
	}
	return false
}

// String is the cell of the table of geometric means.
func (r FamilyRatio) String() string {
	if r.Shapes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f (%.2f)", r.Geomean, r.Worst)
}

// gflops is a rate in GFLOP/s, a dash if there is none.
func gflops(rate float64) string {
	if !(rate > 0) {
		return "-"
	}
	return fmt.Sprintf("%.1f", rate/1e9)
}

// number formats x, a dash if it is none.
func number(format string, x float64) string {
	if !(x > 0) {
		return "-"
	}
	return fmt.Sprintf(format, x)
}

// percent is a dash for NaN.
func percent(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.0f", x)
}

// interval is what s is uncertain by; a dash where too few rounds tell, which may be so on one side only.
func interval(s benchmath.Summary) string {
	if !(s.Center > 0) || math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		return "-"
	}
	return fmt.Sprintf("%.2f..%.2f", s.Lo, s.Hi)
}

// counted is n things, as in "1 round", "2 rounds".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// A grid is a table whose first columns are aligned to the left, the others to the right.
type grid struct {
	left int
	rows [][]string
}

func (g *grid) write(w io.Writer) {
	var widths []int
	for _, row := range g.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range g.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < g.left {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
