package bench

import (
	"fmt"
	"slices"
	"strings"
)

// A Table is a call of benchstat on one record: implementation against implementation.
type Table struct {
	Heading string
	Args    []string // without the record
}

// maxColumns keeps benchstat's tables within some 115 columns of a terminal.
const maxColumns = 3

// tableSpec describes the tables of some families.
type tableSpec struct {
	heading  string
	families []string
	unit     string   // a benchproc value: what to show
	row      string   // a benchproc projection: what makes a row
	base     []string // columns to compare with, the first one that was measured
	leaveOut []string // contenders that the table does not show
	first    bool     // show only the first contender: all have the same
}

var tableSpecs = []tableSpec{
	{
		heading:  "Peak: multiply-adds in registers only, best of short probes in each round",
		families: []string{peakFamily}, unit: "(FLOP/s OR FMA/cycle)", row: "/type", base: []string{"portable"},
	},
	{
		heading:  "Matrix product C = op(A) op(B), FLOP/s by m n k and transposes",
		families: gemmFamilies, unit: "FLOP/s", row: "/m@num,/n@num,/k@num,/trans", base: []string{"gonum", "portable"},
	},
	{
		heading:  "Matrix product, percentage of the implementation's own peak in the same round",
		families: gemmFamilies, unit: "%peak", row: "/m@num,/n@num,/k@num,/trans", leaveOut: []string{"gonum"},
	},
	{
		heading:  "Matrix times vector, 10^9 bytes per second by m n and transpose",
		families: []string{"SGEMV", "DGEMV"}, unit: "GB/s", row: "/m@num,/n@num,/trans", base: []string{"gonum", "portable"},
	},
	{
		heading:  "Elementwise, 10^9 bytes read and written per second, by type and bytes of one array",
		families: []string{"ReLU", "ReLUGrad"}, unit: "GB/s", row: "/type,/bytes@num", base: []string{"copy"},
	},
	{
		heading:  "Training step of the 784-50-10 net, samples/s by type and batch size",
		families: []string{"TrainStep"}, unit: "samples/s", row: "/type,/batch@num,/data", base: []string{"portable"},
	},
	{
		heading:  "Training step, percentage of the implementation's own peak in the same round",
		families: []string{"TrainStep"}, unit: "%peak", row: "/type,/batch@num,/data",
	},
	{
		heading:  "Training step, bytes that the parameters and the buffers of a batch take",
		families: []string{"TrainStep"}, unit: unitMemory, row: "/type,/batch@num,/data", first: true,
	},
	{
		heading:  "Phases of a training step, time by type, batch size and phase",
		families: []string{"TrainPhase"}, unit: "sec/op", row: "/type,/batch@num,/phase", base: []string{"portable"},
	},
}

// Tables returns the tables for a record of groups. Columns that would not fit side by
// side go into further tables with the same base, and rows in which a column is missing
// into tables of their own, because benchstat cannot compare geometric means over
// different sets of rows.
func Tables(groups []*Group) []Table {
	var tables []Table
	for _, spec := range tableSpecs {
		var mine []*Group
		for _, g := range groups {
			if slices.Contains(spec.families, g.Family) {
				mine = append(mine, g)
			}
		}
		for i, columns := range spec.columns(mine) {
			for _, part := range partition(mine, columns) {
				if i > 0 && len(part.columns) == 1 && part.columns[0] == columns[0] {
					continue // nothing but the base, which the first table has shown
				}
				heading := spec.heading
				if len(part.columns) < len(columns) {
					heading += " (where only " + strings.Join(part.columns, ", ") + " ran)"
				}
				tables = append(tables, Table{heading, spec.args(part)})
			}
		}
	}
	return tables
}

// columns returns the columns of each table for groups, the base first in all of them.
func (spec tableSpec) columns(groups []*Group) [][]string {
	var all []string // in the order of the contenders, best first
	for _, g := range groups {
		for _, c := range g.Contenders {
			if !slices.Contains(all, c.Impl) && !slices.Contains(spec.leaveOut, c.Impl) {
				all = append(all, c.Impl)
			}
		}
	}
	var base []string
	for _, name := range spec.base {
		if i := slices.Index(all, name); i >= 0 {
			base, all = []string{name}, slices.Delete(all, i, i+1)
			break
		}
	}
	if spec.first {
		return [][]string{all[:min(1, len(all))]}
	}
	var tables [][]string
	for chunk := range slices.Chunk(all, maxColumns-len(base)) {
		tables = append(tables, slices.Concat(base, chunk))
	}
	if len(all) == 0 && len(base) > 0 {
		tables = append(tables, base)
	}
	return tables
}

// A tablePart is the rows that have exactly these columns.
type tablePart struct {
	columns []string
	groups  []*Group
	whole   bool // these are all rows that any of the columns has
}

// partition splits groups by which of columns they have, in order of appearance.
func partition(groups []*Group, columns []string) []*tablePart {
	var parts []*tablePart
	for _, g := range groups {
		var have []string
		for _, name := range columns {
			if slices.ContainsFunc(g.Contenders, func(c Contender) bool { return c.Impl == name }) {
				have = append(have, name)
			}
		}
		if len(have) == 0 {
			continue
		}
		i := slices.IndexFunc(parts, func(p *tablePart) bool { return slices.Equal(p.columns, have) })
		if i < 0 {
			i = len(parts)
			parts = append(parts, &tablePart{columns: have})
		}
		parts[i].groups = append(parts[i].groups, g)
	}
	for _, p := range parts {
		p.whole = len(parts) == 1
	}
	return parts
}

// args returns benchstat's arguments for a part of the table.
func (spec tableSpec) args(part *tablePart) []string {
	filter := ".unit:" + spec.unit + " .name:(" + strings.Join(spec.families, " OR ") + ")"
	if !part.whole {
		// A dot matches the slash, which would end the regular expression.
		var params []string
		for _, g := range part.groups {
			if p := strings.ReplaceAll(g.Params, "/", "."); !slices.Contains(params, p) {
				params = append(params, p)
			}
		}
		filter += fmt.Sprintf(" .fullname:/^[^=]*.(%s).impl=/", strings.Join(params, "|"))
	}
	return []string{
		"-filter", filter,
		"-table", ".name", "-row", spec.row,
		"-col", "/impl@(" + strings.Join(part.columns, " ") + ")",
		"-ignore", "round,noise",
	}
}
