package dataset

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lanewise/lanewise/nn/npz"
)

// Form is what images a net takes.
type Form struct {
	Rows, Cols int
	Max        uint8 // the largest value that a pixel can have
}

// ReadImages reads the images in a file, pixels following each other as in [Split], for
// a net that takes form:
//
//   - a file ending in .png, a picture of one figure of any size, which
//     [Picture] makes into an image of the form;
//   - a file ending in .npz: its array x_test, or its only array, of unsigned
//     bytes with the dimensions images, rows and columns, or rows and columns;
//   - any other file is IDX, gzipped or not, with the dimensions images, rows and columns.
//
// An error about the content names the place in the file and what was expected there.
func ReadImages(ctx context.Context, path string, form Form) ([]uint8, error) {
	var a *array
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		return readPicture(path, form)
	case ".npz":
		a, err = readImageArray(path)
	default:
		a, err = readIDX(ctx, path, 3)
	}
	if err != nil {
		return nil, err
	}
	for i, want := range []int{form.Rows, form.Cols} {
		if got := a.dims[1+i]; got != want {
			return nil, a.dimError(1+i, "found images of %d %s, expected %d as the net was trained on", got, [...]string{"rows", "columns"}[i], want)
		}
	}
	if i := slices.IndexFunc(a.data, func(v uint8) bool { return v > form.Max }); i >= 0 {
		return nil, a.dataError(i, "found pixel %d, expected at most %d as the net was trained on", a.data[i], form.Max)
	}
	return a.data, nil
}

// readImageArray reads the array of a .npz file that holds images.
func readImageArray(path string) (*array, error) {
	f, err := npz.Open(path, maxArray)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	name := npzNames[2]
	if names := f.Names(); len(names) == 1 {
		name = names[0]
	} else if !f.Has(name) {
		return nil, fmt.Errorf("%s: found the arrays %s, expected %s, or one array only", path, strings.Join(names, ", "), name)
	}
	if info, err := f.Info(name); err == nil && len(info.Shape) == 2 {
		a, err := readNPZ[uint8](f, path, name, 2, "2 (rows, columns)")
		if err == nil {
			a.dims = append([]int{1}, a.dims...)
			a.dimsAt--
		}
		return a, err
	}
	return readNPZ[uint8](f, path, name, 3, "3 (images, rows, columns)")
}
