package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
)

// runTrain is the command "train".
func runTrain(ctx context.Context, f *trainFlags, stdout, stderr io.Writer) error {
	plan, err := f.plan()
	if err != nil {
		return err
	}
	if err := f.outputs.checkKeeps(plan.data); err != nil {
		return err
	}
	for _, note := range plan.notes {
		fmt.Fprintf(stderr, "lanewise: %s\n", note)
	}
	data, err := openData(ctx, plan.data, dataset.Options{Offline: plan.offline}, stderr)
	if err != nil {
		return err
	}
	if plan.dtype == "float64" {
		return train[float64](ctx, f, plan, data, stdout, stderr)
	}
	return train[float32](ctx, f, plan, data, stdout, stderr)
}

// train trains with elements of type T, and writes what the user wants of it,
// whether the run came to its end or was interrupted.
func train[T kernels.Float](ctx context.Context, f *trainFlags, plan trainPlan, data *dataset.Data, stdout, stderr io.Writer) error {
	ops := kernels.On[T](plan.im).Threads(f.threads)
	trainer, err := newTrainer(ops, f, plan, data)
	if err != nil {
		return byFlag(err)
	}
	facts := newTrainFacts(trainer, ops.Implementation(), plan.dtype, data)
	view := newTrainView(f, stdout, stderr)
	view.start(facts)

	var last nn.Progress
	began := time.Now()
	stopped := trainer.Run(ctx, func(p nn.Progress) {
		last = p
		view.iteration(p)
	})
	view.stop()

	end := trainEnd{
		Iterations: trainer.Iteration(), Interrupted: stopped != nil, StoppedEarly: trainer.StoppedEarly(),
		SamplesPerSecond: rate(last.Samples, last.Elapsed),
		TrainSeconds:     last.Elapsed.Seconds(), Seconds: time.Since(began).Seconds(),
	}
	if end.StoppedEarly {
		best := trainer.History().BestIteration()
		end.BestIteration = &best
	}
	diagnose := sync.OnceValue(trainer.Diagnose)
	run := trainedRun{facts: facts, save: trainer.SaveCheckpoint, history: func() nn.History {
		if stopped != nil {
			return trainer.History() // who interrupts does not want to wait
		}
		return trainer.History().Concluded(diagnose())
	}}
	var failed error
	end.Written, failed = f.outputs.write(run)
	if f.explain != "" && trainer.Iteration() > 0 {
		explained, err := writeExplained(f.explain, run, trainer, data)
		end.Written, failed = append(end.Written, explained...), errors.Join(failed, err)
	}
	if stopped == nil {
		diagnosis := diagnose()
		end.Diagnosis = &diagnosis
	}
	view.end(end)
	if stopped != nil && (f.outputs.save != "" || !isBrokenPipe(context.Cause(ctx))) { // head and the like want no comment
		tellStopped(stderr, f, facts, end)
	}
	switch {
	case failed != nil && stopped != nil:
		return fmt.Errorf("stopped (%v), and %w", context.Cause(ctx), failed)
	case failed != nil:
		return failed
	}
	return stopped
}

// newTrainer makes the trainer that plan describes.
func newTrainer[T kernels.Float](ops kernels.Ops[T], f *trainFlags, plan trainPlan, data *dataset.Data) (*nn.Trainer[T], error) {
	if f.resume != "" {
		trainer, err := nn.ResumeTrainer(ops, f.resume, data)
		if err != nil {
			return nil, err
		}
		return trainer, trainer.SetIterations(plan.config.Iterations)
	}
	trainer, err := nn.NewTrainer(ops, plan.config, data)
	if err == nil && f.load != "" {
		err = trainer.Net().LoadWeights(f.load)
	}
	return trainer, err
}

// tellStopped says on stderr what became of a run that was interrupted.
func tellStopped(stderr io.Writer, f *trainFlags, facts trainFacts, end trainEnd) {
	fmt.Fprintf(stderr, "lanewise: stopped after %d of %d iterations; ", end.Iterations, facts.Config.Iterations)
	saved := f.outputs.save
	if len(end.Written) == 0 || end.Written[0] != saved {
		fmt.Fprintln(stderr, "the state is lost, as there was no --save")
		return
	}
	fmt.Fprintf(stderr, "to go on: lanewise train --resume %s --save %s\n", saved, saved)
}

// rate returns samples per second, 0 if the time was too short to be measured.
func rate(samples int, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(samples) / elapsed.Seconds()
}
