//go:build amd64 && !purego

package kernels

// implementations is every implementation in the build, best first.
var implementations = bound(avx512, avx2, portable)

const buildDescription = "amd64 with assembly"
