package dataset

import (
	"strings"

	"github.com/lanewise/lanewise/nn/npz"
)

// npzNames are the arrays of Keras' mnist.npz.
var npzNames = [4]string{"x_train", "y_train", "x_test", "y_test"}

// openNPZ reads a set from an archive as Keras makes them.
func openNPZ(path string) (*Data, error) {
	f, err := npz.Open(path, maxArray)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var arrays [4]*array
	for i, name := range npzNames {
		if strings.HasPrefix(name, "y") {
			arrays[i], err = readNPZLabels(f, path, name)
		} else {
			arrays[i], err = readNPZ[uint8](f, path, name, 3, "3 (images, rows, columns)")
		}
		if err != nil {
			return nil, err
		}
	}
	return assemble(baseName(path), path, arrays)
}

// readNPZLabels reads labels of any of the types that NumPy makes of a list of integers, or Keras of MNIST's.
func readNPZLabels(f *npz.File, path, name string) (*array, error) {
	info, err := f.Info(name)
	if err != nil {
		return nil, err
	}
	const shape = "1 (labels)"
	switch info.Type {
	case "int32":
		return readNPZ[int32](f, path, name, 1, shape)
	case "int64":
		return readNPZ[int64](f, path, name, 1, shape)
	}
	return readNPZ[uint8](f, path, name, 1, shape)
}

func readNPZ[T uint8 | int32 | int64](f *npz.File, path, name string, rank int, shape string) (*array, error) {
	dims, data, err := npz.Read[T](f, name)
	if err != nil {
		return nil, err
	}
	a := &array{file: path + ": " + name, dims: dims, unit: "element", dimUnit: "dimension", dimsStep: 1}
	if len(dims) != rank {
		return nil, a.dimError(0, "found the shape %v, expected %s", dims, shape)
	}
	for i, d := range dims {
		if d == 0 {
			return nil, a.dimError(i, "found a dimension of 0, expected at least 1")
		}
	}
	if pixels, ok := any(data).([]uint8); ok {
		a.data = pixels
		return a, nil
	}
	a.data = make([]uint8, len(data))
	for i, v := range data {
		if v < 0 || v > 255 {
			return nil, a.dataError(i, "found label %d, expected 0 to 255", v)
		}
		a.data[i] = uint8(v)
	}
	return a, nil
}
