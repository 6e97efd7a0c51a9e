package npz

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"unsafe"

	"github.com/sbinet/npyio/npz"
)

// An Array is a named array to be written. Make one with [NewArray].
type Array struct {
	name  string
	value any // what npyio writes with the right type and shape
}

// NewArray returns data as an array of the given shape, row-major; without a
// shape it is one-dimensional. Nothing is copied: data must not change until
// it is written. NewArray panics if the shape does not have len(data) elements,
// and if an array without elements has more than one dimension.
func NewArray[T Element](name string, data []T, shape ...int) Array {
	elements := 1
	for _, n := range shape {
		elements *= n
	}
	if len(shape) == 0 || len(shape) == 1 && elements == len(data) {
		return Array{name, data}
	}
	if elements != len(data) || elements == 0 {
		panic(fmt.Sprintf("npz: NewArray: %q has %d elements, which do not make shape %v", name, len(data), shape))
	}
	// npyio takes the shape from the type: [2][3]float32 and so on.
	t := reflect.TypeFor[T]()
	for i := len(shape) - 1; i >= 0; i-- {
		t = reflect.ArrayOf(shape[i], t)
	}
	return Array{name, reflect.NewAt(t, unsafe.Pointer(unsafe.SliceData(data))).Interface()}
}

// Name returns the name of the array.
func (a Array) Name() string { return a.name }

// Write writes an archive of the arrays, in their order, so that path holds
// either the whole archive or what it held before.
func Write(path string, arrays ...Array) error {
	return replaceFile(path, func(w io.Writer) error {
		archive := npz.NewWriter(w)
		for _, a := range arrays {
			if err := archive.Write(a.name+".npy", a.value); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

// replaceFile writes a new file beside path and moves it there when it is
// complete and on the disk.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // replace what a link points to, not the link
	}
	if stat, err := os.Stat(path); err == nil && !stat.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file, cannot be replaced", path)
	}
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
	// Not os.CreateTemp: the file shall get the permissions that any new file gets.
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%s: cannot write beside it: %w", path, err)
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(temp)
			err = fmt.Errorf("%s: not written: %w", path, err)
		}
	}()
	if err := write(file); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
