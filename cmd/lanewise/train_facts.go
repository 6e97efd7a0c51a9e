package main

import (
	"fmt"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
)

// trainFacts is what is known when a run begins. It is the "start" object of --json.
type trainFacts struct {
	Event          string    `json:"event"`
	Data           dataFacts `json:"data"`
	Net            string    `json:"net"` // sizes of its layers: 784-50-10
	DType          string    `json:"dtype"`
	Implementation string    `json:"implementation"` // that the run is on
	Config         nn.Config `json:"config"`
	Done           int       `json:"iterations_done"`      // before, in a run that goes on
	Epoch          float64   `json:"iterations_per_epoch"` // at least 1, not always whole
	describeData   string
}

type dataFacts struct {
	Name    string `json:"name"`
	Source  string `json:"source"`
	Train   int    `json:"train"`    // of these are
	Held    int    `json:"held_out"` // not trained on
	Test    int    `json:"test"`
	Rows    int    `json:"rows"`
	Columns int    `json:"columns"`
	Classes int    `json:"classes"`
}

func newTrainFacts[T kernels.Float](t *nn.Trainer[T], im *kernels.Implementation, dtype string, d *dataset.Data) trainFacts {
	c := t.Config()
	train, held := t.Samples()
	return trainFacts{
		Event: "start",
		Data:  dataFacts{d.Name, d.Source, d.Train.Len(), held, d.Test.Len(), d.Rows, d.Cols, d.Classes},
		Net:   fmt.Sprintf("%d-%d-%d", d.Pixels(), c.Hidden, d.Classes),
		DType: dtype, Implementation: im.Name(),
		Config: c, Done: t.Iteration(),
		Epoch:        max(float64(train)/float64(c.BatchSize), 1),
		describeData: describeData(d),
	}
}

// trainEvaluation is what is told of the start of every epoch. It is the
// "evaluation" object of --json.
type trainEvaluation struct {
	Event            string           `json:"event"`
	Iteration        int              `json:"iteration"` // counted from 0
	Epoch            int              `json:"epoch"`     // counted from 0
	Loss             nn.Figure        `json:"loss"`      // of the batch, after the update, or before it with --history epoch
	TrainAcc         float64          `json:"train_acc"`
	TestAcc          float64          `json:"test_acc"`
	HeldAcc          *float64         `json:"held_acc,omitempty"`  // if samples are held out
	Explained        *nn.EpochFigures `json:"explained,omitempty"` // with --explain
	SamplesPerSecond float64          `json:"samples_per_second"`  // since the last one, training only
}

// trainEnd is what is known when a run has ended. It is the "end" object of --json.
type trainEnd struct {
	Event            string        `json:"event"`
	Iterations       int           `json:"iterations"` // done
	Interrupted      bool          `json:"interrupted"`
	StoppedEarly     bool          `json:"stopped_early"` // the weights are then those of
	BestIteration    *int          `json:"best_iteration,omitempty"`
	SamplesPerSecond float64       `json:"samples_per_second"` // training only
	TrainSeconds     float64       `json:"train_seconds"`      // without the evaluations
	Seconds          float64       `json:"seconds"`
	Diagnosis        *nn.Diagnosis `json:"diagnosis,omitempty"` // with the final accuracies; not of an interrupted run
	Written          []string      `json:"written"`             // files
}
