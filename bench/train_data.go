package bench

import (
	"context"
	"image"
	"math/rand/v2"
	"sync"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn/dataset"
)

// A trainSet is what nets learn: images and labels like those of MNIST, so that the
// benchmark needs no files, and as many, so that most samples of a batch come from
// memory. One label in ten is wrong, so that the gradients stay as large as those of
// real data for as long as it trains.
type trainSet struct {
	name string
	data func() (images, labels []uint8) // made once
	used func(batch int) float64         // mean number of pixels in use in a batch
}

const (
	trainPool = 60000 // samples that batches are drawn from
	trainSide = 28    // pixels
	trainMax  = 255   // the largest pixel
)

// Pixels that are 0 in every sample of a batch take no part in a step. Of MNIST's 784 pixels, 159
// are in use in a batch of 1, 385 in one of 10, 516 in one of 100 and 612 in one of
// 1000; of the digits, 263, 445, 559 and 631; of the noise, as good as all.
var trainDigits, trainNoise = newTrainSet("digits", drawDigits), newTrainSet("noise", drawNoise)

var trainSets = []*trainSet{trainDigits, trainNoise}

func newTrainSet(name string, draw func(rng *rand.Rand, images, labels []uint8)) *trainSet {
	s := &trainSet{name: name}
	s.data = sync.OnceValues(func() (images, labels []uint8) {
		rng := rand.New(rand.NewPCG(seed, trainPool))
		images, labels = kernels.Aligned[uint8](trainPool*trainInputs), make([]uint8, trainPool)
		draw(rng, images, labels)
		for i := range labels {
			if rng.IntN(10) == 0 {
				labels[i] = uint8(rng.IntN(trainClasses))
			}
		}
		return images, labels
	})
	var counts sync.Map
	s.used = func(batch int) float64 {
		count, ok := counts.Load(batch)
		if !ok {
			count, _ = counts.LoadOrStore(batch, s.count(batch))
		}
		return count.(float64)
	}
	return s
}

// count computes what used returns, from ten batches or more, of a thousand samples or more. Pixels
// that ColumnsInUse adds at the end count.
func (s *trainSet) count(batch int) float64 {
	const samples = 1000
	images, _ := s.data()
	o, rng := kernels.On[float32](kernels.Default()), rand.New(rand.NewPCG(seed, uint64(batch)))
	picks, sum, batches := make([]int, batch), 0, 10+samples/batch
	for range batches {
		for i := range picks {
			picks[i] = rng.IntN(trainPool)
		}
		for _, r := range o.ColumnsInUse(nil, images, picks, trainInputs) {
			sum += r.Len()
		}
	}
	return float64(sum) / float64(batches)
}

// flop is the work on a sample of a batch where products with the first weights count
// by times, and with the second weights by2 times.
func (s *trainSet) flop(batch int, by1, by2 float64) float64 {
	return 2 * trainHidden * (by1*s.used(batch) + by2*trainClasses)
}

// drawDigits draws the embedded handwritten digits as MNIST's were, and moves each by up
// to two pixels, which makes many of them, and some more pixels in use than MNIST has.
func drawDigits(rng *rand.Rand, images, labels []uint8) {
	const side, reach = 8, 2
	digits, err := dataset.Open(context.Background(), "digits", dataset.Options{})
	if err != nil {
		panic(err) // they are part of the program
	}
	form := dataset.Form{Rows: trainSide, Cols: trainSide, Max: trainMax}
	pictures := make([][]uint8, digits.Train.Len())
	for i := range pictures {
		ink := image.NewGray(image.Rect(-1, -1, side+1, side+1)) // with a margin, which is the ground
		for at := range side * side {
			v := int(digits.Train.Images[i*side*side+at])
			ink.Pix[ink.PixOffset(at%side, at/side)] = uint8(v * trainMax / int(digits.Max))
		}
		if pictures[i], err = dataset.Picture(ink, form); err != nil {
			panic(err)
		}
	}
	for i := range labels {
		digit := i % len(pictures)
		labels[i] = digits.Train.Labels[digit]
		dx, dy := rng.IntN(2*reach+1)-reach, rng.IntN(2*reach+1)-reach
		// There are four pixels around the figure, or three.
		to, from := images[i*trainInputs:(i+1)*trainInputs], pictures[digit]
		if move := dy*trainSide + dx; move >= 0 {
			copy(to[move:], from)
		} else {
			copy(to, from[-move:])
		}
	}
}

// drawNoise draws noisy pictures of ten prototypes: as in the pictures of MNIST, a fifth
// of the pixels are bright, but the others are not black.
func drawNoise(rng *rand.Rand, images, labels []uint8) {
	prototypes := make([]uint8, trainClasses*trainInputs)
	for i := range prototypes {
		if rng.IntN(5) == 0 {
			prototypes[i] = 150
		}
	}
	for i := range labels {
		class := rng.IntN(trainClasses)
		labels[i] = uint8(class)
		var noise uint64
		for j, v := range prototypes[class*trainInputs : (class+1)*trainInputs] {
			if j%8 == 0 {
				noise = rng.Uint64()
			}
			images[i*trainInputs+j] = v + uint8(noise)>>3
			noise >>= 8
		}
	}
}
