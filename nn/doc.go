// Package nn is a two-layer neural net and its training, on the kernels of
// Lanewise: the layers [Affine], [ReLU] and [SoftmaxWithLoss], the net
// [TwoLayerNet] made of them, and the [Trainer] that runs mini-batch gradient
// descent on a data set, in float32 or float64, on whichever implementation of
// the kernels it is given.
//
// It does what a NumPy notebook of the same net does, step by step and from
// the same random numbers, so that a run can be compared with NumPy's: see
// [Presets]. The layers own the buffers they return and use them again, so
// that a training step allocates nothing.
package nn
