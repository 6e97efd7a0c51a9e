package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
	"github.com/lanewise/lanewise/kernels"
)

func TestMachineSlug(t *testing.T) {
	for want, cpu := range map[string]kernels.CPUInfo{
		"intel-xeon-gold-6148-cpu-2-40ghz-genuineintel-6-85-4": {Brand: "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", Vendor: "GenuineIntel", Family: 6, Model: 85, Stepping: 4},
		"amd-epyc-authenticamd-25-17-1":                        {Brand: "AMD EPYC", Vendor: "AuthenticAMD", Family: 25, Model: 17, Stepping: 1},
		"virtual-etc-genuineintel-6-6-3":                       {Brand: "  Virtual / ../etc ", Vendor: "GenuineIntel", Family: 6, Model: 6, Stepping: 3},
	} {
		if got := machineSlug(cpu); got != want {
			t.Errorf("%q: %s, want %s", cpu.Brand, got, want)
		}
	}
	if got := machineSlug(kernels.CPUInfo{}); !regexp.MustCompile(`^unknown-[a-z0-9]+$`).MatchString(got) {
		t.Errorf("a CPU of which nothing is known: %q", got)
	}
}

func TestConfig(t *testing.T) {
	env := readEnvironment(kernels.Default())
	var keys []string
	for _, c := range env.config() {
		keys = append(keys, c.key)
		if c.value == "" || strings.ContainsAny(c.value, "\n") {
			t.Errorf("%s: %q", c.key, c.value)
		}
		if !regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(c.key) {
			t.Errorf("key %q is not in lower case", c.key)
		}
	}
	want := slices.DeleteFunc(slices.Concat(identityKeys, volatileKeys), func(k string) bool { return k == "round" || k == "noise" })
	if !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	for _, c := range env.config() {
		if c.key == "isa" && c.value != kernels.Default().Name() {
			t.Errorf("isa %s, want %s", c.value, kernels.Default())
		}
	}
}

func TestShortCommit(t *testing.T) {
	for commit, want := range map[string]string{
		"0123456789abcdef0123456789abcdef01234567": "0123456789ab",
		"0123456789ab": "0123456789ab",
		"v1.2.3-rc.10": "v1.2.3-rc.10", "unknown": "unknown",
	} {
		if got := shortCommit(commit); got != want {
			t.Errorf("%s: %s, want %s", commit, got, want)
		}
	}
}

func TestSourceOfBuild(t *testing.T) {
	build := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: version}, Settings: settings}
	}
	for _, test := range []struct {
		name  string
		build *debug.BuildInfo
		want  Source
	}{
		{"nothing", nil, Source{"unknown", "unknown", "unknown"}},
		{"no version control", build("(devel)"), Source{"unknown", "unknown", "unknown"}},
		{"a working tree", build("(devel)", debug.BuildSetting{Key: "vcs.revision", Value: "abc"},
			debug.BuildSetting{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
			Source{"abc", "2026-01-02T03:04:05Z", "true"}},
		{"a release", build("v1.2.3"), Source{"v1.2.3", "unknown", "false"}},
		{"a commit", build("v0.0.0-20260102030405-0123456789ab"), Source{"0123456789ab", "2026-01-02T03:04:05Z", "false"}},
		{"another module's program", &debug.BuildInfo{Main: debug.Module{Path: "example.com/x", Version: "v1.0.0"}}, Source{"unknown", "unknown", "unknown"}},
	} {
		if got := sourceOfBuild(test.build); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestFindSource(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		require.Missing(t, "tools", "git is not on the path")
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	put := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	put("go.mod", "module "+modulePath+"\n")
	put("results/README.md", "records\n")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	head := git("rev-parse", "HEAD")
	clean, changed := Source{head, "2026-01-02T03:04:05Z", "false"}, Source{head, "2026-01-02T03:04:05Z", "true"}
	stamped := func(revision string) *debug.BuildInfo {
		return &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: "true"}}}
	}
	check := func(what string, build *debug.BuildInfo, want Source) {
		t.Helper()
		if got := findSource(filepath.Join(dir, "results"), build); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}

	check("a clean tree", nil, clean)
	put("results/machine/new.txt", "a record\n")
	check("a tree with a new record", nil, clean)
	check("the same, stamped by the build", stamped(head), clean)
	check("a program of another commit", stamped("abc"), Source{"abc", "unknown", "true"})
	put("kernels/new.go", "package kernels\n")
	check("a tree with changes", nil, changed)
	put("go.mod", "module example.com/another\n")
	check("another module's tree", nil, Source{"unknown", "unknown", "unknown"})
}
