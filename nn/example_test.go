package nn_test

import (
	"context"
	"fmt"
	"log"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
)

// Training on the embedded digits, in float32 on the best kernels of the CPU.
func Example() {
	data, err := dataset.Open(context.Background(), "digits", dataset.Options{})
	if err != nil {
		log.Fatal(err)
	}
	cfg := nn.Config{
		Hidden: 50, BatchSize: 100, Iterations: 600,
		LearningRate: 0.5, InitStd: 0.1, ScalePixels: true, Seed: 42,
	}
	trainer, err := nn.NewTrainer(kernels.On[float32](kernels.Default()), cfg, data)
	if err != nil {
		log.Fatal(err)
	}
	if err := trainer.Run(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	_, test := trainer.Final()
	fmt.Println("more than 9 of 10 test digits right:", test > 0.9)
	fmt.Println(trainer.Diagnose().Verdict)
	// Output:
	// more than 9 of 10 test digits right: true
	// healthy
}
