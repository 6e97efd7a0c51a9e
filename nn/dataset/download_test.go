package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestDownloadFresh(t *testing.T) {
	m, cache := newMirror(t, nil), t.TempDir()
	lib := testLibrary(m)
	var reports []Download
	d, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache, Progress: func(r Download) { reports = append(reports, r) }})
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d)
	if want := filepath.Join(cache, "mnist"); d.Name != "mnist" || d.Source != want || d.Note != "" {
		t.Errorf("name %q, source %q, note %q; want mnist, %s and no note", d.Name, d.Source, d.Note, want)
	}
	total := smallSet.size()
	for i, r := range reports {
		if r.Set != "mnist" || r.Total != total || r.Err != nil || r.From != m.URL+"/"+r.File || i > 0 && r.Done < reports[i-1].Done {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	if first, last := reports[0], reports[len(reports)-1]; first.Done != 0 || last.Done != total {
		t.Errorf("progress went from %d to %d, want 0 to %d", first.Done, last.Done, total)
	}
	if left := partFiles(t, cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// The second time nothing is asked.
	asked := len(m.requests())
	if d, err = lib.open(t.Context(), "mnist", Options{CacheDir: cache, Offline: true}); err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d)
	if again := len(m.requests()) - asked; asked != 4 || again != 0 {
		t.Errorf("%d requests, then %d more; want 4 and none", asked, again)
	}
}

// Every fault of a mirror either is overcome by that mirror or by a second one. The requests for
// the training images tell whether bytes that had arrived were used.
func TestDownloadFaultyMirror(t *testing.T) {
	gz := smallGz[trainImages]
	size, half := int64(len(gz)), int64(len(gz)/2)
	wrong := bytes.Clone(gz)
	wrong[100]++
	type handler = func(w http.ResponseWriter, r *http.Request, n int) bool
	for _, c := range []struct {
		name          string
		part          []byte // what an earlier download has left
		misbehave     handler
		first, second []int64 // where the requests to both mirrors begin
		fault         string  // what Progress is told about
	}{
		{
			name: "cut once",
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n > 0 {
					return false
				}
				sendPart(w, gz, int(half))
				panic(http.ErrAbortHandler)
			},
			first: []int64{0, half}, fault: fmt.Sprintf("the connection was cut after %d of %d bytes", half, size),
		}, {
			name: "cut, then gone",
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n == 0 {
					sendPart(w, gz, int(half))
				}
				panic(http.ErrAbortHandler)
			},
			first: []int64{0, half}, second: []int64{half}, fault: "EOF",
		}, {
			name: "cut without a length",
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n > 0 {
					return false
				}
				w.Write(gz[:half])
				w.(http.Flusher).Flush()
				return true
			},
			first: []int64{0, half}, fault: fmt.Sprintf("the connection was cut after %d of %d bytes", half, size),
		}, {
			name: "knows no ranges",
			part: gz[:half],
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				w.Write(gz)
				return true
			},
			first: []int64{half},
		}, {
			name: "resumed", part: gz[:half], first: []int64{half},
		}, {
			name: "already there", part: gz,
		}, {
			name: "left with wrong bytes", part: wrong[:half],
			first: []int64{half, 0}, fault: "wrong content: SHA-256",
		}, {
			name: "left complete with wrong bytes", part: wrong,
			first: []int64{0}, fault: "wrong content: SHA-256",
		}, {
			name: "left too long", part: append(bytes.Clone(gz), 0),
			first: []int64{0}, fault: fmt.Sprintf("longer than the %d bytes", size),
		}, {
			name: "range refused", part: gz[:half],
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n == 0 {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				}
				return n == 0
			},
			first: []int64{half, 0}, fault: fmt.Sprintf("the server has no bytes from %d on", half),
		}, {
			name: "wrong range", part: gz[:half],
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n == 0 {
					w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", size-1, size))
					w.WriteHeader(http.StatusPartialContent)
					w.Write(gz)
				}
				return n == 0
			},
			first: []int64{half, 0}, fault: "the server sends the range",
		}, {
			name: "wrong bytes",
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				w.Write(wrong)
				return true
			},
			first: []int64{0}, second: []int64{0}, fault: "wrong content: SHA-256",
		}, {
			name: "another page", part: gz[:half],
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				fmt.Fprint(w, "<html>Please log in</html>")
				return true
			},
			first: []int64{half}, second: []int64{half}, fault: "the server offers a file of 26 bytes",
		}, {
			name: "without end",
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				for r.Context().Err() == nil {
					if _, err := w.Write(gz); err != nil {
						break
					}
				}
				return true
			},
			first: []int64{0}, second: []int64{0}, fault: fmt.Sprintf("the server sends more than the %d bytes", size),
		}, {
			name: "missing",
			misbehave: func(w http.ResponseWriter, r *http.Request, n int) bool {
				http.NotFound(w, r)
				return true
			},
			first: []int64{0}, second: []int64{0}, fault: "the server answers 404 Not Found",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cache := t.TempDir()
			if c.part != nil {
				leavePart(t, cache, trainImages+".part", c.part, 0)
			}
			one, two := newMirror(t, c.misbehave), newMirror(t, nil)
			var faults []string
			d, err := testLibrary(one, two).open(t.Context(), "mnist", Options{CacheDir: cache, Progress: func(r Download) {
				if r.Err != nil {
					faults = append(faults, r.Err.Error())
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			checkSmall(t, d)
			if got := one.asked(trainImages); !slices.Equal(got, c.first) {
				t.Errorf("the first mirror was asked from bytes %v, want %v", got, c.first)
			}
			if got := two.asked(trainImages); !slices.Equal(got, c.second) {
				t.Errorf("the second mirror was asked from bytes %v, want %v", got, c.second)
			}
			if got := strings.Join(faults, "\n"); (got == "") != (c.fault == "") || !strings.Contains(got, c.fault) {
				t.Errorf("faults reported: %q, want %q", got, c.fault)
			}
			if left := partFiles(t, cache); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// leavePart puts a part file into the cache, last written that long ago.
func leavePart(t testing.TB, cache, name string, content []byte, age time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(cache, "mnist"), 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "mnist", name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestDownloadStall(t *testing.T) {
	gz := smallGz[trainImages]
	for name, sent := range map[string]int{"before the headers": -1, "before the content": 0, "within the content": 1000} {
		t.Run(name, func(t *testing.T) {
			one := newMirror(t, func(w http.ResponseWriter, r *http.Request, n int) bool {
				if sent >= 0 && n == 0 {
					sendPart(w, gz, sent)
				}
				<-r.Context().Done()
				return true
			})
			two := newMirror(t, nil)
			lib := testLibrary(one, two)
			lib.stall = 200 * time.Millisecond
			var faults []string
			d, err := lib.open(t.Context(), "mnist", Options{CacheDir: t.TempDir(), Progress: func(r Download) {
				if r.Err != nil {
					faults = append(faults, r.Err.Error())
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			checkSmall(t, d)
			if got, want := two.asked(trainImages), []int64{int64(max(sent, 0))}; !slices.Equal(got, want) {
				t.Errorf("the second mirror was asked from bytes %v, want %v", got, want)
			}
			if len(faults) == 0 || faults[0] != "nothing has arrived for 200ms" {
				t.Errorf("faults: %q", faults)
			}
		})
	}
}

func TestDownloadNoNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String() + "/"
	l.Close() // nobody listens there now
	lib := testLibrary()
	lib.sets[0].mirrors = []string{address}
	cache := t.TempDir()
	_, err = lib.open(t.Context(), "mnist", Options{CacheDir: cache})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"mnist: cannot download " + trainImages, address + trainImages + ": dial tcp", "try again", filepath.Join(cache, "mnist")} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if left := partFiles(t, cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// When every mirror has wrong bytes, nothing of them stays.
func TestDownloadWrongEverywhere(t *testing.T) {
	wrong := bytes.Clone(smallGz[trainImages])
	wrong[50]++
	serve := func(w http.ResponseWriter, r *http.Request, n int) bool { w.Write(wrong); return true }
	one, two, cache := newMirror(t, serve), newMirror(t, serve), t.TempDir()
	_, err := testLibrary(one, two).open(t.Context(), "mnist", Options{CacheDir: cache})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{one.URL, two.URL, trainImages, "SHA-256", smallSet.files[0].sha256} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	entries, err := os.ReadDir(filepath.Join(cache, "mnist"))
	if err != nil || len(entries) > 0 {
		t.Errorf("the cache holds %v (%v), want nothing", entries, err)
	}
}

// A download that was cancelled keeps what has come, and the next one goes on from there.
func TestDownloadCancelled(t *testing.T) {
	const sent = 1000
	gz := smallGz[trainImages]
	m := newMirror(t, func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 0 {
			return false
		}
		sendPart(w, gz, sent)
		<-r.Context().Done()
		return true
	})
	lib, cache := testLibrary(m), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	pressed := errors.New("interrupted by the user")
	_, err := lib.open(ctx, "mnist", Options{CacheDir: cache, Progress: func(r Download) {
		if r.Done == sent {
			cancel(pressed)
		}
	}})
	if !errors.Is(err, pressed) {
		t.Fatalf("error %v, want %v", err, pressed)
	}
	part := filepath.Join(cache, "mnist", trainImages+".part")
	if got, err := os.ReadFile(part); err != nil || !bytes.Equal(got, gz[:sent]) {
		t.Errorf("kept %d bytes (%v), want the first %d", len(got), err, sent)
	}
	d, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d)
	if got := m.asked(trainImages); !slices.Equal(got, []int64{0, sent}) {
		t.Errorf("asked from bytes %v, want 0 and %d", got, sent)
	}
}

// A cached file that is not what it should be is replaced; the others are not fetched again.
func TestDownloadRepairsCache(t *testing.T) {
	m, cache := newMirror(t, nil), t.TempDir()
	lib := testLibrary(m)
	if _, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "mnist", trainImages)
	damaged := bytes.Clone(smallGz[trainImages])
	damaged[200]++
	if err := os.WriteFile(path, damaged, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache, Offline: true}); err == nil || !strings.Contains(err.Error(), path+": wrong content: SHA-256") {
		t.Errorf("offline: error %v, want one about the content of %s", err, path)
	}
	before := len(m.requests())
	var fault error
	var last Download
	d, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache, Progress: func(r Download) {
		fault, last = errors.Join(fault, r.Err), r
	}})
	if err != nil {
		t.Fatal(err)
	}
	checkSmall(t, d)
	if asked := m.requests()[before:]; len(asked) != 1 || asked[0].file != trainImages {
		t.Errorf("asked for %v, want the damaged file alone", asked)
	}
	if fault == nil || !strings.Contains(fault.Error(), path) || last.Done != last.Total {
		t.Errorf("reported fault %v, ended at %d of %d", fault, last.Done, last.Total)
	}
}

// Two that download at once, made to overlap, both end with the right set.
func TestDownloadTwoAtOnce(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	gz := smallGz[trainImages]
	m := newMirror(t, func(w http.ResponseWriter, r *http.Request, n int) bool {
		sendPart(w, gz, len(gz)/3)
		both.Done()
		both.Wait() // until the other one has a third as well
		w.Write(gz[len(gz)/3:])
		return true
	})
	lib, cache := testLibrary(m), t.TempDir()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			d, err := lib.open(t.Context(), "mnist", Options{CacheDir: cache})
			if err != nil {
				t.Error(err)
				return
			}
			checkSmall(t, d)
		})
	}
	wg.Wait()
	if left := partFiles(t, cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A part file of a process that died is used, that of one which still writes is left alone.
func TestDownloadOthersPart(t *testing.T) {
	gz := smallGz[trainImages]
	for _, c := range []struct {
		age  time.Duration
		from int64
	}{{time.Hour, 500}, {0, 0}} {
		m, cache := newMirror(t, nil), t.TempDir()
		leavePart(t, cache, trainImages+".01234567.part", gz[:500], c.age)
		d, err := testLibrary(m).open(t.Context(), "mnist", Options{CacheDir: cache})
		if err != nil {
			t.Fatal(err)
		}
		checkSmall(t, d)
		if got := m.asked(trainImages); !slices.Equal(got, []int64{c.from}) {
			t.Errorf("last written %v ago: asked from bytes %v, want %d", c.age, got, c.from)
		}
		if left := len(partFiles(t, cache)); (left > 0) != (c.age == 0) {
			t.Errorf("last written %v ago: %d part files left", c.age, left)
		}
	}
}

func TestDownloadNowhereToKeep(t *testing.T) {
	dir := writeFiles(t, map[string][]byte{"file": nil})
	m := newMirror(t, nil)
	_, err := testLibrary(m).open(t.Context(), "mnist", Options{CacheDir: filepath.Join(dir, "file")})
	if err == nil || !strings.Contains(err.Error(), "no folder to keep it in") {
		t.Errorf("error %v, want one about the folder", err)
	}
	if asked := m.requests(); len(asked) > 0 {
		t.Errorf("asked for %v all the same", asked)
	}
}
