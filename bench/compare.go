package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchproc"
	"golang.org/x/perf/benchunit"
)

// A Comparison is what benchstat is to be asked about two or more files.
type Comparison struct {
	Args []string // of benchstat, the labelled files included
	// Missing tells which benchmarks some of the files lack. benchstat leaves their
	// cells empty.
	Missing []string
	// Notes tells what differs beside the code, and which files are noisy.
	Notes []string
}

// Compare checks the files, the older one first, and says how to have benchstat
// compare them. Each is a path, or label=path to give its column a name; files with the
// same label are taken together. filter is a benchproc filter, "" for everything.
// units are those to show; without any, the rates if the files have them, else all.
//
// It fails where benchstat would print nothing, or something else than what was meant,
// and exit 0: a file that is missing, damaged or without results, a unit that none of
// them has, and files without a benchmark in common.
func Compare(paths []string, filter string, units []string) (*Comparison, error) {
	if len(paths) < 2 {
		return nil, fmt.Errorf("%d file given, want at least two: the older one first", len(paths))
	}
	query, err := benchproc.NewFilter(cmp.Or(filter, "*"))
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", filter, err)
	}
	var files []*resultFile
	for _, path := range paths {
		f, err := readResults(path, query)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	labelFiles(files)
	if units, err = unitsToShow(files, units); err != nil {
		return nil, err
	}
	c := &Comparison{Notes: notes(files)}
	if c.Missing, err = missingRows(files, units); err != nil {
		return nil, err
	}
	c.Args = compareArgs(files, filter, units)
	return c, nil
}

func sameCPU(files []*resultFile) bool {
	return len(differing(files, "cpu-id")) == 0 && len(differing(files, "cpu")) == 0
}

// differing returns the values of key, in the order of files, if there are several.
func differing(files []*resultFile, key string) []string {
	var values []string
	for _, f := range files {
		if v := f.config[key]; !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	if len(values) < 2 {
		return nil
	}
	return values
}

// compareKeys are the configuration keys that may explain a difference other than the code.
var compareKeys = []string{"goos", "goarch", "pkg", "cpu", "isa", "tags", "go", "goamd64", "kernel", "governor", "virt"}

// notes says what differs beside the code, and which files were measured amid noise.
func notes(files []*resultFile) []string {
	var notes []string
	for _, key := range compareKeys {
		if values := differing(files, key); values != nil && !slices.Contains(values, "") {
			notes = append(notes, fmt.Sprintf("%s differs: %s", key, strings.Join(values, ", ")))
		}
	}
	for _, f := range files {
		if n := len(f.noisy); n > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d of %d rounds are marked noisy", f.path, n, len(f.rounds)))
		}
	}
	return notes
}

// rateUnits are the units that our own records are compared in.
var rateUnits = []string{unitFLOPs, unitPeak, unitBytes, unitSamples, unitFMA}

// unitsToShow returns the wanted units, or without any the rates that the files have,
// or nil, for all, if they have none. It fails on a wanted unit that no file has.
func unitsToShow(files []*resultFile, wanted []string) ([]string, error) {
	var all []string
	for _, f := range files {
		for _, row := range f.rows {
			if !slices.Contains(all, row.unit) {
				all = append(all, row.unit)
			}
		}
	}
	if len(wanted) == 0 {
		for _, unit := range rateUnits {
			if slices.Contains(all, unit) {
				wanted = append(wanted, unit)
			}
		}
		return wanted, nil
	}
	var tidy []string
	for _, unit := range wanted {
		_, t := benchunit.Tidy(1, unit)
		if !slices.Contains(all, t) {
			return nil, fmt.Errorf("unit %q: none of the files has it, they have %s", unit, strings.Join(all, ", "))
		}
		tidy = append(tidy, t)
	}
	return tidy, nil
}

// missingRows lists benchmarks that a column lacks; it fails if the columns have none in common.
func missingRows(files []*resultFile, units []string) ([]string, error) {
	var labels, order []string // columns, and benchmarks, in order of appearance
	have := map[string]map[string]bool{}
	shared := map[resultRow]map[string]bool{}
	for _, f := range files {
		if !slices.Contains(labels, f.label) {
			labels = append(labels, f.label)
		}
		for _, row := range f.rows {
			if len(units) > 0 && !slices.Contains(units, row.unit) {
				continue
			}
			if have[row.name] == nil {
				have[row.name] = map[string]bool{}
				order = append(order, row.name)
			}
			have[row.name][f.label] = true
			if shared[row] == nil {
				shared[row] = map[string]bool{}
			}
			shared[row][f.label] = true
		}
	}
	if len(labels) < 2 {
		return nil, fmt.Errorf("all files are labelled %q: there is nothing to compare", labels[0])
	}
	common := false
	for _, in := range shared {
		common = common || len(in) > 1
	}
	if !common {
		return nil, fmt.Errorf("no benchmark is in more than one of %s, for example %q is only in %q",
			strings.Join(labels, ", "), order[0], labels[0])
	}
	var missing []string
	for _, name := range order {
		for _, label := range labels {
			if !have[name][label] {
				missing = append(missing, fmt.Sprintf("%s is not in %s", name, label))
			}
		}
	}
	return missing, nil
}

// compareArgs are benchstat's arguments. All that may differ between the files is
// ignored: what is not would split the tables, or hide a column in another table.
func compareArgs(files []*resultFile, filter string, units []string) []string {
	terms := []string{}
	if filter != "" {
		terms = append(terms, "("+filter+")")
	}
	if len(units) > 0 {
		quoted := make([]string, len(units))
		for i, unit := range units {
			quoted[i] = strconv.Quote(unit)
		}
		terms = append(terms, ".unit:("+strings.Join(quoted, " OR ")+")")
	}
	if len(terms) == 0 {
		terms = append(terms, "*")
	}
	table, ignore := "cpu-id", slices.Clone(volatileKeys)
	if !sameCPU(files) {
		table, ignore = "", append(ignore, "cpu", "cpu-id")
	}
	args := []string{
		"-filter", strings.Join(terms, " "),
		"-table", table, "-row", ".fullname", "-col", ".file", "-ignore", strings.Join(ignore, ","),
	}
	for _, f := range files {
		args = append(args, f.label+"="+f.path)
	}
	return args
}
