package bench

import (
	"os"
	"strconv"
	"strings"
)

// processorTicks reads the time stolen by the host and all time of all processors
// from /proc/stat; 0, 0 if it cannot be read.
func processorTicks() (steal, total uint64) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	return parseProcessorTicks(string(data))
}

// parseProcessorTicks reads the first line of /proc/stat, see proc_stat(5): "cpu", then
// user nice system idle iowait irq softirq steal, then guest times, which user includes.
func parseProcessorTicks(stat string) (steal, total uint64) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, 0
		}
		total += ticks
		if i == 7 {
			steal = ticks
		}
	}
	return steal, total
}
