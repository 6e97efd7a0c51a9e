package dataset

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lanewise/lanewise/internal/require"
)

func TestOpenDigits(t *testing.T) {
	d, err := Open(t.Context(), "digits", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "digits" || d.Source != embedded || d.Note != "" || d.Rows != 8 || d.Cols != 8 || d.Pixels() != 64 || d.Classes != 10 || d.Max != 16 {
		t.Errorf("digits: %s from %s, note %q, %dx%d, %d classes, pixels to %d", d.Name, d.Source, d.Note, d.Rows, d.Cols, d.Classes, d.Max)
	}
	for _, s := range []struct {
		name  string
		split Split
		want  [10]int // counted with Python's csv module
	}{
		{"train", d.Train, [10]int{143, 146, 142, 146, 144, 145, 144, 143, 141, 143}},
		{"test", d.Test, [10]int{35, 36, 35, 37, 37, 37, 37, 36, 33, 37}},
	} {
		var got [10]int
		for _, l := range s.split.Labels {
			got[l]++
		}
		if got != s.want {
			t.Errorf("%s: images of each digit %v, want %v", s.name, got, s.want)
		}
		if len(s.split.Images) != 64*s.split.Len() || slices.Max(s.split.Images) != 16 {
			t.Errorf("%s: %d pixels of up to %d for %d images", s.name, len(s.split.Images), slices.Max(s.split.Images), s.split.Len())
		}
	}
	if row := d.Train.Images[8:16]; !slices.Equal(row, []uint8{0, 0, 13, 15, 10, 15, 5, 0}) {
		t.Errorf("second row of the first image is %v", row)
	}
}

func TestOpenMNISTFolder(t *testing.T) {
	dir := mnistDir(t)
	d, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Rows != 28 || d.Cols != 28 || d.Classes != 10 || d.Max != 255 || d.Train.Len() != 60000 || d.Test.Len() != 10000 || d.Source != dir {
		t.Errorf("MNIST: %s, %dx%d, %d classes, %d + %d images from %s", d.Name, d.Rows, d.Cols, d.Classes, d.Train.Len(), d.Test.Len(), d.Source)
	}
	if got := d.Train.Labels[:8]; !slices.Equal(got, []uint8{5, 0, 4, 1, 9, 2, 1, 3}) {
		t.Errorf("first training labels %v", got)
	}
	if got := d.Test.Labels[:8]; !slices.Equal(got, []uint8{7, 2, 1, 0, 4, 1, 4, 9}) {
		t.Errorf("first test labels %v", got)
	}
}

// The hashes that downloads are held to are those of the real files.
func TestMNISTHashes(t *testing.T) {
	dir := mnistDir(t)
	for _, f := range mnist.files {
		path := filepath.Join(dir, f.name)
		if _, err := os.Stat(path); err != nil {
			require.Missing(t, "mnist", path+" is not as it is published, gzipped")
		}
		if err := f.verify(path); err != nil {
			t.Error(err)
		}
	}
}

// Debian's package has the published files with the name and time taken out of the gzip header.
// Putting them back must give the files whose hashes downloads are held to.
func TestFashionMNISTInstalled(t *testing.T) {
	if !fashionMNIST.installed() {
		require.Missing(t, "fashion-mnist", "Debian's package dataset-fashion-mnist is not installed")
	}
	d, err := Open(t.Context(), "fashion-mnist", Options{CacheDir: t.TempDir(), Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "fashion-mnist" || d.Source != fashionMNIST.system || d.Rows != 28 || d.Cols != 28 || d.Classes != 10 || d.Train.Len() != 60000 || d.Test.Len() != 10000 {
		t.Errorf("%s from %s: %dx%d, %d classes, %d + %d images", d.Name, d.Source, d.Rows, d.Cols, d.Classes, d.Train.Len(), d.Test.Len())
	}
	published := time.Date(2017, 8, 31, 10, 50, 0, 0, time.UTC)
	for i, f := range fashionMNIST.files {
		debian, err := os.ReadFile(filepath.Join(fashionMNIST.system, f.name))
		if err != nil {
			t.Fatal(err)
		}
		packed := published.Add([4]time.Duration{6, 6, 27, 27}[i] * time.Second)
		file := []byte{0x1f, 0x8b, 8, 8} // a name follows
		file = binary.LittleEndian.AppendUint32(file, uint32(packed.Unix()))
		file = append(file, debian[8:10]...)
		file = append(append(file, strings.TrimSuffix(f.name, ".gz")...), 0)
		file = append(file, debian[10:]...)
		path := filepath.Join(writeFiles(t, map[string][]byte{f.name: file}), f.name)
		if err := f.verify(path); err != nil {
			t.Error(err)
		}
	}
}

// smallFolder returns the small set as files under the names that MNIST's have.
func smallFolder() map[string][]byte {
	files := map[string][]byte{}
	for i, name := range idxNames {
		files[name] = smallFiles[i]
	}
	return files
}

func TestOpenFolderNames(t *testing.T) {
	gz := maps.Clone(smallGz)
	dotted, unpacked, both := map[string][]byte{}, map[string][]byte{}, smallFolder()
	for i, name := range idxNames {
		dotted[strings.Replace(name, "-idx", ".idx", 1)] = smallFiles[i]
		unpacked[name+".gz"] = smallFiles[i] // as some browsers do
		both[name+".gz"] = []byte("not looked at, the plain file is")
	}
	mixed := maps.Clone(smallGz)
	delete(mixed, trainImages)
	mixed["train-images.idx3-ubyte.gz"] = smallGz[trainImages]
	for name, files := range map[string]map[string][]byte{"plain": smallFolder(), "gz": gz, "dotted": dotted, "unpacked": unpacked, "both": both, "mixed": mixed} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, files)
			d, err := Open(t.Context(), dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkSmall(t, d)
			if d.Name != filepath.Base(dir) || d.Source != dir || d.Note != "" {
				t.Errorf("name %q, source %q, note %q", d.Name, d.Source, d.Note)
			}
		})
	}
}

// Sets whose files are each in order but do not fit together or cannot be right.
func TestOpenMismatched(t *testing.T) {
	for _, c := range []struct {
		name, file string
		content    []byte
		want       []string
	}{
		{"a file missing", idxNames[3], nil, []string{"no t10k-labels-idx1-ubyte in this folder", "t10k-labels.idx1-ubyte.gz", "a set is the four files"}},
		{"too few labels", idxNames[1], idx(smallFiles[1][8:27], 19), []string{idxNames[1], ": byte 4: found 19 labels, expected 20", idxNames[0]}},
		{"too many test labels", idxNames[3], idx(bytes.Repeat([]byte{1}, 9), 9), []string{idxNames[3], ": byte 4: found 9 labels, expected 8", idxNames[2]}},
		{"other rows", idxNames[2], idx(noise(8*12*12), 8, 12, 12), []string{idxNames[2], ": byte 8: found images of 12 rows, expected 16", idxNames[0]}},
		{"other columns", idxNames[2], idx(noise(8*16*16), 8, 16, 16), []string{idxNames[2], ": byte 12: found images of 16 columns, expected 12", idxNames[0]}},
		{"a label out of range", idxNames[1], idx(append(bytes.Repeat([]byte{0, 1}, 9), 133, 1), 20), []string{idxNames[1], ": byte 26: found label 133, but none of the labels is 2"}},
		{"a test label out of range", idxNames[3], idx([]byte{1, 0, 1, 2, 0, 0, 0, 1}, 8), []string{idxNames[3], ": byte 11: found label 2, expected one that occurs in", "0..1"}},
		{"a test label below", idxNames[1], idx(bytes.Repeat([]byte{1, 2}, 10), 20), []string{idxNames[3], ": byte 9: found label 0, expected", "1..2"}},
		{"one class", idxNames[1], idx(make([]byte, 20), 20), []string{idxNames[1], ": byte 8: found no label but 0, expected at least two"}},
		{"images as labels", idxNames[1], smallFiles[0], []string{idxNames[1], ": byte 3: found 3 dimensions"}},
		{"no test images", idxNames[2], idx(nil, 0, 16, 12), []string{idxNames[2], ": byte 4: found a dimension of 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := smallFolder()
			files[c.file] = c.content
			if c.content == nil {
				delete(files, c.file)
			}
			dir := writeFiles(t, files)
			_, err := Open(t.Context(), dir, Options{})
			checkError(t, err, append(c.want, dir)...)
		})
	}
}

// checkError checks that an error says all that it should.
func checkError(t testing.TB, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// Classes that count from 1, as EMNIST's letters do, leave class 0 empty.
func TestOpenClassesFromOne(t *testing.T) {
	files := smallFolder()
	files[idxNames[1]] = idx(bytes.Repeat([]byte{1, 2}, 10), 20)
	files[idxNames[3]] = idx([]byte{1, 1, 1, 1, 2, 2, 2, 1}, 8)
	d, err := Open(t.Context(), writeFiles(t, files), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Classes != 3 {
		t.Errorf("%d classes, want 3", d.Classes)
	}
}

// npy encodes an array of NumPy's type descr.
func npy(descr, shape string, data []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	header += strings.Repeat(" ", 127-(10+len(header))%128) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(header)))
	return append(append(b, header...), data...)
}

// smallArrays returns the small set as Keras' arrays.
func smallArrays() map[string][]byte {
	return map[string][]byte{
		"x_train": npy("|u1", "20, 16, 12", smallFiles[0][16:]), "y_train": npy("|u1", "20,", smallFiles[1][8:]),
		"x_test": npy("|u1", "8, 16, 12", smallFiles[2][16:]), "y_test": npy("|u1", "8,", smallFiles[3][8:]),
	}
}

func writeNPZ(t testing.TB, name string, arrays map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, array := range slices.Sorted(maps.Keys(arrays)) {
		f, err := w.Create(array + ".npy")
		if err == nil {
			_, err = f.Write(arrays[array])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(writeFiles(t, map[string][]byte{name: b.Bytes()}), name)
}

// integers encodes values as little-endian integers of that many bytes.
func integers(size int, values ...int64) (b []byte) {
	for _, v := range values {
		b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(v))[:size]...)
	}
	return b
}

func TestOpenNPZ(t *testing.T) {
	wide := smallArrays()
	wide["y_test"] = npy("<i8", "8,", integers(8, 1, 0, 1, 1, 0, 0, 0, 1))
	windows := smallArrays()
	windows["y_test"] = npy("<i4", "8,", integers(4, 1, 0, 1, 1, 0, 0, 0, 1))
	for name, arrays := range map[string]map[string][]byte{"mnist.npz": smallArrays(), "int64.npz": wide, "int32.NPZ": windows} {
		path := writeNPZ(t, name, arrays)
		d, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkSmall(t, d)
		if d.Name != name || d.Source != path {
			t.Errorf("name %q, source %q", d.Name, d.Source)
		}
	}
}

func TestOpenNPZMalformed(t *testing.T) {
	for _, c := range []struct {
		name, array string
		content     []byte
		want        []string
	}{
		{"an array missing", "y_train", nil, []string{`no array "y_train"`, "x_train"}},
		{"pixels as floats", "x_test", npy("<f4", "8, 1, 1", make([]byte, 32)), []string{`"x_test"`, "elements are float32, want uint8"}},
		{"labels as floats", "y_test", npy("<f8", "8,", make([]byte, 64)), []string{`"y_test"`, "elements are float64, want uint8"}},
		{"flat images", "x_test", npy("|u1", "8, 192", smallFiles[2][16:]), []string{"x_test: dimension 0: found the shape [8 192], expected 3 (images, rows, columns)"}},
		{"labels one-hot", "y_test", npy("|u1", "8, 2", make([]byte, 16)), []string{"y_test: dimension 0: found the shape [8 2], expected 1 (labels)"}},
		{"no images", "x_test", npy("|u1", "0, 16, 12", nil), []string{"x_test: dimension 0: found a dimension of 0"}},
		{"a negative label", "y_test", npy("<i8", "8,", integers(8, 0, 0, 0, -1, 0, 0, 0, 0)), []string{"y_test: element 3: found label -1, expected 0 to 255"}},
		{"a huge label", "y_test", npy("<i8", "8,", integers(8, 0, 0, 0, 0, 0, 0, 0, 256)), []string{"y_test: element 7: found label 256"}},
		{"a label out of range", "y_test", npy("|u1", "8,", []byte{0, 0, 7, 0, 0, 0, 0, 0}), []string{"y_test: element 2: found label 7, expected one that occurs in", "y_train"}},
		{"too few labels", "y_test", npy("|u1", "7,", make([]byte, 7)), []string{"y_test: dimension 0: found 7 labels, expected 8", "x_test"}},
		{"other columns", "x_test", npy("|u1", "8, 16, 13", make([]byte, 8*16*13)), []string{"x_test: dimension 2: found images of 13 columns, expected 12"}},
		{"cut off", "x_train", smallArrays()["x_train"][:1000], []string{`"x_train"`, "1000 bytes, want 3968"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			arrays := smallArrays()
			arrays[c.array] = c.content
			if c.content == nil {
				delete(arrays, c.array)
			}
			path := writeNPZ(t, "set.npz", arrays)
			_, err := Open(t.Context(), path, Options{})
			checkError(t, err, append(c.want, path)...)
		})
	}
	path := filepath.Join(writeFiles(t, map[string][]byte{"set.npz": noise(500)}), "set.npz")
	_, err := Open(t.Context(), path, Options{})
	checkError(t, err, path, "not a readable .npz archive")
}

func TestOpenUnknown(t *testing.T) {
	_, err := Open(t.Context(), "minst", Options{})
	checkError(t, err, `"minst" is neither the name of a data set (mnist, fashion-mnist, digits) nor a folder or file`)
	path := filepath.Join(writeFiles(t, map[string][]byte{"set.csv": []byte("1,2\n")}), "set.csv")
	_, err = Open(t.Context(), path, Options{})
	checkError(t, err, path, "expected a folder with IDX files, a file ending in .npz, or a name (mnist, fashion-mnist, digits)")
}

// A name goes before a folder of that name.
func TestOpenNameBeforeFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Rename(writeFiles(t, smallFolder()), filepath.Join(dir, "digits")); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), "digits", Options{})
	if err != nil || d.Source != embedded {
		t.Errorf("digits: %+v, %v", d, err)
	}
	if d, err = Open(t.Context(), "./digits", Options{}); err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d)
	if d.Name != "digits" {
		t.Errorf("name %q, want digits", d.Name)
	}
}

// Without a name MNIST is used if it is there, and nothing is ever asked of a mirror.
func TestOpenDefault(t *testing.T) {
	m, cache := newMirror(t, nil), t.TempDir()
	lib, opt := testLibrary(m), Options{CacheDir: cache}
	open := func(wantName string, wantNote ...string) {
		t.Helper()
		asked := len(m.requests())
		d, err := lib.open(t.Context(), "", opt)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.requests()) != asked {
			t.Error("asked a mirror without being told to")
		}
		if d.Name != wantName {
			t.Errorf("opened %s, want %s", d.Name, wantName)
		}
		for _, w := range wantNote {
			if !strings.Contains(d.Note, w) {
				t.Errorf("note %q does not say %q", d.Note, w)
			}
		}
	}
	open("digits", "MNIST is not cached", "using the embedded digits", "--data mnist")
	if _, err := lib.open(t.Context(), "mnist", opt); err != nil {
		t.Fatal(err)
	}
	open("mnist", "using the cached MNIST")
	path := filepath.Join(cache, "mnist", trainImages)
	if err := os.WriteFile(path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	open("digits", "the cached MNIST cannot be used", path, "7 bytes, expected", "--data mnist")
}

func TestInstalledAndNames(t *testing.T) {
	m, cache := newMirror(t, nil), t.TempDir()
	lib, opt := testLibrary(m), Options{CacheDir: cache}
	check := func(ready bool, where string) {
		t.Helper()
		got := lib.names(opt)
		if len(got) != 2 || got[0].Name != "mnist" || got[0].Ready != ready || !strings.Contains(got[0].Where, where) {
			t.Errorf("names: %+v, want mnist ready %t, where %q", got, ready, where)
		}
		if got[1].Name != "digits" || !got[1].Ready || got[1].Where != embedded {
			t.Errorf("names: %+v", got[1])
		}
	}
	dir := filepath.Join(cache, "mnist")
	check(false, "to be downloaded to "+dir)
	_, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache, Offline: true})
	checkError(t, err, "mnist: not at hand, and downloading is off", filepath.Join(dir, trainImages))

	lib.sets[0].system = writeFiles(t, smallFolder())
	check(true, lib.sets[0].system)
	d, err := lib.open(t.Context(), "mnist", opt)
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d)
	if d.Name != "mnist" || d.Source != lib.sets[0].system || len(m.requests()) > 0 {
		t.Errorf("%s from %s after %d requests", d.Name, d.Source, len(m.requests()))
	}

	lib.sets[0].system = ""
	if _, err := lib.open(t.Context(), "mnist", opt); err != nil {
		t.Fatal(err)
	}
	check(true, dir)
}
