// Package dataset reads the labelled image sets that the net is trained on: IDX files in a folder,
// Keras' .npz, and the named sets mnist, fashion-mnist and digits. [Open] is the way in.
//
// Nothing is taken on trust. A file that is cut off, too long, mislabelled or not of its format
// gives an error that names the file, the byte and what was expected there; memory is never taken
// because an unchecked header asks for it. Only [Open] with the name mnist or fashion-mnist touches
// the network, and what it fetches counts only after its SHA-256 has been checked.
//
// The embedded set is E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI
// Machine Learning Repository, doi 10.24432/C50P49, under CC BY 4.0: the 1797 images that
// scikit-learn ships, the first 1437 for training and the last 360 for testing.
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
	Source     string // where it was read from, for people: a folder, a file, or the program itself
	Note       string // what the user should know about the choice of this set; empty if it was asked for
	Rows, Cols int    // size of an image in pixels
	Classes    int    // labels are 0..Classes-1
	Max        uint8  // the largest value a pixel can have: 255, or 16 for digits
	Train      Split
	Test       Split
}

// Pixels returns the number of pixels of an image.
func (d *Data) Pixels() int { return d.Rows * d.Cols }
