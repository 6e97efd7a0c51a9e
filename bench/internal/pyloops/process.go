package pyloops

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// PythonVariable names the python3 to use; without it, the first of the one on the PATH and
// of Debian's that has the library.
const PythonVariable = "LANEWISE_PYTHON"

// debianPython is where Debian's packages are: another python3 on the PATH does not see them.
const debianPython = "/usr/bin/python3"

// shown is a path as messages have it, which records keep: the user's home folder is "~".
func shown(path string) string {
	home, err := os.UserHomeDir()
	if err != nil || home == "" {
		return path
	}
	if rest, in := strings.CutPrefix(path, home+string(os.PathSeparator)); in {
		return "~/" + rest
	}
	return path
}

const (
	startLimit = 2 * time.Minute // for the library to be loaded, and for the problem to be read
	endLimit   = 2 * time.Second // for a process that has nothing more to do
)

// A Process is a python3 with the loops of a library. It is not safe for concurrent use.
type Process struct {
	Facts Facts

	sizes  [4]int
	limit  time.Duration // for an answer
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tail
	err    error // of the first question that was not answered
}

// An Error says that a process failed. What was computed is another matter.
type Error struct{ message string }

func (e *Error) Error() string { return e.message }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Start starts a process with a library, numpy or torch, and hands it a problem. A process
// that does not answer within limit is ended, as it is when ctx is cancelled.
func Start(ctx context.Context, name string, problem *Problem, limit time.Duration) (*Process, error) {
	lib := libraries[name]
	p, err := firstThatStarts(ctx, candidates(), serveSource+"\n\n"+lib.source)
	if ctx.Err() != nil {
		p.Close()
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("it is in the Debian package %s, and %s names another python3 (%w)", lib.debian, PythonVariable, err)
	}
	p.sizes = problem.sizes()
	if answer, err := p.exchange(problem.write); err != nil || answer != "ready" {
		if err == nil {
			err = p.unexpected("the problem", answer, "ready")
		}
		p.Close()
		return nil, err
	}
	p.limit = limit
	return p, nil
}

// candidates returns the interpreters to try.
func candidates() []string {
	if python := os.Getenv(PythonVariable); python != "" {
		return []string{python}
	}
	found := []string{"python3"}
	if path, err := exec.LookPath("python3"); err == nil {
		found[0] = path
	}
	if !slices.Contains(found, debianPython) {
		found = append(found, debianPython)
	}
	return found
}

// firstThatStarts returns the process of the first interpreter in which a script gets as far as to tell
// its facts.
func firstThatStarts(ctx context.Context, pythons []string, source string) (*Process, error) {
	var errs []error
	for _, python := range pythons {
		p, err := launch(ctx, startLimit, python, "-c", source)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	return nil, joined(errs)
}

// joined is errors.Join in one line.
func joined(errs []error) error {
	var words []string
	for _, err := range errs {
		words = append(words, err.Error())
	}
	return errors.New(strings.Join(words, "; "))
}

// launch starts a program and reads what it says first.
func launch(ctx context.Context, limit time.Duration, program string, args ...string) (*Process, error) {
	p := &Process{limit: limit, cmd: exec.CommandContext(ctx, program, args...), stderr: new(tail)}
	p.cmd.Stderr, p.cmd.WaitDelay = p.stderr, endLimit
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	answer, err := p.exchange(func(io.Writer) error { return nil })
	if err == nil && json.Unmarshal([]byte(answer), &p.Facts) != nil {
		err = p.unexpected("nothing", answer, "facts in JSON")
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// ask sends a line and returns the line that answers it.
func (p *Process) ask(question string) (string, error) {
	return p.exchange(func(w io.Writer) error {
		_, err := io.WriteString(w, question+"\n")
		return err
	})
}

// exchange sends something and returns the line that answers it. A process that leaves it at
// that for too long is ended.
func (p *Process) exchange(send func(io.Writer) error) (string, error) {
	if p.err != nil {
		return "", p.err
	}
	var late atomic.Bool
	timer := time.AfterFunc(p.limit, func() {
		late.Store(true)
		p.cmd.Process.Kill()
	})
	defer timer.Stop()
	err := send(p.in)
	var line string
	if err == nil {
		line, err = p.out.ReadString('\n')
	}
	if err == nil {
		return strings.TrimSuffix(line, "\n"), nil
	}
	status := p.wait()
	if late.Load() {
		p.err = errorf("%s did not answer within %v", shown(p.cmd.Path), p.limit)
	} else {
		p.err = errorf("%s ended (%s)", shown(p.cmd.Path), status)
	}
	if said := p.stderr.String(); said != "" {
		p.err = errorf("%v: %s", p.err, said)
	}
	return "", p.err
}

// unexpected is the failure of a process that says something else than what was asked for.
func (p *Process) unexpected(question, answer, want string) error {
	const enough = 60
	if len(answer) > enough {
		answer = answer[:enough] + "..."
	}
	if len(question) > enough {
		question = question[:enough] + "..."
	}
	p.err = errorf("%s answered %q to %q, want %s", shown(p.cmd.Path), answer, question, want)
	return p.err
}

// wait waits for the process to end, ends it if it does not, and tells how it ended.
func (p *Process) wait() string {
	p.in.Close()
	timer := time.AfterFunc(endLimit, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	p.cmd.Wait() // the second time it fails, and the state is that of the first
	if p.cmd.ProcessState == nil {
		return "in an unknown state"
	}
	return p.cmd.ProcessState.String()
}

// Close ends the process. It may be called more than once, and for no process.
func (p *Process) Close() {
	if p == nil {
		return
	}
	if p.err == nil {
		p.err = errorf("%s has been closed", shown(p.cmd.Path))
	}
	p.wait()
}

// A tail keeps the last of what is written to it.
type tail struct{ bytes.Buffer }

const tailLength = 2000

func (t *tail) Write(data []byte) (int, error) {
	n, err := t.Buffer.Write(data)
	if extra := t.Len() - tailLength; extra > 0 {
		t.Next(extra)
	}
	return n, err
}

// String returns the last lines that have something in them, in one.
func (t *tail) String() string {
	var lines []string
	for line := range strings.Lines(t.Buffer.String()) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-4):], " | ")
}
