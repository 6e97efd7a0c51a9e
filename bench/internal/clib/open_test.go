//go:build rivals && cgo && linux && amd64

package clib

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
)

// library opens a library. Where LANEWISE_REQUIRE has the word rivals all of them must be there.
func library(t *testing.T, name string) *Library {
	t.Helper()
	l, err := Open(name)
	if err != nil {
		if !strings.Contains(err.Error(), sources[name].debian) {
			t.Errorf("%s: %q does not name the package", name, err)
		}
		require.Missing(t, "rivals", name+": "+err.Error())
	}
	return l
}

func TestFacts(t *testing.T) {
	for name := range sources {
		t.Run(name, func(t *testing.T) {
			f := library(t, name).Facts()
			if _, err := os.Stat(f.Path); err != nil || !strings.ContainsAny(f.Version, "0123456789") || f.Kernels == "" || f.Threads < 1 {
				t.Errorf("%+v, %v", f, err)
			}
		})
	}
}

func TestProducts(t *testing.T) {
	for _, test := range []struct {
		name     string
		f32, f64 int // of the four transposes
	}{{"openblas", 4, 4}, {"blis", 4, 4}, {"onednn", 4, 0}, {"libxsmm", 1, 1}} {
		t.Run(test.name+"/f32", func(t *testing.T) { testProducts[float32](t, library(t, test.name), test.f32, 1e-5) })
		t.Run(test.name+"/f64", func(t *testing.T) { testProducts[float64](t, library(t, test.name), test.f64, 1e-13) })
	}
}

// testProducts compares products, of padded matrices and all transposes, with sums.
func testProducts[T float32 | float64](t *testing.T, l *Library, transposes int, tolerance float64) {
	run := 0
	for _, transA := range []bool{false, true} {
		for _, transB := range []bool{false, true} {
			const m, n, k = 5, 7, 9
			s := Shape{TransA: transA, TransB: transB, M: m, N: n, K: k, LDA: k + 2, LDB: n + 3, LDC: n + 1}
			if transA {
				s.LDA = m + 2
			}
			if transB {
				s.LDB = k + 3
			}
			multiply, err := Product[T](l, s)
			if err != nil {
				t.Logf("transposes %v %v: %v", transA, transB, err)
				continue
			}
			run++
			a, b, c := make([]T, 200), make([]T, 200), make([]T, m*s.LDC)
			for i := range a {
				a[i], b[i] = T(math.Sin(float64(i))), T(math.Cos(float64(3*i)))
			}
			for i := range c {
				c[i] = T(math.NaN())
			}
			multiply(2, a, b, c)
			for i := range m {
				for j := range n {
					want := 0.0
					for p := range k {
						x, y := a[i*s.LDA+p], b[p*s.LDB+j]
						if transA {
							x = a[p*s.LDA+i]
						}
						if transB {
							y = b[j*s.LDB+p]
						}
						want += float64(x) * float64(y)
					}
					if got := float64(c[i*s.LDC+j]); !(math.Abs(got-want) < tolerance) {
						t.Fatalf("transposes %v %v: C[%d,%d] = %g, want %g", transA, transB, i, j, got, want)
					}
				}
			}
		}
	}
	if run != transposes {
		t.Errorf("%d of 4 transposes, want %d", run, transposes)
	}
}

func TestNoSuchLibrary(t *testing.T) {
	if _, err := Open("mkl"); err == nil || !strings.Contains(err.Error(), `"mkl"`) {
		t.Errorf("error %v", err)
	}
	if _, err := load("libnosuchthing.so.7"); err == nil || !strings.Contains(err.Error(), "libnosuchthing.so.7") {
		t.Errorf("error %v", err)
	}
}
