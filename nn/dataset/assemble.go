package dataset

import (
	"fmt"
	"slices"
)

// assemble makes a set of training images and labels and test images and labels, in this order,
// after checking that they belong together: as many labels as images, images of one size, at least
// two classes, numbered without gaps (class 0 may be empty, as in EMNIST's letters, which count
// from 1), and no test label that training never saw. A wrong byte among the labels would otherwise
// pass as a set of up to 256 classes.
func assemble(name, source string, arrays [4]*array) (*Data, error) {
	trainImages, trainLabels, testImages, testLabels := arrays[0], arrays[1], arrays[2], arrays[3]
	for _, p := range [][2]*array{{trainImages, trainLabels}, {testImages, testLabels}} {
		images, labels := p[0], p[1]
		if labels.dims[0] != images.dims[0] {
			return nil, labels.dimError(0, "found %d labels, expected %d, one for each image of %s", labels.dims[0], images.dims[0], images.file)
		}
	}
	for i := 1; i <= 2; i++ {
		if got, want := testImages.dims[i], trainImages.dims[i]; got != want {
			return nil, testImages.dimError(i, "found images of %d %s, expected %d as in %s", got, [...]string{1: "rows", 2: "columns"}[i], want, trainImages.file)
		}
	}
	classes, err := countClasses(trainLabels)
	if err != nil {
		return nil, err
	}
	seen := classSet(trainLabels.data)
	for i, label := range testLabels.data {
		if !seen[label] {
			return nil, testLabels.dataError(i, "found label %d, expected one that occurs in %s, %s",
				label, trainLabels.file, labelRange(seen, classes))
		}
	}
	return &Data{
		Name: name, Source: source,
		Rows: trainImages.dims[1], Cols: trainImages.dims[2], Classes: classes, Max: 255,
		Train: Split{Images: trainImages.data, Labels: trainLabels.data},
		Test:  Split{Images: testImages.data, Labels: testLabels.data},
	}, nil
}

// countClasses returns the number of classes, one more than the largest label.
func countClasses(labels *array) (int, error) {
	seen := classSet(labels.data)
	classes := 1 + int(slices.Max(labels.data))
	if classes == 1 {
		return 0, labels.dataError(0, "found no label but 0, expected at least two classes")
	}
	for c := 1; c < classes; c++ {
		if seen[c] {
			continue
		}
		for next := c + 1; ; next++ {
			if seen[next] {
				at := slices.Index(labels.data, uint8(next))
				return 0, labels.dataError(at,
					"found label %d, but none of the labels is %d: expected classes numbered from 0 without gaps", next, c)
			}
		}
	}
	return classes, nil
}

func classSet(labels []uint8) (seen [256]bool) {
	for _, l := range labels {
		seen[l] = true
	}
	return seen
}

func labelRange(seen [256]bool, classes int) string {
	first := 0
	if !seen[0] {
		first = 1
	}
	return fmt.Sprintf("%d..%d", first, classes-1)
}
