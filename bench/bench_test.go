package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

// The Go benchmarks: the same table as "lanewise bench" runs.
//
//	go test -run '^$' -bench . ./bench                   the quick suite
//	go test -run '^$' -bench . ./bench -long             all shapes
//	go test -run '^$' -bench 'SGEMM/m=512/' ./bench

var long = flag.Bool("long", false, "benchmark all shapes, and slow contenders at every size")

func TestMain(m *testing.M) {
	flag.Parse()
	if err := kernels.Chosen().Err; err != nil {
		fmt.Fprintf(os.Stderr, "%s=%s: %v\n", kernels.ISAVariable, kernels.Chosen().Requested, err)
		os.Exit(2)
	}
	if pattern := flag.Lookup("test.bench").Value.String(); pattern != "" {
		// One processor, as in package bench's own runner, unless -cpu says otherwise.
		cpuSet := false
		flag.Visit(func(f *flag.Flag) { cpuSet = cpuSet || f.Name == "test.cpu" })
		if !cpuSet {
			flag.Set("test.cpu", "1")
		}
		printHead()
	}
	os.Exit(m.Run())
}

// printHead prints the unit and configuration lines of a record; package testing adds
// goos, goarch, pkg and cpu.
func printHead() {
	for _, unit := range unitLines() {
		fmt.Printf("Unit %s %s=%s\n", unit.OrigUnit, unit.Key, unit.Value)
	}
	ims, _ := Implementations(nil) // TestMain has seen that there is no error
	for _, c := range append(readEnvironment(ims[0]).config(), setting{"round", "none"}, setting{"noise", unknown}) {
		if !slices.Contains([]string{"goos", "goarch", "pkg", "cpu"}, c.key) {
			fmt.Printf("%s: %s\n", c.key, c.value)
		}
	}
}

func BenchmarkFMAPeak(b *testing.B)  { benchmarkFamily(b, "FMAPeak") }
func BenchmarkSGEMM(b *testing.B)    { benchmarkFamily(b, "SGEMM") }
func BenchmarkDGEMM(b *testing.B)    { benchmarkFamily(b, "DGEMM") }
func BenchmarkSGEMV(b *testing.B)    { benchmarkFamily(b, "SGEMV") }
func BenchmarkDGEMV(b *testing.B)    { benchmarkFamily(b, "DGEMV") }
func BenchmarkReLU(b *testing.B)     { benchmarkFamily(b, "ReLU") }
func BenchmarkReLUGrad(b *testing.B) { benchmarkFamily(b, "ReLUGrad") }

func BenchmarkTrainStep(b *testing.B)  { benchmarkFamily(b, "TrainStep") }
func BenchmarkTrainPhase(b *testing.B) { benchmarkFamily(b, "TrainPhase") }

func benchmarkFamily(b *testing.B, family string) {
	ims, err := Implementations(nil)
	if err != nil {
		b.Fatal(err)
	}
	groups, err := Suite(Selection{Implementations: ims, Long: *long, Filter: ".name:" + family})
	if err != nil {
		b.Fatal(err)
	}
	for _, g := range groups {
		var operands any // made for the first contender that -bench selects
		for _, c := range g.Contenders {
			b.Run(g.Name(&c)[len(family)+1:], func(b *testing.B) {
				if operands == nil {
					operands = g.makeOperands(0)
				}
				benchmarkContender(b, g, &c, operands)
			})
		}
		runtime.GC()
	}
}

func benchmarkContender(b *testing.B, g *Group, c *Contender, operands any) {
	now := wallClock()
	if c.bind == nil {
		c.peak.fit(now)
		s := c.peak.sample(0, now)
		for b.Loop() {
			// One iteration is one probe of each kind; the best of all counts.
			if t := c.peak.sample(0, now); t.flops > s.flops {
				s = t
			}
		}
		b.ReportMetric(1e9*s.seconds/float64(s.steps), "ns/op") // of a step, as in records
		for _, m := range s.metrics() {
			b.ReportMetric(m.value, m.unit)
		}
		return
	}
	t := c.bind(operands)
	if err := t.checkOnce(); err != nil {
		b.Fatal(err)
	}
	peak := 0.0
	if c.peak != nil {
		peak = c.peak.beside(now)
	}
	t.run(1) // fills buffers and their pools
	b.ReportAllocs()
	b.ResetTimer()
	t.run(b.N)
	b.StopTimer()
	if c.peak != nil {
		peak = max(peak, c.peak.beside(now))
	}
	for _, m := range t.metrics(g.workOf(c), b.Elapsed().Seconds()/float64(b.N), peak) {
		b.ReportMetric(m.value, m.unit)
	}
}
