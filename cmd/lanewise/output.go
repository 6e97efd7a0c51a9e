package main

import (
	"io"

	"golang.org/x/term"
)

// output is standard output. It remembers the first error, so that commands
// may print without looking and still fail when the disk is full, and tells
// it to failed at once, so that long work for nobody can stop.
type output struct {
	w      io.Writer
	failed func(error)
	err    error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if err != nil {
		o.err = err
		o.failed(err)
	}
	return n, err
}

// terminalWidth returns the number of columns of the terminal that w writes
// to; ok is false if it is none.
func terminalWidth(w io.Writer) (columns int, ok bool) {
	if o, wrapped := w.(*output); wrapped {
		w = o.w
	}
	file, isFile := w.(interface{ Fd() uintptr })
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		return 80, true
	}
	return columns, true
}

// isTerminal reports whether w writes to a terminal.
func isTerminal(w io.Writer) bool {
	_, ok := terminalWidth(w)
	return ok
}
