package outfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
)

func writeText(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// content checks what is in the folder of path: the file, if text is not "", and nothing else.
func content(t *testing.T, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil && text != "" || string(got) != text {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, text)
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n.Name() != filepath.Base(path) {
			t.Errorf("%s is left", n.Name())
		}
	}
}

func TestCheckLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := Check(path, ".csv"); err != nil {
		t.Error(err)
	}
	content(t, path, "")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Check(path, ".npz", ".csv"); err != nil {
		t.Error(err)
	}
	content(t, path, "old")
}

func TestCheckRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder.csv"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"a.txt":      "the name must end in .csv, .tsv",
		"a":          "the name must end in .csv, .tsv",
		"none/a.csv": "there is no folder " + filepath.Join(dir, "none"),
		"file/a.csv": "cannot write in the folder " + filepath.Join(dir, "file"),
		"folder.csv": "not a regular file",
	} {
		err := Check(filepath.Join(dir, path), ".csv", ".tsv")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestCheckFolderWithoutPermission(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	heedPermissions(t)
	err := Check(filepath.Join(dir, "a.csv"), ".csv")
	if want := "cannot write in the folder " + dir + ": permission denied"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	for _, text := range []string{"one", "two"} {
		if err := Write(path, writeText(text)); err != nil {
			t.Fatal(err)
		}
		content(t, path, text)
	}
	failure := errors.New("the disk is full")
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "thr")
		return failure
	})
	if !errors.Is(err, failure) || !strings.Contains(err.Error(), path+" was not written") {
		t.Error(err)
	}
	content(t, path, "two")
}

func TestWriteThroughLink(t *testing.T) {
	target, link := filepath.Join(t.TempDir(), "a.csv"), filepath.Join(t.TempDir(), "link.csv")
	if err := os.WriteFile(target, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		require.Missing(t, "permissions", "no symbolic links, which take permission on Windows: "+err.Error())
	}
	if err := Write(link, writeText("new")); err != nil {
		t.Fatal(err)
	}
	content(t, target, "new")
	if stat, err := os.Lstat(link); err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", stat, err)
	}
}
