//go:build amd64 && !purego

package kernels

// implementations is every implementation in the build, best first.
var implementations = []*Implementation{portable}

const buildDescription = "amd64 with assembly"
