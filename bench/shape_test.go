package bench

import (
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

func TestParseShape(t *testing.T) {
	for text, want := range map[string]Shape{
		"100x50x784":        {m: 100, n: 50, k: 784},
		"784x50x100:TN":     {m: 784, n: 50, k: 100, transA: true},
		" 1x2x3:nt ":        {m: 1, n: 2, k: 3, transB: true},
		"16777216x4x4:TT":   {m: 1 << 24, n: 4, k: 4, transA: true, transB: true},
		"8192x8192x8192:NN": {m: 8192, n: 8192, k: 8192},
	} {
		got, err := ParseShape(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
		if again, err := ParseShape(got.Text()); err != nil || again != got {
			t.Errorf("%q, which is the text of %q: %v, %v", got.Text(), text, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                            `shape = "", want MxNxK`,
		"100x50":                      `shape = "100x50", want MxNxK`,
		"100x50x784x2":                "want MxNxK",
		"100x50x784:T":                "want MxNxK",
		"100x50x784:TX":               "want MxNxK",
		"-1x50x784":                   "want MxNxK",
		"0x50x784":                    "with m = 0, want 1..16777216",
		"1x16777217x784":              "with n = 16777217, want 1..16777216",
		"16777216x16777216x3":         `whose C has 281474976710656 elements`,
		"1x1x99999999999999999999999": "with k = 99999999999999999999999, want 1..16777216",
		"8193x1x8192":                 `whose A has 67117056 elements, want at most 67108864`,
		"1x8193x8192":                 `whose B has 67117056 elements`,
		"8193x8192x1":                 `whose C has 67117056 elements`,
	} {
		if s, err := ParseShape(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", text, s, err, want)
		}
	}
	shapes, err := ParseShapes([]string{"4x5x6", "4x5x6:TN", "4x5x6:NN"})
	if err != nil || !slices.Equal(ShapeTexts(shapes), []string{"4x5x6", "4x5x6:TN"}) {
		t.Errorf("%v, %v: want two shapes", shapes, err)
	}
	if shapes, err := ParseShapes([]string{"4x5x6", "4x5"}); err == nil {
		t.Errorf("%v, of which one is none", shapes)
	}
}

// Shapes take the place of the suite, under the names that they would have in it.
func TestSuiteOfShapes(t *testing.T) {
	shapes, err := ParseShapes([]string{"100x50x784", "7x8x9:TN", "1024x1024x1024"})
	if err != nil {
		t.Fatal(err)
	}
	got := names(suite(t, Selection{Implementations: []*kernels.Implementation{kernels.Supported()[0]}, Shapes: shapes}))
	fast := len(kernels.Supported()) > 1
	im := "/impl=" + kernels.Supported()[0].Name()
	for _, family := range []string{"SGEMM", "DGEMM"} {
		for _, params := range []string{"m=100/n=50/k=784", "m=7/n=8/k=9/trans=TN"} {
			for _, impl := range []string{im, "/impl=gonum"} {
				if !slices.Contains(got, family+"/"+params+impl) {
					t.Errorf("no %s/%s%s in %v", family, params, impl, got)
				}
			}
		}
		if slow := family + "/m=1024/n=1024/k=1024/impl=gonum"; slices.Contains(got, slow) == fast {
			t.Errorf("%s, which takes long, is there %v, in %v", slow, !fast, got)
		}
	}
	for _, name := range got {
		if !strings.Contains(name, "GEMM/") && !strings.HasPrefix(name, peakFamily) {
			t.Errorf("%s, which nobody asked for", name)
		}
	}
	// Where nothing else is left, what takes long is measured.
	all, _ := kernels.Lookup("portable")
	if got := names(suite(t, Selection{Implementations: []*kernels.Implementation{all}, Shapes: shapes})); !slices.Contains(got, "SGEMM/m=1024/n=1024/k=1024/impl=portable") {
		t.Errorf("no 1024 cubed in %v", got)
	}
	if _, err := Suite(Selection{Implementations: kernels.Supported(), Shapes: shapes, Filter: "ReLU"}); err == nil || !strings.Contains(err.Error(), "m=100/n=50/k=784") {
		t.Errorf("%v, want names of what there is", err)
	}
}
