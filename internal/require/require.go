// Package require is for tests that need what not every machine has. Without it
// they are skipped, and fail where LANEWISE_REQUIRE asks for it.
package require

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Variable is the environment variable that lists, between commas, what a run of
// the tests must have exercised. A test of package kernels, which reads it itself,
// knows all the words.
const Variable = "LANEWISE_REQUIRE"

// Asked reports whether a run must exercise what.
func Asked(what string) bool {
	return slices.Contains(strings.Split(os.Getenv(Variable), ","), what)
}

// Missing ends a test for which what is not there. why tells what is missing, or
// how to get it.
func Missing(t testing.TB, what, why string) {
	t.Helper()
	if Asked(what) {
		t.Fatalf("%s asks for %s: %s", Variable, what, why)
	}
	t.Skip(why)
}
