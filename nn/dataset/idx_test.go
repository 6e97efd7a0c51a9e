package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// decode reads b as if it were the file f.
func decode(b []byte, rank int) (*array, error) {
	return decodeIDX(context.Background(), bytes.NewReader(b), "f", rank)
}

func TestIDX(t *testing.T) {
	data := []byte{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 255, 254}
	for name, b := range map[string][]byte{"plain": idx(data, 2, 3, 2), "gzipped": gzipped(idx(data, 2, 3, 2))} {
		a, err := decode(b, 3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if a.dims[0] != 2 || a.dims[1] != 3 || a.dims[2] != 2 || !bytes.Equal(a.data, data) {
			t.Errorf("%s: dimensions %v, data %v", name, a.dims, a.data)
		}
	}
}

// Wherever a file ends too early, the error says where that is.
func TestIDXTruncated(t *testing.T) {
	whole := idx(noise(2*3*2), 2, 3, 2)
	for n := range whole {
		_, err := decode(whole[:n], 3)
		var f *formatError
		if !errors.As(err, &f) {
			t.Fatalf("%d of %d bytes: error %v", n, len(whole), err)
		}
		want := "an IDX header of 16 bytes"
		if n >= 16 {
			want = "12 bytes (2 x 3 x 2) after the header"
		}
		if f.file != "f" || f.offset != int64(n) || !strings.Contains(f.problem, "the file ends here, expected "+want) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
	gz := gzipped(whole)
	for n := range gz {
		_, err := decode(gz[:n], 3)
		if f := (*formatError)(nil); !errors.As(err, &f) || !strings.Contains(f.problem, "the file ends here, expected ") {
			t.Errorf("%d of %d bytes of gzip: error %v", n, len(gz), err)
		}
	}
}

// A change of any byte of a gzipped file gives an error, or the same array where it hits what
// nobody reads, such as the time in the gzip header. Never does it give another array.
func TestIDXDamagedGzip(t *testing.T) {
	data := bytes.Repeat([]byte("pixels! "), 32)
	gz := gzipped(idx(data, 4, 8, 8))
	noticed := 0
	for i := range gz {
		damaged := bytes.Clone(gz)
		damaged[i] ^= 0x40
		a, err := decode(damaged, 3)
		if err == nil {
			if !bytes.Equal(a.data, data) {
				t.Errorf("byte %d of %d changed: read other pixels", i, len(gz))
			}
			continue
		}
		noticed++
		if f := (*formatError)(nil); !errors.As(err, &f) {
			t.Errorf("byte %d of %d changed: error %v", i, len(gz), err)
		}
	}
	if noticed < len(gz)*3/4 {
		t.Errorf("only %d of %d changes were noticed", noticed, len(gz))
	}
	gz[len(gz)-5]++
	if _, err := decode(gz, 3); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("wrong length in the gzip trailer: error %v", err)
	}
}

func TestIDXMalformed(t *testing.T) {
	good := idx(noise(12), 2, 3, 2)
	with := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	for _, c := range []struct {
		name string
		file []byte
		rank int
		want string
	}{
		{"empty", nil, 3, "f: byte 0: the file ends here, expected an IDX header of 16 bytes"},
		{"text", []byte("a,b,c\n1,2,3\n4,5,6\n"), 3, "f: byte 0: found bytes 61 2c, expected 00 00"},
		{"no gzip after all", []byte{0x1f, 0x8b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 3, "f: uncompressed byte 0: found no valid gzip header"},
		{"float32", with(2, 0x0D), 3, "f: byte 2: found element type 0x0d (float32), expected 0x08 (unsigned byte)"},
		{"unknown type", with(2, 0x42), 3, "f: byte 2: found element type 0x42, expected 0x08"},
		{"images for labels", good, 1, "f: byte 3: found 3 dimensions, expected 1 (labels)"},
		{"labels for images", idx(noise(20), 20), 3, "f: byte 3: found 1 dimensions, expected 3 (images, rows, columns)"},
		{"labels too short for an image header", idx([]byte{1}, 1), 3, "f: byte 9: the file ends here"},
		{"no images", idx(nil, 0, 28, 28), 3, "f: byte 4: found a dimension of 0"},
		{"no columns", idx(nil, 5, 28, 0), 3, "f: byte 12: found a dimension of 0"},
		{"huge", idx(noise(12), 1<<31, 28, 28), 3, "f: byte 4: found a dimension of 2147483648, which makes more than the 1073741824 bytes"},
		{"huge product", idx(noise(12), 1<<20, 1<<20, 1<<31), 3, "f: byte 8: found a dimension of 1048576"},
		{"overflowing product", idx(noise(12), 1<<31, 1<<31, 4), 3, "f: byte 4: "},
		{"at the limit but not there", idx(noise(12), 1<<20, 32, 32), 3, "f: byte 28: the file ends here, expected 1073741824 bytes (1048576 x 32 x 32)"},
		{"trailing byte", append(bytes.Clone(good), 0), 3, "f: byte 28: found more bytes, expected the end of the file after 12 bytes (2 x 3 x 2)"},
		{"trailing byte inside gzip", gzipped(append(bytes.Clone(good), 0)), 3, "f: uncompressed byte 28: found more bytes"},
		{"trailing bytes after gzip", append(gzipped(good), "garbage and more"...), 3, "f: uncompressed byte 28: found no valid gzip header, expected the end"},
		{"big-endian mistaken", func() []byte { b := bytes.Clone(good); binary.LittleEndian.PutUint32(b[4:], 2); return b }(), 3, "f: byte 28: the file ends here, expected 201326592 bytes"},
	} {
		_, err := decode(c.file, c.rank)
		if f := (*formatError)(nil); !errors.As(err, &f) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// A header that promises a gigabyte costs no more than what is there; nor does a gzip file that
// unpacks to much more than its header promises.
func TestIDXAllocation(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		most uint64
	}{
		"promise": {idx(noise(100), 1<<20, 32, 32), 1 << 20},
		"bomb":    {gzipped(append(idx(nil, 1, 1, 1), make([]byte, 8<<20)...)), 1 << 20},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decode(c.file, 3)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > c.most {
			t.Errorf("%s: allocated %d bytes, want at most %d", name, got, c.most)
		}
	}
}

func TestIDXCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	_, err := decodeIDX(ctx, bytes.NewReader(idx(noise(12), 2, 3, 2)), "f", 3)
	if f := (*formatError)(nil); !errors.Is(err, enough) || errors.As(err, &f) {
		t.Errorf("error %v, want %v and none about the file", err, enough)
	}
}

func TestIDXNotRegular(t *testing.T) {
	dir := t.TempDir()
	if _, err := readIDX(t.Context(), dir, 3); err == nil || !strings.Contains(err.Error(), dir+": not a regular file") {
		t.Errorf("a folder: error %v", err)
	}
	if _, err := readIDX(t.Context(), filepath.Join(dir, "none"), 3); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

// Whatever the bytes are, reading them ends in an error or in exactly the array that they encode.
func FuzzIDX(f *testing.F) {
	for _, b := range [][]byte{
		idx([]byte{0, 1, 1, 0}, 4), idx(noise(12), 2, 3, 2), idx(noise(12), 1<<31, 1<<31, 1<<31), idx(nil, 0),
		append(idx([]byte{1, 2}, 2), 3), idx(nil, 1, 2, 3, 4), {0, 0, 0x0D, 1}, nil,
	} {
		f.Add(b, true)
		f.Add(b, false)
		f.Add(gzipped(b), true)
		f.Add(gzipped(b), false)
		f.Add(append(gzipped(b), 1, 2, 3), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, labels bool) {
		rank := 3
		if labels {
			rank = 1
		}
		a, err := decode(b, rank)
		if err != nil {
			if fe := (*formatError)(nil); !errors.As(err, &fe) {
				t.Errorf("error %v does not name a place in the file", err)
			}
			return
		}
		size := 1
		dims := make([]uint32, rank)
		for i, d := range a.dims {
			size *= d
			dims[i] = uint32(d)
		}
		if size != len(a.data) || size == 0 {
			t.Fatalf("dimensions %v with %d bytes", a.dims, len(a.data))
		}
		if b[0] == 0 && !bytes.Equal(b, idx(a.data, dims...)) {
			t.Errorf("%x was read as dimensions %v of %x", b, a.dims, a.data)
		}
	})
}
