package bench

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

// TestEveryBenchmarkPassesItsCheck runs each benchmark once, at the sizes that take no time.
func TestEveryBenchmarkPassesItsCheck(t *testing.T) {
	checked := 0
	for _, g := range suite(t, Selection{Long: true}) {
		if strings.HasSuffix(g.Family, "GEMM") && g.Work.FLOP > 8e6 || g.Work.Bytes > 1<<20 {
			continue
		}
		if g.Family == "TrainPhase" && g.Work.Samples > 10 {
			continue // the check is that of TrainStep
		}
		operands := g.makeOperands(0)
		for _, c := range g.Contenders {
			if c.bind == nil {
				continue
			}
			task := c.bind(operands)
			if err := task.checkOnce(); err != nil {
				t.Errorf("%s: %v", g.Name(&c), err)
			}
			task.run(2)
			if trains := g.Work.Samples > 0; (task.memory > 0) != trains {
				t.Errorf("%s holds %d bytes, and whether it trains is %v", g.Name(&c), task.memory, trains)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("nothing was checked")
	}
}

// TestProductsOfEveryTranspose checks the reference's own indexing against two
// independent products, gonum's and ours.
func TestProductsOfEveryTranspose(t *testing.T) {
	t.Run("f32", testProductsOfEveryTranspose[float32])
	t.Run("f64", testProductsOfEveryTranspose[float64])
}

func testProductsOfEveryTranspose[T kernels.Float](t *testing.T) {
	cs := contendersFor[T](kernels.Supported())
	for _, transA := range []bool{false, true} {
		for _, transB := range []bool{false, true} {
			g := cs.gemmGroup(Shape{m: 5, n: 17, k: 9, transA: transA, transB: transB})
			operands := g.makeOperands(0)
			for _, c := range g.Contenders {
				if err := c.bind(operands).checkOnce(); err != nil {
					t.Errorf("%s: %v", g.Name(&c), err)
				}
			}
		}
	}
}

// TestChecksFindWrongProducts spoils right results in the ways kernels do.
func TestChecksFindWrongProducts(t *testing.T) {
	cs := contendersFor[float32](kernels.Supported()[:1])
	small, large := square(20), square(130) // 130^3 > verifyAll: corners and samples only
	for _, test := range []struct {
		name   string
		shapes []Shape
		spoil  func(o *gemmOperands[float32])
	}{
		{"an element left out", []Shape{small, large}, func(o *gemmOperands[float32]) { o.c[7] = float32(math.NaN()) }},
		{"a wrong corner", []Shape{small, large}, func(o *gemmOperands[float32]) { o.c[len(o.c)-1] = 0 }},
		{"transposed", []Shape{small, large}, func(o *gemmOperands[float32]) {
			for i := range o.shape.m {
				for j := range i {
					p, q := i*o.shape.n+j, j*o.shape.n+i
					o.c[p], o.c[q] = o.c[q], o.c[p]
				}
			}
		}},
		{"too little precision", []Shape{small}, func(o *gemmOperands[float32]) { o.c[3] *= 1 + 1e-4 }},
		{"two columns exchanged", []Shape{small}, func(o *gemmOperands[float32]) { o.c[2], o.c[5] = o.c[5], o.c[2] }},
		{"an infinity", []Shape{small}, func(o *gemmOperands[float32]) { o.c[5] = float32(math.Inf(1)) }},
	} {
		for _, s := range test.shapes {
			g := cs.gemmGroup(s)
			o := g.makeOperands(0).(*gemmOperands[float32])
			right := gemmOn(cs.ops[0], s)
			wrong := bindGEMM(func(n int, a, b, c []float32) { right(n, a, b, c); test.spoil(o) })
			if err := wrong(o).checkOnce(); err == nil {
				t.Errorf("%s, %s: not found", g.Params, test.name)
			}
		}
	}
}

func TestChecksFindWrongElements(t *testing.T) {
	cs := contendersFor[float64](kernels.Supported()[:1])
	g := cs.reluGroup(arraySize{"1Ki", 1 << 10})
	for name, run := range map[string]func(v *arrays[float64]){
		"nothing done":        func(*arrays[float64]) {},
		"a tail left out":     func(v *arrays[float64]) { n := len(v.x) - 1; cs.ops[0].ReLU(v.dst[:n], v.x[:n]) },
		"negatives let pass":  func(v *arrays[float64]) { copy(v.dst, v.x) },
		"everything set to 0": func(v *arrays[float64]) { clear(v.dst) },
	} {
		right := elementwise[float64]{run: run, want: func(v *arrays[float64], i int) float64 { return max(v.x[i], 0) }}
		if err := bindElementwise(right)(g.makeOperands(0)).check(); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}

// TestChecksFindWrongSteps compares updates that are slightly off.
func TestChecksFindWrongSteps(t *testing.T) {
	before := []float64{1, 2, 3, 4}
	want := []float64{1.01, 2.02, 2.97, 4.04}
	if err := closeTo[float64]([]float64{1.01, 2.02, 2.97, 4.04}, want, before, 1e-12); err != nil {
		t.Error(err)
	}
	for name, got := range map[string][]float64{
		"no update":         before,
		"one element off":   {1.01, 2.02, 2.97, 4.0400001},
		"NaN":               {1.01, math.NaN(), 2.97, 4.04},
		"the sign reversed": {0.99, 1.98, 3.03, 3.96},
	} {
		if err := closeTo[float64](got, want, before, 1e-12); err == nil || !strings.Contains(err.Error(), "off by") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDoubtfulUnits has a unit whose input is 0 up to rounding: whether it fires is either
// way right, what others do is not.
func TestDoubtfulUnits(t *testing.T) {
	const unit = 7
	start := func(bias float64) [4][]float64 {
		params := float64s(new(trainData[float32]).start(kernels.On[float32](kernels.Default())).net.Params)
		for i := range trainInputs {
			params[0][i*trainHidden+unit] = 0
		}
		params[1][unit] = bias
		return params
	}
	picks := []int{0, 1, 2, 3, 4}
	step := func(bias float64) [4][]float64 {
		net := &plainNet{params: start(bias)}
		images, labels := trainNoise.data()
		x, classes := make([]float32, len(picks)*trainInputs), make([]int, len(picks))
		for i := range x {
			x[i] = float32(images[i]) / trainMax
		}
		for i := range classes {
			classes[i] = int(labels[i])
		}
		step64(net, x, classes)
		return net.params
	}
	fires, silent := step(1e-9), step(-1e-9)
	if slices.Equal(fires[0], silent[0]) {
		t.Fatal("it makes no difference whether the unit fires")
	}
	for _, after := range [][4][]float64{fires, silent} {
		for _, bias := range []float64{1e-9, -1e-9} {
			if err := compareStep[float32](trainNoise, picks, start(bias), after); err != nil {
				t.Errorf("bias %g: %v", bias, err)
			}
		}
	}
	if err := compareStep[float64](trainNoise, picks, start(1e-9), silent); err == nil || !strings.Contains(err.Error(), "W1: it is off") {
		t.Errorf("in float64, where there is no doubt: %v", err)
	}
	fires[1][unit+1] += 1e-3
	if err := compareStep[float32](trainNoise, picks, start(1e-9), fires); err == nil || !strings.Contains(err.Error(), "b1: it is off") {
		t.Errorf("the unit beside it: %v", err)
	}
}

func TestTrainingIsTheSameEveryTime(t *testing.T) {
	cs := contendersFor[float64](kernels.Supported()[:1])
	g := cs.trainGroup(trainDigits, 10)
	var losses [2]float64
	for i := range losses {
		run := g.makeOperands(0).(*trainData[float64]).start(cs.ops[0])
		for range 5 {
			run.step()
		}
		losses[i] = run.stepper.Loss()
	}
	if losses[0] != losses[1] {
		t.Errorf("loss %v, then %v: operands depend on more than the seed", losses[0], losses[1])
	}
}

// TestOperandsOfARound checks that products see new numbers in every round, and the
// same ones in every run.
func TestOperandsOfARound(t *testing.T) {
	g := newGEMMGroup[float32](square(8))
	first := func(round int) float32 { return g.makeOperands(round).(*gemmOperands[float32]).a[0] }
	if first(1) != first(1) || first(1) == first(2) || first(0) == first(1) {
		t.Errorf("A[0,0] is %g, %g in round 1, %g in round 2", first(1), first(1), first(2))
	}
}

func TestOperandsAreNoZeros(t *testing.T) {
	for _, g := range suite(t, Selection{Filter: "GEMM/m=(100|37)/"}) {
		switch o := g.makeOperands(0).(type) {
		case *gemmOperands[float32]:
			checkRandom(t, g.Params, o.a)
			checkRandom(t, g.Params, o.b)
		case *gemmOperands[float64]:
			checkRandom(t, g.Params, o.a)
			checkRandom(t, g.Params, o.b)
		}
	}
	rng := operandSource(&Group{}, 0)
	checkRandom(t, "tiled", tiledNormals[float32](rng, 1<<18+3))
}

// checkRandom fails on zeros and on numbers that are not spread around 0.
func checkRandom[T kernels.Float](t *testing.T, what string, x []T) {
	t.Helper()
	sum, squares := 0.0, 0.0
	for i, v := range x {
		if v == 0 {
			t.Fatalf("%s: element %d of %d is 0", what, i, len(x))
		}
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(x))
	if mean, variance := sum/n, squares/n; math.Abs(mean) > 0.2 || variance < 0.8 || variance > 1.2 {
		t.Errorf("%s: mean %g and variance %g of %d elements, want 0 and 1", what, mean, variance, len(x))
	}
}
