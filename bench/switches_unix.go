//go:build unix

package bench

import "syscall"

// involuntarySwitches counts how often the system has taken the processor away from
// this process.
func involuntarySwitches() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return -1
	}
	return int64(usage.Nivcsw)
}
