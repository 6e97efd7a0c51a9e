package bench

import "testing"

func TestParseProcessorTicks(t *testing.T) {
	for _, test := range []struct {
		stat         string
		steal, total uint64
	}{
		{"cpu  100 20 30 400 5 6 7 80 90 10\ncpu0 1 2 3\n", 80, 648},
		{"cpu  1 2 3 4 5 6 7 8", 8, 36},
		{"cpu  1 2 3\n", 0, 0},
		{"cpu  1 2 3 4 5 6 7 x\n", 0, 0},
		{"", 0, 0},
	} {
		if steal, total := parseProcessorTicks(test.stat); steal != test.steal || total != test.total {
			t.Errorf("%q: steal %d of %d, want %d of %d", test.stat, steal, total, test.steal, test.total)
		}
	}
	if _, total := processorTicks(); total == 0 {
		t.Error("/proc/stat of this machine was not understood")
	}
}
