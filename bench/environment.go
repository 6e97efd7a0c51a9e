package bench

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/lanewise/lanewise/kernels"
)

// A setting is one configuration line of a record.
type setting struct{ key, value string }

// identityKeys tell apart results that must not be compared unasked, volatileKeys what
// differs from run to run. benchstat splits its tables, without a word, by every key
// that it is not told to ignore: every record has all of them.
var (
	identityKeys = []string{"goos", "goarch", "pkg", "cpu", "cpu-id", "isa", "tags"}
	volatileKeys = []string{"commit", "commit-time", "dirty", "runstamp", "go", "goamd64", "kernel", "governor", "virt", "round", "noise"}
)

// environment is what a run happens in.
type environment struct {
	cpu     kernels.CPUInfo
	source  Source
	build   *debug.BuildInfo // nil if unknown
	started time.Time
	isa     *kernels.Implementation // the best one that is measured
}

func readEnvironment(isa *kernels.Implementation) environment {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = nil
	}
	return environment{
		cpu: kernels.CPU(), source: findSource(".", build), build: build,
		started: time.Now().UTC().Truncate(time.Second), isa: isa,
	}
}

// config returns the configuration lines that hold for the whole run: every key but
// round and noise, in the order of identityKeys and volatileKeys.
func (e environment) config() []setting {
	return []setting{
		{"goos", runtime.GOOS},
		{"goarch", runtime.GOARCH},
		{"pkg", modulePath + "/bench"},
		{"cpu", orUnknown(e.cpu.Brand)},
		{"cpu-id", cpuID(e.cpu)},
		{"isa", e.isa.Name()},
		{"tags", e.buildSetting("-tags", "none")},
		{"commit", shortCommit(e.source.Commit)},
		{"commit-time", e.source.Time},
		{"dirty", e.source.Dirty},
		{"runstamp", e.started.Format(time.RFC3339)},
		{"go", runtime.Version()},
		{"goamd64", e.buildSetting("GOAMD64", "none")},
		{"kernel", osRelease()},
		{"governor", firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
		{"virt", virtualization(e.cpu)},
	}
}

// buildSetting returns what the go command recorded under key.
func (e environment) buildSetting(key, missing string) string {
	if e.build == nil {
		return unknown
	}
	for _, s := range e.build.Settings {
		if s.Key == key && s.Value != "" {
			return s.Value
		}
	}
	return missing
}

// cpuID is vendor-family-model-stepping, which tells CPUs apart that call themselves
// the same.
func cpuID(cpu kernels.CPUInfo) string {
	if cpu.Vendor == "" {
		return unknown + "-" + runtime.GOARCH
	}
	return fmt.Sprintf("%s-%d-%d-%d", strings.ReplaceAll(cpu.Vendor, " ", ""), cpu.Family, cpu.Model, cpu.Stepping)
}

// machineSlug is the name of the folder for records of this kind of machine: brand and
// cpu-id in lower case, everything but letters and digits replaced.
func machineSlug(cpu kernels.CPUInfo) string {
	s := strings.ToLower(cpu.Brand + " " + cpuID(cpu))
	s = regexp.MustCompile(`\((r|tm|c)\)`).ReplaceAllString(s, " ")
	s = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(s, "-")
	return strings.Trim(s, "-")
}

// virtualization names the hypervisor.
func virtualization(cpu kernels.CPUInfo) string {
	switch {
	case cpu.Hypervisor != "":
		return strings.TrimSpace(cpu.Hypervisor)
	case cpu.Vendor == "":
		return unknown
	}
	return "none"
}

// shortCommit is the twelve digits of a hash that names and tables use. Versions stay whole.
func shortCommit(commit string) string {
	if regexp.MustCompile(`^[0-9a-f]{13,}$`).MatchString(commit) {
		return commit[:12]
	}
	return commit
}

// osRelease is the version of the operating system's kernel.
func osRelease() string { return firstLine("/proc/sys/kernel/osrelease") }

// firstLine returns the first line of a file of the system, "unknown" if there is none.
func firstLine(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return unknown
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return orUnknown(strings.TrimSpace(line))
}

func orUnknown(s string) string {
	if s == "" {
		return unknown
	}
	return s
}

// unixTime formats a number of seconds since 1970.
func unixTime(seconds string) string {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return unknown
	}
	return time.Unix(n, 0).UTC().Format(time.RFC3339)
}
