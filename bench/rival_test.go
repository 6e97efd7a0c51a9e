package bench

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/bench/internal/clib"
	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
)

func TestRivalEnvironment(t *testing.T) {
	base := []string{"PATH=/bin", "OMP_WAIT_POLICY=passive", "OPENBLAS_CORETYPE=Zen", "BLIS_JC_NT=2", "GOMP_CPU_AFFINITY=0", "NPY_DISABLE_CPU_FEATURES=AVX2", "ATEN_CPU_CAPABILITY=default", "MKL_CBWR=COMPATIBLE", "LANEWISE_THREADS=1", "LANEWISE_ISA=portable"}
	for _, test := range []struct {
		isa     string
		threads int
		want    []string
	}{
		{"avx512", 1, []string{
			"PATH=/bin", "LANEWISE_ISA=portable", "OPENBLAS_CORETYPE=SkylakeX", "BLIS_ARCH_TYPE=0",
			"ONEDNN_MAX_CPU_ISA=AVX512_CORE", "DNNL_MAX_CPU_ISA=AVX512_CORE", "LIBXSMM_TARGET=skx",
			"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "BLIS_NUM_THREADS=1", "MKL_NUM_THREADS=1",
		}},
		{"avx2", 3, []string{
			"PATH=/bin", "LANEWISE_ISA=portable", "OPENBLAS_CORETYPE=Haswell", "BLIS_ARCH_TYPE=3",
			"ONEDNN_MAX_CPU_ISA=AVX2", "DNNL_MAX_CPU_ISA=AVX2", "LIBXSMM_TARGET=hsw",
			"OMP_NUM_THREADS=3", "OPENBLAS_NUM_THREADS=3", "BLIS_NUM_THREADS=3", "MKL_NUM_THREADS=3",
			"GOMP_SPINCOUNT=20000", "OPENBLAS_THREAD_TIMEOUT=14",
		}},
	} {
		if got := RivalEnvironment(base, test.isa, test.threads); !slices.Equal(got, test.want) {
			t.Errorf("%s, %d threads: %q, want %q", test.isa, test.threads, got, test.want)
		}
	}
}

// TestForcedKernelsAreVerified checks that a library which says that it runs something
// else than was forced is refused, and that every library has something to say.
func TestForcedKernelsAreVerified(t *testing.T) {
	reached := map[string][]string{ // with avx512, avx2
		"openblas": {"SkylakeX", "Haswell"}, "blis": {"skx", "haswell"},
		"onednn": {"AVX512_CORE", "AVX2"}, "libxsmm": {"skx", "hsw"},
	}
	for _, spec := range rivalSpecs {
		if spec.module != "" || spec.python != "" {
			continue
		}
		for i, isa := range []string{"avx512", "avx2"} {
			facts := RivalFacts{Kernels: reached[spec.name][i], Threads: 2}
			right := Rival{Name: spec.name, RivalFacts: facts}
			if err := right.checkForced(RivalPart{ISA: isa, Threads: 2}); err != nil {
				t.Errorf("%s with kernels for %s is refused for %s: %v", spec.name, facts.Kernels, isa, err)
			}
			if err := right.checkForced(RivalPart{ISA: isa, Threads: 1}); err == nil || !strings.Contains(err.Error(), "2 threads where 1 ") {
				t.Errorf("%s with 2 threads where 1 was forced: %v", spec.name, err)
			}
			for _, other := range []string{"", "Cooperlake", "zen3", reached[spec.name][1-i]} {
				wrong := Rival{Name: spec.name, RivalFacts: RivalFacts{Kernels: other, Threads: 2}}
				err := wrong.checkForced(RivalPart{ISA: isa, Threads: 2})
				if err == nil || !strings.Contains(err.Error(), other) || !strings.Contains(err.Error(), facts.Kernels) {
					t.Errorf("%s with kernels for %q where those for %s were forced: %v", spec.name, other, facts.Kernels, err)
				}
			}
		}
	}
	if err := (&Rival{Name: "openblas"}).checkForced(RivalPart{ISA: "sse2", Threads: 1}); err == nil {
		t.Error("sse2 can be forced")
	}
	for want, loop := range map[string]Rival{
		"":                                     {BLAS: "OpenBLAS 0.3", RivalFacts: RivalFacts{Kernels: "Haswell", Threads: 1}},
		"kernels for Zen where":                {BLAS: "OpenBLAS 0.3", RivalFacts: RivalFacts{Kernels: "Zen", Threads: 1}},
		"2 threads where 1 ":                   {BLAS: "OpenBLAS 0.3", RivalFacts: RivalFacts{Kernels: "Haswell", Threads: 2}},
		"in Debian that takes the package lib": {},
	} {
		loop.Name, loop.Python = "numpy-tuned", "python3"
		err := loop.checkForced(RivalPart{ISA: "avx2", Threads: 1})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q in it", loop, err, want)
		}
	}
}

func TestMissingLibraryIsLeftOut(t *testing.T) {
	opened := 0
	missing := func(name string) (*clib.Library, error) {
		opened++
		return nil, errors.New(name + " is in the Debian package lib" + name + "-dev")
	}
	probe := func(_ context.Context, name string) error {
		if name == "blis" {
			return errors.New("it ended the process that tried it")
		}
		return nil
	}
	for _, test := range []struct {
		name    string
		threads int
		want    string
		opened  int
	}{
		{"openblas", 1, "openblas is LEFT OUT: openblas is in the Debian package libopenblas-dev", 1},
		{"blis", 1, "blis is LEFT OUT: it ended the process that tried it", 0},
		{"libxsmm", 2, "libxsmm is LEFT OUT: its kernels use one thread", 0},
	} {
		opened = 0
		r := Rival{Name: test.name}
		r.open(t.Context(), RivalOptions{Part: RivalPart{ISA: "avx2", Threads: test.threads}, Probe: probe}, missing)
		if r.String() != test.want || opened != test.opened {
			t.Errorf("%q after it was opened %d times, want %q, %d", r, opened, test.want, test.opened)
		}
		if rivalGEMM[float32](r, "small", square(8)) != nil {
			t.Errorf("%s is measured", test.name)
		}
	}
}

// TestRivalShapes lists what comparisons are promised for.
func TestRivalShapes(t *testing.T) {
	want := map[string]string{
		"net":        "100,50,784; 784,50,100 TN; 100,10,50; 50,10,100 TN; 100,50,10 NT",
		"small":      "8,8,8; 16,16,16; 32,32,32; 48,48,48; 64,64,64",
		"large":      "96,96,96; 128,128,128; 192,192,192; 256,256,256; 384,384,384; 512,512,512; 768,768,768; 1024,1024,1024; 2048,2048,2048",
		"odd":        "37,53,71; 127,129,131; 1023,1023,1023",
		"transposed": "512,512,512 NT; 512,512,512 TN; 512,512,512 TT",
		"skinny":     "1,4096,4096; 16,4096,4096; 4096,16,4096; 4096,4096,16; 128,3072,768; 128,768,3072",
		"training":   "", "training-noise": "", // have none
		"random":       "73,65,228 TN; 4,35,17 NT; 199,2,4",
		"random-large": "307,262,1415 TN; 1174,3,7; 19,6,539 TN",
		"parallel":     "256,256,256; 512,512,512; 1024,1024,1024; 2048,2048,2048",
	}
	seen := map[string]bool{}
	for _, f := range rivalFamilies {
		var shapes []string
		for _, s := range f.shapes {
			shapes = append(shapes, s.String())
			threads := 1
			if f.name == parallelFamily {
				threads = 2
			}
			if key := s.params() + threadsParam(threads); seen[key] {
				t.Errorf("%s is in two families", key)
			} else {
				seen[key] = true
			}
			if got := familyOf(s.String(), threads); got != f.name {
				t.Errorf("%v with %d threads is read as family %s, want %s", s, threads, got, f.name)
			}
		}
		got := strings.Join(shapes, "; ")
		if strings.HasPrefix(f.name, "random") { // those of a record are those of the next
			if got = strings.Join(shapes[:3], "; "); len(shapes) != 48 {
				t.Errorf("%s has %d shapes, want 48", f.name, len(shapes))
			}
			for _, trans := range []string{"NN", "NT", "TN", "TT"} {
				if n := countTrans(f.shapes, trans); n < 6 {
					t.Errorf("%d shapes of %s are %s", n, f.name, trans)
				}
			}
		}
		if got != want[f.name] {
			t.Errorf("%s: %s, want %s", f.name, got, want[f.name])
		}
	}
	if len(rivalFamilies) != len(want) {
		t.Errorf("families %v", RivalFamilies())
	}
}

func countTrans(shapes []Shape, trans string) (n int) {
	for _, s := range shapes {
		if s.transA == (trans[0] == 'T') && s.transB == (trans[1] == 'T') {
			n++
		}
	}
	return n
}

func TestRivalParts(t *testing.T) {
	processors := runtime.NumCPU()
	isas := []string{"avx512", "avx2"}
	single := []string{"net", "small", "large", "odd", "transposed", "skinny", "training"}
	parts, err := RivalParts(isas, nil, nil, false)
	if err != nil || len(parts) != 2 || parts[0].String() != "avx512, 1 thread" || !slices.Equal(parts[1].Families, single) {
		t.Errorf("%v, %v", parts, err)
	}
	if processors > 1 {
		parts, err = RivalParts(isas, []string{"net", "parallel"}, nil, true)
		if err != nil || len(parts) != 4 || parts[1].Threads != processors || !slices.Equal(parts[1].Families, []string{"parallel"}) {
			t.Errorf("%v, %v", parts, err)
		}
		parts, err = RivalParts(isas[:1], []string{"parallel"}, nil, true)
		if err != nil || len(parts) != 1 || parts[0].Threads != processors {
			t.Errorf("%v, %v", parts, err)
		}
		parts, err = RivalParts(isas[:1], nil, []Shape{square(5)}, true)
		if err != nil || len(parts) != 2 || parts[1].Threads != processors || len(parts[1].Families) > 0 || !slices.Equal(parts[1].Shapes, []Shape{square(5)}) {
			t.Errorf("%v, %v", parts, err)
		}
	} else if _, err := RivalParts(isas, nil, nil, true); err == nil {
		t.Error("all threads of one processor are more than one")
	}
	parts, err = RivalParts(isas[:1], []string{"net"}, []Shape{square(5)}, false)
	if err != nil || len(parts) != 1 || !slices.Equal(parts[0].Families, []string{"net"}) || !slices.Equal(parts[0].Shapes, []Shape{square(5)}) {
		t.Errorf("%v, %v", parts, err)
	}
	if parts, err = RivalParts(isas[:1], nil, []Shape{square(5)}, false); err != nil || len(parts) != 1 || len(parts[0].Families) > 0 {
		t.Errorf("%v, %v: want no families beside a shape", parts, err)
	}
	for families, want := range map[string]string{"sqare": "net, small", "parallel": "all threads"} {
		if _, err := RivalParts(isas, []string{families}, nil, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", families, err, want)
		}
	}
}

func TestRivalOptionsRefused(t *testing.T) {
	good := RivalOptions{Rounds: 1, Sample: time.Millisecond}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(o *RivalOptions){
		"rounds = 0, want at least 1":                    func(o *RivalOptions) { o.Rounds = 0 },
		"sample = 1µs, want at least 1ms":                func(o *RivalOptions) { o.Sample = time.Microsecond },
		"type = f16, want one of f32, f64":               func(o *RivalOptions) { o.Types = []string{"f16"} },
		"rival = mkl, want one of openblas, blis, onedn": func(o *RivalOptions) { o.Rivals = []string{"openblas", "mkl"} },
	} {
		o := good
		spoil(&o)
		if err := o.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, isa := range []string{"portable", "sse2"} {
		if _, err := RivalImplementations([]string{isa}); err == nil || !strings.Contains(err.Error(), "want avx512 or avx2") {
			t.Errorf("%s: %v", isa, err)
		}
	}
}

// rivalPart returns the part for the best implementation that rivals can be held to.
func rivalPart(t *testing.T, families ...string) RivalPart {
	t.Helper()
	ims, err := RivalImplementations(nil)
	if err != nil {
		require.Missing(t, "rivals", err.Error())
	}
	return RivalPart{ISA: ims[0].Name(), Threads: 1, Families: families}
}

// TestRunBesideRivalsInGo makes a record with the rivals that need no library.
func TestRunBesideRivalsInGo(t *testing.T) {
	o := RivalOptions{
		Part: rivalPart(t, "small"), Rivals: []string{"gonum", "vek"}, Rounds: 2, Sample: time.Millisecond, Folder: t.TempDir(),
	}
	run, err := PrepareRivals(t.Context(), o)
	if built := o.Part.Built(); built != nil {
		if err == nil || err.Error() != built.Error() || !strings.Contains(err.Error(), "-tags rivals") {
			t.Errorf("%v, want %v", err, built)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	record, err := run.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report, err := ReadRivals(record.Path)
	if err != nil {
		t.Fatal(err)
	}
	if report.Rounds != 2 || len(report.Contests) != 2 || len(report.Rivals) != 2 || report.Rivals[1].Name != "vek" {
		t.Errorf("%d rounds, %d contests, rivals %v", report.Rounds, len(report.Contests), report.Rivals)
	}
	for _, c := range report.Contests {
		if len(c.Shapes) != 5 || !slices.Equal(c.Rivals, []string{"gonum", "vek"}) || c.Ours != o.Part.ISA {
			t.Errorf("%v: %d shapes beside %v", c, len(c.Shapes), c.Rivals)
		}
		for _, s := range c.Shapes {
			if !(s.Shares[c.Ours] > 0 && s.Peak > s.Rates[c.Ours]*0.5 && s.Rates["vek"] > 0) {
				t.Errorf("%v %s: %+v", c, s.Shape, s)
			}
		}
	}
}

// TestUnforcedLibrariesAreNotMeasured prepares a run in a process whose environment
// forces nothing: a library is then missing, or has chosen by itself.
func TestUnforcedLibrariesAreNotMeasured(t *testing.T) {
	if err := rivalPart(t, "net").Built(); err != nil {
		require.Missing(t, "rivals", err.Error())
	}
	run, err := PrepareRivals(t.Context(), RivalOptions{Part: rivalPart(t, "net"), Rounds: 1, Sample: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range run.Rivals {
		measured := slices.ContainsFunc(run.Groups[0].Contenders, func(c Contender) bool { return c.Impl == r.Name })
		f, _ := forcingFor(run.Options.Part.ISA)
		if want := f.reached[r.Name]; r.LeftOut == "" && r.Kernels != want || r.LeftOut != "" && measured {
			t.Errorf("%v: measured is %v, and %q was to be reached", r, measured, want)
		}
	}
}

func TestPeakOfSeveralThreads(t *testing.T) {
	steps := make(chan int, 3)
	p := &peakProbe{length: probeTime, fma: func(n int) (int, int) { steps <- n; return 100 * n, 10 * n }}
	if flops, instructions := p.onThreads(3).probe(7); flops != 2100 || instructions != 210 || len(steps) != 3 {
		t.Errorf("%d FLOP, %d instructions by %d threads, want 2100, 210 by 3", flops, instructions, len(steps))
	}
	var at time.Duration
	fitted := &peakProbe{length: probeTime, fma: func(n int) (int, int) { at += time.Duration(n) * time.Microsecond; return n, n }}
	fitted.onThreads(3).fit(func() time.Duration { at += time.Nanosecond; return at }) // or the probe of the clock would take no time
	if want := int(fitted.length / time.Microsecond); fitted.steps < want*9/10 || fitted.steps > want {
		t.Errorf("%d steps, want %d: those of one thread, however late others are", fitted.steps, want)
	}
	one := newPeakProbe(kernels.On[float32](kernels.Supported()[0]))
	if one.onThreads(1); one.length != probeTime {
		t.Error("a probe of one thread is as long as one of many")
	}
}
