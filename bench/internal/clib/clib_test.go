package clib

import (
	"strings"
	"testing"
)

// TestEverySourceIsNamed checks that a missing library is named with its package.
func TestEverySourceIsNamed(t *testing.T) {
	for name, from := range sources {
		err := from.missing(errFake)
		if from.file == "" || !strings.HasPrefix(from.debian, "lib") || !strings.HasSuffix(from.debian, "-dev") {
			t.Errorf("%s is %+v", name, from)
		}
		if !strings.Contains(err.Error(), from.debian) || !strings.Contains(err.Error(), errFake.Error()) {
			t.Errorf("%s: %q names neither package nor reason", name, err)
		}
	}
}

type fakeError string

func (e fakeError) Error() string { return string(e) }

const errFake = fakeError("cannot open shared object file")
