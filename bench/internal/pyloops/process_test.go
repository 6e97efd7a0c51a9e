package pyloops

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeVariable makes the test binary a process of the other side, which behaves as its value says.
const fakeVariable = "LANEWISE_TEST_PYLOOPS"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(fakeVariable); behaviour != "" {
		fake(behaviour)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake is serve.py, but for what behaviour says. Its parameters are all 1 at the beginning, and a step
// adds 1 to each.
func fake(behaviour string) {
	end := func(words string) {
		fmt.Fprintln(os.Stderr, words)
		os.Exit(3)
	}
	hang := func() { time.Sleep(time.Hour) }
	switch behaviour {
	case "has no library":
		end("No module named 'numpy'")
	case "says something else":
		fmt.Println("Python 2.7")
	case "hangs at once":
		hang()
	}
	fmt.Println(`{"python": "fake", "version": "1.2", "path": "fake.py", "blas": "OpenBLAS 0.3", "kernels": "Haswell", "threads": 1}`)
	in := bufio.NewReader(os.Stdin)
	if behaviour == "ends before the problem" {
		end("Traceback:\n  line 7\n\nMemoryError")
	}
	var problem Problem
	head, _ := in.ReadBytes('\n')
	json.Unmarshal(head, &problem)
	problem.Images, problem.Labels = make([]uint8, problem.Samples*problem.Inputs), make([]uint8, problem.Samples)
	total := 0
	for _, n := range problem.sizes() {
		total += n
	}
	start := make([]byte, 8*total)
	for _, part := range [][]byte{problem.Images, problem.Labels, start} {
		if _, err := io.ReadFull(in, part); err != nil {
			end(err.Error())
		}
	}
	if behaviour == "is not ready" {
		fmt.Println("no")
	}
	fmt.Println("ready")
	params := make([]float64, total)
	binary.Decode(start, binary.LittleEndian, params)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		switch behaviour + " at " + words[0] {
		case "hangs at run":
			hang()
		case "ends at run":
			end("ZeroDivisionError: float division by zero")
		case "jokes at " + words[0]:
			fmt.Println("a joke")
			continue
		case "lies at run":
			fmt.Println("-1")
			continue
		}
		switch words[0] {
		case "step":
			for i := range params {
				params[i]++
			}
			fmt.Println("ok")
		case "begin":
			fmt.Println("ok")
		case "run":
			fmt.Println("0.25")
		case "params":
			data, _ := binary.Append(nil, binary.LittleEndian, params)
			fmt.Println(base64.StdEncoding.EncodeToString(data))
		}
	}
}

// small is a problem that can be told apart from another.
func small() *Problem {
	return &Problem{
		Type: "float32", Batch: 2, Rate: 0.5, Samples: 3, Inputs: 2, Hidden: 2, Classes: 2, Divisor: 5,
		Images: []uint8{5, 0, 0, 5, 5, 5}, Labels: []uint8{0, 1, 1},
		Start: [4][]float64{{1, 2, 3, 4}, {5, 6}, {7, 8, 9, 10}, {11, 12}},
	}
}

// startFake starts a fake.
func startFake(t *testing.T, behaviour string, limit time.Duration) (*Process, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(PythonVariable, self)
	t.Setenv(fakeVariable, behaviour)
	p, err := Start(t.Context(), "numpy", small(), limit)
	t.Cleanup(p.Close)
	return p, err
}

func TestConversation(t *testing.T) {
	p, err := startFake(t, "well", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if p.Facts != (Facts{Python: "fake", Version: "1.2", Path: "fake.py", BLAS: "OpenBLAS 0.3", Kernels: "Haswell", Threads: 1}) {
		t.Errorf("%+v", p.Facts)
	}
	loop := p.Loop("tuned")
	if err := loop.Begin(7); err != nil {
		t.Error(err)
	}
	if err := loop.Step([]int{2, 0}); err != nil {
		t.Error(err)
	}
	if took, err := loop.Run(100); took != 250*time.Millisecond || err != nil {
		t.Errorf("%v, %v, want 250ms", took, err)
	}
	params, err := loop.Params()
	if got := fmt.Sprint(params); err != nil || got != "[[2 3 4 5] [6 7] [8 9 10 11] [12 13]]" {
		t.Errorf("%v, %v", got, err)
	}
	p.Close()
	p.Close()
	if _, err := loop.Run(1); err == nil || !strings.Contains(err.Error(), "has been closed") {
		t.Errorf("after Close: %v", err)
	}
	if p.cmd.ProcessState == nil || !p.cmd.ProcessState.Success() {
		t.Errorf("the process ended with %v", p.cmd.ProcessState)
	}
}

func TestProcessThatDoesNotStart(t *testing.T) {
	for behaviour, want := range map[string][]string{
		"has no library":          {"it is in the Debian package python3-numpy", PythonVariable, "exit status 3", "No module named 'numpy'"},
		"says something else":     {`answered "Python 2.7"`, "want facts in JSON"},
		"ends before the problem": {"exit status 3", "Traceback: | line 7 | MemoryError"},
		"is not ready":            {`answered "no" to "the problem", want ready`},
	} {
		p, err := startFake(t, behaviour, time.Minute)
		if err == nil || p != nil {
			t.Errorf("%s: started", behaviour)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %q in it", behaviour, err, w)
			}
		}
	}
	t.Setenv(PythonVariable, filepath.Join(t.TempDir(), "python9"))
	if _, err := Start(t.Context(), "torch", small(), time.Minute); err == nil ||
		!strings.Contains(err.Error(), "python3-torch") || !strings.Contains(err.Error(), "python9") {
		t.Errorf("an interpreter that is not there: %v", err)
	}
}

func TestProcessThatFails(t *testing.T) {
	run := func(l *Loop) error { _, err := l.Run(5); return err }
	params := func(l *Loop) error { _, err := l.Params(); return err }
	for _, test := range []struct {
		behaviour string
		limit     time.Duration
		do        func(*Loop) error
		want      string
	}{
		{"ends", time.Minute, run, "ended (exit status 3): ZeroDivisionError: float division by zero"},
		{"hangs", 50 * time.Millisecond, run, "did not answer within 50ms"},
		{"jokes", time.Minute, run, `answered "a joke" to "run tuned 5", want seconds`},
		{"lies", time.Minute, run, `answered "-1" to "run tuned 5", want seconds`},
		{"jokes", time.Minute, params, `answered "a joke" to "params tuned", want 12 numbers`},
		{"jokes", time.Minute, func(l *Loop) error { return l.Begin(1) }, `to "begin tuned 1", want ok`},
		{"jokes", time.Minute, func(l *Loop) error { return l.Step(make([]int, 99)) }, `to "step tuned 0 0 0`},
	} {
		p, err := startFake(t, test.behaviour, test.limit)
		if err != nil {
			t.Fatal(err)
		}
		loop := p.Loop("tuned")
		first := test.do(loop)
		if failed := (*Error)(nil); !errors.As(first, &failed) || !strings.Contains(first.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.behaviour, first, test.want)
		}
		if again := loop.Begin(2); again == nil || again.Error() != first.Error() {
			t.Errorf("%s: %v, and then %v", test.behaviour, first, again)
		}
	}
}

// TestProcessThatHangsIsEnded takes one that never says anything.
func TestProcessThatHangsIsEnded(t *testing.T) {
	t.Setenv(fakeVariable, "hangs at once")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := launch(t.Context(), 50*time.Millisecond, self); err == nil || !strings.Contains(err.Error(), "did not answer within 50ms") {
		t.Errorf("too late: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	t.Setenv(PythonVariable, self)
	if _, err := Start(ctx, "numpy", small(), time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCandidates(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "python3")
	if err := os.WriteFile(mine, []byte("#!/bin/sh\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv(PythonVariable, "")
	if got := strings.Join(candidates(), " "); got != mine+" "+debianPython {
		t.Errorf("tries %s", got)
	}
	t.Setenv("PATH", "")
	if got := strings.Join(candidates(), " "); got != "python3 "+debianPython {
		t.Errorf("tries %s without a PATH", got)
	}
	t.Setenv(PythonVariable, "/opt/python")
	if got := strings.Join(candidates(), " "); got != "/opt/python" {
		t.Errorf("tries %s where one is named", got)
	}
}

func TestTail(t *testing.T) {
	tail := new(tail)
	for i := range 1000 {
		fmt.Fprintf(tail, "line %d\n\n", i)
	}
	if got := tail.String(); got != "line 996 | line 997 | line 998 | line 999" || tail.Len() > tailLength {
		t.Errorf("%q, %d bytes kept", got, tail.Len())
	}
}

// TestProblemIsSentAsItIs reads the beginning as serve.py does.
func TestProblemIsSentAsItIs(t *testing.T) {
	var sent bytes.Buffer
	if err := small().write(&sent); err != nil {
		t.Fatal(err)
	}
	head, _ := sent.ReadString('\n')
	want := `{"type":"float32","batch":2,"rate":0.5,"samples":3,"inputs":2,"hidden":2,"classes":2,"divisor":5}` + "\n"
	if head != want {
		t.Errorf("head %q, want %q", head, want)
	}
	if got := sent.Bytes(); !bytes.HasPrefix(got, []byte{5, 0, 0, 5, 5, 5, 0, 1, 1}) || len(got) != 6+3+8*12 {
		t.Errorf("%d bytes behind it: %v", len(got), got)
	}
}

// Messages, which records keep, do not tell where the user's home folder is.
func TestShown(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	for path, want := range map[string]string{
		"/home/someone/bin/python3": "~/bin/python3", "/home/someones/bin/python3": "/home/someones/bin/python3", debianPython: debianPython,
	} {
		if got := shown(path); got != want {
			t.Errorf("%s is shown as %s, want %s", path, got, want)
		}
	}
	t.Setenv("HOME", "")
	if got := shown(debianPython); got != debianPython {
		t.Errorf("without a home folder, %s is shown as %s", debianPython, got)
	}
}
