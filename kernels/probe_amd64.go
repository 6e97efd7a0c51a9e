//go:build amd64 && !purego

package kernels

func probeClock(n int) (cycles int) {
	clockChain(n)
	return n * clockAdds
}

func probeIssue(n int) (instructions int) {
	issueLoop(n)
	return n * issueAdds
}
