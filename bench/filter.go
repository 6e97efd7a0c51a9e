package bench

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// newFilter reads a filter: benchproc's syntax ("/impl:avx2 .name:SGEMM"), or
// a regular expression on the name ("GEMM/m=64/").
func newFilter(query string) (func(*Group, *Contender) bool, error) {
	if query == "" {
		return func(*Group, *Contender) bool { return true }, nil
	}
	filter, queryErr := benchproc.NewFilter(query)
	if queryErr == nil {
		return func(g *Group, c *Contender) bool {
			res := &benchfmt.Result{Name: benchfmt.Name(g.Name(c)), Iters: 1}
			for _, unit := range append(g.Units(), "sec/op", "B/op", "allocs/op") {
				res.Values = append(res.Values, benchfmt.Value{Value: 1, Unit: unit})
			}
			match, err := filter.Match(res)
			return err == nil && match.Any()
		}, nil
	}
	if strings.Contains(query, ":") {
		return nil, fmt.Errorf("filter %q: %w", query, queryErr)
	}
	re, err := regexp.Compile(query)
	if err != nil {
		return nil, fmt.Errorf("filter %q is neither a regular expression (%w) nor a benchproc filter (%v)", query, err, queryErr)
	}
	return func(g *Group, c *Contender) bool { return re.MatchString(g.Name(c)) }, nil
}
