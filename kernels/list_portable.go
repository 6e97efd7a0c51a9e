//go:build !amd64 || purego

package kernels

import "runtime"

// implementations is every implementation in the build, best first.
var implementations = []*Implementation{portable}

const buildDescription = runtime.GOARCH + " without assembly"
