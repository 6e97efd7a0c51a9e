package main

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/lanewise/lanewise/nn"
)

// writeHistory writes a line for each iteration, counted from 0: how many
// epochs are done after it, its batch's loss after the update, and the
// accuracies where they were measured, as at the end of a run that was not
// interrupted. With --history epoch there are only the
// lines that have accuracies, and one for the end; losses are then means since
// the line before. Numbers are as Python prints them.
func (r trainedRun) writeHistory(w io.Writer) error {
	out := csv.NewWriter(w)
	h := r.history()
	row := []string{"iteration", "epoch", "loss", "train_acc", "test_acc"}
	if h.HeldAcc != nil {
		row = append(row, "held_acc")
	}
	if err := out.Write(row); err != nil {
		return err
	}
	measured, losses, sum := 0, 0, 0.0
	for i, loss := range h.Loss {
		evaluated := measured < len(h.EvalIterations) && h.EvalIterations[measured] == i
		sum += loss
		losses++
		if r.facts.Config.EpochHistory && !evaluated && i < len(h.Loss)-1 {
			continue
		}
		clear(row)
		row[0], row[1] = strconv.Itoa(i), strconv.FormatFloat(float64(i+1)/r.facts.Epoch, 'f', 4, 64)
		row[2] = nn.FormatFloat(sum / float64(losses))
		if evaluated {
			row[3], row[4] = nn.FormatFloat(h.TrainAcc[measured]), nn.FormatFloat(h.TestAcc[measured])
			if h.HeldAcc != nil {
				row[5] = nn.FormatFloat(h.HeldAcc[measured])
			}
			measured++
		}
		if err := out.Write(row); err != nil {
			return err
		}
		losses, sum = 0, 0
	}
	out.Flush()
	return out.Error()
}
