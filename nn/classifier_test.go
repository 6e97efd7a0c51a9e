package nn

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/npz"
)

func TestClassifier(t *testing.T) { onEach(t, testClassifier[float32], testClassifier[float64]) }

func testClassifier[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data, cfg := blobs(200, forwardChunk+20), blobsConfig()
	cfg.Iterations = 15
	tr := newTestTrainer(t, ops, cfg, data)
	runAll(t, tr)
	path := filepath.Join(t.TempDir(), "w.npz")
	if err := tr.SaveCheckpoint(path); err != nil {
		t.Fatal(err)
	}
	info, err := ReadWeightsInfo(path)
	if err != nil || info.DType != dtype[T]() || info.Inputs != 16 || info.Hidden != 8 || info.Classes != 4 ||
		info.Run == nil || info.Rows != 4 || info.Cols != 4 || info.PixelMax != 240 || !info.ScalePixels {
		t.Fatalf("ReadWeightsInfo = %+v, %v", info, err)
	}
	c, err := LoadClassifier(ops, path, info)
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.Evaluate(t.Context(), data.Test)
	_, want := tr.Final()
	if err != nil || e.Samples != forwardChunk+20 || e.Accuracy() != want || e.Right == e.Samples || e.Right == 0 {
		t.Fatalf("accuracy %v of %d samples, %v; want %v", e.Accuracy(), e.Samples, err, want)
	}
	same, err := tr.Classifier().Evaluate(t.Context(), data.Test)
	if err != nil || same.Right != e.Right || same.Loss != e.Loss {
		t.Errorf("the trainer's own classifier gets %d right, that of the file %d", same.Right, e.Right)
	}
	counted, loss := 0, 0.0
	for label, row := range e.Confusion {
		for class, n := range row {
			counted += n
			if label == class {
				counted += 1000 * n
			}
		}
	}
	if counted != e.Samples+1000*e.Right || len(e.Mistakes) != e.Samples-e.Right {
		t.Errorf("confusion %v, %d mistakes, want %d of %d right", e.Confusion, len(e.Mistakes), e.Right, e.Samples)
	}
	mistakes := make(map[int]Mistake)
	for i, m := range e.Mistakes {
		mistakes[m.Index] = m
		if i > 0 && m.LabelProbability < e.Mistakes[i-1].LabelProbability {
			t.Errorf("mistake %d is worse than the one before", i)
		}
	}
	err = c.Classify(t.Context(), data.Test.Images, func(i, class int, p []T) {
		label := int(data.Test.Labels[i])
		loss -= math.Log(float64(p[label])+lossFloor) / float64(e.Samples)
		m, wrong := mistakes[i]
		if wrong != (class != label) || wrong && m != (Mistake{i, label, class, float64(p[class]), float64(p[label])}) {
			t.Errorf("image %d of class %d gets %d with %v, mistake %+v", i, label, class, p, m)
		}
	})
	if err != nil || math.Abs(loss-e.Loss) > 1e-9 {
		t.Errorf("loss %v, want %v, %v", e.Loss, loss, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Evaluate(ctx, data.Test); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	mustPanic(t, func() { c.Classify(t.Context(), make([]uint8, 17), nil) }, "17 pixels", "multiple of 16")
}

func TestWeightsInfoOfPlainWeights(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.npz")
	write := func(inputs, hidden, classes int) {
		t.Helper()
		err := npz.Write(path, npz.NewArray("W1", make([]float64, inputs*hidden), inputs, hidden), npz.NewArray("b1", make([]float64, hidden)),
			npz.NewArray("W2", make([]float64, 5*classes), 5, classes), npz.NewArray("b2", make([]float64, classes)))
		if err != nil {
			t.Fatal(err)
		}
	}
	write(49, 5, 3)
	info, err := ReadWeightsInfo(path)
	if err != nil || info != (WeightsInfo{DType: "float64", Inputs: 49, Hidden: 5, Classes: 3, Rows: 7, Cols: 7, PixelMax: 255, ScalePixels: true}) {
		t.Errorf("%+v, %v", info, err)
	}
	write(48, 5, 3)
	if info, err := ReadWeightsInfo(path); err != nil || info.Rows != 1 || info.Cols != 48 {
		t.Errorf("%+v, %v", info, err)
	}
	write(48, 4, 3)
	_, err = ReadWeightsInfo(path)
	mustHave(t, err, path, "make no net", "[5 3]")
	_, err = ReadWeightsInfo("testdata/none.npz")
	mustHave(t, err, "none.npz", "no such file")
}
