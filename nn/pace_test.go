package nn

import (
	"testing"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// paced runs steps on a clock by which a step takes takes[0] on all threads and takes[1]
// on one, but one of every three of the faster side much longer, and of the slower side less.
type paced struct {
	pace[float32]
	takes [2]time.Duration
	clock time.Time
	count [2]int
}

func newPaced() *paced {
	p := &paced{pace: newPace(kernels.On[float32](kernels.Default()))}
	p.now = func() time.Time { return p.clock }
	return p
}

// run returns how many steps ran on all threads, and on one.
func (p *paced) run(t *testing.T, steps, samples int) (on [2]int) {
	t.Helper()
	for range steps {
		ops, which := p.begin(samples), 0
		if ops == p.ops[1] {
			which = 1
		} else if ops != p.ops[0] {
			t.Fatal("a step runs on something else")
		}
		took := p.takes[which]
		if p.count[which]++; p.count[which]%3 == 1 { // misleading
			took = time.Hour
			if p.takes[which] > p.takes[1-which] {
				took = 1
			}
		}
		p.clock = p.clock.Add(took)
		on[which]++
		p.end(samples)
		p.clock = p.clock.Add(time.Minute)
		p.end(samples) // of no step
	}
	return on
}

func TestPaceTakesTheFaster(t *testing.T) {
	p := newPaced()
	if p.ops[1] != p.ops[0].Threads(1) || p.ops[0] == p.ops[1] {
		t.Fatal("the two sides are not all threads and one")
	}
	p.takes = [2]time.Duration{100, 99}
	if on := p.run(t, 1, 100); on[0] != 1 {
		t.Fatal("the first step, of which nothing is known, runs on one thread")
	}
	const long, short = trialRun * trialRuns, trialRun
	for _, c := range []struct {
		what              string
		many, one         time.Duration
		steps             int
		wantMany, wantOne int
	}{
		{"one thread is a little faster", 100, 99, 2*long + firstInterval, long, long + firstInterval},
		{"one is clearly faster", 100, 50, 2*short + 2*firstInterval, short, short + 2*firstInterval},
		{"all are clearly faster", 50, 100, 2*short + firstInterval, short + firstInterval, short},
		{"they still are", 50, 100, 2*short + 2*firstInterval, short + 2*firstInterval, short},
		{"and still", 50, 100, 2*short + 4*firstInterval, short + 4*firstInterval, short},
		{"all are a little faster", 99, 100, 2*long + firstInterval, long + firstInterval, long},
	} {
		p.takes = [2]time.Duration{c.many, c.one}
		if on := p.run(t, c.steps, 100); on != [2]int{c.wantMany, c.wantOne} {
			t.Fatalf("%s: %v steps ran on all threads and on one, want %d and %d", c.what, on, c.wantMany, c.wantOne)
		}
	}
}

// A smaller batch tells nothing and takes what is best for the larger one; nothing is known of
// one that is larger than any step.
func TestPaceOfOtherBatches(t *testing.T) {
	p := newPaced()
	p.takes = [2]time.Duration{100, 10}
	p.run(t, 1+2*trialRun+1, 100)
	if on := p.run(t, 3*firstInterval, 40); on[0] != 0 || p.step != 1 {
		t.Errorf("smaller batches: %v, %d steps counted", on, p.step)
	}
	for range 10 { // a set that goes through the net without a gradient
		if p.begin(500) != p.ops[0] || p.samples != 100 || p.step != 1 {
			t.Error("an evaluation in larger batches runs on one thread, or counts")
		}
	}
	if on := p.run(t, 1+2*trialRun, 200); on != [2]int{1 + trialRun, trialRun} {
		t.Errorf("a larger batch is tried by %v steps", on)
	}
}

// Whichever way a Stepper's step ends, it is timed, and runs on what begin returned.
func TestStepperKeepsPace(t *testing.T) {
	s := sampleStepper(kernels.On[float64](kernels.Default()))
	images, labels, picks := make([]uint8, 50), make([]uint8, 10), make([]int, 8)
	for i, finish := range []func(){func() { s.Descend(0.1) }, func() { s.Backward(); s.Update(0.1) }} {
		s.pace = newPace(s.pace.ops[0])
		s.pace.now = func() time.Time { return time.Time{} }
		for step := range 2*trialRun + 1 {
			s.Gather(images, labels, picks, 255)
			s.Forward()
			s.Loss()
			finish()
			if want := s.pace.ops[max(step-1, 0)/trialRun%2]; s.ops != want {
				t.Fatalf("end %d, step %d runs on the wrong side", i, step)
			}
		}
		if len(s.pace.times[0]) != trialRun || len(s.pace.times[1]) != trialRun {
			t.Errorf("end %d: %v", i, s.pace.times)
		}
	}
}
