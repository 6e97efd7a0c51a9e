//go:build rivals && cgo && linux && amd64

package clib

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// archiveVersion is a function that loadArchive adds: libxsmm itself has its version in
// a header only.
const archiveVersion = "lanewise_libxsmm_version"

// loadArchive makes a shared library of libxsmm's static one, which is all that Debian
// has of it, with the C compiler, and loads that.
func (l *Library) loadArchive() error {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	out, err := exec.Command(cc, "-print-file-name=libxsmm.a").Output()
	if err != nil {
		return fmt.Errorf("%s, which looks for libxsmm.a: %w", cc, err)
	}
	archive := strings.TrimSpace(string(out))
	if !filepath.IsAbs(archive) {
		return errors.New("neither libxsmm.so nor libxsmm.a was found")
	}
	folder, err := os.MkdirTemp("", "lanewise-libxsmm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) // what is loaded stays loaded
	version := filepath.Join(folder, "version.c")
	text := "#include <libxsmm_version.h>\nconst char *" + archiveVersion + "(void) { return LIBXSMM_CONFIG_VERSION; }\n"
	if err := os.WriteFile(version, []byte(text), 0o666); err != nil {
		return err
	}
	library := filepath.Join(folder, "libxsmm.so")
	blas := strings.TrimSuffix(archive, ".a") + "noblas.a" // stands in for the BLAS that the rest calls
	link := exec.Command(cc, "-shared", "-fPIC", "-o", library, version,
		"-Wl,--whole-archive", archive, blas, "-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm")
	if text, err := link.CombinedOutput(); err != nil {
		return fmt.Errorf("making a shared library of %s: %w: %s", archive, err, strings.TrimSpace(string(text)))
	}
	if l.handle, err = load(library); err != nil {
		return err
	}
	l.facts.Path = filepath.Clean(archive)
	return nil
}
