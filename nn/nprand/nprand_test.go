package nprand

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
)

// vectors are what NumPy draws; testdata/make.py wrote them.
type vectors struct {
	Streams []struct {
		Seed        uint32
		Words       []uint32
		Rand, Randn []hexFloat
		Choices     []struct {
			N      int64
			Values []int64
		}
		RandnAfter []hexFloat `json:"randn_after"`
		Choice     string     `json:"choice_60000_100000"`
		Rand100000 string     `json:"rand_100000"`
		State      struct {
			Key      string
			Pos      int
			HasGauss int `json:"has_gauss"`
			Gauss    hexFloat
		}
	}
	Notebook struct {
		W1         string     `json:"W1_f32"`
		W2         string     `json:"W2_f32"`
		W2Values   []hexFloat `json:"W2"`
		FirstBatch []int      `json:"first_batch"`
	}
	Logs         [][2]hexFloat
	Permutations struct {
		Small []struct {
			N      int
			Values []int
		}
		Permutation string `json:"permutation_60000"`
		ChoiceAfter []int  `json:"choice_after"`
	}
}

type hexFloat float64

func (h *hexFloat) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	*h = hexFloat(v)
	return err
}

func load(t *testing.T) (v vectors) {
	data, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func digest(t *testing.T, data any) string {
	h := sha256.New()
	if err := binary.Write(h, binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ulps is how many float64 lie between a and b.
func ulps(a, b float64) int64 {
	d := int64(math.Float64bits(a)) - int64(math.Float64bits(b))
	return max(d, -d)
}

func checkNormal(t *testing.T, what string, got []float64, want []hexFloat) {
	t.Helper()
	off := 0
	for i, w := range want {
		switch d := ulps(got[i], float64(w)); {
		case d > 2:
			t.Errorf("%s[%d] = %x, want %x", what, i, got[i], float64(w))
		case d > 0:
			off++
		}
	}
	if off > 1+len(want)/100 {
		t.Errorf("%s: %d of %d numbers are not NumPy's to the bit", what, off, len(want))
	}
}

// TestStreams draws what NumPy drew, in the same order from one stream.
func TestStreams(t *testing.T) {
	for _, s := range load(t).Streams {
		r := New(s.Seed)
		for i, want := range s.Words {
			if got := r.mt.uint32(); got != want {
				t.Errorf("seed %d: word %d = %d, want %d", s.Seed, i, got, want)
			}
		}
		for i, want := range s.Rand {
			if got := r.Float64(); got != float64(want) {
				t.Errorf("seed %d: Float64 %d = %v, want %v", s.Seed, i, got, want)
			}
		}
		normal := make([]float64, len(s.Randn))
		r.Randn(normal)
		checkNormal(t, "Randn", normal, s.Randn)
		for _, c := range s.Choices {
			if c.N > math.MaxInt {
				require.Missing(t, "int64", fmt.Sprintf("an int holds no %d here", c.N))
			}
			got := make([]int, len(c.Values))
			r.Choice(got, int(c.N))
			for i, want := range c.Values {
				if int64(got[i]) != want {
					t.Errorf("seed %d: Choice(%d) = %v, want %v", s.Seed, c.N, got, c.Values)
					break
				}
			}
		}
		normal = normal[:len(s.RandnAfter)]
		r.Randn(normal)
		checkNormal(t, "Randn after", normal, s.RandnAfter)

		picks := make([]int, 100000)
		r.Choice(picks, 60000)
		wide := make([]int64, len(picks))
		for i, p := range picks {
			wide[i] = int64(p)
		}
		if digest(t, wide) != s.Choice {
			t.Errorf("seed %d: 100000 draws of Choice(60000) differ from NumPy's", s.Seed)
		}
		uniform := make([]float64, 100000)
		for i := range uniform {
			uniform[i] = r.Float64()
		}
		if digest(t, uniform) != s.Rand100000 {
			t.Errorf("seed %d: 100000 draws of Float64 differ from NumPy's", s.Seed)
		}

		state := r.State()
		if digest(t, state.Key) != s.State.Key || state.Pos != s.State.Pos || state.HasGauss != (s.State.HasGauss == 1) ||
			ulps(state.Gauss, float64(s.State.Gauss)) > 2 {
			t.Errorf("seed %d: final state pos %d, gauss %v %v, want %+v", s.Seed, state.Pos, state.HasGauss, state.Gauss, s.State)
		}
	}
}

func TestPermutations(t *testing.T) {
	want := load(t).Permutations
	r := New(42)
	for _, p := range want.Small {
		got := make([]int, p.N)
		r.Permutation(got)
		if !slices.Equal(got, p.Values) {
			t.Errorf("Permutation of %d: %v, want %v", p.N, got, p.Values)
		}
	}
	long, wide := make([]int, 60000), make([]int64, 60000)
	r.Permutation(long)
	for i, v := range long {
		wide[i] = int64(v)
	}
	if digest(t, wide) != want.Permutation {
		t.Error("a permutation of 60000 is not NumPy's")
	}
	after := make([]int, len(want.ChoiceAfter))
	r.Choice(after, 60000)
	if !slices.Equal(after, want.ChoiceAfter) {
		t.Errorf("after the permutations Choice draws %v, want %v", after, want.ChoiceAfter)
	}
	r.Permutation(nil)
}

// TestNotebook draws the weights and the first batch of the notebook's run.
func TestNotebook(t *testing.T) {
	want := load(t).Notebook
	r := New(42)
	draw := func(n int) (f64 []float64, f32 []float32) {
		f64, f32 = make([]float64, n), make([]float32, n)
		r.Randn(f64)
		for i := range f64 {
			f64[i] *= 0.01
			f32[i] = float32(f64[i])
		}
		return f64, f32
	}
	_, w1 := draw(784 * 50)
	w2, w2f32 := draw(50 * 10)
	if digest(t, w1) != want.W1 || digest(t, w2f32) != want.W2 {
		t.Error("the weights in float32 are not NumPy's to the bit")
	}
	checkNormal(t, "W2", w2, want.W2Values)
	batch := make([]int, len(want.FirstBatch))
	if r.Choice(batch, 60000); !slices.Equal(batch, want.FirstBatch) {
		t.Errorf("first batch %v, want %v", batch, want.FirstBatch)
	}
}

// TestLog compares with logarithms of 50 digits, correctly rounded.
func TestLog(t *testing.T) {
	logs := load(t).Logs
	if len(logs) < 400 {
		t.Fatalf("%d logarithms to compare with", len(logs))
	}
	for _, l := range logs {
		if got := log(float64(l[0])); got != float64(l[1]) {
			t.Errorf("log(%x) = %x, want %x", float64(l[0]), got, float64(l[1]))
		}
	}
}

func TestStateGoesOn(t *testing.T) {
	for _, draws := range []int{0, 1, 2, 311, 312, 1001} { // odd: a normal number is kept; 312 pairs use up the key
		a := New(3)
		a.Randn(make([]float64, draws))
		b, err := FromState(a.State())
		if err != nil {
			t.Fatal(err)
		}
		x, y := make([]float64, 2000), make([]float64, 2000)
		a.Randn(x)
		b.Randn(y)
		if !slices.Equal(x, y) {
			t.Errorf("after %d draws: a stream from the state goes on differently", draws)
		}
	}
}

func TestStateIsACopy(t *testing.T) {
	r := New(1)
	s := r.State()
	want := New(1).Float64()
	s.Key[0]++
	if got := r.Float64(); got != want {
		t.Error("changing a State changed the stream")
	}
}

func TestBadStates(t *testing.T) {
	for _, c := range []struct {
		change func(*State)
		want   string
	}{
		{func(s *State) { s.Key = s.Key[:623] }, "key of 623 words, want 624"},
		{func(s *State) { s.Pos = -1 }, "position -1, want 0..624"},
		{func(s *State) { s.Pos = 625 }, "position 625, want 0..624"},
		{func(s *State) { s.Gauss = math.NaN() }, "normal number NaN"},
		{func(s *State) { s.Gauss = math.Inf(-1) }, "normal number -Inf"},
		{func(s *State) { clear(s.Key); s.Key[0] = 1<<31 - 1 }, "all zeros"},
	} {
		s := New(1).State()
		c.change(&s)
		if _, err := FromState(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("FromState: %v, want an error with %q", err, c.want)
		}
	}
}

func TestChoicePanics(t *testing.T) {
	for _, n := range []int{0, -1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Choice(%d) did not panic", n)
				}
			}()
			New(1).Choice(make([]int, 1), n)
		}()
	}
}

func TestNoAllocations(t *testing.T) {
	r := New(1)
	picks, normal := make([]int, 100), make([]float64, 100)
	if n := testing.AllocsPerRun(10, func() { r.Choice(picks, 60000); r.Randn(normal) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
