package bench

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/lanewise/lanewise/kernels"
)

// A forcing makes the libraries use the best kernels that they have for an instruction
// set. Left alone they choose by the model of the CPU, which a virtual machine may hide
// or make up, and take what they know for unknown models.
type forcing struct {
	isa     string            // the implementation of package kernels that they are compared with
	env     []setting         // what they read when they are loaded
	reached map[string]string // what each then has to call its kernels
}

var forcings = []forcing{
	{
		isa: "avx512",
		env: []setting{
			{"OPENBLAS_CORETYPE", "SkylakeX"},
			{"BLIS_ARCH_TYPE", "0"}, // the number of skx; 0.9.0 takes numbers only
			{"ONEDNN_MAX_CPU_ISA", "AVX512_CORE"}, {"DNNL_MAX_CPU_ISA", "AVX512_CORE"},
			{"LIBXSMM_TARGET", "skx"},
		},
		reached: map[string]string{"openblas": "SkylakeX", "blis": "skx", "onednn": "AVX512_CORE", "libxsmm": "skx"},
	},
	{
		isa: "avx2",
		env: []setting{
			{"OPENBLAS_CORETYPE", "Haswell"},
			{"BLIS_ARCH_TYPE", "3"},
			{"ONEDNN_MAX_CPU_ISA", "AVX2"}, {"DNNL_MAX_CPU_ISA", "AVX2"},
			{"LIBXSMM_TARGET", "hsw"},
		},
		reached: map[string]string{"openblas": "Haswell", "blis": "haswell", "onednn": "AVX2", "libxsmm": "hsw"},
	},
}

// threadSettings hold the libraries to a number of threads. Several threads wait for
// work in a loop for a while before they sleep, which is when they are at their best.
func threadSettings(threads int) []setting {
	n := strconv.Itoa(threads)
	env := []setting{{"OMP_NUM_THREADS", n}, {"OPENBLAS_NUM_THREADS", n}, {"BLIS_NUM_THREADS", n}, {"MKL_NUM_THREADS", n}}
	if threads > 1 {
		env = append(env, setting{"GOMP_SPINCOUNT", "20000"}, setting{"OPENBLAS_THREAD_TIMEOUT", "14"})
	}
	return env
}

// forcingFor returns the forcing to the instruction set of an implementation.
func forcingFor(isa string) (forcing, error) {
	var names []string
	for _, f := range forcings {
		if f.isa == isa {
			return f, nil
		}
		names = append(names, f.isa)
	}
	return forcing{}, fmt.Errorf("isa = %s, want %s: rivals cannot be held to another one", isa, strings.Join(names, " or "))
}

// RivalImplementations returns the implementations that rivals can be compared with
// fairly, in the order of names; without names all that the CPU supports.
func RivalImplementations(names []string) ([]*kernels.Implementation, error) {
	var ims []*kernels.Implementation
	if len(names) == 0 {
		for _, f := range forcings {
			if im, err := kernels.Lookup(f.isa); err == nil {
				ims = append(ims, im)
			}
		}
		if len(ims) == 0 {
			return nil, fmt.Errorf("rivals can be held to avx512 or avx2, and this CPU, or this build for %s, has neither", runtime.GOARCH)
		}
		return ims, nil
	}
	for _, name := range names {
		if _, err := forcingFor(name); err != nil {
			return nil, err
		}
		im, err := kernels.Lookup(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ims, im) {
			ims = append(ims, im)
		}
	}
	return ims, nil
}

// RivalEnvironment returns the environment in which a process has to be started for its
// libraries to use the kernels for isa, which [RivalImplementations] has returned, and so
// many threads. Other settings of theirs that base has are taken out.
func RivalEnvironment(base []string, isa string, threads int) []string {
	var env []string
	for _, variable := range base {
		if !slices.ContainsFunc(rivalPrefixes, func(p string) bool { return strings.HasPrefix(variable, p) }) {
			env = append(env, variable)
		}
	}
	for _, s := range rivalSettings(isa, threads) {
		env = append(env, s.key+"="+s.value)
	}
	return env
}

// rivalPrefixes begin the variables that the libraries read, and ours for the same.
var rivalPrefixes = []string{
	"OPENBLAS_", "GOTO_", "BLIS_", "ONEDNN_", "DNNL_", "LIBXSMM_", "MKL_", "OMP_", "GOMP_",
	"NPY_", "ATEN_", kernels.ThreadsVariable,
}

func rivalSettings(isa string, threads int) []setting {
	f, err := forcingFor(isa)
	if err != nil {
		panic(err) // the caller has not asked RivalImplementations
	}
	return append(slices.Clone(f.env), threadSettings(threads)...)
}

// checkForced tells why r is no fair rival, nil if it is one: whether it reached the
// kernels and the number of threads that were asked for, by what it says itself.
func (r *Rival) checkForced(part RivalPart) error {
	f, err := forcingFor(part.ISA)
	if err != nil {
		return err
	}
	library := r.Name
	if r.Python != "" {
		if r.BLAS == "" {
			return fmt.Errorf("it does not multiply with OpenBLAS, which can be forced: in Debian that takes the package libopenblas0")
		}
		library = "openblas"
	}
	if want := f.reached[library]; r.Kernels != want {
		return fmt.Errorf("it runs its kernels for %s where those for %s were forced", r.Kernels, want)
	}
	if r.Threads != part.Threads {
		return fmt.Errorf("it uses up to %s where %d were forced", threadsInWords(r.Threads), part.Threads)
	}
	return nil
}
