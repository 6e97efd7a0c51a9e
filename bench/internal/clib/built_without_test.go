//go:build !(rivals && cgo && linux && amd64)

package clib

import (
	"strings"
	"testing"
)

func TestWithoutC(t *testing.T) {
	_, err := Open("openblas")
	if err == nil || !strings.Contains(err.Error(), "-tags rivals") || !strings.Contains(err.Error(), "make bench-rivals") {
		t.Errorf("%v does not say how to build with the libraries", err)
	}
	if _, err := Product[float32](nil, Shape{}); err == nil {
		t.Error("there is a product without a library")
	}
}
