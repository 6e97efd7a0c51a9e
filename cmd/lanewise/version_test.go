package main

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/lanewise/lanewise/kernels"
)

func TestVersion(t *testing.T) {
	r := lanewise(t, "version").ok(t)
	for _, want := range []string{"lanewise ", "commit ", runtime.GOOS + "/" + runtime.GOARCH, strings.TrimPrefix(runtime.Version(), "go"), kernels.Default().Name()} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %q in\n%s", want, r.stdout)
		}
	}
	var info buildInfo
	if err := json.Unmarshal([]byte(lanewise(t, "version", "--json").ok(t).stdout), &info); err != nil {
		t.Fatal(err)
	}
	if info.Go != runtime.Version() || len(info.Implementations) != len(kernels.All()) || info.Version == "" {
		t.Errorf("%+v", info)
	}
	if short := lanewise(t, "--version").ok(t).stdout; !strings.Contains(short, info.Version) {
		t.Errorf("--version prints %q, want %s in it", short, info.Version)
	}
}

// TestVersionInstalled is what "go install ...@latest" leaves: a version and no commit.
func TestVersionInstalled(t *testing.T) {
	for _, test := range []struct{ version, commit, time string }{
		{"v0.0.0-20261123112233-0123456789ab", "0123456789ab", "2026-11-23T11:22:33Z"},
		{"v1.2.4-0.20261123112233-0123456789ab+dirty", "0123456789ab", "2026-11-23T11:22:33Z"},
		{"v1.2.3", "", ""},
		{"(devel)", "", ""},
	} {
		info := buildInfo{Version: test.version}
		info.fromPseudoVersion()
		if info.Commit != test.commit || info.CommitTime != test.time {
			t.Errorf("%s: commit %q of %q, want %q of %q", test.version, info.Commit, info.CommitTime, test.commit, test.time)
		}
	}
	var b bytes.Buffer
	buildInfo{Version: "v1.2.3", Commit: "0123", CommitTime: "then", Dirty: true, Go: "go1.26", Tags: "purego"}.print(&b)
	for _, want := range []string{"v1.2.3\n", "0123 of then, with changes\n", " 1.26\n", "purego\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}
