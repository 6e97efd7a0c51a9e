package kernels

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkGCWait reports how long runtime.GC takes while a large product
// runs, in the middle and at worst. It waits for assembly to come to an end,
// which cannot be preempted; beside it, how long it takes while nothing runs. Each
// ends with the product that is under way: 20 seconds in plain Go.
func BenchmarkGCWait(b *testing.B) {
	for _, im := range Supported() {
		b.Run("impl="+im.Name(), func(b *testing.B) {
			const n = 4096
			x, y, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					default:
						On[float32](im).MatMul(c, x, y, n, n, n)
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
	var waits []time.Duration
	for b.Loop() {
		t := time.Now()
		runtime.GC()
		waits = append(waits, time.Since(t))
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "median-us")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds()), "worst-us")
}
