package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/npz"
)

// SaveWeights writes the parameters to an .npz file, which NumPy reads, as
// arrays W1, b1, W2 and b2 of type T. The file at path is replaced wholly or
// not at all.
func (n *TwoLayerNet[T]) SaveWeights(path string) error {
	return npz.Write(path, n.Params.arrays("")...)
}

// arrays returns the parameters as arrays, prefix before their names.
func (p Params[T]) arrays(prefix string) []npz.Array {
	var arrays []npz.Array
	for i, w := range p.List() {
		arrays = append(arrays, npz.NewArray(prefix+ParamNames[i], w.Data, w.Shape...))
	}
	return arrays
}

// LoadWeights sets the parameters to what [TwoLayerNet.SaveWeights], a checkpoint
// or NumPy wrote: arrays W1, b1, W2 and b2 of the net's shapes, in float32 or
// float64, which are converted to T. If it returns an error, which names the
// file, the array and what was expected, the parameters are unchanged.
func (n *TwoLayerNet[T]) LoadWeights(path string) error {
	f, err := npz.Open(path, maxArrayBytes)
	if err != nil {
		return err
	}
	defer f.Close()
	var loaded [4][]T
	for i, w := range n.Params.List() {
		info, err := f.Info(ParamNames[i])
		if err != nil {
			return err
		}
		if !slices.Equal(info.Shape, w.Shape) {
			return fmt.Errorf("%s: array %q has shape %v, but this net's has %v (W1 is inputs x hidden, W2 hidden x classes); "+
				"use the data and the hidden size that the weights were trained with", path, ParamNames[i], info.Shape, w.Shape)
		}
		if loaded[i], err = readConverted[T](f, path, ParamNames[i], info.Type); err != nil {
			return err
		}
	}
	for i, w := range n.Params.List() {
		copy(w.Data, loaded[i])
	}
	return nil
}

// maxArrayBytes is the largest array that is read from a file.
const maxArrayBytes = 1 << 30

// readConverted reads an array of float32 or float64 as T.
func readConverted[T kernels.Float](f *npz.File, path, name, elementType string) ([]T, error) {
	if elementType != dtype[T]() && elementType == "float64" {
		_, wide, err := npz.Read[float64](f, name)
		return convert[T](path, name, wide, err)
	}
	if elementType != dtype[T]() && elementType == "float32" {
		_, narrow, err := npz.Read[float32](f, name)
		return convert[T](path, name, narrow, err)
	}
	_, data, err := npz.Read[T](f, name)
	return data, err
}

func convert[T, F kernels.Float](path, name string, from []F, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	to := make([]T, len(from))
	for i, v := range from {
		to[i] = T(v)
		if math.IsInf(float64(to[i]), 0) && !math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%s: array %q: element %d is %v, too large for %s", path, name, i, v, dtype[T]())
		}
	}
	return to, nil
}

// dtype returns NumPy's name of T.
func dtype[T kernels.Float]() string { var z T; return fmt.Sprintf("%T", z) }
