package nn

import (
	"slices"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/nprand"
	"github.com/lanewise/lanewise/nn/npz"
)

// ResumeTrainer returns a trainer that goes on where [Trainer.SaveCheckpoint]
// left off, to the same bits as an uninterrupted run on the same
// implementation. The error says what is wrong with the file, or that T or data
// are not those of its run.
func ResumeTrainer[T kernels.Float](ops kernels.Ops[T], path string, data *dataset.Data) (*Trainer[T], error) {
	if err := checkData(data); err != nil {
		return nil, err
	}
	f, err := npz.Open(path, maxArrayBytes)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := readInfo(f)
	if err != nil {
		return nil, err
	}
	if info.DType != dtype[T]() {
		return nil, bad(f, "its run is in %s, not %s; resume it in %s", info.DType, dtype[T](), info.DType)
	}
	if info.DataSHA256 != dataIdentity(data) {
		return nil, bad(f, "its run was on the data %s from %s, which %s from %s differs from; resume it on the same data",
			info.DataName, info.DataSource, data.Name, data.Source)
	}
	t, err := newTrainer(ops, info.Config, data)
	if err != nil {
		return nil, bad(f, "%w", err)
	}
	r := &reader{f: f}
	params := readParams[T](r, "", data.Pixels(), info.Config.Hidden, data.Classes)
	t.rng = r.random(info)
	t.history = r.history(info, t.train.Len())
	t.start = r.start(info)
	t.epochs = r.epochs(info, t.history.EvalIterations, t.train.Len(), data.Classes)
	if r.err != nil {
		return nil, r.err
	}
	t.iteration = info.Iteration
	t.setNet(newNet(ops, params))
	t.readState(r)
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}

// readState reads what only some configurations have.
func (t *Trainer[T]) readState(r *reader) {
	inputs, hidden, classes := t.net.Inputs(), t.net.Hidden(), t.net.Classes()
	if t.cfg.Momentum != 0 {
		t.rule.velocity = readParams[T](r, velocityPrefix, inputs, hidden, classes)
	}
	if t.cfg.Patience > 0 {
		t.stop.best = readParams[T](r, bestPrefix, inputs, hidden, classes)
	}
	if t.cfg.Shuffle {
		n := t.sampler.n
		t.sampler.order = toInt(vector[int64](r, "order", n, n))
		sorted := slices.Sorted(slices.Values(t.sampler.order))
		for i, v := range sorted {
			if i != v {
				r.fail("array \"order\" is not an order of 0 to %d", n-1)
			}
		}
	}
}

func readParams[T kernels.Float](r *reader, prefix string, inputs, hidden, classes int) Params[T] {
	return Params[T]{
		W1: tensor[T](r, prefix+ParamNames[0], inputs, hidden), B1: tensor[T](r, prefix+ParamNames[1], hidden),
		W2: tensor[T](r, prefix+ParamNames[2], hidden, classes), B2: tensor[T](r, prefix+ParamNames[3], classes),
	}
}

// A reader reads arrays until the first error, which it keeps. What it returns
// after that is empty.
type reader struct {
	f   *npz.File
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = bad(r.f, format, args...)
	}
}

// vector reads a one-dimensional array of atLeast to atMost elements. Its
// length is looked at before anything is allocated for it.
func vector[T npz.Element](r *reader, name string, atLeast, atMost int) []T {
	shape := r.shape(name)
	if len(shape) != 1 || shape[0] < atLeast || shape[0] > atMost {
		r.fail("array %q has shape %v, want one dimension of %d to %d", name, shape, atLeast, atMost)
	}
	return elementsOf[T](r, name)
}

// tensor reads an array of the given shape.
func tensor[T kernels.Float](r *reader, name string, want ...int) Tensor[T] {
	if shape := r.shape(name); !slices.Equal(shape, want) {
		r.fail("array %q has shape %v, want %v", name, shape, want)
	}
	return Tensor[T]{elementsOf[T](r, name), want}
}

func (r *reader) shape(name string) []int {
	if r.err != nil {
		return nil
	}
	info, err := r.f.Info(name)
	r.err = err
	return info.Shape
}

func elementsOf[T npz.Element](r *reader, name string) (data []T) {
	if r.err == nil {
		_, data, r.err = npz.Read[T](r.f, name)
	}
	return data
}

func (r *reader) random(info CheckpointInfo) *nprand.RandomState {
	state := nprand.State{Pos: info.RandomPos, HasGauss: info.RandomHasGauss}
	state.Key = vector[uint32](r, "random_key", 624, 624)
	if gauss := vector[float64](r, "random_gauss", 1, 1); r.err == nil {
		state.Gauss = gauss[0]
	}
	rng, err := nprand.FromState(state)
	if err != nil {
		r.fail("%w", err)
	}
	return rng
}

func (r *reader) history(info CheckpointInfo, train int) History {
	loss := vector[float64](r, "loss", info.Iteration, info.Iteration)
	at := toInt(vector[int64](r, "eval_iterations", 0, info.Iteration))
	trainAcc := vector[float64](r, "train_acc", len(at), len(at))
	testAcc := vector[float64](r, "test_acc", len(at), len(at))
	var heldAcc []float64
	if info.Config.HoldOut > 0 {
		heldAcc = vector[float64](r, "held_acc", len(at), len(at))
	}
	if r.err != nil {
		return History{}
	}
	// Every epoch that began has been evaluated, but for the last one if that was cut short.
	due := info.epochStarts(train)
	if n := len(due); n > 0 && len(at) == n-1 && due[n-1] == info.Iteration-1 {
		due = due[:n-1]
	}
	if !slices.Equal(at, due) {
		r.fail("array \"eval_iterations\" is not the list of the iterations at which epochs began")
	}
	return History{Loss: loss, EvalIterations: at, TrainAcc: trainAcc, TestAcc: testAcc, HeldAcc: heldAcc}
}

// epochStarts returns the iterations done that began an epoch.
func (info CheckpointInfo) epochStarts(train int) (starts []int) {
	for i := range info.Iteration {
		if info.Config.startsEpoch(i, train) {
			starts = append(starts, i)
		}
	}
	return starts
}

func (r *reader) epochs(info CheckpointInfo, evaluated []int, train, classes int) []EpochFigures {
	starts := info.epochStarts(train)
	begun, done := len(starts), len(evaluated)
	norms := vector[float64](r, "epoch_norms", 4*begun, 4*begun)
	units := toInt(vector[int64](r, "epoch_units", 2*done, 2*done))
	predicted := toInt(vector[int64](r, "epoch_predicted", classes*done, classes*done))
	if r.err != nil {
		return nil
	}
	epochs := make([]EpochFigures, begun)
	for i := range epochs {
		e := &epochs[i]
		e.Iteration = starts[i]
		e.GradientW1, e.GradientW2 = Figure(norms[4*i]), Figure(norms[4*i+1])
		e.UpdateW1, e.UpdateW2 = Figure(norms[4*i+2]), Figure(norms[4*i+3])
		if i < done {
			e.DeadUnits, e.RareUnits = units[2*i], units[2*i+1]
			e.Predicted = predicted[classes*i : classes*(i+1) : classes*(i+1)]
		}
		if e.DeadUnits < 0 || e.RareUnits < 0 || e.DeadUnits+e.RareUnits > info.Config.Hidden {
			r.fail("%d dead and %d rare units, want 0 to %d", e.DeadUnits, e.RareUnits, info.Config.Hidden)
		}
		if slices.ContainsFunc(e.Predicted, func(n int) bool { return n < 0 || n > train }) {
			r.fail("predictions %v, want 0 to %d of each class", e.Predicted, train)
		}
	}
	return epochs
}

func (r *reader) start(info CheckpointInfo) startRecord {
	n := min(info.Iteration, startIterations)
	s := startRecord{silentBefore: info.SilentBefore}
	s.updateW1 = vector[float64](r, "start_update_w1", n, n)
	s.updateW2 = vector[float64](r, "start_update_w2", n, n)
	s.silent = toInt(vector[int64](r, "start_silent", n, n))
	if scales := vector[float64](r, "start_scales", 3, 3); r.err == nil {
		s.scaledW1, s.normW1, s.normW2 = scales[0], scales[1], scales[2]
	}
	for _, units := range append([]int{s.silentBefore}, s.silent...) {
		if units < 0 || units > info.Config.Hidden {
			r.fail("%d silent units, want 0 to %d", units, info.Config.Hidden)
		}
	}
	return s
}

func toInt(from []int64) []int {
	to := make([]int, len(from))
	for i, v := range from {
		to[i] = int(v)
	}
	return to
}
