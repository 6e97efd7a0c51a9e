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

// Options are the settings of [Open]; the zero value is fine.
type Options struct {
	// CacheDir is the folder below which downloaded sets are kept, each in a folder of its name. If
	// it is empty, that is the folder lanewise in the user's cache folder (see [os.UserCacheDir]).
	CacheDir string
	// Progress is called before and during downloads, from the goroutine that called Open, every
	// few kilobytes.
	Progress func(Download)
	// Offline makes it an error if a set would have to be downloaded.
	Offline bool
}

// cache returns the folder where the set of that name is kept.
func (o Options) cache(name string) (string, error) {
	if o.CacheDir != "" {
		return filepath.Join(o.CacheDir, name), nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "lanewise", name), err
}

// Open reads the data set that spec names:
//
//   - mnist or fashion-mnist: from the cache; fashion-mnist also from where Debian's package dataset-fashion-mnist
//     puts it; else it is downloaded into the cache. A download that ends early goes on where it was when Open is
//     called again.
//   - digits: the embedded set.
//   - a folder with the four IDX files of a set (train-images-idx3-ubyte, train-labels-idx1-ubyte,
//     t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte), each gzipped or not.
//   - a file whose name ends in .npz, with the arrays x_train, y_train, x_test and y_test as Keras has them.
//   - nothing: MNIST if it is in the cache, else digits, and [Data.Note] says which and why. Nothing is downloaded.
//
// A name goes before a folder of that name: write ./mnist for the folder. An error about the
// content of a file names the file, the place in it and what was expected there. If ctx ends, so
// does Open, with ctx's cause.
func Open(ctx context.Context, spec string, opt Options) (*Data, error) {
	return standard.open(ctx, spec, opt)
}

func (l *library) open(ctx context.Context, spec string, opt Options) (*Data, error) {
	switch spec {
	case "":
		return l.openDefault(ctx, opt)
	case "digits":
		return digits()
	}
	if s := l.find(spec); s != nil {
		return l.openRemote(ctx, s, opt)
	}
	st, err := os.Stat(spec)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%q is neither the name of a data set (%s) nor a folder or file: %w", spec, l.list(), err)
	case err != nil:
		return nil, err
	case st.IsDir():
		return openFolder(ctx, spec)
	case strings.EqualFold(filepath.Ext(spec), ".npz"):
		return openNPZ(spec)
	}
	return nil, fmt.Errorf("%s: expected a folder with IDX files, a file ending in .npz, or a name (%s)", spec, l.list())
}

// openDefault is what a user gets who names no data.
func (l *library) openDefault(ctx context.Context, opt Options) (*Data, error) {
	s := l.find("mnist")
	dir, err := opt.cache(s.name)
	if err == nil {
		err = s.cached(dir)
	}
	if err == nil {
		d, err := s.open(ctx, dir)
		if err == nil {
			d.Note = "no data given: using the cached MNIST"
		}
		return d, err
	}
	d, digitsErr := digits()
	if digitsErr != nil {
		return nil, digitsErr
	}
	why := "MNIST is not cached"
	if !errors.Is(err, fs.ErrNotExist) {
		why = fmt.Sprintf("the cached MNIST cannot be used (%v)", err)
	}
	d.Note = fmt.Sprintf("no data given, and %s: using the embedded digits, 1797 images of 8x8; "+
		"--data mnist gets MNIST, a download of %s made once", why, megabytes(s.size()))
	return d, nil
}
