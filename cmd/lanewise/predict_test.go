package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/npz"
)

// trainedDigits trains on the digits, and writes the test images to files.
func trainedDigits(t *testing.T, dtype string) (data *dataset.Data, weights, images string) {
	t.Helper()
	dir := t.TempDir()
	weights, images = filepath.Join(dir, "w.npz"), filepath.Join(dir, "images.npz")
	lanewise(t, "train", "--data", "digits", "--dtype", dtype, "--iterations", "300", "--save", weights).ok(t)
	data, err := dataset.Open(t.Context(), "digits", dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := npz.Write(images, npz.NewArray("x_test", data.Test.Images, data.Test.Len(), 8, 8)); err != nil {
		t.Fatal(err)
	}
	return data, weights, images
}

// TestPredictLikeNumPy has NumPy load the weights and predict: in plain matrix
// products it comes to the same classes.
func TestPredictLikeNumPy(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import numpy").Run(); err != nil {
		require.Missing(t, "numpy", python+" has no NumPy (Debian: python3-numpy)")
	}
	for _, dtype := range []string{"f32", "f64"} {
		data, weights, images := trainedDigits(t, dtype)
		r := lanewise(t, "predict", "--load", weights, "--quiet", images).ok(t)
		out, err := exec.Command(python, "-c", `import numpy, sys
w = numpy.load(sys.argv[1])
x = numpy.load(sys.argv[2])["x_test"].reshape(-1, 64).astype(w["W1"].dtype) / 16
hidden = numpy.maximum(x @ w["W1"] + w["b1"], 0)
print(*(hidden @ w["W2"] + w["b2"]).argmax(axis=1), sep="\n")`, weights, images).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if r.stdout != string(out) || strings.Count(r.stdout, "\n") != data.Test.Len() {
			t.Errorf("%s: lanewise predicts\n%sNumPy\n%s", dtype, r.stdout, out)
		}
	}
}

// TestPredict compares the formats of the output, and with eval.
func TestPredict(t *testing.T) {
	data, weights, images := trainedDigits(t, "f32")
	quiet := strings.Fields(lanewise(t, "predict", "--load", weights, "--quiet", images).ok(t).stdout)
	text := lanewise(t, "predict", "--load", weights, images).ok(t).stdout
	lines := bufio.NewScanner(strings.NewReader(lanewise(t, "predict", "--load", weights, "--json", images).ok(t).stdout))
	right := 0
	var table strings.Builder
	for i := 0; lines.Scan(); i++ {
		var p prediction
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if p.File != images || p.Index != i || fmt.Sprint(p.Class) != quiet[i] || len(p.Probabilities) != 10 || slices.Max(p.Probabilities) != p.Probabilities[p.Class] {
			t.Errorf("image %d: %+v, --quiet %s", i, p, quiet[i])
		}
		fmt.Fprintf(&table, "%s %d  %d  %.4f\n", images, i, p.Class, p.Probabilities[p.Class])
		if p.Class == int(data.Test.Labels[i]) {
			right++
		}
	}
	if text != table.String() || len(quiet) != 360 {
		t.Errorf("%d classes, table\n%swant\n%s", len(quiet), text, &table)
	}

	var e evalResult
	if err := json.Unmarshal([]byte(lanewise(t, "eval", "--load", weights, "--json").ok(t).stdout), &e); err != nil {
		t.Fatal(err)
	}
	if e.Test.Right != right || e.Test.Samples != 360 || e.Train.Samples != 1437 || e.Test.Accuracy != float64(right)/360 || right < 250 ||
		e.Net != "64-50-10" || e.Data != "digits" || e.Test.Loss <= 0 || len(e.Test.Confusion) != 10 {
		t.Errorf("eval: %+v, want %d right", e, right)
	}
	r := lanewise(t, "eval", "--load", weights, "--data", "digits").ok(t)
	for _, want := range []string{"digits: 1437 training", fmt.Sprintf("test       360 %9d %9.5f", right, e.Test.Accuracy), "    0  1  2  3  4  5  6  7  8  9\n"} {
		if !strings.Contains(strings.ReplaceAll(r.stdout, "   0   1   2   3   4   5   6   7   8   9", "  0  1  2  3  4  5  6  7  8  9"), want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
}

// figure draws a bar across, a bar upright, a frame or a cross, on paper of its own
// size and grey, where and as thick as rng says.
func figure(rng *rand.Rand, class int, paper, ink uint8) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 90+rng.IntN(60), 90+rng.IntN(60)))
	for i := range img.Pix {
		img.Pix[i] = paper
	}
	x0, y0 := 5+rng.IntN(20), 5+rng.IntN(20)
	size, thick := 50+rng.IntN(14), 5+rng.IntN(5)
	for y := range size {
		for x := range size {
			across, upright := (y-size/2)/thick == 0, (x-size/2)/thick == 0
			frame := min(x, y, size-1-x, size-1-y) < thick
			if []bool{across, upright, frame, across || upright}[class] {
				img.SetGray(x0+x, y0+y, color.Gray{ink})
			}
		}
	}
	return img
}

// TestPredictPNG trains on light figures, made as MNIST was, and recognises
// dark ones on paper.
func TestPredictPNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	set := filepath.Join(dir, "figures.npz")
	draw := func(n int) (images, labels []uint8) {
		for i := range n {
			pixels, err := dataset.Picture(figure(rng, i%4, 0, 255), dataset.Form{Rows: 28, Cols: 28, Max: 255})
			if err != nil {
				t.Fatal(err)
			}
			images, labels = append(images, pixels...), append(labels, uint8(i%4))
		}
		return images, labels
	}
	train, trainLabels := draw(80)
	test, testLabels := draw(20)
	if err := npz.Write(set, npz.NewArray("x_train", train, 80, 28, 28), npz.NewArray("y_train", trainLabels),
		npz.NewArray("x_test", test, 20, 28, 28), npz.NewArray("y_test", testLabels)); err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, "w.npz")
	lanewise(t, "train", "--data", set, "--preset", "best", "--batch", "20", "--rate", "0.02", "--iterations", "100", "--save", weights).ok(t)
	args, want := []string{"predict", "--load", weights}, ""
	for i := range 12 {
		path := filepath.Join(dir, fmt.Sprintf("%d.png", i))
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, figure(rng, i%4, 235, 40)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		args, want = append(args, path), want+fmt.Sprintf("%s 0  %d\n", path, i%4)
	}
	got := ""
	for line := range strings.Lines(lanewise(t, args...).ok(t).stdout) {
		got += strings.TrimSpace(line[:strings.LastIndex(line, "  ")]) + "\n"
	}
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPredictRefuses(t *testing.T) {
	_, weights, images := trainedDigits(t, "f32")
	plain := filepath.Join(filepath.Dir(weights), "plain.npz")
	if err := npz.Write(plain, npz.NewArray("W1", make([]float32, 12), 4, 3), npz.NewArray("b1", make([]float32, 3)),
		npz.NewArray("W2", make([]float32, 6), 3, 2), npz.NewArray("b2", make([]float32, 2))); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"predict $images", exitUsage, `"load" not set`},
		{"predict --load $w", exitUsage, "no images: name at least one"},
		{"predict --load $w --quiet --json $images", exitUsage, "[quiet json]"},
		{"predict --load none.npz $images", exitFailure, "--load: "},
		{"predict --load $images $images", exitFailure, `array "W1"`},
		{"predict --load $w none.png", exitFailure, "none.png: no such file"},
		{"predict --load $w $w", exitFailure, "expected x_test"},
		{"predict --load $plain $images", exitFailure, "found images of 8 rows, expected 2"},
		{"predict --load $w --scale-pixels=false $images", exitUsage, "was trained with true: leave it out"},
		{"eval", exitUsage, `"load" not set`},
		{"eval --load $plain --data digits", exitFailure, "64 pixels, but the net in $plain takes 4"},
		{"eval --load $w now", exitUsage, `unexpected argument "now"`},
		{"eval --load $w --data none", exitFailure, `"none" is neither`},
	} {
		fill := strings.NewReplacer("$images", images, "$plain", plain, "$w", weights).Replace
		r := lanewise(t, strings.Fields(fill(test.args))...)
		if r.code != test.code || r.stdout != "" || !strings.Contains(r.stderr, fill(test.want)) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", test.args, r.code, r.stdout, r.stderr, test.code, test.want)
		}
	}
	if info, err := nn.ReadWeightsInfo(plain); err != nil || info.Run != nil {
		t.Errorf("%+v, %v", info, err)
	}
}
