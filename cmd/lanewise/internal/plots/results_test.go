package plots

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/lanewise/lanewise/bench"
)

// TestPicturesOfResults draws the pictures in results anew, from the records that they name.
func TestPicturesOfResults(t *testing.T) {
	pictures, err := filepath.Glob("../../../../results/*/*.svg")
	if err != nil || len(pictures) == 0 {
		t.Fatalf("no pictures in results (%v)", err)
	}
	record := regexp.MustCompile(`\((\d{4}-\d\d-\d\d-[0-9a-f]{12}-\d+)\)`)
	number := regexp.MustCompile(`-?\d+(\.\d+)?`)
	for _, path := range pictures {
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var reports []*bench.RivalReport
		for _, name := range record.FindAllSubmatch(have, -1) {
			report, err := bench.ReadRivals(filepath.Join(filepath.Dir(path), string(name[1])+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, report)
		}
		var b bytes.Buffer
		if err := Rivals(&b, ".svg", reports); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		want := b.Bytes()
		if !bytes.Equal(number.ReplaceAll(have, nil), number.ReplaceAll(want, nil)) {
			t.Errorf("%s is another picture than its records give: draw it again with lanewise bench rivals --from ... --plot", path)
			continue
		}
		// Numbers may differ by what CPUs make of a multiplication and an addition.
		wanted := number.FindAll(want, -1)
		for i, text := range number.FindAll(have, -1) {
			x, err := strconv.ParseFloat(string(text), 64)
			y, err2 := strconv.ParseFloat(string(wanted[i]), 64)
			if err != nil || err2 != nil || !(math.Abs(x-y) <= 0.02) {
				t.Errorf("%s: number %d is %s, its records give %s", path, i, text, wanted[i])
				break
			}
		}
	}
}
