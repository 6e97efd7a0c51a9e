//go:build !(rivals && cgo && linux && amd64)

package clib

import "errors"

// Built tells why no library can be opened in this build, nil if they can.
func Built() error {
	return errors.New("this program was built without the libraries in C: run \"make bench-rivals\", or build it with " +
		"\"go build -tags rivals ./cmd/lanewise\" on linux/amd64, which takes cgo and a C compiler")
}

// A Library is an open library. There is none in this build.
type Library struct{}

// Open fails in this build.
func Open(string) (*Library, error) { return nil, Built() }

// Facts returns what l says about itself.
func (l *Library) Facts() Facts { return Facts{} }

// Product returns a function that computes n products of shape s.
func Product[T float32 | float64](*Library, Shape) (func(n int, a, b, c []T), error) {
	return nil, Built()
}
