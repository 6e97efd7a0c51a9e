package kernels

// costs are how long parts of a product take with an instruction set, by which the rules of ways.go
// weigh one way against another. Where a Tuning has thresholds, which anybody can sweep one by one, these
// belong together: they were fitted to random shapes by the time that the wrong way loses.
type costs struct {
	// vector is a multiply-add of a vector, in quarters of a cycle: wholeVectors where there are two
	// a cycle, and halvedVectors where there is one, as it is done in halves. Half a vector, for
	// which there are kernels, takes half as long then, and else as long.
	vector int
	// turning is how long it takes to transpose an element of a C of few columns, in eighths of a
	// cycle: longer without masks.
	turning int
	// alongK is for a product of few columns along k, whose columns are copied.
	alongK columnCosts
	// summing is adding up the vector that a dot product in a group ends in, and grouping what comes
	// before all groups, in quarters of a cycle: groupingMore of three columns and more.
	summing, grouping, groupingMore int
	// rereads is whether reading A once more, for columns on their own, takes time: see readingAgain.
	rereads bool
	// slowDots is whether dot products of many rows or columns have but some five sixths of the
	// speed of full tiles.
	slowDots bool
}

// copying is what comes before the dot products of so many columns that are brought together.
func (c *costs) copying(n int) int {
	if n > 2 {
		return c.groupingMore
	}
	return c.grouping
}

// columnCosts are those of a product of few columns, in eighths of a cycle.
type columnCosts struct {
	row    int // in tiles: of a row and unit of columns in a step of k
	vector int // along k: of a vector
	sum    int // of an element of C, whose vector is added up
	copied int // of an element of B, which is brought together with those of its column
	before int // of all
}

const wholeVectors, halvedVectors = 2, 4

// zippedColumns are the columnCosts of n columns, two and more, of a B whose rows follow each
// other, with the kernels for it.
func (c *costs) zippedColumns(n int) columnCosts {
	zipped := columnCosts{row: c.alongK.row, vector: 12, sum: 24, before: 1200}
	if n > 2 {
		zipped.vector, zipped.sum = 15, 36
	}
	return zipped
}
