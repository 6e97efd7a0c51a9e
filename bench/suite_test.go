package bench

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"golang.org/x/perf/benchfmt"
)

func suite(t *testing.T, s Selection) []*Group {
	t.Helper()
	if s.Implementations == nil {
		s.Implementations = kernels.Supported()
	}
	groups, err := Suite(s)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

// names lists the benchmarks of groups.
func names(groups []*Group) []string {
	var ns []string
	for _, g := range groups {
		for i := range g.Contenders {
			ns = append(ns, g.Name(&g.Contenders[i]))
		}
	}
	return ns
}

func TestNames(t *testing.T) {
	digits := regexp.MustCompile(`-\d+$`)
	seen := map[string]bool{}
	for _, name := range names(suite(t, Selection{Long: true})) {
		if seen[name] {
			t.Errorf("%s: there are two of them", name)
		}
		seen[name] = true
		if digits.MatchString(name) {
			t.Errorf("%s ends like a number of processors", name)
		}
		base, parts := benchfmt.Name(name).Parts()
		if !regexp.MustCompile(`^[A-Z][A-Za-z]+$`).Match(base) {
			t.Errorf("%s: family %q", name, base)
		}
		for i, part := range parts {
			key, value, ok := strings.Cut(strings.TrimPrefix(string(part), "/"), "=")
			if !ok || key == "" || value == "" {
				t.Errorf("%s: part %q is not key=value", name, part)
			}
			if isLast := i == len(parts)-1; isLast != (key == "impl") {
				t.Errorf("%s: impl has to be the last part, and there once", name)
			}
		}
	}
}

// TestSuiteHoldsWhatIsPromised checks that what is promised is measured.
func TestSuiteHoldsWhatIsPromised(t *testing.T) {
	quick := names(suite(t, Selection{}))
	want := []string{}
	for _, im := range kernels.Supported() {
		fast := im.Name() != "portable"
		for _, family := range []string{"SGEMM", "DGEMM"} {
			shapes := []string{
				"m=100/n=50/k=784", "m=784/n=50/k=100/trans=TN", "m=100/n=10/k=50",
				"m=50/n=10/k=100/trans=TN", "m=100/n=50/k=10/trans=NT",
				"m=64/n=64/k=64", "m=128/n=128/k=128", "m=256/n=256/k=256", "m=512/n=512/k=512",
				"m=37/n=53/k=71", "m=127/n=129/k=131",
			}
			if fast {
				shapes = append(shapes, "m=1024/n=1024/k=1024", "m=1023/n=1023/k=1023")
			}
			for _, shape := range shapes {
				want = append(want, family+"/"+shape+"/impl="+im.Name())
				if !fast {
					want = append(want, family+"/"+shape+"/impl=gonum")
				}
			}
		}
		for _, family := range []string{"SGEMV", "DGEMV"} {
			for _, shape := range []string{"m=256/n=256", "m=256/n=256/trans=T", "m=4096/n=4096", "m=4096/n=4096/trans=T"} {
				want = append(want, family+"/"+shape+"/impl="+im.Name(), family+"/"+shape+"/impl=gonum")
			}
		}
		for _, typ := range []string{"f32", "f64"} {
			want = append(want, "FMAPeak/type="+typ+"/impl="+im.Name())
			for _, batch := range []string{"1", "10", "100", "1000"} {
				want = append(want, "TrainStep/type="+typ+"/batch="+batch+"/data=digits/impl="+im.Name())
			}
			want = append(want, "TrainStep/type="+typ+"/batch=100/data=noise/impl="+im.Name())
			for _, phase := range []string{"gather", "forward", "loss", "backward", "update"} {
				want = append(want, "TrainPhase/type="+typ+"/batch=100/data=digits/phase="+phase+"/impl="+im.Name())
			}
			for _, bytes := range []string{"8Ki", "64Ki", "64Mi"} {
				for _, family := range []string{"ReLU", "ReLUGrad"} {
					prefix := family + "/type=" + typ + "/bytes=" + bytes + "/impl="
					want = append(want, prefix+im.Name(), prefix+"copy")
				}
			}
		}
	}
	for _, name := range want {
		if !slices.Contains(quick, name) {
			t.Errorf("the quick suite lacks %s", name)
		}
	}

	long := names(suite(t, Selection{Long: true}))
	for _, name := range append(quick, "SGEMM/m=1024/n=1024/k=1024/impl=gonum", "DGEMM/m=1023/n=1023/k=1023/impl=portable", "SGEMM/m=512/n=512/k=512/trans=TT/impl=portable") {
		if !slices.Contains(long, name) {
			t.Errorf("the long suite lacks %s", name)
		}
	}
}

func TestSuiteOfOneImplementation(t *testing.T) {
	for _, im := range kernels.Supported() {
		impls := map[string]bool{}
		for _, g := range suite(t, Selection{Implementations: []*kernels.Implementation{im}}) {
			for _, c := range g.Contenders {
				impls[c.Impl] = true
				if c.peak != nil && c.peak.impl != im.Name() {
					t.Errorf("%s: %%peak refers to %s, want %s", g.Name(&c), c.peak.impl, im.Name())
				}
			}
		}
		want := []string{"copy", "gonum", im.Name()}
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(impls)); !slices.Equal(got, want) {
			t.Errorf("%s alone: contenders %v, want %v", im, got, want)
		}
	}
}

func TestImplementations(t *testing.T) {
	portable, err := kernels.Lookup("portable")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Implementations(portable); err != nil || !slices.Equal(got, []*kernels.Implementation{portable}) {
		t.Errorf("Implementations(portable) = %v, %v", got, err)
	}
	want := kernels.Supported()
	if requested := kernels.Chosen().Requested; requested != "" {
		want = []*kernels.Implementation{kernels.Default()}
	}
	if got, err := Implementations(nil); err != nil || !slices.Equal(got, want) {
		t.Errorf("Implementations(nil) = %v, %v, want %v", got, err, want)
	}
}

func TestFilter(t *testing.T) {
	for _, test := range []struct {
		filter string
		want   []string
	}{
		{`^SGEMM/m=512/.*impl=(portable|gonum)$`, []string{"SGEMM/m=512/n=512/k=512/impl=portable", "SGEMM/m=512/n=512/k=512/impl=gonum"}},
		{`.name:TrainStep /impl:portable /type:f64 /batch:100 /data:digits`, []string{"TrainStep/type=f64/batch=100/data=digits/impl=portable"}},
		{`.unit:FMA/cycle /impl:portable`, []string{"FMAPeak/type=f32/impl=portable", "FMAPeak/type=f64/impl=portable"}},
		{`/bytes:8Ki .name:ReLU /impl:(copy OR portable) -/type:f32`, []string{"ReLU/type=f64/bytes=8Ki/impl=portable", "ReLU/type=f64/bytes=8Ki/impl=copy"}},
	} {
		if got := names(suite(t, Selection{Filter: test.filter})); !slices.Equal(got, test.want) {
			t.Errorf("filter %s: %v, want %v", test.filter, got, test.want)
		}
	}
	if all, star := names(suite(t, Selection{})), names(suite(t, Selection{Filter: "*"})); !slices.Equal(all, star) {
		t.Errorf("filter * takes %d benchmarks, no filter %d", len(star), len(all))
	}
	for filter, want := range map[string]string{
		"nothing-like-this": "FMAPeak/type=f32/impl=", // an example of what would match
		"GEMM(":             "neither a regular expression",
		"/m:":               `filter "/m:"`,
		".unit:parsecs":     "no benchmark matches",
	} {
		if _, err := Suite(Selection{Implementations: kernels.Supported(), Filter: filter}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("filter %s: error %v, want it to contain %q", filter, err, want)
		}
	}
}

func TestComparesProduct(t *testing.T) {
	im := kernels.Supported()[0]
	for _, test := range []struct {
		family string
		impls  []string
		want   bool
	}{
		{"SGEMM", []string{"gonum", im.Name()}, true},
		{"DGEMM", []string{im.Name(), "gonum"}, true},
		{"SGEMM", []string{"gonum", "vek"}, false},
		{"SGEMM", []string{im.Name()}, false},
		{"ReLU", []string{"gonum", im.Name()}, false},
	} {
		g := &Group{Family: test.family}
		for _, impl := range test.impls {
			g.Contenders = append(g.Contenders, Contender{Impl: impl})
		}
		if got := g.ComparesProduct(im); got != test.want {
			t.Errorf("%s of %v compares a product of %v: %v, want %v", test.family, test.impls, im, got, test.want)
		}
	}
}
