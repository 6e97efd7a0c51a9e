package nn

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/npz"
)

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
	data, cfg := blobs(100, 40), everyOption(blobsConfig())
	cfg.HoldOut, cfg.Patience = 0.01, 50 // which leaves the epochs as long
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
		"info of another format":   {info(func(m map[string]any) { m["format"] = 1; m["new"] = 1 }), []string{"format 1", "resumes format 2", "load the weights"}},
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
		"norms missing":            {npz.NewArray("epoch_norms", []float64{1}), []string{`"epoch_norms" has shape [1]`, "8 to 8"}},
		"too many dead units":      {npz.NewArray("epoch_units", []int64{5, 4, 0, 0}), []string{"5 dead and 4 rare units"}},
		"too many predictions":     {npz.NewArray("epoch_predicted", []int64{0, 0, 0, 100, 0, 0, 0, 0}), []string{"predictions", "0 to 99"}},
		"velocity of other shape":  {npz.NewArray("velocity_b2", make([]float32, 5)), []string{`"velocity_b2" has shape [5], want [4]`}},
		"best of other type":       {npz.NewArray("best_b2", make([]float64, 4)), []string{`"best_b2"`, "float64, want float32"}},
		"order too short":          {npz.NewArray("order", make([]int64, 98)), []string{`"order" has shape [98]`}},
		"order is none":            {npz.NewArray("order", make([]int64, 99)), []string{`"order" is not an order of 0 to 98`}},
		"held accuracies missing":  {npz.NewArray("held_acc", []float64{1}), []string{`"held_acc" has shape [1]`}},
		"unknown init":             {info(func(m map[string]any) { config(m)["init"] = "she" }), []string{`"she"`, "normal, he"}},
		"patience for nothing":     {info(func(m map[string]any) { config(m)["hold_out"] = 0 }), []string{"no samples are held out"}},
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
	info, err := json.Marshal(CheckpointInfo{Format: checkpointFormat, DType: "float32", Config: tr.cfg, DataSHA256: dataIdentity(data), RandomPos: 624})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(info)
	f.Add([]byte(strings.Replace(string(info), `"hidden":8`, `"hidden":65536`, 1)))
	f.Add([]byte(strings.Replace(string(info), `"iteration":0`, `"iteration":60`, 1)))
	f.Add([]byte(`{"format":2}`))
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
