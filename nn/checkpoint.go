package nn

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/lanewise/lanewise/nn/npz"
)

// checkpointFormat grows when a checkpoint's arrays or their meaning change.
const checkpointFormat = 2

// CheckpointInfo is what a checkpoint says about its run.
type CheckpointInfo struct {
	Format         int    `json:"format"`
	DType          string `json:"dtype"`          // "float32" or "float64"
	Implementation string `json:"implementation"` // of the kernels; on another one a run goes on with other rounding errors
	Config         Config `json:"config"`
	Iteration      int    `json:"iteration"` // iterations done
	DataName       string `json:"data_name"`
	DataSource     string `json:"data_source"`
	DataSHA256     string `json:"data_sha256"` // of sizes, images and labels
	Rows           int    `json:"rows"`        // of an image
	Columns        int    `json:"columns"`
	PixelMax       uint8  `json:"pixel_max"` // the largest value that a pixel can have

	RandomPos      int  `json:"random_pos"`
	RandomHasGauss bool `json:"random_has_gauss"`
	SilentBefore   int  `json:"silent_before"`
}

// SaveCheckpoint writes all that resuming needs to an .npz file, which NumPy reads: the parameters
// as [TwoLayerNet.SaveWeights] does; the histories loss, eval_iterations, train_acc and test_acc;
// random_key and random_gauss, the parts of NumPy's random state; what was measured of the first
// updates and of every epoch; with momentum velocity_W1 and so on; with shuffled epochs order, that
// of the epoch at work; with samples held out held_acc and, if the run can stop early, best_W1 and
// so on, the best parameters so far; and info, the bytes of a [CheckpointInfo] in JSON. The file at
// path is replaced wholly or not at all.
func (t *Trainer[T]) SaveCheckpoint(path string) error {
	random := t.rng.State()
	info, err := json.Marshal(CheckpointInfo{
		Format: checkpointFormat, DType: dtype[T](), Implementation: t.ops.Implementation().Name(),
		Config: t.cfg, Iteration: t.iteration,
		DataName: t.data.Name, DataSource: t.data.Source, DataSHA256: dataIdentity(t.data),
		Rows: t.data.Rows, Columns: t.data.Cols, PixelMax: t.data.Max,
		RandomPos: random.Pos, RandomHasGauss: random.HasGauss, SilentBefore: t.start.silentBefore,
	})
	if err != nil {
		return err
	}
	h, s := t.history, t.start
	arrays := append(t.net.Params.arrays(""),
		npz.NewArray("info", info),
		npz.NewArray("loss", h.Loss),
		npz.NewArray("eval_iterations", toInt64(h.EvalIterations)),
		npz.NewArray("train_acc", h.TrainAcc),
		npz.NewArray("test_acc", h.TestAcc),
		npz.NewArray("random_key", random.Key),
		npz.NewArray("random_gauss", []float64{random.Gauss}),
		npz.NewArray("start_update_w1", s.updateW1),
		npz.NewArray("start_update_w2", s.updateW2),
		npz.NewArray("start_silent", toInt64(s.silent)),
		npz.NewArray("start_scales", []float64{s.scaledW1, s.normW1, s.normW2}),
	)
	arrays = append(arrays, t.epochArrays()...)
	if t.cfg.Momentum != 0 {
		arrays = append(arrays, t.rule.velocity.arrays(velocityPrefix)...)
	}
	if t.cfg.Shuffle {
		arrays = append(arrays, npz.NewArray("order", toInt64(t.sampler.order)))
	}
	if t.held.Len() > 0 {
		arrays = append(arrays, npz.NewArray("held_acc", h.HeldAcc))
	}
	if t.cfg.Patience > 0 {
		arrays = append(arrays, t.stop.best.arrays(bestPrefix)...)
	}
	return npz.Write(path, arrays...)
}

// Prefixes of the names of arrays that are like parameters.
const velocityPrefix, bestPrefix = "velocity_", "best_"

// epochArrays returns the figures of the epochs, four norms for each that has
// begun, and two counts of units and one count for each class of those evaluated.
func (t *Trainer[T]) epochArrays() []npz.Array {
	var norms []float64
	var units, predicted []int
	for _, e := range t.epochs {
		norms = append(norms, float64(e.GradientW1), float64(e.GradientW2), float64(e.UpdateW1), float64(e.UpdateW2))
	}
	for _, e := range t.EpochFigures() {
		units = append(units, e.DeadUnits, e.RareUnits)
		predicted = append(predicted, e.Predicted...)
	}
	return []npz.Array{
		npz.NewArray("epoch_norms", norms),
		npz.NewArray("epoch_units", toInt64(units)),
		npz.NewArray("epoch_predicted", toInt64(predicted)),
	}
}

// ReadCheckpointInfo reads what a checkpoint says about its run: which element
// type and which data resuming will ask for, say.
func ReadCheckpointInfo(path string) (CheckpointInfo, error) {
	f, err := npz.Open(path, maxArrayBytes)
	if err != nil {
		return CheckpointInfo{}, err
	}
	defer f.Close()
	return readInfo(f)
}

// bad is the error for a checkpoint that cannot be resumed. The errors of npz
// name the file by themselves.
func bad(f *npz.File, format string, args ...any) error {
	return fmt.Errorf("%s: %w", f.Path(), fmt.Errorf(format, args...))
}

func readInfo(f *npz.File) (info CheckpointInfo, err error) {
	if !f.Has("info") {
		if f.Has(ParamNames[0]) {
			return info, bad(f, "holds weights but no training state (no array \"info\"); load the weights instead of resuming")
		}
		return info, bad(f, "not a checkpoint: it has no array \"info\"")
	}
	r := reader{f: f}
	text := vector[uint8](&r, "info", 1, 1<<16)
	if r.err != nil {
		return info, r.err
	}
	var format struct{ Format int }
	if err := json.Unmarshal(text, &format); err != nil {
		return info, bad(f, "array \"info\": %w", err)
	}
	if format.Format != checkpointFormat {
		return info, bad(f, "checkpoint of format %d, but this version of Lanewise resumes format %d; load the weights to start a new run from them", format.Format, checkpointFormat)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&info); err != nil {
		return info, bad(f, "array \"info\": %w", err)
	}
	if err := info.Config.Validate(); err != nil {
		return info, bad(f, "%w", err)
	}
	if info.Iteration < 0 || info.Iteration > info.Config.Iterations {
		return info, bad(f, "iteration %d, want 0 to %d", info.Iteration, info.Config.Iterations)
	}
	return info, nil
}

// dataIdentity is a digest of all that training takes from the data.
func dataIdentity(d *dataset.Data) string {
	h := sha256.New()
	for _, n := range []int{d.Rows, d.Cols, d.Classes, int(d.Max), d.Train.Len(), d.Test.Len()} {
		binary.Write(h, binary.LittleEndian, int64(n)) // a hash takes every write
	}
	for _, part := range [][]byte{d.Train.Images, d.Train.Labels, d.Test.Images, d.Test.Labels} {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func toInt64(from []int) []int64 {
	to := make([]int64, len(from))
	for i, v := range from {
		to[i] = int64(v)
	}
	return to
}
