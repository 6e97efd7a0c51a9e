// Package npz reads and writes NumPy's .npz archives of plain arrays.
//
// The elements are decoded and encoded by github.com/sbinet/npyio. That
// library trusts what it reads: a malformed header makes it panic, or allocate
// whatever the header asks for, and a short read goes unnoticed. This package
// stands in front of it. Every size is checked against the bytes that are
// really there and against the caller's limit before anything is allocated, so
// that a file from anywhere ends in arrays or in an error.
package npz

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sbinet/npyio/npy"
)

// A File is an open archive.
type File struct {
	path     string
	size     int64
	maxBytes int64
	close    func() error
	names    []string
	entries  map[string]*zip.File
}

// Open opens the archive at path. No array of more than maxBytes bytes will be
// read from it. The caller closes it. Errors of this package name the path.
func Open(path string, maxBytes int64) (*File, error) {
	// Before it is opened: opening a named pipe would wait for a writer.
	if stat, err := os.Stat(path); err != nil {
		return nil, err
	} else if !stat.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err // names the path already
	}
	f, err := openFile(path, file, maxBytes)
	if err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

func notRegular(path string) error {
	return fmt.Errorf("%s: not a regular file, want an .npz archive", path)
}

func openFile(path string, file *os.File, maxBytes int64) (*File, error) {
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() { // it may have been replaced meanwhile
		return nil, notRegular(path)
	}
	f, err := NewFile(path, file, stat.Size(), maxBytes)
	if err != nil {
		return nil, err
	}
	f.close = file.Close
	return f, nil
}

// NewFile is [Open] for an archive of size bytes that is open already; errors
// call it path.
func NewFile(path string, r io.ReaderAt, size, maxBytes int64) (*File, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: not a readable .npz archive: %w", path, err)
	}
	f := &File{path: path, size: size, maxBytes: maxBytes, entries: make(map[string]*zip.File)}
	for _, entry := range archive.File {
		name, isArray := strings.CutSuffix(entry.Name, ".npy")
		if !isArray {
			continue
		}
		if f.entries[name] != nil {
			return nil, fmt.Errorf("%s: two arrays are called %q", path, name)
		}
		f.names = append(f.names, name)
		f.entries[name] = entry
	}
	return f, nil
}

// Close closes what [Open] opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// Path returns the path that the archive was opened with.
func (f *File) Path() string { return f.path }

// Names returns the names of the arrays, in the order of the archive.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Has reports whether there is an array of that name.
func (f *File) Has(name string) bool { return f.entries[name] != nil }

// Info returns the type and shape of an array without reading its elements.
func (f *File) Info(name string) (Info, error) {
	entry, info, err := f.open(name)
	if err != nil {
		return Info{}, err
	}
	entry.Close()
	return info, nil
}

// open opens an array, reads its header and checks that its elements fill the
// entry and stay within the limit. The stream stands at the first element.
func (f *File) open(name string) (io.ReadCloser, Info, error) {
	entry := f.entries[name]
	if entry == nil {
		return nil, Info{}, fmt.Errorf("%s: no array %q; there are: %s", f.path, name, strings.Join(f.names, ", "))
	}
	if err := checkSize(entry, f.size, f.maxBytes); err != nil {
		return nil, Info{}, f.fail(name, err)
	}
	stream, err := entry.Open()
	if err != nil {
		return nil, Info{}, f.fail(name, err)
	}
	info, err := readInfo(stream, entry.UncompressedSize64)
	if err != nil {
		stream.Close()
		return nil, Info{}, f.fail(name, err)
	}
	return stream, info, nil
}

func (f *File) fail(name string, err error) error {
	return fmt.Errorf("%s: array %q: %w", f.path, name, err)
}

// checkSize refuses an entry that claims more bytes than it may or can have:
// deflate makes no more than 1032 bytes of one, and the stored ones must be in
// the file.
func checkSize(entry *zip.File, fileSize, maxBytes int64) error {
	const headroom = maxHeader + 12
	claimed, stored := entry.UncompressedSize64, entry.CompressedSize64
	if claimed > uint64(max(maxBytes, 0))+headroom {
		return fmt.Errorf("%d bytes, want at most %d", claimed, maxBytes)
	}
	switch entry.Method {
	case zip.Store:
		if claimed != stored {
			return fmt.Errorf("claims %d bytes but stores %d", claimed, stored)
		}
	case zip.Deflate:
		if claimed/1032 > stored {
			return fmt.Errorf("claims %d bytes, more than the %d compressed ones can hold", claimed, stored)
		}
	default:
		return fmt.Errorf("compression method %d is not supported, want stored or deflated as NumPy writes", entry.Method)
	}
	if offset, err := entry.DataOffset(); err != nil {
		return fmt.Errorf("no entry at the place that the archive's directory gives: %w", err)
	} else if offset < 0 {
		return errors.New("lies before the start of the file")
	} else if left := max(fileSize-offset, 0); stored > uint64(left) {
		return fmt.Errorf("claims %d stored bytes at offset %d, want at most the %d to the end of the file", stored, offset, left)
	}
	return nil
}

// Read reads an array whose elements are of type T, in row-major order
// whatever the order in the file is.
func Read[T Element](f *File, name string) (shape []int, data []T, err error) {
	stream, info, err := f.open(name)
	if err != nil {
		return nil, nil, err
	}
	defer stream.Close()
	if want := typeName[T](); info.Type != want {
		return nil, nil, f.fail(name, fmt.Errorf("elements are %s, want %s", info.Type, want))
	}
	raw, err := f.readRaw(name, stream, info)
	if err != nil {
		return nil, nil, err
	}
	data, err = decode[T](raw, info)
	if err != nil {
		return nil, nil, f.fail(name, err)
	}
	if info.fortran {
		data = rowMajor(data, info.Shape)
	}
	return info.Shape, data, nil
}

// readRaw returns the .npy stream as a whole, header included. It is read to
// its end, which is where the checksum of the archive is compared.
func (f *File) readRaw(name string, stream io.Reader, info Info) ([]byte, error) {
	if size := int64(info.elements) * int64(info.size); size > f.maxBytes {
		return nil, f.fail(name, fmt.Errorf("%d bytes of elements, want at most %d", size, f.maxBytes))
	}
	raw := make([]byte, info.elements*info.size)
	if n, err := io.ReadFull(stream, raw); err != nil {
		return nil, f.fail(name, fmt.Errorf("elements end at byte %d of %d: %w", n, len(raw), err))
	}
	if _, err := io.ReadFull(stream, make([]byte, 1)); err == nil {
		return nil, f.fail(name, errors.New("more bytes than the header promises"))
	} else if err != io.EOF {
		return nil, f.fail(name, err)
	}
	return raw, nil
}

// decode turns the bytes of the elements into elements.
func decode[T Element](raw []byte, info Info) ([]T, error) {
	if same, ok := any(raw).([]T); ok {
		return same, nil // bytes are their own encoding
	}
	data := make([]T, info.elements)
	if len(data) == 0 {
		return data, nil
	}
	r, err := npy.NewReader(io.MultiReader(bytes.NewReader(info.header), bytes.NewReader(raw)))
	if err != nil {
		return nil, err
	}
	return data, r.Read(&data)
}

// rowMajor returns the elements of a column-major array in row-major order.
func rowMajor[T Element](data []T, shape []int) []T {
	out := make([]T, len(data))
	index := make([]int, len(shape))
	for _, v := range data {
		at := 0
		for d, n := range shape {
			at = at*n + index[d]
		}
		out[at] = v
		for d := range index { // the first index runs fastest
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}
