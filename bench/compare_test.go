package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write puts content into a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// benchFile makes a file of six rounds of the named benchmarks.
func benchFile(t *testing.T, config string, names ...string) string {
	t.Helper()
	content := "Unit FLOP/s better=higher\n" + config
	for round := 1; round <= 6; round++ {
		content += fmt.Sprintf("round: %d\n", round)
		for _, name := range names {
			content += fmt.Sprintf("Benchmark%s 10 %d ns/op %d FLOP/s\n", name, 100+round, 1000-round)
		}
	}
	return write(t, "file.txt", content)
}

const (
	oldConfig = "cpu: C\ncpu-id: V-1-2-3\nisa: avx2\ncommit: aaaaaaaaaaaa\ndirty: false\ngo: go1.26.0\nnoise: quiet\n"
	newConfig = "cpu: C\ncpu-id: V-1-2-3\nisa: avx2\ncommit: bbbbbbbbbbbb\ndirty: true\ngo: go1.26.1\nnoise: steal\n"
	farConfig = "cpu: D\ncpu-id: W-1-2-3\nisa: avx2\ncommit: bbbbbbbbbbbb\ndirty: true\ngo: go1.26.1\nnoise: quiet\n"
)

func TestCompareRefuses(t *testing.T) {
	good := benchFile(t, oldConfig, "A/impl=x")
	missing := filepath.Join(t.TempDir(), "none.txt")
	for _, test := range []struct {
		name         string
		files        []string
		filter, want string
		unit         []string
	}{
		{"one file", []string{good}, "", "at least two", nil},
		{"a missing file", []string{good, missing}, "", missing + ": there is no such file", nil},
		{"a missing labelled file", []string{good, "new=" + missing}, "", missing + ": there is no such file", nil},
		{"a folder", []string{good, filepath.Dir(good)}, "", "is a folder", nil},
		{"no benchmark file", []string{good, write(t, "x.txt", "hello\nworld\n")}, "", "no benchmark results", nil},
		{"an empty file", []string{good, write(t, "x.txt", "")}, "", "no benchmark results", nil},
		{"a cut line", []string{good, write(t, "x.txt", "BenchmarkA/impl=x 10 100\n")}, "", "x.txt:1: missing units", nil},
		{"a damaged number", []string{write(t, "x.txt", "BenchmarkA/impl=x 10 1o0 ns/op\n"), good}, "", "x.txt:1: parsing measurement", nil},
		{"nothing in common", []string{good, benchFile(t, newConfig, "B/impl=x")}, "", `"A/impl=x" is only in "aaaaaaaaaaaa"`, nil},
		{"no unit in common", []string{good, write(t, "x.txt", "BenchmarkA/impl=x 10 5 MB/s\n")}, "", "no benchmark is in more than one", nil},
		{"a filter without matches", []string{good, good}, "/impl:y", "matches the filter", nil},
		{"a bad filter", []string{good, good}, "/impl:", `filter "/impl:"`, nil},
		{"an unknown unit", []string{good, good}, "", `unit "parsec": none of the files has it, they have sec/op, FLOP/s`, []string{"parsec"}},
		{"one label", []string{"a=" + good, "a=" + good}, "", `labelled "a"`, nil},
	} {
		if c, err := Compare(test.files, test.filter, test.unit); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %+v, error %v; want an error that contains %q", test.name, c, err, test.want)
		}
	}
}

func TestCompareLabels(t *testing.T) {
	a, b, far := benchFile(t, oldConfig, "A/impl=x"), benchFile(t, newConfig, "A/impl=x"), benchFile(t, farConfig, "A/impl=x")
	plain := write(t, "plain=1.txt", "BenchmarkA/impl=x 10 100 ns/op 5 FLOP/s\n")
	for _, test := range []struct{ files, want []string }{
		{[]string{a, b}, []string{"aaaaaaaaaaaa=" + a, "bbbbbbbbbbbb+changes=" + b}},
		{[]string{"old=" + a, b}, []string{"old=" + a, "bbbbbbbbbbbb+changes=" + b}},
		{[]string{"x=" + a, "x=" + b, "y=" + b}, []string{"x=" + a, "x=" + b, "y=" + b}},
		{[]string{b, far}, []string{"V-1-2-3=" + b, "W-1-2-3=" + far}},
		{[]string{a, a}, []string{"file#1=" + a, "file#2=" + a}},
		{[]string{a, plain}, []string{"file=" + a, "plain-1=" + plain}},
	} {
		c, err := Compare(test.files, "", nil)
		if err != nil {
			t.Errorf("%v: %v", test.files, err)
			continue
		}
		if got := c.Args[len(c.Args)-len(test.want):]; !slices.Equal(got, test.want) {
			t.Errorf("%v: labels %v, want %v", test.files, got, test.want)
		}
	}
}

func TestCompareArgs(t *testing.T) {
	a, b, far := benchFile(t, oldConfig, "A/impl=x", "B/impl=x"), benchFile(t, newConfig, "A/impl=x"), benchFile(t, farConfig, "A/impl=x")
	args := func(filter string, units []string, files ...string) map[string]string {
		c, err := Compare(files, filter, units)
		if err != nil {
			t.Fatal(err)
		}
		flags := map[string]string{}
		for i := 0; i+1 < len(c.Args)-len(files); i += 2 {
			flags[c.Args[i]] = c.Args[i+1]
		}
		return flags
	}
	for _, test := range []struct {
		flags map[string]string
		key   string
		want  string
	}{
		{args("", nil, a, b), "-filter", `.unit:("FLOP/s")`},
		{args("", nil, a, b), "-table", "cpu-id"},
		{args("", nil, a, far), "-table", ""},
		{args("/impl:x OR /impl:y", []string{"ns/op", "FLOP/s"}, a, b), "-filter", `(/impl:x OR /impl:y) .unit:("sec/op" OR "FLOP/s")`},
	} {
		if got := test.flags[test.key]; got != test.want {
			t.Errorf("%s is %q, want %q", test.key, got, test.want)
		}
	}
	ignored := strings.Split(args("", nil, a, b)["-ignore"], ",")
	for _, key := range volatileKeys {
		if !slices.Contains(ignored, key) {
			t.Errorf("%s is not ignored: it would split the tables", key)
		}
	}

	c, err := Compare([]string{a, b}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"B/impl=x is not in bbbbbbbbbbbb+changes"}; !slices.Equal(c.Missing, want) {
		t.Errorf("missing %q, want %q", c.Missing, want)
	}
	if want := []string{"go differs: go1.26.0, go1.26.1", b + ": 6 of 6 rounds are marked noisy"}; !slices.Equal(c.Notes, want) {
		t.Errorf("notes %q, want %q", c.Notes, want)
	}
}

// TestCompareForeignFiles has files without rates: everything they have is compared.
func TestCompareForeignFiles(t *testing.T) {
	a := write(t, "a.txt", "goos: linux\nBenchmarkX-8 10 100 ns/op 5 B/op\n")
	b := write(t, "b.txt", "goos: linux\nBenchmarkX-8 10 110 ns/op 5 B/op\n")
	c, err := Compare([]string{a, b}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Args[1] != "*" {
		t.Errorf("filter %q, want *", c.Args[1])
	}
}
