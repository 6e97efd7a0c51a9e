package kernels

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkClockAfter reports at which clock the core leaves a loop of nothing but multiply-adds,
// and products: power, not time, bounds what a core does, and what takes more of it runs at a
// lower clock. Hence issue-%, the multiply-adds of what could be issued at that clock, by two
// units. The clock climbs back within microseconds, so that a chain of additions tells it only if
// it is short, and follows at once. Pin it to a CPU (taskset) on which nothing else runs.
func BenchmarkClockAfter(b *testing.B) {
	for _, im := range Supported() {
		if im == portable {
			continue // two additions and multiplications for each element are no multiply-adds
		}
		o := On[float32](im).Threads(1)
		b.Run(fmt.Sprintf("impl=%s/loop", im.Name()), func(b *testing.B) {
			const steps = 100
			clockAfter(b, o, func() (flops int) {
				for range 200 {
					n, _ := o.ProbeFMA(steps)
					flops += n
				}
				return flops
			})
		})
		for _, n := range []int{64, 128, 256, 384, 512} {
			b.Run(fmt.Sprintf("impl=%s/size=%d", im.Name(), n), func(b *testing.B) {
				x, y, c := Aligned[float32](n*n), Aligned[float32](n*n), Aligned[float32](n*n)
				for i := range x {
					x[i], y[i] = float32(i%13)-6, float32(i%11)-5
				}
				clockAfter(b, o, func() int {
					o.MatMul(c, x, y, n, n, n)
					return 2 * n * n * n
				})
			})
		}
	}
}

// clockAfter runs f for some milliseconds a round, and then tells the clock.
func clockAfter[T Float](b *testing.B, o Ops[T], f func() (flops int)) {
	const least, instructionsACycle = 3 * time.Millisecond, 2
	var clocks, rates []float64 // cycles and floating-point operations in a nanosecond
	for b.Loop() {
		flops := 0
		start := time.Now()
		for time.Since(start) < least {
			flops += f()
		}
		took := time.Since(start)
		// The first chain may not be in the caches, and the core stands still for the better part of a
		// microsecond when it changes its clock: the fastest of three short ones tells.
		clock := 0.0
		for range 3 {
			start = time.Now()
			cycles := ProbeClock(60)
			clock = max(clock, float64(cycles)/float64(time.Since(start)))
		}
		clocks = append(clocks, clock)
		rates = append(rates, float64(flops)/float64(took))
	}
	slices.Sort(clocks)
	slices.Sort(rates)
	clock, rate := clocks[len(clocks)/2], rates[len(rates)/2]
	b.ReportMetric(clock, "GHz-after")
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/(clock*float64(instructionsACycle*2*o.VectorLen())), "issue-%")
	b.ReportMetric(0, "ns/op")
}
