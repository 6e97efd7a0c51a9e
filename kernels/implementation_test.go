package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// requireVariable lists, between commas, what a run of the tests must have
// exercised: names of implementations and hugePages here, data sets elsewhere.
// It turns a tier that would be left out into a failure.
const requireVariable = "LANEWISE_REQUIRE"

const hugePages = "hugepages"

// emulatorVariable holds the command that the tests run under, if any: a
// process started by a test would otherwise leave the emulated CPU.
const emulatorVariable = "LANEWISE_EMULATOR"

func TestRequiredImplementations(t *testing.T) {
	for name := range strings.SplitSeq(os.Getenv(requireVariable), ",") {
		if slices.Contains([]string{"", "mnist", "fashion-mnist", "numpy", "torch", "long", "rivals", "tools", "terminal", "permissions", "int64", hugePages}, name) {
			continue // for other tests, most of them of other packages
		}
		if _, err := Lookup(name); err != nil {
			t.Errorf("%s names what this run cannot exercise: %v", requireVariable, err)
		}
	}
	t.Logf("exercised here: %s (%s)", supportedNames(), buildDescription)
}

func TestList(t *testing.T) {
	all := All()
	if last := all[len(all)-1]; last.Name() != "portable" || !last.Supported() || len(last.Requires()) != 0 {
		t.Errorf("the last implementation is %s, which requires %v, want portable, which requires nothing", last, last.Requires())
	}
	seen := map[string]bool{}
	for i, im := range all {
		if seen[im.Name()] {
			t.Errorf("two implementations are called %q", im)
		}
		seen[im.Name()] = true
		if im.Description() == "" {
			t.Errorf("%s has no description", im)
		}
		for _, later := range all[i+1:] { // best first: whoever asks for more comes before
			if len(later.Requires()) > len(im.Requires()) {
				t.Errorf("%s comes before %s, which requires more", im, later)
			}
		}
		if got, err := Lookup(im.Name()); im.Supported() && got != im {
			t.Errorf("Lookup(%q) = %v, %v", im, got, err)
		}
	}
	all[0] = nil
	if All()[0] == nil {
		t.Error("what All returns is the list itself, not a copy")
	}
	for _, im := range Supported() {
		if On[float32](im).Implementation() != im || On[float64](im).Implementation() != im {
			t.Errorf("On(%s) runs on another implementation", im)
		}
	}
}

func TestLookupRefuses(t *testing.T) {
	_, err := Lookup("mmx")
	if err == nil || !strings.Contains(err.Error(), `"mmx"`) || !strings.Contains(err.Error(), supportedNames()) {
		t.Errorf("Lookup of an unknown name: %v, want the name and what is supported", err)
	}
}

// An implementation that the CPU does not support is refused where it is asked for.
func TestUnsupported(t *testing.T) {
	for _, im := range All() {
		missing := im.Missing()
		if len(missing) == 0 {
			continue
		}
		if _, err := Lookup(im.Name()); err == nil || !strings.Contains(err.Error(), missing[0]) {
			t.Errorf("Lookup(%q): %v, want an error that names %s", im, err, missing[0])
		}
		if got := panicOf(func() { On[float64](im) }); !strings.Contains(got, missing[0]) {
			t.Errorf("On(%s): %s, want a panic that names %s", im, got, missing[0])
		}
	}
}

// Not only the name must follow the override, but what runs: each process
// prints the bits of products by the package's own functions, in both types,
// whose sums every implementation adds up in another order.
func TestOverride(t *testing.T) {
	if os.Getenv("LANEWISE_TEST_PRINT_CHOICE") != "" {
		printChoice()
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(value string) (stdout, stderr string) {
		args := append(strings.Fields(os.Getenv(emulatorVariable)), exe, "-test.run=^TestOverride$", "-test.count=1")
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "LANEWISE_TEST_PRINT_CHOICE=1", ISAVariable+"="+value, ThreadsVariable+"=",
			"GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0") // the race detector's second at the end of each process
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s=%s: %v\n%s", ISAVariable, value, err, errs.String())
		}
		line, _, _ := strings.Cut(out.String(), "\n")
		for said := range strings.Lines(errs.String()) {
			if strings.HasPrefix(said, "lanewise:") { // an emulator has its own to say
				stderr += said
			}
		}
		return line, stderr
	}
	for _, im := range Supported() {
		stdout, stderr := run(im.Name())
		if want := describe(im) + " | LANEWISE_ISA=" + im.Name() + " | <nil>"; stdout != want || stderr != "" {
			t.Errorf("%s=%s prints %q, and %q on stderr; want %q and nothing", ISAVariable, im, stdout, stderr, want)
		}
	}
	best := Supported()[0]
	if stdout, stderr := run(""); !strings.HasPrefix(stdout, describe(best)+" | the best that this CPU supports") || stderr != "" {
		t.Errorf("without %s: %q, and %q on stderr, want %s", ISAVariable, stdout, stderr, describe(best))
	}
	refused := []string{"mmx", "AVX2"}
	for _, im := range All() {
		if !im.Supported() {
			refused = append(refused, im.Name())
		}
	}
	for _, name := range refused {
		stdout, stderr := run(name)
		if !strings.HasPrefix(stdout, describe(best)+" | ") || strings.HasSuffix(stdout, "<nil>") {
			t.Errorf("%s=%s: %q, want %s and an error", ISAVariable, name, stdout, describe(best))
		}
		if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, ISAVariable+"="+name) || !strings.Contains(stderr, supportedNames()) {
			t.Errorf("%s=%s writes %q to stderr, want one line with the name and what is supported", ISAVariable, name, stderr)
		}
	}
}

// describe names im and what its products look like.
func describe(im *Implementation) string {
	return fmt.Sprintf("%s %x %x", im.Name(), revealing(On[float32](im).MatMul), revealing(On[float64](im).MatMul))
}

func printChoice() {
	c := Chosen()
	fmt.Printf("%s %x %x | %s | %v\n", Default(), revealing(MatMul[float32]), revealing(MatMul[float64]), c.Reason(), c.Err)
}

// revealing returns the bits of a product whose sums depend on the order.
func revealing[T Float](matMul func(c, a, b []T, m, n, k int)) []uint64 {
	const m, k = 3, 1000
	rng := rand.New(rand.NewPCG(19, 20))
	a, b, c := randomMatrix[T](rng, m, k, k).data, randomMatrix[T](rng, k, 1, 1).data, make([]T, m)
	matMul(c, a, b, m, 1, k)
	bits := make([]uint64, m)
	for i, x := range c {
		bits[i] = math.Float64bits(float64(x))
	}
	return bits
}

func TestRevealingTellsImplementationsApart(t *testing.T) {
	seen := map[string]string{}
	for _, im := range Supported() {
		_, bits, _ := strings.Cut(describe(im), " ")
		if other, ok := seen[bits]; ok {
			t.Errorf("%s and %s give the same bits: TestOverride cannot tell them apart", im, other)
		}
		seen[bits] = im.Name()
	}
}

// Whoever embeds this package takes on cpuid and x/sys, and nothing else; and
// no package of ours.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for path := range strings.FieldsSeq(string(out)) {
		ok := slices.ContainsFunc([]string{"github.com/klauspost/cpuid/v2", "golang.org/x/sys", "github.com/lanewise/lanewise/kernels"}, func(prefix string) bool {
			return path == prefix || strings.HasPrefix(path, prefix+"/")
		})
		if !ok {
			t.Errorf("package kernels depends on %s", path)
		}
	}
}

func TestCPU(t *testing.T) {
	c := CPU()
	if c.LogicalCores < 1 {
		t.Errorf("%d logical cores", c.LogicalCores)
	}
	for _, im := range Supported() {
		for _, f := range im.Requires() {
			if !slices.Contains(c.Features, f) {
				t.Errorf("%s is supported, but %s is not among the CPU's features", im, f)
			}
		}
	}
	if c.L1D < 0 || c.L2 < 0 || c.L3 < 0 {
		t.Errorf("cache sizes %d, %d, %d: unknown is 0", c.L1D, c.L2, c.L3)
	}
}

func TestProbes(t *testing.T) {
	for _, im := range Supported() {
		for _, n := range []int{0, 1, 1000} {
			flops, fmas := On[float32](im).ProbeFMA(n)
			if flops != fmas*2*On[float32](im).VectorLen() || (n == 0) != (flops == 0) {
				t.Errorf("%s: ProbeFMA(%d) = %d operations in %d instructions of %d lanes", im, n, flops, fmas, On[float32](im).VectorLen())
			}
		}
	}
	if c := ProbeClock(10); c < 10 {
		t.Errorf("ProbeClock(10) = %d cycles", c)
	}
	if c := ProbeClock(0); c != 0 {
		t.Errorf("ProbeClock(0) = %d cycles", c)
	}
	if one, n := ProbeIssue(1), ProbeIssue(10); one < 10 || n != 10*one || ProbeIssue(0) != 0 {
		t.Errorf("ProbeIssue(1) = %d, ProbeIssue(10) = %d, ProbeIssue(0) = %d instructions", one, n, ProbeIssue(0))
	}
}
