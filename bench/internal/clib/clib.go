// Package clib opens libraries written in C that multiply matrices, and calls them in
// a loop that is C as well, so that the way from Go to C and back is no part of what is
// timed. It is built with the tag rivals, where cgo is available; other builds contain
// no C, and Open fails in them.
package clib

import "fmt"

// A source is where a library comes from.
type source struct {
	file   string // what the dynamic linker is asked for
	debian string // package that has it
}

var sources = map[string]source{
	"openblas": {"libopenblas.so.0", "libopenblas-dev"},
	"blis":     {"libblis.so.4", "libblis-dev"},
	"onednn":   {"libdnnl.so.2", "libdnnl-dev"},
	"libxsmm":  {"libxsmm.so", "libxsmm-dev"},
}

// Facts is what a library says about itself.
type Facts struct {
	Path    string `json:"path,omitempty"`    // the file that was loaded
	Version string `json:"version,omitempty"` // "unknown" if it does not tell
	Kernels string `json:"kernels,omitempty"` // those it runs here, in its own words
	Threads int    `json:"threads,omitempty"` // that a call may use
}

// A Shape is a row-major product C = op(A) op(B), with op(A) m x k and op(B) k x n.
type Shape struct {
	TransA, TransB bool
	M, N, K        int
	LDA, LDB, LDC  int // leading dimensions of the matrices as they are stored
}

// missing is the error for a library that cannot be opened.
func (s source) missing(reason error) error {
	return fmt.Errorf("it is in the Debian package %s (%w)", s.debian, reason)
}
