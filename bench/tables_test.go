package bench

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
)

// made returns a group as a suite would have it, with contenders of these names.
func made(family, params string, impls ...string) *Group {
	g := &Group{Family: family, Params: params}
	for _, impl := range impls {
		g.Contenders = append(g.Contenders, Contender{Impl: impl})
	}
	return g
}

func TestTableColumns(t *testing.T) {
	small, large := "m=64/n=64/k=64", "m=1024/n=1024/k=1024"
	tables := Tables([]*Group{
		made("SGEMM", small, "avx512", "avx2", "portable", "gonum"),
		made("SGEMM", large, "avx512", "avx2"),
		made("ReLU", "type=f32/bytes=8Ki", "portable", "copy"),
	})
	var got []string
	for _, table := range tables {
		heading, _, _ := strings.Cut(table.Heading, ",")
		rows := "all"
		if m := regexp.MustCompile(`\.fullname:/(.*)/$`).FindStringSubmatch(table.Args[1]); m != nil {
			re := regexp.MustCompile(m[1])
			rows = strings.TrimSpace(map[bool]string{true: "small "}[re.MatchString("SGEMM/"+small+"/impl=avx2")] +
				map[bool]string{true: "large"}[re.MatchString("SGEMM/"+large+"/impl=avx2")])
		}
		col := table.Args[slices.Index(table.Args, "-col")+1]
		got = append(got, heading+": "+rows+" "+col)
	}
	want := []string{
		"Matrix product C = op(A) op(B): small /impl@(gonum avx512 avx2)",
		"Matrix product C = op(A) op(B): large /impl@(avx512 avx2)",
		"Matrix product C = op(A) op(B): all /impl@(gonum portable)", // none of the large rows is in it
		"Matrix product: small /impl@(avx512 avx2 portable)",
		"Matrix product: large /impl@(avx512 avx2)",
		"Elementwise: all /impl@(copy portable)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("tables\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryFamilyHasATable(t *testing.T) {
	for _, g := range suite(t, Selection{Long: true}) {
		shown := slices.ContainsFunc(tableSpecs, func(spec tableSpec) bool { return slices.Contains(spec.families, g.Family) })
		if !shown {
			t.Errorf("no table shows %s", g.Family)
		}
	}
}

// TestBenchstatMakesTheTables runs the real tool on a real record.
func TestBenchstatMakesTheTables(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		require.Missing(t, "tools", "benchstat is run by the go command, which is not on the path")
	}
	ctx := context.Background()
	benchstat, err := FindBenchstat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Selection: Selection{Implementations: kernels.Supported(), Filter: "GEMM/m=37/|type=f32.*(8Ki|batch)|FMAPeak"},
		Rounds:    6, Sample: MinSample, Folder: t.TempDir(), // 6: benchstat has nothing to footnote
	}
	record, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range Tables(record.Groups) {
		var out bytes.Buffer
		if err := benchstat.Run(ctx, &out, append(table.Args, record.Path)...); err != nil {
			t.Errorf("%s: %v", table.Heading, err)
		}
		if !strings.Contains(out.String(), "│") {
			t.Errorf("%s: no table in %q", table.Heading, out.String())
		}
		for line := range strings.Lines(table.Heading + "\n" + out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, " \n")); n > 120 {
				t.Errorf("%s: a line of %d columns: %s", table.Heading, n, line)
			}
			if strings.Contains(line, "vary in") || strings.Contains(line, "differs from baseline") {
				t.Errorf("%s: benchstat warns: %s", table.Heading, line)
			}
		}
	}

	comparison, err := Compare([]string{"old=" + record.Path, "new=" + record.Path}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := benchstat.Run(ctx, &out, comparison.Args...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"│     old", "│    new", "SGEMM/m=37/n=53/k=71/impl=gonum"} {
		if !strings.Contains(regexp.MustCompile(`│ +`).ReplaceAllString(out.String(), "│ "), regexp.MustCompile(`│ +`).ReplaceAllString(want, "│ ")) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "vary in") {
		t.Errorf("benchstat warns:\n%s", out.String())
	}

	// Whether the rounds of this test were quiet depends on what else runs; one of the
	// documented commands asks for quiet ones.
	text, err := os.ReadFile(record.Path)
	if err != nil {
		t.Fatal(err)
	}
	quiet := write(t, "quiet.txt", regexp.MustCompile(`noise: .*`).ReplaceAllString(string(text), "noise: quiet"))
	t.Run("documented commands", func(t *testing.T) { runDocumentedCommands(t, "../results/README.md", quiet) })

	// benchstat exits 0 on these; Run does not.
	if err := benchstat.Run(ctx, &out, "-filter", "/m:", record.Path); err == nil {
		t.Error("a bad filter is no error")
	}
	if err := benchstat.Run(ctx, &out, record.Path+".none"); err == nil {
		t.Error("a missing file is no error")
	}
}

// runDocumentedCommands runs what the code blocks of a document say about a record $f.
func runDocumentedCommands(t *testing.T, document, record string) {
	if _, err := exec.LookPath("sh"); err != nil {
		require.Missing(t, "tools", "no sh on the path")
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			if !strings.HasPrefix(line, "go tool benchstat") {
				continue
			}
			cmd := exec.Command("sh", "-c", line)
			cmd.Env = append(os.Environ(), "f="+record)
			var complaint bytes.Buffer
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			if err != nil || complaint.Len() > 0 || !strings.Contains(string(out), "│") || strings.Contains(string(out), "vary in") {
				t.Errorf("%s%s%s%v", line, out, complaint.String(), err)
			}
			ran++
		}
	}
	if ran == 0 {
		t.Errorf("%s shows no benchstat command", document)
	}
}
