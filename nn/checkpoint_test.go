package nn

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/npz"
)

// A run that is saved, resumed from the file and finished ends in the same
// bits as one that was left alone, wherever it was interrupted.
func TestResume(t *testing.T) { onEach(t, testResume[float32], testResume[float64]) }

func testResume[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	data, cfg := blobs(100, 40), blobsConfig()
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
	data, cfg := blobs(100, 2*forwardChunk), blobsConfig()
	cfg.Iterations = 10
	ops := kernels.On[float64](kernels.Default())
	whole := newTestTrainer(t, ops, cfg, data)
	runAll(t, whole)
	path := filepath.Join(t.TempDir(), "run.npz")
	evaluationsCut := 0
	for n := 0; ; n++ {
		tr := newTestTrainer(t, ops, cfg, data)
		if err := tr.Run(&expiring{context.Background(), n}, nil); err == nil {
			if n < cfg.Iterations+3*3 {
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
	if evaluationsCut < 3*3 {
		t.Errorf("%d interruptions of evaluations, want at least 9", evaluationsCut)
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

// checkpointArrays are the arrays of a valid checkpoint, to be written again with changes.
func checkpointArrays(t testing.TB, tr *Trainer[float32]) map[string]npz.Array {
	path := filepath.Join(t.TempDir(), "valid.npz")
	if err := tr.SaveCheckpoint(path); err != nil {
		t.Fatal(err)
	}
	f, err := npz.Open(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	arrays := make(map[string]npz.Array)
	for _, name := range f.Names() {
		info, err := f.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		switch info.Type {
		case "uint8":
			arrays[name] = reread[uint8](t, f, name)
		case "uint32":
			arrays[name] = reread[uint32](t, f, name)
		case "int64":
			arrays[name] = reread[int64](t, f, name)
		case "float32":
			arrays[name] = reread[float32](t, f, name)
		case "float64":
			arrays[name] = reread[float64](t, f, name)
		}
	}
	return arrays
}

func reread[T npz.Element](t testing.TB, f *npz.File, name string) npz.Array {
	shape, data, err := npz.Read[T](f, name)
	if err != nil {
		t.Fatal(err)
	}
	return npz.NewArray(name, data, shape...)
}

func writeArrays(t testing.TB, path string, arrays map[string]npz.Array) {
	var list []npz.Array
	for _, a := range arrays {
		list = append(list, a)
	}
	if err := npz.Write(path, list...); err != nil {
		t.Fatal(err)
	}
}

func TestResumeRefusesMalformed(t *testing.T) {
	data, cfg := blobs(100, 40), blobsConfig()
	ops := kernels.On[float32](kernels.Default())
	tr := newTestTrainer(t, ops, cfg, data)
	runUntil(t, tr, 5) // evaluated after iterations 0 and 4
	path := filepath.Join(t.TempDir(), "bad.npz")
	valid := checkpointArrays(t, tr)
	writeArrays(t, path, valid)
	if _, err := ResumeTrainer(ops, path, data); err != nil {
		t.Fatalf("the arrays as they were: %v", err)
	}

	info := func(change func(map[string]any)) npz.Array {
		var m map[string]any
		f, err := npz.Open(path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, text, err := npz.Read[uint8](f, "info")
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		text, err = json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return npz.NewArray("info", text)
	}
	config := func(m map[string]any) map[string]any { return m["config"].(map[string]any) }
	zeroKey := make([]uint32, 624)
	for name, c := range map[string]struct {
		array npz.Array
		words []string
	}{
		"info is no JSON":          {npz.NewArray("info", []byte("{")), []string{`"info"`, "unexpected end"}},
		"info of another format":   {info(func(m map[string]any) { m["format"] = 2; m["new"] = 1 }), []string{"format 2", "reads format 1"}},
		"unknown field":            {info(func(m map[string]any) { m["new"] = 1 }), []string{`unknown field "new"`}},
		"bad config":               {info(func(m map[string]any) { config(m)["batch_size"] = 0 }), []string{"batch size: 0"}},
		"hidden size not W1's":     {info(func(m map[string]any) { config(m)["hidden"] = 9 }), []string{`"W1" has shape [16 8], want [16 9]`}},
		"iteration < 0":            {info(func(m map[string]any) { m["iteration"] = -1 }), []string{"iteration -1"}},
		"iteration past the end":   {info(func(m map[string]any) { m["iteration"] = 61 }), []string{"iteration 61, want 0 to 60"}},
		"iteration not the loss's": {info(func(m map[string]any) { m["iteration"] = 6 }), []string{`"loss" has shape [5]`, "6 to 6"}},
		"random position":          {info(func(m map[string]any) { m["random_pos"] = 625 }), []string{"position 625"}},
		"silent units":             {info(func(m map[string]any) { m["silent_before"] = 9 }), []string{"9 silent units, want 0 to 8"}},
		"info of two dimensions":   {npz.NewArray("info", []byte("{}{}"), 2, 2), []string{`"info" has shape [2 2]`}},
		"W1 of other shape":        {npz.NewArray("W1", make([]float32, 128), 8, 16), []string{`"W1" has shape [8 16], want [16 8]`}},
		"b1 of other type":         {npz.NewArray("b1", make([]float64, 8)), []string{`"b1"`, "float64, want float32"}},
		"key too short":            {npz.NewArray("random_key", make([]uint32, 623)), []string{`"random_key" has shape [623]`}},
		"key of zeros":             {npz.NewArray("random_key", zeroKey), []string{"all zeros"}},
		"no gauss":                 {npz.NewArray("random_gauss", []float64{}), []string{`"random_gauss" has shape [0]`}},
		"gauss not a number":       {npz.NewArray("random_gauss", []float64{math.NaN()}), []string{"normal number NaN"}},
		"evaluation left out":      {npz.NewArray("eval_iterations", []int64{4, 4}), []string{`"eval_iterations"`}},
		"evaluation of the future": {npz.NewArray("eval_iterations", []int64{0, 1 << 40}), []string{`"eval_iterations"`}},
		"too many evaluations":     {npz.NewArray("eval_iterations", make([]int64, 6)), []string{`"eval_iterations" has shape [6]`}},
		"accuracies missing":       {npz.NewArray("test_acc", []float64{1}), []string{`"test_acc" has shape [1]`}},
		"updates missing":          {npz.NewArray("start_update_w2", []float64{1}), []string{`"start_update_w2" has shape [1]`}},
		"silent units in updates":  {npz.NewArray("start_silent", []int64{0, 0, -1, 0, 0}), []string{"-1 silent units"}},
		"scales missing":           {npz.NewArray("start_scales", []float64{1, 2}), []string{`"start_scales"`}},
	} {
		t.Run(name, func(t *testing.T) {
			arrays := make(map[string]npz.Array)
			for n, a := range valid {
				arrays[n] = a
			}
			arrays[c.array.Name()] = c.array
			writeArrays(t, path, arrays)
			got, err := ResumeTrainer(ops, path, data)
			if got != nil {
				t.Error("a trainer came with the error")
			}
			mustHave(t, err, append(c.words, path)...)
		})
		writeArrays(t, path, valid)
	}
	for name := range valid {
		arrays := make(map[string]npz.Array)
		for n, a := range valid {
			if n != name {
				arrays[n] = a
			}
		}
		writeArrays(t, path, arrays)
		_, err := ResumeTrainer(ops, path, data)
		mustHave(t, err, path, `"`+name+`"`)
	}
}

// FuzzResume feeds the JSON of a checkpoint, the part whose content says how
// the rest is taken.
func FuzzResume(f *testing.F) {
	data := blobs(20, 10)
	ops := kernels.On[float32](kernels.Default())
	tr, err := NewTrainer(ops, blobsConfig(), data)
	if err != nil {
		f.Fatal(err)
	}
	arrays := checkpointArrays(f, tr)
	info, err := json.Marshal(CheckpointInfo{Format: 1, DType: "float32", Config: tr.cfg, DataSHA256: dataIdentity(data), RandomPos: 624})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(info)
	f.Add([]byte(strings.Replace(string(info), `"hidden":8`, `"hidden":65536`, 1)))
	f.Add([]byte(strings.Replace(string(info), `"iteration":0`, `"iteration":60`, 1)))
	f.Add([]byte(`{"format":1}`))
	path := filepath.Join(f.TempDir(), "fuzz.npz")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return
		}
		arrays["info"] = npz.NewArray("info", text)
		writeArrays(t, path, arrays)
		tr, err := ResumeTrainer(ops, path, data)
		if (tr == nil) == (err == nil) {
			t.Fatalf("trainer %v with error %v", tr, err)
		}
		if tr != nil && (tr.Config().Validate() != nil || tr.Iteration() != 0) {
			t.Errorf("resumed at iteration %d with %+v", tr.Iteration(), tr.Config())
		}
	})
}

func TestWeights(t *testing.T) { onEach(t, testWeights[float32], testWeights[float64]) }

func testWeights[T kernels.Float](t *testing.T, ops kernels.Ops[T]) {
	net, x, _ := sampleNet(ops)
	want := append([]T(nil), net.Predict(x).Data...)
	path := filepath.Join(t.TempDir(), "w.npz")
	if err := net.SaveWeights(path); err != nil {
		t.Fatal(err)
	}
	for _, p := range net.Params.List() {
		clear(p.Data)
	}
	if err := net.LoadWeights(path); err != nil {
		t.Fatal(err)
	}
	if !sameBits(net.Predict(x).Data, want) {
		t.Error("the net predicts differently after its weights were saved and loaded")
	}
}

func TestLoadWeightsRefuses(t *testing.T) {
	net, x, _ := sampleNet(kernels.On[float32](kernels.Default()))
	before := append([]float32(nil), net.Predict(x).Data...)
	path := filepath.Join(t.TempDir(), "w.npz")
	w1, b1, w2, b2 := npz.NewArray("W1", make([]float64, 35), 5, 7), npz.NewArray("b1", make([]float64, 7)),
		npz.NewArray("W2", make([]float64, 21), 7, 3), npz.NewArray("b2", make([]float64, 3))
	huge := make([]float64, 21)
	huge[4] = 1e39
	for _, c := range []struct {
		arrays []npz.Array
		words  []string
	}{
		{[]npz.Array{w1, b1, w2}, []string{`no array "b2"`, "W1, b1, W2"}},
		{[]npz.Array{w1, b1, w2, npz.NewArray("b2", make([]float64, 4))}, []string{`"b2" has shape [4], but this net's has [3]`}},
		{[]npz.Array{npz.NewArray("W1", make([]float64, 35), 7, 5), b1, w2, b2}, []string{`"W1" has shape [7 5]`, "[5 7]"}},
		{[]npz.Array{w1, b1, npz.NewArray("W2", make([]int64, 21), 7, 3), b2}, []string{`"W2"`, "int64, want float32"}},
		{[]npz.Array{w1, b1, npz.NewArray("W2", huge, 7, 3), b2}, []string{`"W2": element 4 is 1e+39, too large for float32`}},
	} {
		if err := npz.Write(path, c.arrays...); err != nil {
			t.Fatal(err)
		}
		mustHave(t, net.LoadWeights(path), append(c.words, path)...)
		if !sameBits(net.Predict(x).Data, before) {
			t.Errorf("%v: a refused file changed the net", c.words)
		}
	}
	if err := npz.Write(path, w1, b1, w2, b2); err != nil {
		t.Fatal(err)
	}
	if err := net.LoadWeights(path); err != nil || norm(net.Params.W1.Data) != 0 {
		t.Errorf("float64 weights in a float32 net: %v", err)
	}
}

// TestNumPyResumes has NumPy read a checkpoint: the weights, and the random
// state, from which it must draw the batch that the trainer draws next.
func TestNumPyResumes(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		missing(t, "numpy", python+" has no NumPy (Debian: python3-numpy)")
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
