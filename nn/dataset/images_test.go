package dataset

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/nn/npz"
)

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func writePNG(t *testing.T, img image.Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "figure.PNG")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadImages(t *testing.T) {
	form := Form{Rows: 2, Cols: 3, Max: 9}
	pixels := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0}
	archive := func(arrays ...npz.Array) string {
		path := filepath.Join(t.TempDir(), "images.npz")
		if err := npz.Write(path, arrays...); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		path string
		want []byte
	}{
		"IDX":           {write(t, "images", idx(pixels, 2, 2, 3)), pixels},
		"gzipped IDX":   {write(t, "images.gz", gzipped(idx(pixels, 2, 2, 3))), pixels},
		"only array":    {archive(npz.NewArray("any", pixels, 2, 2, 3)), pixels},
		"one image":     {archive(npz.NewArray("any", pixels[:6], 2, 3)), pixels[:6]},
		"Keras' x_test": {archive(npz.NewArray("x_train", pixels[:6], 1, 2, 3), npz.NewArray("x_test", pixels, 2, 2, 3)), pixels},
	} {
		if got, err := ReadImages(t.Context(), c.path, form); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, c := range map[string]struct{ path, want string }{
		"rows":          {write(t, "images", idx(pixels, 2, 3, 2)), "byte 8: found images of 3 rows, expected 2 as the net was trained on"},
		"columns":       {write(t, "images", idx(pixels, 3, 2, 2)), "found images of 2 columns, expected 3"},
		"labels":        {write(t, "labels", idx(pixels, 12)), "found 1 dimensions, expected 3"},
		"too bright":    {write(t, "images", idx([]byte{0, 0, 0, 0, 10, 0}, 1, 2, 3)), "byte 20: found pixel 10, expected at most 9"},
		"one array":     {archive(npz.NewArray("any", pixels[:6], 3, 2)), "dimension 0: found images of 3 rows"},
		"which array":   {archive(npz.NewArray("a", pixels), npz.NewArray("b", pixels)), "found the arrays a, b, expected x_test, or one array only"},
		"floats":        {archive(npz.NewArray("a", make([]float64, 6), 1, 2, 3)), "float64"},
		"no PNG":        {write(t, "a.png", []byte("text")), "not a readable PNG"},
		"missing":       {"none.png", "no such file"},
		"blank picture": {writePNG(t, image.NewGray(image.Rect(0, 0, 9, 9))), "no figure is to be seen"},
	} {
		_, err := ReadImages(t.Context(), c.path, form)
		if err == nil || !strings.Contains(err.Error(), c.path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s and %q", name, err, c.path, c.want)
		}
	}
}

// paint returns a picture of a stroke, thick at its upper end, and dot in the given colours.
func paint(width, height int, ground, ink color.Color) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, ground)
			if y >= height/4 && y < height/2 && x >= width/3 && x < width/2 || y >= height/2 && y < height*3/4 && x >= width/3 && x < width/3+width/20 {
				img.Set(x, y, ink)
			}
		}
	}
	return img
}

var mnistForm = Form{Rows: 28, Cols: 28, Max: 255}

// The same figure gives the same image in whatever colours and wherever on the paper.
func TestPictureGround(t *testing.T) {
	black, white, clear := color.Gray{0}, color.Gray{255}, color.NRGBA{}
	want, err := Picture(paint(300, 200, white, black), mnistForm)
	if err != nil {
		t.Fatal(err)
	}
	for name, img := range map[string]image.Image{
		"light on dark":        paint(300, 200, black, white),
		"grey on grey":         paint(300, 200, color.Gray{200}, color.Gray{90}),
		"coloured":             paint(300, 200, color.NRGBA{255, 255, 0, 255}, color.NRGBA{0, 0, 120, 255}),
		"on nothing":           paint(300, 200, clear, black),
		"cut to another frame": paint(300, 200, white, black).SubImage(image.Rect(80, 20, 170, 199)),
	} {
		got, err := Picture(img, mnistForm)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\ngot\n%swant\n%s", name, err, show(got), show(want))
		}
	}
}

func show(pixels []uint8) string {
	var b strings.Builder
	for i, v := range pixels {
		b.WriteByte(" .:+*#"[int(v)*5/255])
		if i%28 == 27 {
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// The figure fills the box, and its centre of mass is within half a pixel of the middle.
func TestPictureBoxAndCentre(t *testing.T) {
	for _, form := range []Form{mnistForm, {Rows: 8, Cols: 8, Max: 16}, {Rows: 28, Cols: 40, Max: 255}} {
		pixels, err := Picture(paint(400, 500, color.White, color.Black), form)
		if err != nil {
			t.Fatal(err)
		}
		var mass, sumX, sumY float64
		box, most := image.Rectangle{}, uint8(0)
		for i, v := range pixels {
			x, y := i%form.Cols, i/form.Cols
			most = max(most, v)
			mass += float64(v)
			sumX += float64(v) * (float64(x) + 0.5)
			sumY += float64(v) * (float64(y) + 0.5)
			if v > 0 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
		if want := int(math.Round(float64(form.Rows) * 20 / 28)); box.Dy() != want || box.Dx() >= box.Dy() {
			t.Errorf("%+v: the figure is %v, want %d high and less wide", form, box, want)
		}
		if dx, dy := sumX/mass-float64(form.Cols)/2-0.5, sumY/mass-float64(form.Rows)/2-0.5; math.Abs(dx) > 0.5001 || math.Abs(dy) > 0.5001 {
			t.Errorf("%+v: the centre of mass is off by %v, %v", form, dx, dy)
		}
		if most != form.Max {
			t.Errorf("%+v: the brightest pixel is %d", form, most)
		}
	}
	line := image.NewGray(image.Rect(0, 0, 50, 400))
	for y := 10; y < 390; y++ {
		line.Pix[y*line.Stride+7] = 255
	}
	if pixels, err := Picture(line, mnistForm); err != nil || slices.Max(pixels) == 0 {
		t.Errorf("a thin line disappears: %v\n%s", err, show(pixels))
	}
}

// An image of MNIST, taken for a picture, comes out nearly as it was.
func TestPictureOfMNIST(t *testing.T) {
	data, err := Open(t.Context(), mnistDir(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	far := 0
	for i := range 200 {
		from := data.Test.Images[784*i : 784*i+784]
		img := &image.Gray{Pix: from, Stride: 28, Rect: image.Rect(0, 0, 28, 28)}
		got, err := Picture(img, mnistForm)
		if err != nil {
			t.Fatal(err)
		}
		var difference, size float64
		for j, v := range from {
			difference += math.Abs(float64(v) - float64(got[j]))
			size += float64(v)
		}
		if difference > 0.25*size {
			far++
		}
	}
	t.Logf("%d of 200 images differ by more than a quarter", far)
	if far > 0 {
		t.Errorf("%d of 200 images differ by more than a quarter", far)
	}
}

func TestPictureTooLarge(t *testing.T) {
	// The header of a PNG of 100000 x 100000 pixels, with its checksum.
	header := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x86\xa0\x00\x01\x86\xa0\x08\x00\x00\x00\x00\x8d\x39\x54\x14"
	path := write(t, "huge.png", []byte(header))
	_, err := ReadImages(t.Context(), path, mnistForm)
	if err == nil || !strings.Contains(err.Error(), path+": a picture of 100000 x 100000 pixels") {
		t.Errorf("error %v", err)
	}
}
