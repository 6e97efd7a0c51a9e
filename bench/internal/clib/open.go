//go:build rivals && cgo && linux && amd64

package clib

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include "products.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unsafe"
)

// Built tells why no library can be opened in this build, nil if they can.
func Built() error { return nil }

// A Library is an open library. It stays open as long as the process.
type Library struct {
	name    string
	handle  unsafe.Pointer
	facts   Facts
	cblas   map[int]unsafe.Pointer // product by size of an element
	onednn  unsafe.Pointer         // float32 only
	kernels map[int]unsafe.Pointer // libxsmm's generators, by size of an element
}

// Open opens a library by our name for it: openblas, blis, onednn or libxsmm. What it
// reads from the environment it reads now.
func Open(name string) (*Library, error) {
	from, ok := sources[name]
	if !ok {
		return nil, fmt.Errorf("there is no library %q", name)
	}
	l := &Library{name: name, facts: Facts{Version: "unknown", Threads: 1}}
	var err error
	if l.handle, err = load(from.file); err != nil && name == "libxsmm" {
		err = l.loadArchive() // Debian has nothing else
	}
	if err != nil {
		return nil, from.missing(err)
	}
	if err := l.find(); err != nil {
		return nil, fmt.Errorf("%s: %w", from.file, err)
	}
	return l, nil
}

// load has the dynamic linker load a file.
func load(file string) (unsafe.Pointer, error) {
	name := C.CString(file)
	defer C.free(unsafe.Pointer(name))
	if handle := C.dlopen(name, C.RTLD_NOW|C.RTLD_LOCAL); handle != nil {
		return handle, nil
	}
	return nil, errors.New(C.GoString(C.dlerror()))
}

// finder looks up functions and remembers the first one that is not there.
type finder struct {
	handle unsafe.Pointer
	err    error
}

func (f *finder) function(name string) unsafe.Pointer {
	symbol := C.CString(name)
	defer C.free(unsafe.Pointer(symbol))
	p := C.dlsym(f.handle, symbol)
	if p == nil && f.err == nil {
		f.err = fmt.Errorf("it has no function %s", name)
	}
	return p
}

// find looks up the functions of l and asks it about itself.
func (l *Library) find() error {
	f := &finder{handle: l.handle}
	switch l.name {
	case "openblas":
		l.cblas = map[int]unsafe.Pointer{4: f.function("cblas_sgemm"), 8: f.function("cblas_dgemm")}
		config, core, threads := f.function("openblas_get_config"), f.function("openblas_get_corename"), f.function("openblas_get_num_threads")
		if f.err == nil {
			if words := strings.Fields(C.GoString(C.call_string(config))); len(words) > 1 {
				l.facts.Version = words[1] // "OpenBLAS 0.3.21 DYNAMIC_ARCH ..."
			}
			l.facts.Kernels = C.GoString(C.call_string(core))
			l.facts.Threads = int(C.call_int(threads))
		}
	case "blis":
		l.cblas = map[int]unsafe.Pointer{4: f.function("cblas_sgemm"), 8: f.function("cblas_dgemm")}
		start, version, threads := f.function("bli_init"), f.function("bli_info_get_version_str"), f.function("bli_thread_get_num_threads")
		id, name := f.function("bli_arch_query_id"), f.function("bli_arch_string")
		if f.err == nil {
			C.call_int(start) // before it, BLIS knows no architecture, and ends the process when asked
			l.facts.Version = C.GoString(C.call_string(version))
			l.facts.Kernels = C.GoString(C.call_string_of_int(name, C.call_int(id)))
			l.facts.Threads = max(1, int(C.call_int64(threads))) // -1 is that nobody has said
		}
	case "onednn":
		l.onednn = f.function("dnnl_sgemm")
		version, isa := f.function("dnnl_version"), f.function("dnnl_get_effective_cpu_isa")
		threads := f.function("omp_get_max_threads")
		if f.err == nil {
			v := C.call_dnnl_version(version)
			l.facts.Version = fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch)
			l.facts.Kernels = onednnISA(int(C.call_int(isa)))
			l.facts.Threads = int(C.call_int(threads))
		}
	case "libxsmm":
		l.kernels = map[int]unsafe.Pointer{4: f.function("libxsmm_smmdispatch"), 8: f.function("libxsmm_dmmdispatch")}
		arch := f.function("libxsmm_get_target_arch")
		if f.err == nil {
			l.facts.Kernels = C.GoString(C.call_string(arch))
			if version := (&finder{handle: l.handle}).function(archiveVersion); version != nil {
				l.facts.Version = C.GoString(C.call_string(version))
			}
		}
	}
	if f.err == nil && l.facts.Path == "" {
		for _, p := range []unsafe.Pointer{l.cblas[4], l.onednn, l.kernels[4]} {
			if p != nil {
				l.facts.Path = fileOf(p)
			}
		}
	}
	return f.err
}

// fileOf returns the file that a function was loaded from.
func fileOf(function unsafe.Pointer) string {
	var info C.Dl_info
	if C.dladdr(function, &info) == 0 {
		return "unknown"
	}
	path := C.GoString(info.dli_fname)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// onednnISA names a value of dnnl_cpu_isa_t as oneDNN's environment variable does.
func onednnISA(isa int) string {
	switch isa {
	case 0x1:
		return "SSE41"
	case 0x3:
		return "AVX"
	case 0x7:
		return "AVX2"
	case 0x27:
		return "AVX512_CORE"
	}
	return fmt.Sprintf("%#x", isa)
}

// Facts returns what l says about itself.
func (l *Library) Facts() Facts { return l.facts }

// Product returns a function that computes n products of shape s. It fails for what l
// does not have: float64 in oneDNN, transposes in libxsmm.
func Product[T float32 | float64](l *Library, s Shape) (func(n int, a, b, c []T), error) {
	size := int(unsafe.Sizeof(T(0)))
	p := C.product{
		m: C.int(s.M), n: C.int(s.N), k: C.int(s.K), lda: C.int(s.LDA), ldb: C.int(s.LDB), ldc: C.int(s.LDC),
		trans_a: number(s.TransA), trans_b: number(s.TransB),
	}
	switch {
	case l.cblas != nil:
		p._interface, p.function = C.cblas, l.cblas[size]
	case l.onednn != nil:
		if size != 4 {
			return nil, errors.New("oneDNN multiplies float32 matrices only")
		}
		p._interface, p.function = C.onednn, l.onednn
	default:
		if s.TransA || s.TransB {
			return nil, errors.New("libxsmm's kernels are for products without transposes")
		}
		p._interface = C.generated
		if size == 4 {
			p.function = C.dispatch_f32(l.kernels[4], p.m, p.n, p.k, p.lda, p.ldb, p.ldc)
		} else {
			p.function = C.dispatch_f64(l.kernels[8], p.m, p.n, p.k, p.lda, p.ldb, p.ldc)
		}
		if p.function == nil {
			return nil, fmt.Errorf("libxsmm generates no kernel for %d,%d,%d", s.M, s.N, s.K)
		}
	}
	return func(n int, a, b, c []T) {
		pa, pb, pc := unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0])
		if size == 4 {
			C.run_f32(p, C.long(n), (*C.float)(pa), (*C.float)(pb), (*C.float)(pc))
		} else {
			C.run_f64(p, C.long(n), (*C.double)(pa), (*C.double)(pb), (*C.double)(pc))
		}
	}, nil
}

func number(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
