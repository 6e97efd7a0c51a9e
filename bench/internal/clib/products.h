// Calls of the libraries' products, in loops. Only package clib includes this.

#include <stdint.h>

enum { row_major = 101, no_trans = 111, trans = 112 }; // as in cblas.h

enum interface { cblas, onednn, generated };

// A product is a call with everything but the operands. Matrices are row-major.
typedef struct {
	enum interface interface;
	void *function;
	int trans_a, trans_b; // 0 or 1
	int m, n, k, lda, ldb, ldc;
} product;

typedef void (*cblas_sgemm_function)(int order, int trans_a, int trans_b, int m, int n, int k,
	float alpha, const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void (*cblas_dgemm_function)(int order, int trans_a, int trans_b, int m, int n, int k,
	double alpha, const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);
typedef int (*dnnl_sgemm_function)(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k,
	float alpha, const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
typedef void (*libxsmm_kernel)(const void *a, const void *b, void *c, ...);

static int cblas_trans(int yes) { return yes ? trans : no_trans; }

// A kernel of libxsmm is column-major: for it, the row-major C = A B is C' = B' A'.
static void run_generated(const product *p, long times, const void *a, const void *b, void *c) {
	libxsmm_kernel f = (libxsmm_kernel)p->function;
	for (long i = 0; i < times; i++)
		f(b, a, c);
}

static void run_f32(product p, long times, const float *a, const float *b, float *c) {
	switch (p.interface) {
	case cblas: {
		cblas_sgemm_function f = (cblas_sgemm_function)p.function;
		int ta = cblas_trans(p.trans_a), tb = cblas_trans(p.trans_b);
		for (long i = 0; i < times; i++)
			f(row_major, ta, tb, p.m, p.n, p.k, 1, a, p.lda, b, p.ldb, 0, c, p.ldc);
		break;
	}
	case onednn: {
		dnnl_sgemm_function f = (dnnl_sgemm_function)p.function;
		char ta = p.trans_a ? 'T' : 'N', tb = p.trans_b ? 'T' : 'N';
		for (long i = 0; i < times; i++)
			f(ta, tb, p.m, p.n, p.k, 1, a, p.lda, b, p.ldb, 0, c, p.ldc);
		break;
	}
	case generated:
		run_generated(&p, times, a, b, c);
	}
}

static void run_f64(product p, long times, const double *a, const double *b, double *c) {
	if (p.interface == generated) {
		run_generated(&p, times, a, b, c);
		return;
	}
	cblas_dgemm_function f = (cblas_dgemm_function)p.function;
	int ta = cblas_trans(p.trans_a), tb = cblas_trans(p.trans_b);
	for (long i = 0; i < times; i++)
		f(row_major, ta, tb, p.m, p.n, p.k, 1, a, p.lda, b, p.ldb, 0, c, p.ldc);
}

// These have libxsmm generate the kernel of a product without transposes; 0 if it cannot.
static const int no_prefetch = 0;

static void *dispatch_f32(void *f, int m, int n, int k, int lda, int ldb, int ldc) {
	const float one = 1, zero = 0;
	void *(*dispatch)(int, int, int, const int *, const int *, const int *,
		const float *, const float *, const int *, const int *) = f;
	return dispatch(n, m, k, &ldb, &lda, &ldc, &one, &zero, 0, &no_prefetch);
}

static void *dispatch_f64(void *f, int m, int n, int k, int lda, int ldb, int ldc) {
	const double one = 1, zero = 0;
	void *(*dispatch)(int, int, int, const int *, const int *, const int *,
		const double *, const double *, const int *, const int *) = f;
	return dispatch(n, m, k, &ldb, &lda, &ldc, &one, &zero, 0, &no_prefetch);
}

// What the libraries say about themselves.

static int call_int(void *f) { return ((int (*)(void))f)(); }

static int64_t call_int64(void *f) { return ((int64_t(*)(void))f)(); }

static const char *call_string(void *f) { return ((const char *(*)(void))f)(); }

static const char *call_string_of_int(void *f, int x) { return ((const char *(*)(int))f)(x); }

typedef struct {
	int major, minor, patch;
} dnnl_version_head;

static dnnl_version_head call_dnnl_version(void *f) { return *((const dnnl_version_head *(*)(void))f)(); }
