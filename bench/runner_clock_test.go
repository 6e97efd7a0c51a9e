package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/bench/internal/pyloops"
)

// TestRunsWithAClockOfTheirOwn checks that the time which a task has taken itself counts, and
// that a run that failed ends it all.
func TestRunsWithAClockOfTheirOwn(t *testing.T) {
	_, gone := pyloops.Start(t.Context(), "numpy", &pyloops.Problem{}, 0) // nobody can be that quick
	for _, test := range []struct {
		failsAt string // the operands with which it fails
		want    string
		rounds  int
	}{
		{"", "", 3},
		{"operands 0", "A/n=1/impl=x failed, nothing was measured: ", 0},
		{"operands 2", "A/n=1/impl=x failed in round 2: ", 1},
	} {
		var j journal
		g := j.group("A", Contender{Impl: "x", bind: func(operands any) task {
			n := 0
			return task{
				check: func() error { return nil },
				run:   func(steps int) { n, j.t = steps, j.t+time.Duration(steps)*time.Millisecond },
				took: func() (time.Duration, error) {
					if operands == test.failsAt {
						return 0, fmt.Errorf("%w", gone)
					}
					return time.Duration(n) * time.Microsecond, nil
				},
			}
		}})
		g.operands = func(round int) any { return fmt.Sprintf("operands %d", round) }
		var rows []Row
		err := j.runner(3, g).run(t.Context(), func(r Round) error { rows = append(rows, r.Rows...); return nil })
		if len(rows) != test.rounds || (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%v after %d rounds, want %q after %d", err, len(rows), test.want, test.rounds)
		}
		for _, row := range rows {
			if row.Iterations != 10 || row.NsPerOp != 1000 {
				t.Errorf("%d iterations of %v ns, want 10 of 1000", row.Iterations, row.NsPerOp)
			}
		}
	}
}

// TestInterruptedSample stops the runner in the middle of a sample that then fails, as a
// process does that is ended for the same reason.
func TestInterruptedSample(t *testing.T) {
	for _, stopIn := range []string{"operands 0", "operands 2"} {
		var j journal
		ctx, cancel := context.WithCancel(t.Context())
		g := j.group("A", Contender{Impl: "x", bind: func(operands any) task {
			return task{
				check: func() error { return nil },
				run: func(n int) {
					j.t += time.Duration(n) * time.Millisecond
					if operands == stopIn {
						cancel()
					}
				},
				took: func() (time.Duration, error) { return time.Millisecond, ctx.Err() },
			}
		}})
		g.operands = func(round int) any { return fmt.Sprintf("operands %d", round) }
		if err := j.runner(3, g).run(ctx, func(Round) error { return nil }); err != context.Canceled {
			t.Errorf("%s: %v, want %v alone", stopIn, err, context.Canceled)
		}
	}
}
