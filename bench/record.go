package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/perf/benchfmt"
)

// A recorder writes one record: <folder>/<machine>/<date>-<commit>-<run>.txt, and a
// .json sidecar beside it. Until it is finished the record is called .txt.partial and
// holds the rounds done so far, each of them whole: a run that is killed leaves them.
type recorder struct {
	path    string // of the finished record
	created string // the machine's folder, if this recorder made it
	file    *os.File
	size    int64        // of the whole rounds in file
	buffer  bytes.Buffer // the round being written
	writer  *benchfmt.Writer
	config  []setting // lines that hold for all rounds
	rounds  int
}

// newRecorder takes the first free run number in folder. It fails early, before any time
// is spent on measuring, if the record could not be written.
func newRecorder(folder, machine, date, commit string, config []setting) (*recorder, error) {
	r := &recorder{config: config}
	r.writer = benchfmt.NewWriter(&r.buffer)
	dir := filepath.Join(folder, machine)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		r.created = dir
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("folder for records: %w", err)
	}
	for run := 1; ; run++ {
		r.path = filepath.Join(dir, fmt.Sprintf("%s-%s-%d.txt", date, commit, run))
		file, err := os.OpenFile(r.partial(), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue // another run holds this number, or was killed
		}
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		// The partial file reserves the number for us: what is finished now stays so.
		if exists(r.path) || exists(r.sidecar()) {
			file.Close()
			os.Remove(r.partial())
			continue
		}
		r.file = file
		break
	}
	for _, unit := range unitLines() {
		if err := r.writer.Write(unit); err != nil {
			return nil, err // cannot happen: the buffer is in memory
		}
	}
	r.buffer.WriteByte('\n')
	return r, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (r *recorder) partial() string { return r.path + ".partial" }
func (r *recorder) sidecar() string { return r.path[:len(r.path)-len(".txt")] + ".json" }

// add writes a whole round, or nothing of it.
func (r *recorder) add(round Round) error {
	for _, row := range round.Rows {
		if err := r.writer.Write(row.result(r.config, round)); err != nil {
			return err
		}
	}
	_, err := r.file.Write(r.buffer.Bytes())
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("record: round %d: %w", round.Number, err), r.file.Truncate(r.size))
	}
	r.size += int64(r.buffer.Len())
	r.buffer.Reset()
	r.rounds++
	return nil
}

// result is row in the form that benchfmt writes.
func (row Row) result(config []setting, round Round) *benchfmt.Result {
	res := &benchfmt.Result{Name: benchfmt.Name(row.Name), Iters: row.Iterations}
	for _, s := range append(config[:len(config):len(config)],
		setting{"round", fmt.Sprint(round.Number)}, setting{"noise", round.Noise.Label()}) {
		res.Config = append(res.Config, benchfmt.Config{Key: s.key, Value: []byte(s.value), File: true})
	}
	res.Values = append(res.Values, benchfmt.Value{Value: row.NsPerOp / 1e9, Unit: "sec/op", OrigValue: row.NsPerOp, OrigUnit: "ns/op"})
	for _, m := range row.metrics {
		res.Values = append(res.Values, benchfmt.Value{Value: m.value, Unit: m.unit})
	}
	res.Values = append(res.Values,
		benchfmt.Value{Value: float64(row.BytesPerOp), Unit: "B/op"},
		benchfmt.Value{Value: float64(row.AllocsPerOp), Unit: "allocs/op"})
	return res
}

// finish gives the record its final name, with the sidecar already beside it. Without
// a single whole round there is no record, and nothing is left behind.
func (r *recorder) finish(sidecar []byte) error {
	if r.rounds == 0 {
		return r.discard()
	}
	if err := r.file.Close(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := os.WriteFile(r.sidecar()+".partial", sidecar, 0o666); err != nil {
		return fmt.Errorf("sidecar: %w", err)
	}
	if err := os.Rename(r.sidecar()+".partial", r.sidecar()); err != nil {
		return fmt.Errorf("sidecar: %w", err)
	}
	if err := os.Rename(r.partial(), r.path); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// discard removes a record without rounds, and the machine's folder if it was made for it.
func (r *recorder) discard() error {
	err := errors.Join(r.file.Close(), os.Remove(r.partial()))
	if r.created != "" {
		os.Remove(r.created) // fails, as it should, if another run has put something there
	}
	return err
}
