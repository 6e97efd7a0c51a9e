package bench

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// missing ends a test for which something is not there: LANEWISE_REQUIRE, a
// list with commas, says what must be.
func missing(t *testing.T, what, remedy string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("LANEWISE_REQUIRE"), ","), what) {
		t.Fatalf("LANEWISE_REQUIRE asks for %s: %s", what, remedy)
	}
	t.Skip(remedy)
}
