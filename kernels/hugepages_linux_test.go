package kernels

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// A large buffer lies in memory for which huge pages were asked for.
func TestLargeBuffersAskForHugePages(t *testing.T) {
	leaveOut := t.Skipf
	if slices.Contains(strings.Split(os.Getenv(requireVariable), ","), hugePages) {
		leaveOut = t.Fatalf
	}
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		leaveOut("this system has no huge pages to offer: %v", err)
	}
	if os.Getenv(emulatorVariable) != "" {
		leaveOut("%s is set: what the emulator maps is not what the system does", emulatorVariable)
	}
	s := Aligned[float32](3 * hugePage / 4)
	s[0] = 1
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	inside := false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= address(s) && address(s)+byteLen(s) <= to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			if !strings.Contains(flags+" ", " hg ") {
				t.Errorf("the buffer's memory has the flags%s, want hg among them", flags)
			}
			return
		}
	}
	t.Errorf("no mapping holds the buffer at %#x", address(s))
}
