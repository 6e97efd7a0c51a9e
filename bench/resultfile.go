package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// resultFile is what Compare needs to know of a file.
type resultFile struct {
	path, label string
	given       bool              // the user named the label
	config      map[string]string // of its first result
	rounds      map[string]bool   // numbers seen
	noisy       map[string]bool   // of these, the ones marked
	rows        []resultRow
}

// resultRow is one benchmark in one unit.
type resultRow struct{ name, unit string }

// readResults reads the file that argument, a path or label=path, names.
func readResults(argument string, query *benchproc.Filter) (*resultFile, error) {
	f := &resultFile{path: argument, rounds: map[string]bool{}, noisy: map[string]bool{}}
	info, err := os.Stat(f.path)
	if label, path, ok := strings.Cut(argument, "="); ok && err != nil {
		f.label, f.path, f.given = label, path, true
		info, err = os.Stat(f.path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file", f.path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder, want one of the .txt files in it", f.path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if last := make([]byte, 1); info.Size() > 0 {
		if _, err := file.ReadAt(last, info.Size()-1); err != nil {
			return nil, err
		}
		if last[0] != '\n' {
			return nil, fmt.Errorf("%s ends in the middle of a line: it has been cut off", f.path)
		}
	}

	reader := benchfmt.NewReader(file, f.path)
	seen := map[resultRow]bool{}
	results := 0
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, fmt.Errorf("%w: not the Go benchmark format, or damaged", rec)
		case *benchfmt.Result:
			results++
			if match, err := query.Apply(rec); err != nil {
				return nil, fmt.Errorf("filter: %w", err)
			} else if !match {
				continue
			}
			f.noteRound(rec)
			if f.config == nil {
				f.config = map[string]string{}
				for _, c := range rec.Config {
					f.config[c.Key] = string(c.Value)
				}
			}
			for _, v := range rec.Values {
				row := resultRow{rec.Name.String(), v.Unit}
				if !seen[row] {
					seen[row] = true
					f.rows = append(f.rows, row)
				}
			}
		}
	}
	switch {
	case reader.Err() != nil:
		return nil, reader.Err()
	case results == 0:
		return nil, fmt.Errorf("%s: no benchmark results in it, want a file in the Go benchmark format", f.path)
	case len(f.rows) == 0:
		return nil, fmt.Errorf("%s: none of its %d results matches the filter", f.path, results)
	}
	return f, nil
}

// noteRound remembers whether the round that rec belongs to is marked as noisy.
func (f *resultFile) noteRound(rec *benchfmt.Result) {
	round, noise := rec.GetConfig("round"), rec.GetConfig("noise")
	f.rounds[round] = true
	if noise != "" && noise != "quiet" && noise != unknown {
		f.noisy[round] = true
	}
}

// labelFiles names the columns that the user did not: by commit where the files come
// from one CPU, by CPU where they do not, and by file where that does not tell them apart.
func labelFiles(files []*resultFile) {
	commit := func(f *resultFile) string {
		if f.config["commit"] != "" && f.config["dirty"] == "true" {
			return f.config["commit"] + "+changes"
		}
		return f.config["commit"]
	}
	cpu := func(f *resultFile) string { return f.config["cpu-id"] }
	file := func(f *resultFile) string { return strings.TrimSuffix(filepath.Base(f.path), ".txt") }
	path := func(f *resultFile) string { return f.path }
	kinds := []func(*resultFile) string{commit, file, path}
	if !sameCPU(files) {
		kinds = []func(*resultFile) string{cpu, file, path}
	}
	for _, kind := range kinds {
		if tellsApart(files, kind) {
			for _, f := range files {
				if !f.given {
					f.label = strings.ReplaceAll(kind(f), "=", "-") // benchstat cuts at the first =
				}
			}
			return
		}
	}
	for i, f := range files { // one file twice, which shows how large noise is
		if !f.given {
			f.label = fmt.Sprintf("%s#%d", strings.ReplaceAll(file(f), "=", "-"), i+1)
		}
	}
}

// tellsApart reports whether label gives each of the files without a label its own.
func tellsApart(files []*resultFile, label func(*resultFile) string) bool {
	seen := map[string]bool{"": true}
	for _, f := range files {
		if f.given {
			continue
		}
		l := label(f)
		if seen[l] {
			return false
		}
		seen[l] = true
	}
	return true
}
