//go:build !(rivals && cgo && linux && amd64)

package main

import (
	"strings"
	"testing"

	"github.com/lanewise/lanewise/bench"
	"github.com/lanewise/lanewise/internal/require"
)

// TestRivalsExplainThemselves runs the command in a program without C.
func TestRivalsExplainThemselves(t *testing.T) {
	if _, err := bench.RivalImplementations(nil); err != nil {
		require.Missing(t, "rivals", err.Error())
	}
	r := lanewise(t, "bench", "rivals", "--family", "net,training")
	if r.code != exitFailure || r.stdout != "" || !strings.Contains(r.stderr, "go build -tags rivals") || !strings.Contains(r.stderr, "make bench-rivals") ||
		!strings.Contains(r.stderr, "the families training and training-noise do without") {
		t.Errorf("exit code %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
}
