package nn

import (
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// Steps run on one thread from the end of the trial on where that is faster, and on
// all of them again once they are.
func TestPace(t *testing.T) {
	p := newPace(kernels.On[float32](kernels.Default()))
	var clock time.Time
	p.now = func() time.Time { return clock }
	takes := [2]time.Duration{100, 90}
	steps := func(count, samples int) (turns [2]int) {
		for range count {
			if p.begin() != p.ops[p.turn()] {
				t.Fatal("a step runs on something else than its turn says")
			}
			turn := p.turn()
			turns[turn]++
			clock = clock.Add(takes[turn] + time.Duration(p.step%trialRun/4*1000)) // one in five is late
			p.end(samples)
		}
		return turns
	}
	steps(1, 100)
	if got := steps(2*trialSteps, 100); got != [2]int{trialSteps, trialSteps} {
		t.Fatalf("the trial has %v steps", got)
	}
	if got := steps(trialEvery-2*trialSteps, 100); got[0] != 0 {
		t.Fatalf("one thread is faster, and %v steps run on all and on one", got)
	}
	takes = [2]time.Duration{50, 90}
	steps(2*trialSteps, 100)
	if got := steps(500, 100); got[1] != 0 {
		t.Fatalf("all threads are faster, and %v steps run on all and on one", got)
	}

	// A smaller batch is no evidence; a larger one is tried anew.
	takes = [2]time.Duration{50, 10}
	if got := steps(3*trialEvery, 40); got[1] != 0 {
		t.Fatalf("small batches: %v steps", got)
	}
	steps(1, 200)
	if got := steps(2*trialSteps, 200); got != [2]int{trialSteps, trialSteps} {
		t.Fatalf("a larger batch: %v steps", got)
	}
}

// What goes through the net without a gradient, as a whole set does in larger
// batches, leaves the trial alone.
func TestPaceOfEvaluation(t *testing.T) {
	p := newPace(kernels.On[float32](kernels.Default()))
	for range 10 {
		p.begin()
		p.end(100)
	}
	step := p.step
	p.begin() // of 500 samples
	if p.begin(); p.step != step || p.samples != 100 {
		t.Errorf("step %d of %d samples, want %d of 100", p.step, p.samples, step)
	}
}
