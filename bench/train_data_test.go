package bench

import (
	"math"
	"os"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
)

// inUse are how many of MNIST's pixels are in use in a batch, with what ColumnsInUse adds at the end.
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

// What counts as work, by hand: on noise, 784 inputs times 50 units, forward and backward, and 50 times 10
// forward, backward, and for the gradient of the hidden layer, two operations each; on digits, as many inputs
// as are in use.
func TestTrainingWork(t *testing.T) {
	cs := contendersFor[float32](kernels.Supported()[:1])
	const second = 3 * 2 * 50 * 10
	if got, want := cs.trainGroup(trainNoise, 100).Work.FLOP, 100.*(2*2*784*50+second); got != want {
		t.Errorf("noise: %g operations, want %g", got, want)
	}
	if got, want := cs.trainGroup(trainDigits, 100).Work.FLOP, 100*(2*2*559*50.+second); math.Abs(got-want) > 0.01*want {
		t.Errorf("digits: %g operations, want about %g", got, want)
	}
	var phases float64
	for _, g := range cs.phaseGroups(100) {
		phases += g.Work.FLOP
	}
	if want := cs.trainGroup(trainDigits, 100).Work.FLOP; math.Abs(phases-want) > 1e-9*want {
		t.Errorf("the phases are %g operations, the step %g", phases, want)
	}
}

// Families train on the set that their names promise.
func TestTrainingFamilies(t *testing.T) {
	for family, set := range map[string]*trainSet{trainingFamily: trainDigits, noiseFamily: trainNoise, "net": nil} {
		if got := setOf(family); got != set {
			t.Errorf("%s trains on %v", family, got)
		}
	}
	for _, set := range trainSets {
		images, _ := set.data()
		if p := trainingProblem(kernels.Default(), loopKey{"f32", set}); &p.Images[0] != &images[0] {
			t.Errorf("loops in Python are handed other images than %s", set.name)
		}
		if got := setOf(familyTrainedOn(set.name)); got != set {
			t.Errorf("%s is read as a family that trains on %v", set.name, got)
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
