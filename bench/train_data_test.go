package bench

import (
	"os"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/nn/dataset"
)

// inUse are how many of MNIST's pixels are not 0 in all of a batch, or beside such ones at its end.
var inUse = map[int]float64{1: 159, 10: 385, 100: 516, 1000: 612}

// The digits have no fewer pixels in use than MNIST, on which a net is trained in earnest.
func TestTrainSets(t *testing.T) {
	for _, batch := range trainBatches {
		if got, mnist := trainDigits.used(batch), inUse[batch]; !(got >= mnist && got < 0.9*trainInputs) {
			t.Errorf("digits: %.1f pixels in use in a batch of %d, want those of MNIST, %g, at least", got, batch, mnist)
		}
		if got := trainNoise.used(batch); got < 0.95*trainInputs {
			t.Errorf("noise: %.1f pixels in use in a batch of %d", got, batch)
		}
	}
	for _, set := range trainSets {
		images, labels := set.data()
		if len(images) != trainPool*trainInputs || len(labels) != trainPool {
			t.Fatalf("%s: %d pixels of %d samples", set.name, len(images), len(labels))
		}
		var classes [trainClasses]int
		for _, label := range labels {
			classes[label]++
		}
		for class, n := range classes {
			if n < trainPool/trainClasses*8/10 {
				t.Errorf("%s: %d samples of class %d", set.name, n, class)
			}
		}
	}
}

// The numbers that the digits are compared with are those of MNIST.
func TestInUseOfMNIST(t *testing.T) {
	dir := os.Getenv("LANEWISE_MNIST")
	if dir == "" {
		require.Missing(t, "mnist", "set LANEWISE_MNIST to a folder with the four IDX files of MNIST to count their pixels")
	}
	mnist, err := dataset.Open(t.Context(), dir, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set := &trainSet{name: "mnist", data: func() (images, labels []uint8) { return mnist.Train.Images, mnist.Train.Labels }}
	for batch, want := range inUse {
		if got := set.count(batch); got < 0.97*want || got > 1.03*want {
			t.Errorf("%.1f pixels in use in a batch of %d, want %g", got, batch, want)
		}
	}
}
