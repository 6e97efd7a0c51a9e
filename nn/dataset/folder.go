package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// idxNames are the four files of a set, as MNIST named them.
var idxNames = [4]string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}

// openFolder reads a set from the IDX files in a folder.
func openFolder(ctx context.Context, dir string) (*Data, error) {
	var arrays [4]*array
	for i, name := range idxNames {
		path, err := findIDX(dir, name)
		if err != nil {
			return nil, err
		}
		rank := 3
		if strings.Contains(name, "labels") {
			rank = 1
		}
		if arrays[i], err = readIDX(ctx, path, rank); err != nil {
			return nil, err
		}
	}
	return assemble(baseName(dir), dir, arrays)
}

// findIDX finds a file under any of the names that people give it: plain or gzipped (plain first,
// it is read faster), and with the dot that some archives have in place of the dash before idx.
func findIDX(dir, name string) (string, error) {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	names := []string{name, dotted, name + ".gz", dotted + ".gz"}
	for _, n := range names {
		path := filepath.Join(dir, n)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: no %s in this folder (looked for %s); a set is the four files %s, each gzipped or not",
		dir, name, strings.Join(names, ", "), strings.Join(idxNames[:], ", "))
}

// baseName is what a set that was given by its path is called.
func baseName(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return filepath.Base(path)
}
