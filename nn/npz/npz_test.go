package npz

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
)

func TestReadsWhatNumPyWrites(t *testing.T) {
	for _, file := range []string{"plain.npz", "compressed.npz"} {
		f, err := Open(filepath.Join("testdata", file), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		want := []string{"w", "fortran", "fortran3", "big", "scalar", "empty", "pixels", "labels", "words"}
		if got := f.Names(); !slices.Equal(got, want) {
			t.Errorf("%s: Names() = %v, want %v", file, got, want)
		}
		count := make([]int16, 24)
		for i := range count {
			count[i] = int16(i)
		}
		checkRead(t, f, "w", []int{2, 3}, []float32{0, 1, 2, 3, 4, 5})
		checkRead(t, f, "fortran", []int{2, 3}, []float32{0, 1, 2, 3, 4, 5})
		checkRead(t, f, "fortran3", []int{2, 3, 4}, count)
		checkRead(t, f, "big", []int{2}, []float64{1.5, -2.5})
		checkRead(t, f, "scalar", nil, []float64{0.1})
		checkRead(t, f, "empty", []int{0}, []int64{})
		checkRead(t, f, "pixels", []int{2, 2}, []uint8{0, 255, 7, 8})
		checkRead(t, f, "labels", []int{3}, []int64{5, 0, 4})
		checkRead(t, f, "words", []int{2}, []uint32{1, 1<<32 - 1})
	}
}

func checkRead[T Element](t *testing.T, f *File, name string, wantShape []int, want []T) {
	t.Helper()
	shape, data, err := Read[T](f, name)
	if err != nil {
		t.Error(err)
		return
	}
	if !slices.Equal(shape, wantShape) || !slices.Equal(data, want) {
		t.Errorf("%s: Read = %v %v, want %v %v", name, shape, data, wantShape, want)
	}
	info, err := f.Info(name)
	if err != nil {
		t.Error(err)
	} else if info.Type != reflect.TypeFor[T]().String() || !slices.Equal(info.Shape, wantShape) || info.Elements() != len(want) {
		t.Errorf("%s: Info = %+v, want type %T, shape %v", name, info, want, wantShape)
	}
}

func TestRefusesOtherTypes(t *testing.T) {
	f, err := Open("testdata/others.npz", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range f.Names() {
		if _, err := f.Info(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Info(%q) = %v, want an error that names it", name, err)
		}
	}
	if len(f.Names()) != 4 {
		t.Errorf("Names() = %v, want 4", f.Names())
	}

	plain, err := Open("testdata/plain.npz", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	_, _, err = Read[float64](plain, "w")
	if want := `testdata/plain.npz: array "w": elements are float32, want float64`; err == nil || err.Error() != want {
		t.Errorf("Read[float64](w): %v, want %s", err, want)
	}
	if _, _, err = Read[float64](plain, "W9"); err == nil || !strings.Contains(err.Error(), "there are: w, fortran") {
		t.Errorf("Read(W9): %v, want the names that there are", err)
	}
}

func TestWriteAndReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npz")
	f32 := []float32{1, 2, 3, 4, 5, 6}
	err := Write(path,
		NewArray("W1", f32, 2, 3),
		NewArray("cube", f32, 1, 3, 2),
		NewArray("b1", []float64{0.1, -0.2}),
		NewArray("none", []float64{}),
		NewArray("config", []byte(`{}`)),
		NewArray("n", []int64{7}),
	)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	checkRead(t, f, "W1", []int{2, 3}, f32)
	checkRead(t, f, "cube", []int{1, 3, 2}, f32)
	checkRead(t, f, "b1", []int{2}, []float64{0.1, -0.2})
	checkRead(t, f, "none", []int{0}, []float64{})
	checkRead(t, f, "config", []int{2}, []byte(`{}`))
	checkRead(t, f, "n", []int{1}, []int64{7})
}

// TestNumPyReadsWhatWeWrite needs a python3 with NumPy.
func TestNumPyReadsWhatWeWrite(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		require.Missing(t, "numpy", python+" has no NumPy (Debian: python3-numpy)")
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	if err := Write(path, NewArray("W1", []float32{1, 2, 3, 4, 5, 6.5}, 2, 3), NewArray("text", []byte("ab"))); err != nil {
		t.Fatal(err)
	}
	script := `import numpy, sys
z = numpy.load(sys.argv[1])
print(sorted(z), z["W1"].dtype, z["W1"].tolist(), bytes(z["text"]))`
	out, err := exec.Command(python, "-c", script, path).CombinedOutput()
	want := "['W1', 'text'] float32 [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]] b'ab'\n"
	if err != nil || string(out) != want {
		t.Errorf("NumPy: %v, %q, want %q", err, out, want)
	}
}

func TestWriteReplacesWholly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.npz")
	if err := os.WriteFile(path, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.npz")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}

	// A type that cannot be written: the file must stay as it was.
	if err := Write(path, NewArray("a", []int8{1}), Array{"bad", make(chan int)}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Write of a channel: %v, want an error that names the file", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "before" {
		t.Errorf("a failed Write left %q", data)
	}

	if err := Write(link, NewArray("a", []int8{1})); err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Lstat(link); err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("Write replaced the link itself: %v %v", stat, err)
	}
	f, err := Open(path, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("files left over: %v", files)
	}

	for _, bad := range []string{dir, filepath.Join(dir, "missing", "a.npz")} {
		if err := Write(bad, NewArray("a", []int8{1})); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("Write(%s): %v, want an error that names it", bad, err)
		}
	}
}

func TestNewArrayPanics(t *testing.T) {
	for _, shape := range [][]int{{2, 2}, {4}, {0, 3}} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(r.(string), `"x"`) {
					t.Errorf("NewArray of 3 elements, shape %v: panic %v, want one that names the array", shape, r)
				}
			}()
			NewArray("x", []int8{1, 2, 3}, shape...)
		}()
	}
}
