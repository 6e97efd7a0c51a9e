package nn

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
)

// A run that is saved, resumed from the file and finished ends in the same
// bits as one that was left alone, wherever it was interrupted.
func TestResume(t *testing.T) { onEach(t, testResume[float32], testResume[float64]) }

func testResume[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	testResumeOf(t, ops, blobsConfig())
	every := everyOption(blobsConfig())
	every.Patience = 1000
	testResumeOf(t, ops, every)
}

func testResumeOf[T kernels.Float](t *testing.T, ops kernels.Ops[T], cfg Config) {
	data := blobs(100, 40)
	whole := newTestTrainer(t, ops, cfg, data)
	runAll(t, whole)
	path := filepath.Join(t.TempDir(), "run.npz")
	for _, stop := range []int{0, 1, 2, 4, 5, startIterations - 1, startIterations, startIterations + 1, 31, 59, 60} {
		tr := newTestTrainer(t, ops, cfg, data)
		runUntil(t, tr, stop)
		if err := tr.SaveCheckpoint(path); err != nil {
			t.Fatal(err)
		}
		resumed, err := ResumeTrainer(ops, path, data)
		if err != nil {
			t.Fatal(err)
		}
		if resumed.Iteration() != stop || resumed.Config() != cfg {
			t.Errorf("resumed at iteration %d with %+v, want %d and %+v", resumed.Iteration(), resumed.Config(), stop, cfg)
		}
		runAll(t, resumed)
		sameRun(t, "resumed", resumed, whole)
	}
}

func runUntil[T kernels.Float](t *testing.T, tr *Trainer[T], stop int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if stop == 0 {
		return
	}
	err := tr.Run(ctx, func(p Progress) {
		if p.Iteration == stop {
			cancel()
		}
	})
	if tr.Iteration() != stop || stop < tr.Config().Iterations && err == nil {
		t.Fatalf("stopped at iteration %d with %v, want %d", tr.Iteration(), err, stop)
	}
}

// expiring is a context that is cancelled when it has been asked n times.
type expiring struct {
	context.Context
	n int
}

func (e *expiring) Err() error {
	if e.n--; e.n < 0 {
		return context.Canceled
	}
	return nil
}

// The same wherever Run looks whether it is to stop, in the midst of an
// evaluation too.
func TestResumeAnywhere(t *testing.T) {
	t.Run("notebook", func(t *testing.T) { testResumeAnywhere(t, blobsConfig(), 10, 3*3) })
	// With samples held out an evaluation has three parts, and the run stops by itself.
	t.Run("every option", func(t *testing.T) { testResumeAnywhere(t, everyOption(blobsConfig()), 40, 4*4) })
}

func testResumeAnywhere(t *testing.T, cfg Config, iterations, evaluations int) {
	data := blobs(100, 2*forwardChunk)
	cfg.Iterations = iterations
	ops := kernels.On[float64](kernels.Default())
	whole := newTestTrainer(t, ops, cfg, data)
	runAll(t, whole)
	if whole.StoppedEarly() != (cfg.Patience > 0) {
		t.Fatalf("stopped early: %v, accuracies %v", whole.StoppedEarly(), whole.History().HeldAcc)
	}
	path := filepath.Join(t.TempDir(), "run.npz")
	evaluationsCut := 0
	for n := 0; ; n++ {
		tr := newTestTrainer(t, ops, cfg, data)
		if err := tr.Run(&expiring{context.Background(), n}, nil); err == nil {
			if n < whole.Iteration()+evaluations {
				t.Errorf("a run looked only %d times whether to stop", n)
			}
			break
		}
		if tr.evaluationDue() {
			evaluationsCut++
		}
		if err := tr.SaveCheckpoint(path); err != nil {
			t.Fatal(err)
		}
		resumed, err := ResumeTrainer(ops, path, data)
		if err != nil {
			t.Fatal(err)
		}
		runAll(t, resumed)
		sameRun(t, "resumed", resumed, whole)
	}
	if evaluationsCut < evaluations {
		t.Errorf("%d interruptions of evaluations, want at least %d", evaluationsCut, evaluations)
	}
}

func TestCheckpointInfo(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig()
	ops := kernels.On[float32](kernels.Default())
	tr := newTestTrainer(t, ops, cfg, data)
	runUntil(t, tr, 7)
	path := filepath.Join(t.TempDir(), "run.npz")
	if err := tr.SaveCheckpoint(path); err != nil {
		t.Fatal(err)
	}
	info, err := ReadCheckpointInfo(path)
	if err != nil || info.DType != "float32" || info.Config != cfg || info.Iteration != 7 || info.DataName != "blobs" ||
		info.DataSource != "test" || info.Implementation != kernels.Default().Name() {
		t.Errorf("ReadCheckpointInfo = %+v, %v", info, err)
	}

	// The net of the checkpoint can be loaded as weights.
	net := newTestTrainer(t, kernels.On[float64](kernels.Default()), cfg, data).Net()
	if err := net.LoadWeights(path); err != nil {
		t.Fatal(err)
	}
	for i, w := range tr.Net().Params.List() {
		for j, v := range w.Data {
			if net.Params.List()[i].Data[j] != float64(v) {
				t.Fatalf("%s[%d] = %v, want %v", ParamNames[i], j, net.Params.List()[i].Data[j], v)
			}
		}
	}
	if got, want := net.Affine1.W.Data[0], net.Params.W1.Data[0]; got != want {
		t.Errorf("after LoadWeights the layer has %v, the net %v", got, want)
	}
}

func TestResumeRefuses(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig()
	ops := kernels.On[float32](kernels.Default())
	tr := newTestTrainer(t, ops, cfg, data)
	runUntil(t, tr, 7)
	dir := t.TempDir()
	path := filepath.Join(dir, "run.npz")
	if err := tr.SaveCheckpoint(path); err != nil {
		t.Fatal(err)
	}

	_, err := ResumeTrainer(kernels.On[float64](kernels.Default()), path, data)
	mustHave(t, err, path, "in float32, not float64", "resume it in float32")
	for _, change := range []func(*dataset.Data){
		func(d *dataset.Data) { d.Train.Images[17]++ },
		func(d *dataset.Data) { d.Test.Labels[3] = (d.Test.Labels[3] + 1) % 4 },
		func(d *dataset.Data) { d.Rows, d.Cols = 2, 8 },
		func(d *dataset.Data) { d.Max-- },
	} {
		other := blobs(100, 40)
		change(other)
		_, err = ResumeTrainer(ops, path, other)
		mustHave(t, err, path, "data blobs", "resume it on the same data")
	}
	moved := blobs(100, 40)
	moved.Name, moved.Source = "elsewhere", "another folder"
	if _, err := ResumeTrainer(ops, path, moved); err != nil {
		t.Errorf("the same data from another place: %v", err)
	}

	weights := filepath.Join(dir, "w.npz")
	if err := tr.Net().SaveWeights(weights); err != nil {
		t.Fatal(err)
	}
	_, err = ResumeTrainer(ops, weights, data)
	mustHave(t, err, weights, "weights but no training state")
	_, err = ResumeTrainer(ops, filepath.Join(dir, "none.npz"), data)
	mustHave(t, err, "none.npz", "no such file")

	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.npz")
	for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(cut, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		_, err = ResumeTrainer(ops, cut, data)
		mustHave(t, err, cut, "not a readable .npz")
	}
}

// TestNumPyResumes has NumPy read a checkpoint: the weights, and the random
// state, from which it must draw the batch that the trainer draws next.
func TestNumPyResumes(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		require.Missing(t, "numpy", python+" has no NumPy (Debian: python3-numpy)")
	}
	data, cfg := blobs(100, 40), blobsConfig()
	tr := newTestTrainer(t, kernels.On[float32](kernels.Default()), cfg, data)
	runUntil(t, tr, 7)
	path := filepath.Join(t.TempDir(), "run.npz")
	if err := tr.SaveCheckpoint(path); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", `import json, numpy, sys
z = numpy.load(sys.argv[1])
info = json.loads(bytes(z["info"]))
numpy.random.set_state(("MT19937", z["random_key"], info["random_pos"], info["random_has_gauss"], z["random_gauss"][0]))
print(json.dumps(dict(
    shapes=[z[k].shape for k in ("W1", "b1", "W2", "b2")], dtype=str(z["W1"].dtype), w=float(z["W1"][3, 5]),
    loss=z["loss"].tolist(), iteration=info["iteration"], batch=numpy.random.choice(100, 30).tolist())))`, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got struct {
		Shapes    [][]int
		DType     string
		W         float64
		Loss      []float64
		Iteration int
		Batch     []int
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	h := tr.History()
	tr.rng.Choice(tr.picks, 100)
	want := got
	want.Shapes, want.DType, want.W = [][]int{{16, 8}, {8}, {8, 4}, {4}}, "float32", float64(tr.net.Params.W1.Data[3*8+5])
	want.Loss, want.Iteration, want.Batch = h.Loss, 7, tr.picks
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("NumPy reads\n%s\nwant\n%s", g, w)
	}
}
