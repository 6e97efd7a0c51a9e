//go:build !unix

package bench

// involuntarySwitches is not known on this system.
func involuntarySwitches() int64 { return -1 }
