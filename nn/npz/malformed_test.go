package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// npyBytes is an .npy file of version major with the given header text and elements.
func npyBytes(major byte, header string, elements []byte) []byte {
	b := append([]byte(magic), major, 0)
	if major == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	} else {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	}
	return append(append(b, header...), elements...)
}

func dict(descr, order, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
}

// archive is an .npz of one array "a".
func archive(t testing.TB, npy []byte, method uint16) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	e, err := w.CreateHeader(&zip.FileHeader{Name: "a.npy", Method: method})
	if err == nil {
		_, err = e.Write(npy)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// forged is an .npz whose one array claims size bytes.
func forged(t testing.TB, npy []byte, method uint16, size uint64) []byte {
	return forgedBoth(t, npy, method, uint64(len(npy)), size)
}

// forgedBoth also claims that there are stored bytes in the file.
func forgedBoth(t testing.TB, npy []byte, method uint16, stored, size uint64) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	e, err := w.CreateRaw(&zip.FileHeader{
		Name: "a.npy", Method: method, CRC32: crc32.ChecksumIEEE(npy),
		CompressedSize64: stored, UncompressedSize64: size,
	})
	if err == nil {
		_, err = e.Write(npy)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func readA(data []byte, maxBytes int64) ([]float32, error) {
	f, err := NewFile("bad.npz", bytes.NewReader(data), int64(len(data)), maxBytes)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, got, err := Read[float32](f, "a")
	return got, err
}

func TestMalformed(t *testing.T) {
	good := dict("<f4", "False", "(2,)")
	eight := make([]byte, 8)
	stored := func(npy []byte) []byte { return archive(t, npy, zip.Store) }
	flipped := stored(npyBytes(1, good, eight))
	flipped[bytes.Index(flipped, []byte(", }\n"))+4] ^= 1 // the first byte of the elements
	for _, c := range []struct {
		name string
		data []byte
		want string // in the error
	}{
		{"no zip", []byte("hello"), "not a readable .npz"},
		{"empty", nil, "not a readable .npz"},
		{"empty entry", stored(nil), "no .npy header"},
		{"wrong magic", stored([]byte("\x93NUMPZ\x01\x00\x10\x00")), "start of an .npy"},
		{"version 3", stored(npyBytes(3, good, eight)), "version 3"},
		{"version 2 cut", stored([]byte("\x93NUMPY\x02\x00\x10\x00")), "ends at offset 10"},
		{"header cut", stored(npyBytes(1, good, nil)[:20]), "cut off"},
		{"header too long", stored(npyBytes(2, strings.Repeat(" ", maxHeader+1), nil)), "want at most 10000"},
		{"header length 4 GiB", stored([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff")), "want at most 10000"},
		{"no newline", stored(npyBytes(1, strings.TrimSpace(good), eight)), "as NumPy writes it"},
		{"no dict", stored(npyBytes(1, "\n", eight)), "as NumPy writes it"},
		{"keys out of order", stored(npyBytes(1, "{'shape': (2,), 'descr': '<f4', 'fortran_order': False, }\n", eight)), "as NumPy writes it"},
		{"record type", stored(npyBytes(1, "{'descr': [('f0', '<i4')], 'fortran_order': False, 'shape': (2,), }\n", eight)), "as NumPy writes it"},
		{"type i3", stored(npyBytes(1, dict("<i3", "False", "(2,)"), eight)), "as NumPy writes it"},
		{"type f2", stored(npyBytes(1, dict("<f2", "False", "(4,)"), eight)), "not supported"},
		{"type without order", stored(npyBytes(1, dict("|f4", "False", "(2,)"), eight)), "not supported"},
		{"negative length", stored(npyBytes(1, dict("<f4", "False", "(-2,)"), eight)), "as NumPy writes it"},
		{"empty length", stored(npyBytes(1, dict("<f4", "False", "(2,,1)"), eight)), "bad length"},
		{"length of 20 digits", stored(npyBytes(1, dict("<f4", "False", "(99999999999999999999,)"), eight)), "bad length"},
		{"product overflows to 2", stored(npyBytes(1, dict("<f4", "False", "(4611686018427387905, 4, 2)"), eight)), "offset 10: shape (4611686018427387905, 4, 2)"},
		{"product overflows to 0", stored(npyBytes(1, dict("<f4", "False", "(4294967296, 4294967296)"), nil)), "offset 10: shape (4294967296, 4294967296)"},
		{"too many dimensions", stored(npyBytes(1, dict("<f4", "False", "("+strings.Repeat("1, ", 33)+")"), eight)), "more than 32"},
		{"more elements than bytes", stored(npyBytes(1, dict("<f4", "False", "(3,)"), eight)), "76 bytes, want 80 for shape [3]"},
		{"fewer elements than bytes", stored(npyBytes(1, dict("<f4", "False", "(1,)"), eight)), "76 bytes, want 72 for shape [1]"},
		{"checksum", flipped, "checksum"},
		{"stored size forged", forged(t, npyBytes(1, dict("<f4", "False", "(200,)"), eight), zip.Store, 866), "stores"},
		{"deflated size forged", forged(t, npyBytes(1, dict("<f4", "False", "(1000000,)"), eight), zip.Deflate, 4000072), "can hold"},
		{"size beyond the limit", forged(t, npyBytes(1, dict("<f4", "False", "(1099511627776,)"), eight), zip.Store, 1<<42), "want at most"},
		{"unknown method", forged(t, eight, 93, 8), "compression method 93"},
		{"stored size beyond the file", forgedBoth(t, npyBytes(1, dict("<f4", "False", "(200,)"), eight), zip.Store, 928, 928), "to the end of the file"},
		{"not deflate at all", forged(t, bytes.Repeat([]byte{0xff}, 40), zip.Deflate, 72), "no .npy header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readA(c.data, 8<<20)
			if err == nil {
				t.Fatalf("read %d elements, want an error with %q", len(got), c.want)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "bad.npz: ") {
				t.Errorf("error %q, want one that names the file and has %q", err, c.want)
			}
		})
	}
}

func TestLimitHolds(t *testing.T) {
	data := archive(t, npyBytes(1, dict("<f4", "False", "(1000,)"), make([]byte, 4000)), zip.Deflate)
	if got, err := readA(data, 4000); err != nil || len(got) != 1000 {
		t.Errorf("4000 bytes with a limit of 4000: %d elements, %v", len(got), err)
	}
	if _, err := readA(data, 3999); err == nil || !strings.Contains(err.Error(), "want at most 3999") {
		t.Errorf("4000 bytes with a limit of 3999: %v", err)
	}
}

// A small file must not make us allocate much, whatever it claims.
func TestNothingIsAllocatedOnAClaim(t *testing.T) {
	header := npyBytes(1, dict("<f4", "False", "(250000000,)"), nil)
	claim := uint64(len(header)) + 1e9
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		for _, stored := range []uint64{uint64(len(header)), claim} {
			if _, err := readA(forgedBoth(t, header, method, stored, claim), 1<<40); err == nil {
				t.Error("a claim of 1 GB was believed")
			}
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated for a file of %d", n, len(header))
	}
}

func TestDuplicateNames(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for range 2 {
		if _, err := w.Create("a.npy"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readA(buf.Bytes(), 1<<20); err == nil || !strings.Contains(err.Error(), `two arrays are called "a"`) {
		t.Errorf("two arrays of one name: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none.npz")} {
		if _, err := Open(path, 1<<20); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Open(%s): %v, want an error that names it", path, err)
		}
	}
}

// FuzzArray feeds the bytes of one array, well packed, to every reader.
func FuzzArray(f *testing.F) {
	f.Add(npyBytes(1, dict("<f4", "False", "(2,)"), make([]byte, 8)))
	f.Add(npyBytes(2, dict(">f8", "True", "(1, 2)"), make([]byte, 16)))
	f.Add(npyBytes(1, dict("|u1", "True", "(2, 3, 2)"), make([]byte, 12)))
	f.Add(npyBytes(1, dict("<i8", "False", "()"), make([]byte, 8)))
	f.Add(npyBytes(1, dict("<u2", "False", "(0,)"), nil))
	f.Add(npyBytes(1, dict("<f4", "False", "(99999999999, 99999999999)"), nil))
	f.Add(npyBytes(1, "{}\n", nil))
	f.Fuzz(func(t *testing.T, npy []byte) {
		readAll(t, archive(t, npy, zip.Store), 1<<20)
	})
}

// FuzzArchive feeds a whole file.
func FuzzArchive(f *testing.F) {
	for _, name := range []string{"plain.npz", "compressed.npz", "others.npz"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(forged(f, []byte(magic), zip.Deflate, 1<<40))
	f.Fuzz(func(t *testing.T, data []byte) { readAll(t, data, 1<<20) })
}

// readAll reads every array as every type. What is read must have the elements
// that its shape says, and no more than the limit.
func readAll(t *testing.T, data []byte, maxBytes int64) {
	f, err := NewFile("fuzz", bytes.NewReader(data), int64(len(data)), maxBytes)
	if err != nil {
		return
	}
	for _, name := range f.Names() {
		reads := 0
		reads += readAs[int8](t, f, name) + readAs[int16](t, f, name) + readAs[int32](t, f, name) + readAs[int64](t, f, name)
		reads += readAs[uint8](t, f, name) + readAs[uint16](t, f, name) + readAs[uint32](t, f, name) + readAs[uint64](t, f, name)
		reads += readAs[float32](t, f, name) + readAs[float64](t, f, name)
		if reads > 1 {
			t.Errorf("%q was read as %d types", name, reads)
		}
	}
}

func readAs[T Element](t *testing.T, f *File, name string) int {
	shape, data, err := Read[T](f, name)
	if err != nil {
		return 0
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(data) || int64(len(data)) > f.maxBytes {
		t.Errorf("%q: %d elements of shape %v", name, len(data), shape)
	}
	return 1
}
