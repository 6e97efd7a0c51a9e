// Package dataset reads the labelled image sets that the net is trained on:
// IDX files, Keras' .npz, and the named sets mnist, fashion-mnist and digits.
package dataset

// Split is one part of a data set: its images, one row of pixels each, and their labels.
type Split struct {
	// Images holds the pixels of image i at Images[i*Rows*Cols:], row-major, as they are in the file.
	Images []uint8
	// Labels holds the class of each image, 0..Classes-1.
	Labels []uint8
}

// Len returns the number of images.
func (s Split) Len() int { return len(s.Labels) }

// Data is a data set: images of one size, in two parts, with their classes.
type Data struct {
	Name       string // what it is called: "mnist", "digits", or the base name of the folder or file
	Source     string // where it was read from, for people: a folder, a file, "embedded"
	Rows, Cols int    // size of an image in pixels
	Classes    int    // labels are 0..Classes-1
	Max        uint8  // the largest value a pixel can have: 255, or 16 for digits
	Train      Split
	Test       Split
}

// Pixels returns the number of pixels of an image.
func (d *Data) Pixels() int { return d.Rows * d.Cols }
