package curves

import (
	"math"
	"os"
	"testing"
)

func TestLook(t *testing.T) {
	r := Run{Title: "lanewise: 784-50-10 on mnist, float32 on avx2, batch 100, rate 0.1", Epoch: 600}
	s := uint64(1)
	for i := range 6000 {
		s = s*6364136223846793005 + 1442695040888963407
		n := float64(s>>40) / (1 << 24)
		r.Loss = append(r.Loss, 0.1+2.2*math.Exp(-float64(i)/400)+0.2*n*n)
		if i%600 == 0 {
			r.Iteration = append(r.Iteration, i)
			a := 0.97 - 0.87*math.Exp(-float64(i)/300)
			r.Train = append(r.Train, a+0.01)
			r.Test = append(r.Test, a)
		}
	}
	for _, ext := range Extensions {
		f, _ := os.Create("/tmp/cli/look" + ext)
		if err := r.Draw(f, ext); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	r.Loss[0] = 400
	r.Loss[1] = math.NaN()
	f, _ := os.Create("/tmp/cli/look2.png")
	r.Train, r.Test, r.Iteration = r.Train[:1], r.Test[:1], r.Iteration[:1]
	if err := r.Draw(f, ".png"); err != nil {
		t.Fatal(err)
	}
	r = Run{Title: "none", Epoch: 600}
	f, _ = os.Create("/tmp/cli/look3.png")
	if err := r.Draw(f, ".png"); err != nil {
		t.Fatal(err)
	}
}
