package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Download tells how far a download is.
type Download struct {
	Set   string // name of the data set
	File  string // the file being fetched
	From  string // its address
	Done  int64  // bytes of the set's files that are there; falls when bytes turn out to be wrong
	Total int64  // bytes of all files of the set
	// Err is why another attempt is being made: how the previous one ended. It is set only when an
	// attempt starts.
	Err error
}

// newClient returns a client that gives up early where there is no server. That data stops coming
// is watched for in download.get.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		// The files are wanted as they are stored, gzipped.
		DisableCompression: true,
	}}
}

// tries is how often a mirror is asked again for the rest of a file as long as each time brings some of it.
const tries = 5

// download fetches the files of a set that are not in dir.
type download struct {
	client   *http.Client
	stall    time.Duration
	set      *remoteSet
	dir      string
	progress func(Download)

	done  int64 // bytes of the files that are complete
	first int   // the mirror that worked last
	fault error // how the last attempt ended
}

// errLocal marks a failure of this machine, which no other mirror would mend.
type errLocal struct{ error }

func (e errLocal) Unwrap() error { return e.error }

func (d *download) run(ctx context.Context) error {
	if err := os.MkdirAll(d.dir, 0o777); err != nil {
		return fmt.Errorf("%s: no folder to keep it in: %w", d.set.name, err)
	}
	var missing []remoteFile
	for _, f := range d.set.files {
		if f.verify(filepath.Join(d.dir, f.name)) == nil {
			d.done += f.size
		} else {
			missing = append(missing, f)
		}
	}
	for _, f := range missing {
		if err := d.file(ctx, f); err != nil {
			return fmt.Errorf("%s: cannot download %s: %w", d.set.name, f.name, err)
		}
		d.done += f.size
	}
	return nil
}

// file brings one file, asking one mirror after the other, unless another process has brought it in
// the meantime.
func (d *download) file(ctx context.Context, f remoteFile) error {
	dst := filepath.Join(d.dir, f.name)
	err := f.verify(dst)
	if err == nil {
		return nil
	}
	d.fault = nil
	if !errors.Is(err, os.ErrNotExist) {
		d.fault = err // a damaged file will be replaced
	}
	part, err := claimPart(dst, 2*d.stall)
	if err != nil {
		return err
	}
	var faults []error
	for i := range d.set.mirrors {
		mirror := (d.first + i) % len(d.set.mirrors)
		address := d.set.mirrors[mirror] + f.name
		err := d.fromMirror(ctx, address, part, f)
		if err == nil {
			d.first = mirror
			return f.install(part, dst)
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("stopped: %w", context.Cause(ctx)), releasePart(part, dst))
		}
		if errors.As(err, new(errLocal)) {
			return errors.Join(err, releasePart(part, dst))
		}
		faults = append(faults, fmt.Errorf("%s: %w", address, err))
	}
	return fmt.Errorf("no mirror could provide it\n%w\nwhat has arrived is kept: try again, or put the four files of %s into %s, or name a folder or .npz file that has them",
		errors.Join(append(faults, releasePart(part, dst))...), d.set.name, d.dir)
}

// fromMirror completes the part file from one address. A connection that breaks is made again for
// the rest. Because the hash is known beforehand, it does not matter which mirror the beginning
// came from, nor whether the file on the server has changed since: if it all does not fit together,
// it is fetched once more from the start.
func (d *download) fromMirror(ctx context.Context, address, part string, f remoteFile) error {
	var err error
	for range tries {
		before := fileSize(part)
		if before < f.size {
			err = d.get(ctx, address, part, f)
		}
		if fileSize(part) >= f.size {
			if err = f.verify(part); err == nil {
				return nil
			}
			if err := os.Truncate(part, 0); err != nil {
				return errLocal{err}
			}
		}
		d.fault = err
		// Nothing came, or all that came was wrong.
		if fileSize(part) == before || ctx.Err() != nil || errors.As(err, new(errLocal)) {
			break
		}
	}
	return err
}

// get asks for what the part file lacks and appends it. It returns nil when the server has sent all of it.
func (d *download) get(ctx context.Context, address, part string, f remoteFile) (err error) {
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return errLocal{err}
	}
	defer func() {
		if closeErr := out.Close(); closeErr != nil && err == nil {
			err = errLocal{closeErr}
		}
	}()
	have := fileSize(part)
	report := Download{Set: d.set.name, File: f.name, From: address, Done: d.done + have, Total: d.set.size(), Err: d.fault}
	d.tell(report)
	report.Err = nil

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("nothing has arrived for %v", d.stall)) })
	defer watchdog.Stop()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx) // says more than "context canceled"
		}
	}()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := d.client.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err // the address is named already
		}
		return err
	}
	defer resp.Body.Close()
	restart := false
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if got, want := resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", have, f.size-1, f.size); got != want {
			return errors.Join(fmt.Errorf("the server sends the range %q, expected %q", got, want), truncate(out))
		}
	case http.StatusOK:
		restart = have > 0 // the server knows no ranges
		have = 0
	case http.StatusRequestedRangeNotSatisfiable:
		return errors.Join(fmt.Errorf("the server has no bytes from %d on, expected %d bytes", have, f.size), truncate(out))
	default:
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	if n := resp.ContentLength; n >= 0 && have+n != f.size {
		return fmt.Errorf("the server offers a file of %d bytes, expected %d: this is not the file", have+n, f.size)
	}
	if restart {
		if err := truncate(out); err != nil {
			return err
		}
	}

	buf := make([]byte, 1<<15)
	for {
		n, readErr := resp.Body.Read(buf)
		watchdog.Reset(d.stall)
		if have += int64(n); have > f.size {
			return errors.Join(fmt.Errorf("the server sends more than the %d bytes expected: this is not the file", f.size), truncate(out))
		}
		if _, err := out.Write(buf[:n]); err != nil {
			return errLocal{err}
		}
		report.Done = d.done + have
		d.tell(report)
		switch {
		case readErr == io.EOF && have == f.size:
			if err := out.Sync(); err != nil {
				return errLocal{err}
			}
			return nil
		case readErr == io.EOF || readErr == io.ErrUnexpectedEOF:
			return fmt.Errorf("the connection was cut after %d of %d bytes", have, f.size)
		case readErr != nil:
			return fmt.Errorf("after %d of %d bytes: %w", have, f.size, readErr)
		}
	}
}

func (d *download) tell(r Download) {
	if d.progress != nil {
		d.progress(r)
	}
}

func truncate(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return errLocal{err}
	}
	return nil
}

// verify tells why the file at path is not this one, if it is not.
func (f remoteFile) verify(path string) error {
	file, err := openRegular(path)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(file, f.size+1))
	if err != nil {
		return err
	}
	if n > f.size {
		return fmt.Errorf("%s: longer than the %d bytes expected", path, f.size)
	}
	if n < f.size {
		return fmt.Errorf("%s: %d bytes, expected %d", path, n, f.size)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != f.sha256 {
		return fmt.Errorf("%s: wrong content: SHA-256 %s, expected %s", path, sum, f.sha256)
	}
	return nil
}

// install gives a complete part file its name.
func (f remoteFile) install(part, dst string) error {
	err := os.Rename(part, dst)
	if err != nil && f.verify(dst) == nil {
		// Another process was faster, and reads its file: some systems do not let that be replaced.
		err = os.Remove(part)
	}
	return err
}

func fileSize(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}
