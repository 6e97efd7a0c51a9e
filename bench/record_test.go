package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
	"golang.org/x/perf/benchfmt"
)

// results reads the results and unit lines of a record.
func results(t *testing.T, path string) ([]*benchfmt.Result, benchfmt.UnitMetadataMap) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader := benchfmt.NewReader(bytes.NewReader(data), path)
	var rows []*benchfmt.Result
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			rows = append(rows, rec.Clone())
		case *benchfmt.SyntaxError:
			t.Fatal(rec)
		}
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	return rows, reader.Units()
}

// files lists the files under dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			found = append(found, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func testRound(number int) Round {
	return Round{
		Number: number,
		Noise:  Noise{Duration: time.Second, StealShare: 0.5 * float64(number-1), InvoluntarySwitches: 3},
		Rows: []Row{
			{Name: "SGEMM/m=1/n=2/k=3/impl=avx2", Iterations: 100, NsPerOp: 12.5, BytesPerOp: 8, AllocsPerOp: 1,
				metrics: []metric{{9.6e8, "FLOP/s"}, {50, "%peak"}}},
			{Name: "ReLU/type=f64/bytes=8Ki/impl=copy", Iterations: 7, NsPerOp: 1e6, metrics: []metric{{12.25, "GB/s"}}},
		},
	}
}

func TestRecordRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rec, err := newRecorder(dir, "machine", "2026-01-02", "0123456789ab", []setting{{"goos", "linux"}, {"cpu", "A CPU: two words"}})
	if err != nil {
		t.Fatal(err)
	}
	for number := 1; number <= 2; number++ {
		if err := rec.add(testRound(number)); err != nil {
			t.Fatal(err)
		}
	}
	// Killed here, it would leave what was added.
	if rows, _ := results(t, rec.partial()); len(rows) != 4 {
		t.Errorf("%d rows in the partial record, want 4", len(rows))
	}
	if err := rec.finish([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, dir), []string{"2026-01-02-0123456789ab-1.json", "2026-01-02-0123456789ab-1.txt"}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}

	rows, units := results(t, filepath.Join(dir, "machine", "2026-01-02-0123456789ab-1.txt"))
	var got []string
	for _, r := range rows {
		line := fmt.Sprintf("%s %d", r.Name, r.Iters)
		for _, v := range r.Values {
			line += fmt.Sprintf(" %.6g %s", v.Value, v.Unit)
		}
		got = append(got, fmt.Sprintf("%s | goos=%s cpu=%s round=%s noise=%s", line, r.GetConfig("goos"), r.GetConfig("cpu"), r.GetConfig("round"), r.GetConfig("noise")))
	}
	gemm := "SGEMM/m=1/n=2/k=3/impl=avx2 100 1.25e-08 sec/op 9.6e+08 FLOP/s 50 %peak 8 B/op 1 allocs/op | goos=linux cpu=A CPU: two words "
	relu := "ReLU/type=f64/bytes=8Ki/impl=copy 7 0.001 sec/op 12.25 GB/s 0 B/op 0 allocs/op | goos=linux cpu=A CPU: two words "
	want := []string{gemm + "round=1 noise=quiet", relu + "round=1 noise=quiet", gemm + "round=2 noise=steal", relu + "round=2 noise=steal"}
	if !slices.Equal(got, want) {
		t.Errorf("read back\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, unit := range []string{"FLOP/s", "%peak", "%alone", "FLOP/s-alone", "%peak-alone", "GB/s", "samples/s", "FMA/cycle"} {
		if units.GetBetter(unit) != 1 {
			t.Errorf("the record does not say that more %s is better", unit)
		}
	}
	if units.GetBetter(unitMemory) != -1 {
		t.Error("the record does not say that less memory is better")
	}
}

func TestRecordsAreNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	open := func() *recorder {
		rec, err := newRecorder(dir, "m", "2026-01-02", "abc", nil)
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	finish := func(rec *recorder, content string) {
		if err := rec.add(testRound(1)); err != nil {
			t.Fatal(err)
		}
		if err := rec.finish([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	first, second := open(), open() // at the same time
	finish(second, "second")
	finish(first, "first")
	os.WriteFile(filepath.Join(dir, "m", "2026-01-02-abc-3.json"), []byte("a sidecar alone"), 0o666)
	killed := open() // takes 4, and is never finished
	finish(open(), "fifth")
	killed.file.Close()
	want := []string{
		"2026-01-02-abc-1.json", "2026-01-02-abc-1.txt", "2026-01-02-abc-2.json", "2026-01-02-abc-2.txt",
		"2026-01-02-abc-3.json", "2026-01-02-abc-4.txt.partial", "2026-01-02-abc-5.json", "2026-01-02-abc-5.txt",
	}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	for run, content := range map[string]string{"1": "first", "2": "second", "3": "a sidecar alone", "5": "fifth"} {
		if data, err := os.ReadFile(filepath.Join(dir, "m", "2026-01-02-abc-"+run+".json")); string(data) != content {
			t.Errorf("run %s: sidecar %q, %v; want %q", run, data, err, content)
		}
	}
}

func TestRecordWithoutRoundsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	rec, err := newRecorder(dir, "m", "2026-01-02", "abc", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.finish([]byte("{}")); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestRecordWhereNoFileCanBe(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(blocked, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := newRecorder(blocked, "m", "2026-01-02", "abc", nil); err == nil || !strings.Contains(err.Error(), blocked) {
		t.Errorf("error %v, want one that names %s", err, blocked)
	}
}

// TestRun measures a little for real, and reads what it leaves.
func TestRun(t *testing.T) {
	o := Options{
		Selection: Selection{Implementations: kernels.Supported(), Filter: "SGEMM/m=37|FMAPeak/type=f32"},
		Rounds:    3, Sample: MinSample, Folder: t.TempDir(),
	}
	record, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := results(t, record.Path)
	perRound := 2*len(kernels.Supported()) + 1 // gonum
	if len(rows) != 3*perRound {
		t.Fatalf("%d rows, want %d", len(rows), 3*perRound)
	}
	keys := slices.Concat(identityKeys, volatileKeys)
	for i, row := range rows {
		var have []string
		for _, c := range row.Config {
			if len(c.Value) == 0 {
				t.Errorf("%s: key %s is empty", row.Name, c.Key)
			}
			have = append(have, c.Key)
		}
		if slices.Sort(have); !slices.Equal(have, slices.Sorted(slices.Values(keys))) {
			t.Fatalf("keys %v, want %v", have, keys)
		}
		if want := fmt.Sprint(i/perRound + 1); row.GetConfig("round") != want {
			t.Errorf("row %d is of round %s, want %s", i, row.GetConfig("round"), want)
		}
		want := []string{"sec/op", "FLOP/s", "%peak", "B/op", "allocs/op"}
		if strings.HasPrefix(row.Name.String(), "FMAPeak") {
			want = []string{"sec/op", "FLOP/s", "FMA/cycle", "Hz", "B/op", "allocs/op"}
		}
		var units []string
		for _, v := range row.Values {
			units = append(units, v.Unit)
			if !strings.HasSuffix(v.Unit, "/op") && !(v.Value > 0) || v.Value < 0 {
				t.Errorf("%s: %g %s", row.Name, v.Value, v.Unit)
			}
		}
		if !slices.Equal(units, want) {
			t.Errorf("%s: units %v, want %v", row.Name, units, want)
		}
	}

	data, err := os.ReadFile(strings.TrimSuffix(record.Path, ".txt") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var side sidecar
	if err := json.Unmarshal(data, &side); err != nil {
		t.Fatal(err)
	}
	if side.Interrupted || len(side.Rounds) != 3 || side.Record != filepath.Base(record.Path) || side.Machine != filepath.Base(filepath.Dir(record.Path)) {
		t.Errorf("sidecar %s of %s", data, record.Path)
	}
	for _, round := range side.Rounds {
		if round.Shared != -1 || round.Waited != 0 {
			t.Errorf("round %d was shared for %g, waited %g s; nobody looked", round.Round, round.Shared, round.Waited)
		}
		for _, im := range kernels.Supported() {
			if round.PeakFLOPs["f32/"+im.Name()] <= 0 {
				t.Errorf("round %d: no peak of %s in %v", round.Round, im, round.PeakFLOPs)
			}
		}
	}
}

func TestInterruptedRunLeavesWholeRounds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := Options{
		Selection: Selection{Implementations: kernels.Supported(), Filter: "SGEMM/m=37/"},
		Rounds:    10, Sample: MinSample, Folder: t.TempDir(),
		Progress: func(p Progress) {
			if p.Round == 3 && !strings.Contains(p.Name, "gonum") {
				cancel()
			}
		},
	}
	record, err := Run(ctx, o)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	rows, _ := results(t, record.Path)
	if want := 2 * (len(kernels.Supported()) + 1); len(rows) != want || len(record.Rounds) != 2 {
		t.Errorf("%d rows of %d rounds, want %d of 2", len(rows), len(record.Rounds), want)
	}
	for _, name := range files(t, o.Folder) {
		if strings.Contains(name, "partial") {
			t.Errorf("%s is left", name)
		}
	}
	data, err := os.ReadFile(strings.TrimSuffix(record.Path, ".txt") + ".json")
	if err != nil || !bytes.Contains(data, []byte(`"interrupted": true`)) {
		t.Errorf("the sidecar does not say that the run was interrupted: %s, %v", data, err)
	}
}

func TestRunInterruptedBeforeTheFirstRound(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o := Options{
		Selection: Selection{Implementations: kernels.Supported(), Filter: "SGEMM/m=37/"},
		Rounds:    1, Sample: MinSample, Folder: t.TempDir(),
	}
	record, err := Run(ctx, o)
	if !errors.Is(err, context.Canceled) || record.Path != "" || len(files(t, o.Folder)) > 0 {
		t.Errorf("record %+v, error %v, files %v; want none and context.Canceled", record, err, files(t, o.Folder))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Selection: Selection{Implementations: kernels.Supported()}, Rounds: 1, Sample: MinSample}
	for want, spoil := range map[string]func(*Options){
		"rounds = 0":         func(o *Options) { o.Rounds = 0 },
		"sample = 1µs":       func(o *Options) { o.Sample = time.Microsecond },
		"no benchmark match": func(o *Options) { o.Filter = "nothing-like-this" },
	} {
		o := good
		spoil(&o)
		if _, err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := good.Check(); err != nil {
		t.Error(err)
	}
}
