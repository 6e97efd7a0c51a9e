package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/npz"
)

// savedArrays reads what a run on T has saved: the parameters, the histories
// and the random state.
func savedArrays[T kernels.Float](t *testing.T, path string) map[string]any {
	t.Helper()
	f, err := npz.Open(path, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	arrays := make(map[string]any)
	keep := func(name string, data any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		arrays[name] = data
	}
	for _, name := range nn.ParamNames {
		_, data, err := npz.Read[T](f, name)
		keep(name, data, err)
	}
	for _, name := range []string{"loss", "train_acc", "test_acc", "random_gauss"} {
		_, data, err := npz.Read[float64](f, name)
		keep(name, data, err)
	}
	_, key, err := npz.Read[uint32](f, "random_key")
	keep("random_key", key, err)
	return arrays
}

// TestTrainResume interrupts runs and goes on with them: they end in the bits
// of runs that were left alone.
func TestTrainResume(t *testing.T) {
	for _, im := range kernels.Supported() {
		t.Run(im.Name()+"/f32", func(t *testing.T) { testResume[float32](t, im, "f32") })
		t.Run(im.Name()+"/f64", func(t *testing.T) { testResume[float64](t, im, "f64") })
	}
}

func testResume[T kernels.Float](t *testing.T, im *kernels.Implementation, dtype string) {
	dir := t.TempDir()
	whole, part, rest := filepath.Join(dir, "whole.npz"), filepath.Join(dir, "part.npz"), filepath.Join(dir, "rest.npz")
	settings := []string{"train", "--json", "--data", "digits", "--isa", im.Name(), "--dtype", dtype, "--iterations", "50"}
	lanewise(t, append(settings, "--save", whole)...).ok(t)

	r := lanewiseStopped(t, `"iteration":15,`, append(settings, "--save", part)...)
	if r.code != 130 || !strings.HasSuffix(r.stderr, "lanewise: interrupted\n") {
		t.Fatalf("exit code %d, stderr %q; want 130 and that it was interrupted", r.code, r.stderr)
	}
	command := "lanewise train --resume " + part + " --save " + part
	if !strings.Contains(r.stderr, "stopped after 16 of 50 iterations; to go on: "+command) || !strings.Contains(r.stdout, `"interrupted":true`) {
		t.Errorf("stderr %q, want %q in it; stdout %q", r.stderr, command, r.stdout)
	}
	info, err := nn.ReadCheckpointInfo(part)
	if err != nil || info.Iteration != 16 {
		t.Fatalf("saved after %d iterations, %v; want 16", info.Iteration, err)
	}

	// Neither type nor implementation nor data are given: the file says them.
	r = lanewise(t, "train", "--resume", part, "--save", rest).ok(t)
	if r.stderr != "" || !strings.Contains(r.stdout, ", 16 done before") || !strings.Contains(r.stdout, " on "+im.Name()+",") {
		t.Errorf("stderr %q, stdout\n%s", r.stderr, r.stdout)
	}
	if got, want := savedArrays[T](t, rest), savedArrays[T](t, whole); !reflect.DeepEqual(got, want) {
		for name := range want {
			if !reflect.DeepEqual(got[name], want[name]) {
				t.Errorf("%s differs from that of the uninterrupted run", name)
			}
		}
	}
}

// TestTrainLonger goes on with a run that had come to its end.
func TestTrainLonger(t *testing.T) {
	dir := t.TempDir()
	whole, part := filepath.Join(dir, "whole.npz"), filepath.Join(dir, "part.npz")
	lanewise(t, "train", "--data", "digits", "--iterations", "40", "--save", whole).ok(t)
	lanewise(t, "train", "--data", "digits", "--iterations", "25", "--save", part).ok(t)
	lanewise(t, "train", "--resume", part, "--iterations", "40", "--save", part).ok(t)
	if !reflect.DeepEqual(savedArrays[float32](t, part), savedArrays[float32](t, whole)) {
		t.Error("25 iterations and 15 more differ from 40")
	}
	r := lanewise(t, "train", "--resume", part, "--isa", "portable", "--iterations", "41").ok(t)
	if changed := kernels.Default().Name() != "portable"; changed != strings.Contains(r.stderr, "rounding will differ") {
		t.Errorf("from %s to portable: stderr %q", kernels.Default(), r.stderr)
	}
}

// TestTrainLoad starts from weights, in the other type, and hardly changes them.
func TestTrainLoad(t *testing.T) {
	weights := filepath.Join(t.TempDir(), "w.npz")
	_, _, trained, _ := trainJSON(t, "--data", "digits", "--iterations", "300", "--save", weights)
	_, _, loaded, _ := trainJSON(t, "--data", "digits", "--iterations", "1", "--dtype", "f64", "--rate", "1e-30", "--load", weights)
	if trained.Diagnosis.TestAccuracy < 0.8 || loaded.Diagnosis.TestAccuracy != trained.Diagnosis.TestAccuracy {
		t.Errorf("accuracy %v after training, %v with the weights loaded", trained.Diagnosis.TestAccuracy, loaded.Diagnosis.TestAccuracy)
	}
}

func TestTrainHistory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "h.csv")
	trainer := trainDirectly[float32](t, kernels.Default(), func(c *nn.Config) { c.Iterations = 40 })
	r := lanewise(t, "train", "--data", "digits", "--iterations", "40", "--history", path).ok(t)
	if !strings.Contains(r.stdout, "wrote "+path) {
		t.Errorf("stdout %q does not say what was written", r.stdout)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	h := trainer.History()
	end := trainer.Diagnose()
	h.EvalIterations, h.TrainAcc, h.TestAcc = append(h.EvalIterations, 39), append(h.TrainAcc, end.TrainAccuracy), append(h.TestAcc, end.TestAccuracy)
	want := [][]string{{"iteration", "epoch", "loss", "train_acc", "test_acc"}}
	for i, loss := range h.Loss {
		want = append(want, []string{fmt.Sprint(i), fmt.Sprintf("%.4f", float64(i+1)/14.37), nn.FormatFloat(loss), "", ""})
	}
	for i, at := range h.EvalIterations {
		want[1+at][3], want[1+at][4] = nn.FormatFloat(h.TrainAcc[i]), nn.FormatFloat(h.TestAcc[i])
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got\n%q\nwant\n%q", rows, want)
	}
}

// TestTrainEpochHistory writes a line for an epoch, with the mean of its losses.
func TestTrainEpochHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.csv")
	trainer := trainDirectly[float32](t, kernels.Default(), func(c *nn.Config) { c.Iterations, c.EpochHistory, c.HoldOut = 40, true, 0.2 })
	lanewise(t, "train", "--data", "digits", "--iterations", "40", "--history", path, "--history", "epoch", "--hold-out", "0.2").ok(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	h := trainer.History()
	end := trainer.Diagnose()
	h.EvalIterations, h.TrainAcc, h.TestAcc = append(h.EvalIterations, 39), append(h.TrainAcc, end.TrainAccuracy), append(h.TestAcc, end.TestAccuracy)
	h.HeldAcc = append(h.HeldAcc, float64(end.HeldAccuracy))
	want := [][]string{{"iteration", "epoch", "loss", "train_acc", "test_acc", "held_acc"}}
	from := 0
	for i, at := range h.EvalIterations {
		sum := 0.0
		for _, loss := range h.Loss[from : at+1] {
			sum += loss
		}
		want, from = append(want, []string{
			fmt.Sprint(at), fmt.Sprintf("%.4f", float64(at+1)/11.5), nn.FormatFloat(sum / float64(at+1-from)),
			nn.FormatFloat(h.TrainAcc[i]), nn.FormatFloat(h.TestAcc[i]), nn.FormatFloat(h.HeldAcc[i]),
		}), at+1
	}
	if !reflect.DeepEqual(rows, want) || len(want) != 6 {
		t.Errorf("got\n%q\nwant\n%q", rows, want)
	}
}

// TestTrainPlot draws every format, of a run that came to its end and of one that did not.
func TestTrainPlot(t *testing.T) {
	dir := t.TempDir()
	for extension, begins := range map[string]string{".png": "\x89PNG", ".svg": "<?xml", ".pdf": "%PDF"} {
		path := filepath.Join(dir, "curves"+extension)
		args := []string{"train", "--data", "digits", "--iterations", "50", "--plot", path}
		if extension == ".svg" {
			if r := lanewiseStopped(t, "train_acc", args...); r.code != 130 {
				t.Errorf("exit code %d, want 130", r.code)
			}
		} else {
			lanewise(t, args...).ok(t)
		}
		picture, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(picture, []byte(begins)) {
			t.Errorf("%s: %v, begins with %.8q", path, err, picture)
		}
	}
	picture, err := os.Open(filepath.Join(dir, "curves.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if _, err := png.Decode(picture); err != nil {
		t.Error(err)
	}
}

// TestTrainTellsTheEnd looks for the accuracies of the net as it is in the end, in every output.
func TestTrainTellsTheEnd(t *testing.T) {
	dir := t.TempDir()
	picture, table := filepath.Join(dir, "c.svg"), filepath.Join(dir, "h.csv")
	args := []string{"train", "--data", "digits", "--iterations", "40", "--hold-out", "0.2", "--plot", picture, "--history", table}
	r := lanewise(t, args...).ok(t)
	d := trainDirectly[float32](t, kernels.Default(), func(c *nn.Config) { c.Iterations, c.HoldOut = 40, 0.2 }).Diagnose()
	for file, want := range map[string]string{
		picture: fmt.Sprintf("test, %.2f%% at last", 100*d.TestAccuracy),
		table:   fmt.Sprintf(",%s,%s,%s\n", nn.FormatFloat(d.TrainAccuracy), nn.FormatFloat(d.TestAccuracy), nn.FormatFloat(float64(d.HeldAccuracy))),
	} {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, no %q in it", file, err, want)
		}
	}
	want := fmt.Sprintf("after 40 iterations: train_acc %.5f, test_acc %.5f, held_acc %.5f\n", d.TrainAccuracy, d.TestAccuracy, float64(d.HeldAccuracy))
	if !strings.Contains(r.stdout, want) {
		t.Errorf("no %q in\n%s", want, r.stdout)
	}
}

func TestTrainStoppedWithoutSave(t *testing.T) {
	r := lanewiseStopped(t, "train_acc", "train", "--data", "digits")
	if r.code != 130 || !strings.Contains(r.stderr, "stopped after 0 of 6000 iterations; the state is lost, as there was no --save") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
}

// TestTrainCannotSave takes the folder away while the run is at work: what can
// be written is, and the exit code says that something could not.
func TestTrainCannotSave(t *testing.T) {
	dir := t.TempDir()
	gone, kept := filepath.Join(dir, "gone"), filepath.Join(dir, "h.csv")
	if err := os.Mkdir(gone, 0o777); err != nil {
		t.Fatal(err)
	}
	emptyCache(t)
	ctx, cancel := contextWithCancel(t)
	var stderr bytes.Buffer
	stdout := writerFunc(func(p []byte) (int, error) {
		return len(p), os.RemoveAll(gone)
	})
	code := run(ctx, cancel, []string{"train", "--data", "digits", "--iterations", "20", "--save", filepath.Join(gone, "w.npz"), "--history", kept}, stdout, &stderr)
	if code != exitFailure || !strings.Contains(stderr.String(), "w.npz") || strings.Count(stderr.String(), "lanewise: ") != 1 {
		t.Errorf("exit code %d, stderr %q; want %d and what was not written", code, &stderr, exitFailure)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

// TestTrainExplain looks at what is told of every epoch, and at the pictures.
func TestTrainExplain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "deep", "pictures")
	trainer := trainDirectly[float32](t, kernels.Default(), func(c *nn.Config) { c.Iterations = 40 })
	_, evaluations, end, r := trainJSON(t, "--data", "digits", "--iterations", "40", "--explain="+folder)
	for i, want := range trainer.EpochFigures() {
		if got := evaluations[i].Explained; got == nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("epoch %d: %+v, want %+v", i, got, want)
		}
	}
	if text := strings.Join(strings.Fields(r.stderr), " "); strings.Count(text, "dead units ") != 3 || strings.Count(text, "classes given 0:") != 3 {
		t.Errorf("not three epochs explained in\n%s", r.stderr)
	}
	names := []string{"curves.png", "weights.png", "confusion.png", "worst.png"}
	for i, name := range names {
		path := filepath.Join(folder, name)
		if len(end.Written) != len(names) || end.Written[i] != path {
			t.Fatalf("written: %v", end.Written)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 300 || img.Bounds().Dy() < 300 {
			t.Errorf("%s: %v", path, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if r := lanewise(t, "train", "--explain="+file); r.code != exitUsage || !strings.Contains(r.stderr, "--explain "+file+": cannot make this folder") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
	if r := lanewise(t, "train", "--data", "digits", "--iterations", "2").ok(t); strings.Contains(r.stdout, "dead units") {
		t.Errorf("explained without being asked:\n%s", r.stdout)
	}
}
