package dataset

import (
	"slices"
	"testing"
)

func TestOpenDigits(t *testing.T) {
	d, err := Open(t.Context(), "digits", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "digits" || d.Source != embedded || d.Note != "" || d.Rows != 8 || d.Cols != 8 || d.Pixels() != 64 || d.Classes != 10 || d.Max != 16 {
		t.Errorf("digits: %+v", *d)
	}
	for _, s := range []struct {
		name  string
		split Split
		want  [10]int // counted with Python's csv module
	}{
		{"train", d.Train, [10]int{143, 146, 142, 146, 144, 145, 144, 143, 141, 143}},
		{"test", d.Test, [10]int{35, 36, 35, 37, 37, 37, 37, 36, 33, 37}},
	} {
		var got [10]int
		for _, l := range s.split.Labels {
			got[l]++
		}
		if got != s.want {
			t.Errorf("%s: images of each digit %v, want %v", s.name, got, s.want)
		}
		if len(s.split.Images) != 64*s.split.Len() || slices.Max(s.split.Images) != 16 {
			t.Errorf("%s: %d pixels of up to %d for %d images", s.name, len(s.split.Images), slices.Max(s.split.Images), s.split.Len())
		}
	}
	if row := d.Train.Images[8:16]; !slices.Equal(row, []uint8{0, 0, 13, 15, 10, 15, 5, 0}) {
		t.Errorf("second row of the first image is %v", row)
	}
}

func TestOpenMNISTFolder(t *testing.T) {
	dir := mnistDir(t)
	d, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Rows != 28 || d.Cols != 28 || d.Classes != 10 || d.Max != 255 || d.Train.Len() != 60000 || d.Test.Len() != 10000 || d.Source != dir {
		t.Errorf("MNIST: %s, %dx%d, %d classes, %d + %d images from %s", d.Name, d.Rows, d.Cols, d.Classes, d.Train.Len(), d.Test.Len(), d.Source)
	}
	if got := d.Train.Labels[:8]; !slices.Equal(got, []uint8{5, 0, 4, 1, 9, 2, 1, 3}) {
		t.Errorf("first training labels %v", got)
	}
	if got := d.Test.Labels[:8]; !slices.Equal(got, []uint8{7, 2, 1, 0, 4, 1, 4, 9}) {
		t.Errorf("first test labels %v", got)
	}
}
