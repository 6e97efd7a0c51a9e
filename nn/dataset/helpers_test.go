package dataset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lanewise/lanewise/internal/require"
)

// mnistDir returns the folder with the real MNIST.
func mnistDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("LANEWISE_MNIST")
	if dir == "" {
		require.Missing(t, "mnist", "LANEWISE_MNIST does not name a folder with MNIST's four files")
	}
	return dir
}

// idx encodes an IDX file of unsigned bytes; dims need not fit the data.
func idx(data []byte, dims ...uint32) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// noise returns bytes that do not compress.
func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// A small set of two classes: 20 and 8 images of 16x12.
var (
	smallFiles = [4][]byte{
		idx(noise(20*16*12), 20, 16, 12), idx(bytes.Repeat([]byte{0, 1}, 10), 20),
		idx(noise(8*16*12), 8, 16, 12), idx([]byte{1, 0, 1, 1, 0, 0, 0, 1}, 8),
	}
	smallSet = remoteSet{name: "mnist", about: "made for a test"}
	smallGz  = map[string][]byte{}
)

func init() {
	for i, name := range idxNames {
		gz := gzipped(smallFiles[i])
		sum := sha256.Sum256(gz)
		smallSet.files[i] = remoteFile{name + ".gz", int64(len(gz)), hex.EncodeToString(sum[:])}
		smallGz[name+".gz"] = gz
	}
}

const trainImages = "train-images-idx3-ubyte.gz"

// writeFiles writes files into a new folder.
func writeFiles(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkSmall checks that d is the small set.
func checkSmall(t testing.TB, d *Data) {
	t.Helper()
	if d.Rows != 16 || d.Cols != 12 || d.Classes != 2 || d.Max != 255 ||
		!bytes.Equal(d.Train.Images, smallFiles[0][16:]) || !bytes.Equal(d.Train.Labels, smallFiles[1][8:]) ||
		!bytes.Equal(d.Test.Images, smallFiles[2][16:]) || !bytes.Equal(d.Test.Labels, smallFiles[3][8:]) {
		t.Errorf("not the set that was written: %dx%d, %d classes, %d + %d images", d.Rows, d.Cols, d.Classes, d.Train.Len(), d.Test.Len())
	}
}

// request is one that a mirror got.
type request struct {
	file string
	from int64 // where the range asked for begins; 0 without one
}

// mirror is a server of the small set. Training images are served by the misbehaviour, if there is one.
type mirror struct {
	*httptest.Server
	mu  sync.Mutex
	log []request
}

// newMirror starts a mirror. misbehave, called for the training images only, serves request number n (from 0)
// itself, or returns false to leave it to the well-behaved server.
func newMirror(t testing.TB, misbehave func(w http.ResponseWriter, r *http.Request, n int) bool) *mirror {
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		content, ok := smallGz[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		from := int64(0)
		if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
			var err error
			if from, err = strconv.ParseInt(strings.TrimSuffix(text, "-"), 10, 64); err != nil {
				t.Errorf("Range: %q", r.Header.Get("Range"))
			}
		}
		n := len(m.asked(name))
		m.mu.Lock()
		m.log = append(m.log, request{name, from})
		m.mu.Unlock()
		if name == trainImages && misbehave != nil && misbehave(w, r, n) {
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(m.Close)
	return m
}

// requests returns what was asked for so far.
func (m *mirror) requests() []request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.log)
}

// asked returns where the requests for a file began.
func (m *mirror) asked(name string) (from []int64) {
	for _, r := range m.requests() {
		if r.file == name {
			from = append(from, r.from)
		}
	}
	return from
}

// testLibrary returns a library that knows the small set as mnist, from these mirrors.
func testLibrary(mirrors ...*mirror) *library {
	s := smallSet
	for _, m := range mirrors {
		s.mirrors = append(s.mirrors, m.URL+"/")
	}
	return &library{sets: []*remoteSet{&s}, client: newClient(), stall: 10 * time.Second}
}

// sendPart serves the first n bytes of content as if all were to come.
func sendPart(w http.ResponseWriter, content []byte, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	w.Write(content[:n])
	w.(http.Flusher).Flush()
}

// partFiles lists what downloads have left unfinished in the cache.
func partFiles(t testing.TB, cache string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(cache, "mnist", "*.part"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
