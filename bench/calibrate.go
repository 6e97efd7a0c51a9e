package bench

import (
	"math"
	"time"
)

// fitIterations returns the number of iterations of run that take about target.
// It grows n until a trial lasts a good part of target, as package testing does,
// and so runs it for about twice that long, or once if a single iteration is longer.
func fitIterations(run func(n int), target time.Duration, now clock) int {
	n := 1
	for {
		t := now()
		run(n)
		elapsed := now() - t
		fit := math.MaxInt32
		if elapsed > 0 {
			fit = int(min(math.Round(float64(n)*float64(target)/float64(elapsed)), math.MaxInt32))
		}
		if elapsed >= target/2 || n == math.MaxInt32 {
			return max(fit, 1)
		}
		// A short trial is dominated by cold caches and by the clock's resolution:
		// approach the goal in bounded steps.
		n = max(n+1, min(fit, 100*n))
	}
}
