package npz

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Element lists the types that arrays can have.
type Element interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// Info describes an array.
type Info struct {
	Type  string // NumPy's name of the element type: "uint8", "float32", ...
	Shape []int  // empty for a single number

	elements int    // product of Shape
	size     int    // bytes of an element
	fortran  bool   // the first index runs fastest
	header   []byte // all that stands before the elements
}

// Elements returns the number of elements, the product of Shape.
func (i Info) Elements() int { return i.elements }

const (
	magic = "\x93NUMPY"
	// maxHeader is how long NumPy itself lets a header be by default.
	maxHeader = 10000
	maxRank   = 32
)

// headerDict is the one form in which NumPy writes headers of plain arrays.
// The format would allow any Python literal of the same meaning, but nothing
// writes those, and the library that decodes the elements cannot read them.
var headerDict = regexp.MustCompile(`^\{'descr': '([<>|])([iuf])([1248])', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n$`)

var typeNames = map[string]string{
	"i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
	"u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
	"f4": "float32", "f8": "float64",
}

// readInfo reads the header of an .npy stream of which size bytes are claimed,
// and makes sure that the elements it promises are what the rest holds.
func readInfo(r io.Reader, size uint64) (Info, error) {
	var fixed [12]byte
	if _, err := io.ReadFull(r, fixed[:10]); err != nil {
		return Info{}, fmt.Errorf("no .npy header at offset 0: %w", err)
	}
	if string(fixed[:6]) != magic {
		return Info{}, fmt.Errorf("offset 0: %q, want %q, the start of an .npy file", fixed[:6], magic)
	}
	length, prefix := uint32(binary.LittleEndian.Uint16(fixed[8:])), 10
	switch fixed[6] {
	case 1:
	case 2:
		if _, err := io.ReadFull(r, fixed[10:]); err != nil {
			return Info{}, fmt.Errorf("header ends at offset 10: %w", err)
		}
		length, prefix = binary.LittleEndian.Uint32(fixed[8:]), 12
	default:
		return Info{}, fmt.Errorf("offset 6: .npy version %d, want 1 or 2", fixed[6])
	}
	if length > maxHeader {
		return Info{}, fmt.Errorf("offset 8: header of %d bytes, want at most %d", length, maxHeader)
	}
	header := make([]byte, prefix+int(length))
	copy(header, fixed[:prefix])
	if _, err := io.ReadFull(r, header[prefix:]); err != nil {
		return Info{}, fmt.Errorf("header of %d bytes at offset %d is cut off: %w", length, prefix, err)
	}
	info, err := parseDict(header[prefix:])
	if err != nil {
		return Info{}, fmt.Errorf("offset %d: %w", prefix, err)
	}
	info.header = header
	// The sum cannot overflow: parseDict keeps the elements below half of what an int holds.
	if want := uint64(len(header)) + uint64(info.elements)*uint64(info.size); size != want {
		return Info{}, fmt.Errorf("%d bytes, want %d for shape %v of %s and its header", size, want, info.Shape, info.Type)
	}
	return info, nil
}

func parseDict(header []byte) (Info, error) {
	m := headerDict.FindSubmatch(header)
	if m == nil {
		return Info{}, fmt.Errorf("header %.200q, want a plain array of integers or floats as NumPy writes it", header)
	}
	kind := string(m[2]) + string(m[3])
	info := Info{Type: typeNames[kind], size: int(m[3][0] - '0'), fortran: string(m[4]) == "True", elements: 1}
	if info.Type == "" || (string(m[1]) == "|") != (info.size == 1) {
		return Info{}, fmt.Errorf("element type %q is not supported", string(m[1])+kind)
	}
	dims := strings.Split(string(m[5]), ",")
	for i, text := range dims {
		text = strings.TrimSpace(text)
		if text == "" && i == len(dims)-1 {
			break // "()" and the comma of "(n,)"
		}
		d, err := strconv.Atoi(text)
		if err != nil {
			return Info{}, fmt.Errorf("shape (%.100s): bad length %q", m[5], text)
		}
		if len(info.Shape) == maxRank {
			return Info{}, fmt.Errorf("shape (%.100s): more than %d dimensions", m[5], maxRank)
		}
		info.Shape = append(info.Shape, d)
		hi, lo := bits.Mul64(uint64(info.elements), uint64(d))
		if hi != 0 || lo > math.MaxInt/16 {
			return Info{}, fmt.Errorf("shape (%.100s): too many elements for this machine", m[5])
		}
		info.elements = int(lo)
	}
	return info, nil
}

// typeName returns NumPy's name for T, which is Go's.
func typeName[T Element]() string { return reflect.TypeFor[T]().Kind().String() }
