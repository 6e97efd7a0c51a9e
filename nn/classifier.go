package nn

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/npz"
)

// WeightsInfo is what a file of weights says about its net, and about the
// images that the net was trained on.
type WeightsInfo struct {
	DType                   string // "float32" or "float64"
	Inputs, Hidden, Classes int

	// Run is the run that made the weights, nil if the file says nothing of
	// it. The images are then taken to be square, with pixels up to 255 that are scaled.
	Run         *CheckpointInfo
	Rows, Cols  int   // of an image
	PixelMax    uint8 // the largest value that a pixel can have
	ScalePixels bool  // whether the net sees pixels divided by that
}

// ReadWeightsInfo reads what a file that [TwoLayerNet.SaveWeights],
// [Trainer.SaveCheckpoint] or NumPy wrote says about its weights.
func ReadWeightsInfo(path string) (info WeightsInfo, err error) {
	f, err := npz.Open(path, maxArrayBytes)
	if err != nil {
		return info, err
	}
	defer f.Close()
	var shapes [4][]int
	for i, name := range ParamNames {
		array, err := f.Info(name)
		if err != nil {
			return info, err
		}
		shapes[i] = array.Shape
		if i == 0 {
			info.DType = array.Type
		}
	}
	w1, w2 := shapes[0], shapes[2]
	if len(w1) != 2 || len(w2) != 2 || w1[0] < 1 || w1[1] < 1 || w2[0] != w1[1] || w2[1] < 1 ||
		!slices.Equal(shapes[1], w1[1:]) || !slices.Equal(shapes[3], w2[1:]) {
		return info, bad(f, "arrays W1, b1, W2 and b2 have shapes %v, which make no net of two layers; want (inputs, hidden), (hidden), (hidden, classes) and (classes)", shapes)
	}
	info.Inputs, info.Hidden, info.Classes = w1[0], w1[1], w2[1]
	if f.Has("info") {
		run, err := readInfo(f)
		if err != nil {
			return info, err
		}
		if run.Rows < 1 || run.Columns < 1 || run.Rows > info.Inputs || run.Rows*run.Columns != info.Inputs || run.PixelMax < 1 {
			return info, bad(f, "images of %d x %d pixels up to %d do not fit %d inputs", run.Rows, run.Columns, run.PixelMax, info.Inputs)
		}
		info.Run, info.Rows, info.Cols = &run, run.Rows, run.Columns
		info.PixelMax, info.ScalePixels = run.PixelMax, run.Config.ScalePixels
		return info, nil
	}
	info.PixelMax, info.ScalePixels = math.MaxUint8, true
	info.Rows, info.Cols = 1, info.Inputs
	if side := int(math.Round(math.Sqrt(float64(info.Inputs)))); side*side == info.Inputs {
		info.Rows, info.Cols = side, side
	}
	return info, nil
}

// Classifier is a net at work on images. It is not safe for concurrent use.
type Classifier[T kernels.Float] struct {
	net     *TwoLayerNet[T]
	inputs  int
	divisor uint8 // of pixels
	x       Tensor[T]
}

// LoadClassifier returns the net of the weights at path, of which info is what
// [ReadWeightsInfo] returned; what it says of images may have been changed.
func LoadClassifier[T kernels.Float](ops kernels.Ops[T], path string, info WeightsInfo) (*Classifier[T], error) {
	net := newNet(ops, Params[T]{
		W1: NewTensor[T](info.Inputs, info.Hidden), B1: NewTensor[T](info.Hidden),
		W2: NewTensor[T](info.Hidden, info.Classes), B2: NewTensor[T](info.Classes),
	})
	if err := net.LoadWeights(path); err != nil {
		return nil, err
	}
	return &Classifier[T]{net: net, inputs: info.Inputs, divisor: pixelDivisor(info.ScalePixels, info.PixelMax)}, nil
}

// Classifier returns the net as it is, at work on images like those it was trained on. It
// shares the net: use it before training goes on.
func (t *Trainer[T]) Classifier() *Classifier[T] {
	return &Classifier[T]{net: t.net, inputs: t.data.Pixels(), divisor: t.divisor()}
}

// Classify calls visit for each of the images, which follow each other in
// images, with the class that the net gives it and the probabilities of all
// classes, which are overwritten later. It stops with ctx's error when that is
// cancelled. It panics if images does not hold whole ones.
func (c *Classifier[T]) Classify(ctx context.Context, images []uint8, visit func(i, class int, probabilities []T)) error {
	if len(images)%c.inputs != 0 {
		panicf("Classifier.Classify: %d pixels, want a multiple of %d", len(images), c.inputs)
	}
	n, classes := len(images)/c.inputs, c.net.Classes()
	probabilities, all := make([]T, min(n, forwardChunk)*classes), make([]int, min(n, forwardChunk))
	for i := range all {
		all[i] = i
	}
	for from := 0; from < n; from += forwardChunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := min(forwardChunk, n-from)
		c.x.resize(rows, c.inputs)
		c.net.Affine1.ops.GatherBytes(c.x.Data, images[from*c.inputs:], all[:rows], c.inputs, c.divisor)
		logits := c.net.Predict(c.x)
		c.net.Last.ops.Softmax(probabilities[:rows*classes], logits.Data, rows, classes)
		for i := range rows {
			visit(from+i, c.net.class(logits, i), probabilities[i*classes:(i+1)*classes])
		}
	}
	return nil
}

// Evaluation is how a net does on labelled images.
type Evaluation struct {
	Samples   int
	Right     int
	Loss      float64 // mean cross-entropy, with the 1e-7 of [SoftmaxWithLoss]
	Confusion [][]int // [label][class given]: how many samples
	Mistakes  []Mistake
}

// Accuracy returns the share of the samples that the net gets right.
func (e Evaluation) Accuracy() float64 { return float64(e.Right) / float64(e.Samples) }

// A Mistake is a sample to which the net gives another class than its label.
type Mistake struct {
	Index            int // of the sample
	Label, Class     int
	Probability      float64 // that the net gives to Class
	LabelProbability float64 // and to Label
}

// Evaluate runs split through the net. The mistakes come with the worst first:
// those whose label gets the smallest probability. Labels must be classes of the net.
func (c *Classifier[T]) Evaluate(ctx context.Context, split dataset.Split) (Evaluation, error) {
	e := Evaluation{Samples: split.Len(), Confusion: make([][]int, c.net.Classes())}
	for i := range e.Confusion {
		e.Confusion[i] = make([]int, c.net.Classes())
	}
	err := c.Classify(ctx, split.Images, func(i, class int, probabilities []T) {
		label := int(split.Labels[i])
		e.Confusion[label][class]++
		e.Loss -= math.Log(float64(probabilities[label]) + lossFloor)
		if class == label {
			e.Right++
			return
		}
		e.Mistakes = append(e.Mistakes, Mistake{i, label, class, float64(probabilities[class]), float64(probabilities[label])})
	})
	e.Loss /= float64(e.Samples)
	slices.SortFunc(e.Mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.LabelProbability, b.LabelProbability), cmp.Compare(b.Probability, a.Probability), cmp.Compare(a.Index, b.Index))
	})
	return e, err
}
