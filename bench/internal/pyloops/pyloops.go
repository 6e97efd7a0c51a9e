// Package pyloops runs training loops of Python libraries. Each library is in a python3 of
// its own, with one element type, and is asked for steps line by line: serve.py, which is
// in this program with the loops themselves, tells how. Between two questions the process
// waits for the next and uses no processor.
package pyloops

import (
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

//go:embed serve.py
var serveSource string

//go:embed numpy_loops.py
var numpySource string

//go:embed torch_loops.py
var torchSource string

// A library is what a process stands on.
type library struct {
	source string // of its loops
	debian string // package that has it
}

var libraries = map[string]library{
	"numpy": {numpySource, "python3-numpy"},
	"torch": {torchSource, "python3-torch"},
}

// Facts is what a process says about itself.
type Facts struct {
	Python  string `json:"python"`    // the interpreter
	Version string `json:"version"`   // of the library
	Path    string `json:"path"`      // the file that was loaded
	BLAS    string `json:"blas"`      // library of matrix products and its version; "" if it is not OpenBLAS
	File    string `json:"blas_path"` // the file that was loaded
	Kernels string `json:"kernels"`   // those that BLAS runs here, in its own words
	Threads int    `json:"threads"`   // that BLAS may use
}

// A Problem is what is to be learnt, and from where. It is the same for all loops.
type Problem struct {
	Type    string  `json:"type"` // element type, float32 or float64
	Batch   int     `json:"batch"`
	Rate    float64 `json:"rate"`
	Samples int     `json:"samples"`
	Inputs  int     `json:"inputs"`
	Hidden  int     `json:"hidden"`
	Classes int     `json:"classes"`
	Divisor int     `json:"divisor"` // of the pixels

	Images []uint8      `json:"-"` // Samples x Inputs
	Labels []uint8      `json:"-"`
	Start  [4][]float64 `json:"-"` // W1, b1, W2, b2
}

// write sends p as serve.py reads it.
func (p *Problem) write(w io.Writer) error {
	head, err := json.Marshal(p)
	if err != nil {
		return err
	}
	parts := [][]byte{append(head, '\n'), p.Images, p.Labels}
	for _, param := range p.Start {
		part, err := binary.Append(nil, binary.LittleEndian, param)
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// sizes returns the lengths of the parameters.
func (p *Problem) sizes() [4]int {
	return [4]int{p.Inputs * p.Hidden, p.Hidden, p.Hidden * p.Classes, p.Classes}
}

// A Loop is one of the training loops of a process. Its first failure stays: whatever it is
// asked for afterwards fails alike.
type Loop struct {
	process *Process
	name    string
}

// Loop returns the loop of that name: tuned or notebook of numpy, autograd or by-hand of torch.
func (p *Process) Loop(name string) *Loop { return &Loop{p, name} }

// Begin goes back to the parameters of the problem. Batches are then drawn from seed on.
func (l *Loop) Begin(seed uint32) error {
	return l.order(fmt.Sprintf("begin %s %d", l.name, seed))
}

// Step takes a step on the samples of these numbers.
func (l *Loop) Step(picks []int) error {
	words := []string{"step", l.name}
	for _, pick := range picks {
		words = append(words, strconv.Itoa(pick))
	}
	return l.order(strings.Join(words, " "))
}

// Run takes n steps on batches that the loop draws, and returns the time that they took by
// the clock of the process.
func (l *Loop) Run(n int) (time.Duration, error) {
	question := fmt.Sprintf("run %s %d", l.name, n)
	answer, err := l.process.ask(question)
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.ParseFloat(answer, 64)
	if err != nil || !(seconds > 0) || math.IsInf(seconds, 0) {
		return 0, l.process.unexpected(question, answer, "seconds")
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// Params returns W1, b1, W2 and b2.
func (l *Loop) Params() (params [4][]float64, err error) {
	question := "params " + l.name
	answer, err := l.process.ask(question)
	if err != nil {
		return params, err
	}
	sizes, total := l.process.sizes, 0
	for _, n := range sizes {
		total += n
	}
	data, err := base64.StdEncoding.DecodeString(answer)
	if err != nil || len(data) != 8*total {
		return params, l.process.unexpected(question, answer, fmt.Sprintf("%d numbers in base64", total))
	}
	for i, n := range sizes {
		params[i] = make([]float64, n)
		if _, err := binary.Decode(data, binary.LittleEndian, params[i]); err != nil {
			return params, err // cannot happen: there are as many bytes
		}
		data = data[8*n:]
	}
	return params, nil
}

// order asks for what is answered by ok.
func (l *Loop) order(question string) error {
	answer, err := l.process.ask(question)
	if err == nil && answer != "ok" {
		return l.process.unexpected(question, answer, "ok")
	}
	return err
}
