package dataset

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lanewise/lanewise/kernels"
)

// maxArray bounds the bytes of one array, far above any set of this kind (EMNIST's largest file has
// 547 million), so that a file made to expand without end cannot fill the memory.
const maxArray = 1 << 30

// formatError reports a file whose content is not what its format, or the files beside it, demand.
type formatError struct {
	file    string // the file, and the array in it if it has several
	unit    string // what offset counts: "byte", "uncompressed byte", "element", "dimension"
	offset  int64  // where the content is not as expected
	problem string // what was found and what was expected
	err     error  // the cause, if another package found it
}

func (e *formatError) Error() string {
	return fmt.Sprintf("%s: %s %d: %s", e.file, e.unit, e.offset, e.problem)
}

func (e *formatError) Unwrap() error { return e.err }

// array is the content of a file, or of one of the arrays in it, with what is needed to point at a
// part of it.
type array struct {
	file string
	dims []int
	data []uint8

	unit             string // what dataAt counts
	dataAt           int64  // where data begins
	dimUnit          string // what dimsAt and dimStep count
	dimsAt, dimsStep int64  // where the first dimension is, and how far apart they are
}

// dataError complains about element i.
func (a *array) dataError(i int, format string, args ...any) error {
	return &formatError{file: a.file, unit: a.unit, offset: a.dataAt + int64(i), problem: fmt.Sprintf(format, args...)}
}

// dimError complains about dimension i.
func (a *array) dimError(i int, format string, args ...any) error {
	return &formatError{file: a.file, unit: a.dimUnit, offset: a.dimsAt + int64(i)*a.dimsStep, problem: fmt.Sprintf(format, args...)}
}

// readIDX reads an IDX file of unsigned bytes with the given number of dimensions, gzipped or not.
func readIDX(ctx context.Context, path string, rank int) (*array, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decodeIDX(ctx, f, path, rank)
}

// openRegular opens a file for reading, and refuses pipes and devices, which could block or never end.
func openRegular(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	return os.Open(path)
}

// idxTypes are the element types of the format; only unsigned bytes hold pixels and labels.
var idxTypes = map[byte]string{0x08: "unsigned byte", 0x09: "signed byte", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}

// decodeIDX reads the format as LeCun's page on MNIST defines it: two zero bytes, the element type,
// the number of dimensions, each dimension as a big-endian uint32, the elements. Compression is
// recognised by content, because browsers unpack files without renaming them.
func decodeIDX(ctx context.Context, r io.Reader, name string, rank int) (*array, error) {
	a := &array{file: name, unit: "byte", dataAt: int64(4 + 4*rank), dimUnit: "byte", dimsAt: 4, dimsStep: 4}
	br := bufio.NewReaderSize(r, 1<<16)
	r = br
	if magic, _ := br.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		a.unit, a.dimUnit = "uncompressed byte", "uncompressed byte"
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, a.readError(0, "a gzip header", err)
		}
		r = zr
	}

	header := make([]byte, a.dataAt)
	if n, err := io.ReadFull(r, header); err != nil {
		return nil, a.readError(int64(n), fmt.Sprintf("an IDX header of %d bytes", a.dataAt), err)
	}
	headerError := func(at int64, format string, args ...any) error {
		return &formatError{file: a.file, unit: a.unit, offset: at, problem: fmt.Sprintf(format, args...)}
	}
	typ, known := idxTypes[header[2]]
	switch {
	case header[0] != 0 || header[1] != 0:
		return nil, headerError(0, "found bytes %02x %02x, expected 00 00: this is no IDX file", header[0], header[1])
	case !known:
		return nil, headerError(2, "found element type 0x%02x, expected 0x08 (unsigned byte)", header[2])
	case header[2] != 0x08:
		return nil, headerError(2, "found element type 0x%02x (%s), expected 0x08 (unsigned byte)", header[2], typ)
	case int(header[3]) != rank:
		return nil, headerError(3, "found %d dimensions, expected %s", header[3], idxRanks[rank])
	}
	size, shape := int64(1), make([]string, rank)
	for i := range rank {
		d := int64(binary.BigEndian.Uint32(header[4+4*i:]))
		if d == 0 {
			return nil, a.dimError(i, "found a dimension of 0, expected at least 1")
		}
		if d > maxArray/size {
			return nil, a.dimError(i, "found a dimension of %d, which makes more than the %d bytes that an array may have", d, maxArray)
		}
		size *= d
		a.dims = append(a.dims, int(d))
		shape[i] = fmt.Sprint(d)
	}

	var err error
	a.data, err = readUpTo(ctx, r, int(size))
	if err == nil {
		// Reading on to the end also makes the gzip reader compare its checksum.
		if _, err = io.ReadFull(r, make([]byte, 1)); err == nil {
			return nil, a.dataError(int(size), "found more bytes, expected the end of the file after %d bytes (%s)", size, strings.Join(shape, " x "))
		}
		if err == io.EOF {
			return a, nil
		}
		return nil, a.readError(a.dataAt+size, "the end of the file", err)
	}
	want := fmt.Sprintf("%d bytes (%s) after the header", size, strings.Join(shape, " x "))
	return nil, a.readError(a.dataAt+int64(len(a.data)), want, err)
}

var idxRanks = map[int]string{1: "1 (labels)", 3: "3 (images, rows, columns)"}

// readError turns an error of reading the bytes at offset into one that says what should have been
// there. Failures of the file system and cancellation are not the file's fault and stay what they
// are.
func (a *array) readError(offset int64, want string, err error) error {
	e := &formatError{file: a.file, unit: a.unit, offset: offset, err: err}
	var corrupt flate.CorruptInputError
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		e.problem = "the file ends here, expected " + want
	case err == gzip.ErrChecksum:
		e.problem = "the gzip checksum does not fit the content before it: the file is damaged"
	case err == gzip.ErrHeader:
		e.problem = "found no valid gzip header, expected " + want
	case errors.As(err, &corrupt):
		e.problem = fmt.Sprintf("damaged gzip data at byte %d of the file, expected %s", int64(corrupt), want)
	default:
		return fmt.Errorf("%s: %w", a.file, err)
	}
	return e
}

// readUpTo reads n bytes. Memory grows with what has arrived, so that n may come from an unchecked
// header. It returns what it has read also with an error, which is io.EOF if r ended early.
func readUpTo(ctx context.Context, r io.Reader, n int) ([]byte, error) {
	buf := make([]byte, 0, min(n, 1<<16))
	for len(buf) < n {
		if err := ctx.Err(); err != nil {
			return buf, context.Cause(ctx)
		}
		if len(buf) == cap(buf) {
			grown := kernels.Aligned[byte](min(2*cap(buf), n))[:len(buf)] // batches are drawn from all over it
			copy(grown, buf)
			buf = grown
		}
		m, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+m]
		if err != nil && len(buf) < n {
			return buf, err
		}
	}
	return buf, nil
}
