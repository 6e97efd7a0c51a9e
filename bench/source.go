package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// modulePath is the module that this package belongs to.
const modulePath = "github.com/lanewise/lanewise"

// Source is the version of the code that was measured. Strings that could not be
// found out are "unknown".
type Source struct {
	Commit string // a full hash, twelve digits of one, or a version
	Time   string // of the commit, RFC 3339
	Dirty  string // "true" if the code differs from the commit, else "false"
}

const unknown = "unknown"

// findSource tells what code this program was built from: what the build recorded,
// or the state of the source tree around folder. The tree wins where both speak of
// the same commit or the build recorded nothing (-buildvcs=false), because the build
// also takes a new record under results/ for a change of the code.
func findSource(folder string, build *debug.BuildInfo) Source {
	built := sourceOfBuild(build)
	tree, ok := sourceOfTree(folder)
	if ok && (built.Commit == unknown || built.Commit == tree.Commit) {
		return tree
	}
	return built
}

// sourceOfBuild reads what the go command recorded in the program.
func sourceOfBuild(build *debug.BuildInfo) Source {
	s := Source{unknown, unknown, unknown}
	if build == nil {
		return s
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			s.Commit = setting.Value
		case "vcs.time":
			s.Time = setting.Value
		case "vcs.modified":
			s.Dirty = setting.Value
		}
	}
	version := build.Main.Version
	if s.Commit != unknown || build.Main.Path != modulePath || version == "" || version == "(devel)" {
		return s
	}
	// go install ...@version records the version only; a published one is never dirty.
	s.Commit, s.Dirty = version, "false"
	if module.IsPseudoVersion(version) {
		if rev, err := module.PseudoVersionRev(version); err == nil {
			s.Commit = rev
		}
		if t, err := module.PseudoVersionTime(version); err == nil {
			s.Time = t.UTC().Format(time.RFC3339)
		}
	}
	return s
}

// sourceOfTree asks git about the tree around folder; ok is false if folder is not in
// a git tree of this module.
func sourceOfTree(folder string) (s Source, ok bool) {
	root, ok := moduleRoot(folder)
	if !ok {
		return Source{}, false
	}
	git := func(args ...string) (string, bool) {
		out, err := exec.Command("git", append([]string{"-C", root}, args...)...).Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	s = Source{unknown, unknown, unknown}
	if s.Commit, ok = git("rev-parse", "HEAD"); !ok {
		return Source{}, false
	}
	if t, ok := git("show", "-s", "--format=%ct", "HEAD"); ok {
		s.Time = unixTime(t)
	}
	// Records are added under results/ by every run and change nothing that is measured.
	if changes, ok := git("status", "--porcelain", "--", ".", ":(exclude)results"); ok {
		s.Dirty = "false"
		if changes != "" {
			s.Dirty = "true"
		}
	}
	return s, true
}

// moduleRoot returns the folder of this module's go.mod, at folder or above.
func moduleRoot(folder string) (string, bool) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", false
	}
	for {
		if data, err := os.ReadFile(filepath.Join(folder, "go.mod")); err == nil {
			return folder, modfile.ModulePath(data) == modulePath
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", false
		}
		folder = parent
	}
}
