package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A file that is being downloaded to dst grows under a name that only one process knows, so that
// two processes never write into the same file; whoever is first complete renames it to dst. When a
// process gives up, its file becomes dst.part, where the next one finds it. Renaming is atomic,
// which makes this work without locks.

// claimPart returns the path of this process's own part file for dst. It goes on from one that was
// left: by a process that gave up, or by one that died, which is believed when nothing was written
// for the time abandoned.
func claimPart(dst string, abandoned time.Duration) (string, error) {
	own := fmt.Sprintf("%s.%08x.part", dst, rand.Uint32())
	entries, err := os.ReadDir(filepath.Dir(dst))
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		name, isPart := strings.CutSuffix(e.Name(), ".part")
		random, isOurs := strings.CutPrefix(name, filepath.Base(dst))
		if !isPart || !isOurs {
			continue
		}
		left := filepath.Join(filepath.Dir(dst), e.Name())
		if info, err := e.Info(); err != nil || random != "" && time.Since(info.ModTime()) < abandoned {
			continue
		}
		// Of two processes that try this only one succeeds. The time is set first, lest a third
		// take the file for abandoned under its new name.
		now := time.Now()
		if os.Chtimes(left, now, now) == nil && os.Rename(left, own) == nil {
			return own, nil
		}
	}
	f, err := os.OpenFile(own, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return "", err
	}
	return own, f.Close()
}

// releasePart leaves a part file for the next process.
func releasePart(part, dst string) error {
	if fileSize(part) == 0 {
		err := os.Remove(part)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.Rename(part, dst+".part")
}
