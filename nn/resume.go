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
	r := &reader{f: f}
	inputs, hidden, classes := data.Pixels(), info.Config.Hidden, data.Classes
	params := Params[T]{
		W1: tensor[T](r, ParamNames[0], inputs, hidden), B1: tensor[T](r, ParamNames[1], hidden),
		W2: tensor[T](r, ParamNames[2], hidden, classes), B2: tensor[T](r, ParamNames[3], classes),
	}
	rng := r.random(info)
	history := r.history(info, data.Train.Len())
	start := r.start(info)
	if r.err != nil {
		return nil, r.err
	}
	t := newTrainer(ops, info.Config, data, newNet(ops, params), rng)
	t.iteration, t.history, t.start = info.Iteration, history, start
	return t, nil
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
	if r.err != nil {
		return History{}
	}
	// Every epoch that began has been evaluated, but for the last one if that was cut short.
	var due []int
	for i := range info.Iteration {
		if info.Config.startsEpoch(i, train) {
			due = append(due, i)
		}
	}
	if n := len(due); n > 0 && len(at) == n-1 && due[n-1] == info.Iteration-1 {
		due = due[:n-1]
	}
	if !slices.Equal(at, due) {
		r.fail("array \"eval_iterations\" is not the list of the iterations at which epochs began")
	}
	return History{Loss: loss, EvalIterations: at, TrainAcc: trainAcc, TestAcc: testAcc}
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
