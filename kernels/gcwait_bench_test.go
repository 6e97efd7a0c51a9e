package kernels

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"
)

// BenchmarkGCWait reports how long runtime.GC takes while a large product
// runs, in the middle and at worst, and how long it took to stop the world for
// it, which happens several times. It waits for assembly to come to an end,
// which cannot be preempted; beside it, how long it takes while nothing runs. Each
// ends with the product that is under way: 20 seconds in plain Go.
func BenchmarkGCWait(b *testing.B) {
	for _, im := range Supported() {
		b.Run("impl="+im.Name(), func(b *testing.B) {
			const n = 4096
			// One processor is left to the collector: where all compute, it waits for
			// its turn, which is 10 ms each time, whatever they compute.
			o := On[float32](im).Threads(max(runtime.GOMAXPROCS(0)-1, 1))
			x, y, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					default:
						o.MatMul(c, x, y, n, n, n)
					}
				}
			}()
			reportGC(b)
			close(stop)
			<-done
		})
	}
	b.Run("impl=none", reportGC)
}

func reportGC(b *testing.B) {
	before := stops()
	var waits []time.Duration
	for b.Loop() {
		t := time.Now()
		runtime.GC()
		waits = append(waits, time.Since(t))
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "median-us")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds()), "worst-us")

	counts, after := make([]uint64, len(before.Counts)), stops()
	for i := range counts {
		counts[i] = after.Counts[i] - before.Counts[i]
	}
	b.ReportMetric(quantile(counts, after.Buckets, 0.5)*1e6, "median-stop-us")
	b.ReportMetric(quantile(counts, after.Buckets, 0.99)*1e6, "p99-stop-us")
}

// stops returns how long the runtime took so far to stop the world for collections.
func stops() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64Histogram()
}

// quantile returns the upper end of the bucket that q of all counts reach.
func quantile(counts []uint64, buckets []float64, q float64) float64 {
	var all, sum uint64
	for _, n := range counts {
		all += n
	}
	for i, n := range counts {
		if sum += n; float64(sum) >= q*float64(all) {
			return buckets[i+1]
		}
	}
	return 0
}
