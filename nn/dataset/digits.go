package dataset

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
)

// The test part of UCI's optical digits as scikit-learn ships it; digits/LICENSE.md credits its makers.
//
//go:embed digits/digits.csv.gz
var digitsCSV []byte

// The first 1437 images train and the last 360 test: an 80:20 split, not shuffled because images
// that stand together in the file were written by the same hand, and a test on hands seen in
// training would flatter the net.
const digitsTrain, digitsTest = 1437, 360

const embedded = "embedded in the program"

// digits decodes the embedded set. An error would mean that this package was built from damaged sources.
func digits() (*Data, error) {
	const side = 8
	zr, err := gzip.NewReader(bytes.NewReader(digitsCSV))
	if err != nil {
		return nil, fmt.Errorf("embedded digits: %w", err)
	}
	rows := csv.NewReader(zr)
	rows.FieldsPerRecord = side*side + 1
	rows.ReuseRecord = true
	d := &Data{Name: "digits", Source: embedded, Rows: side, Cols: side, Classes: 10, Max: 16}
	for i := range digitsTrain + digitsTest {
		row, err := rows.Read()
		if err != nil {
			return nil, fmt.Errorf("embedded digits: image %d: %w", i, err)
		}
		split := &d.Train
		if i >= digitsTrain {
			split = &d.Test
		}
		for j, field := range row {
			v, err := strconv.ParseUint(field, 10, 8)
			if err != nil {
				return nil, fmt.Errorf("embedded digits: image %d, field %d: %w", i, j, err)
			}
			if j < side*side {
				split.Images = append(split.Images, uint8(v))
			} else {
				split.Labels = append(split.Labels, uint8(v))
			}
		}
	}
	return d, nil
}
