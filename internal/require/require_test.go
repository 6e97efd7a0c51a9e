package require

import (
	"fmt"
	"testing"
)

// ending is a test that notes how it was ended.
type ending struct {
	testing.TB
	how string
}

func (e *ending) Helper() {}

func (e *ending) Fatalf(format string, args ...any) { e.end("failed: " + fmt.Sprintf(format, args...)) }

func (e *ending) Skip(args ...any) { e.end("skipped: " + fmt.Sprint(args...)) }

func (e *ending) end(how string) {
	if e.how == "" { // a real test has ended by the second time
		e.how = how
	}
}

func TestMissing(t *testing.T) {
	for value, want := range map[string]string{
		"":                "skipped: no NumPy",
		"mnist,numpy-2":   "skipped: no NumPy",
		"numpy":           "failed: LANEWISE_REQUIRE asks for numpy: no NumPy",
		"mnist,numpy,sse": "failed: LANEWISE_REQUIRE asks for numpy: no NumPy",
	} {
		t.Setenv(Variable, value)
		e := &ending{TB: t}
		if Missing(e, "numpy", "no NumPy"); e.how != want {
			t.Errorf("%s=%s: %s, want %s", Variable, value, e.how, want)
		}
	}
}
