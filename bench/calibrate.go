package bench

import (
	"math"
	"time"
)

// fitIterations returns the number of iterations of run that take about target.
// It grows n until a trial lasts a good part of target, as package testing does,
// and so runs it for about twice that long, or twice if a single iteration is longer.
//
// A trial in which the CPU was with somebody else may last that long with any n, and would leave
// samples of a few iterations, which the clock cannot tell: one that would be the last
// and took much longer than the one before foretold is repeated, and the shorter time counts.
func fitIterations(run func(n int), target time.Duration, now clock) int {
	trial := func(n int) time.Duration {
		t := now()
		run(n)
		return now() - t
	}
	n, foretold := 1, time.Duration(0)
	for {
		elapsed := trial(n)
		if elapsed >= target/2 && elapsed > 2*foretold {
			elapsed = min(elapsed, trial(n))
		}
		fit := math.MaxInt32
		if elapsed > 0 {
			fit = int(min(math.Round(float64(n)*float64(target)/float64(elapsed)), math.MaxInt32))
		}
		if elapsed >= target/2 || n == math.MaxInt32 {
			return max(fit, 1)
		}
		// A short trial is dominated by cold caches and by the clock's resolution:
		// approach the goal in bounded steps.
		grown := max(n+1, min(fit, 100*n))
		foretold = time.Duration(float64(elapsed) * float64(grown) / float64(n))
		n = grown
	}
}
