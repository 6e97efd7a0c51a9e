//go:build !amd64 || purego

package kernels

import "runtime"

// implementations is every implementation in the build, best first.
var implementations = bound(portable)

const buildDescription = runtime.GOARCH + " without assembly"
