// Package outfile writes the files that a long computation leaves behind: it
// finds out beforehand whether they can be written, and replaces them whole.
package outfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Check tells, before the work is done, why a file could not be written to
// path: its extension is none of those wanted, its folder is missing or cannot
// be written, or something other than a file is in the way. It leaves nothing behind.
func Check(path string, extensions ...string) error {
	if ext := strings.ToLower(filepath.Ext(path)); !slices.Contains(extensions, ext) {
		return fmt.Errorf("%s: the name must end in %s", path, strings.Join(extensions, ", "))
	}
	target, err := resolve(path)
	if err != nil {
		return err
	}
	probe, err := create(target)
	if err != nil {
		return explain(path, target, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// Write replaces the file at path by what write writes, or leaves it as it
// was if that fails.
func Write(path string, write func(io.Writer) error) (err error) {
	target, err := resolve(path)
	if err != nil {
		return err
	}
	temp, err := create(target)
	if err != nil {
		return explain(path, target, err)
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
			err = fmt.Errorf("%s was not written: %w", path, err)
		}
	}()
	if err := write(temp); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), target)
}

// resolve follows symbolic links, so that the file is replaced and not the
// link to it, and refuses what is no regular file.
func resolve(path string) (target string, err error) {
	target = path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		target = real
	}
	if stat, err := os.Stat(target); err == nil && !stat.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a regular file, choose another name", path)
	}
	return target, nil
}

// create makes the temporary file that will become target. It is no
// os.CreateTemp, which would give it other permissions than a new file gets.
func create(target string) (*os.File, error) {
	name := "." + filepath.Base(target) + "." + rand.Text()[:8]
	return os.OpenFile(filepath.Join(filepath.Dir(target), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func explain(path, target string, err error) error {
	dir := filepath.Dir(target)
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err // without the temporary name
	}
	if _, missing := os.Stat(dir); errors.Is(missing, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no folder %s, make it first", path, dir)
	}
	return fmt.Errorf("%s: cannot write in the folder %s: %w", path, dir, err)
}
