//go:build amd64 && !purego

package kernels

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What dispatch asks of the CPU covers every extension that the generator
// found in the implementation's instructions.
func TestRequirementsCoverTheCode(t *testing.T) {
	line := regexp.MustCompile(`(?m)^// Requires: (.*)$`)
	everyAMD64 := []string{"SSE", "SSE2", "MMX+", "CMOV"}
	for _, im := range All() {
		if im == portable {
			continue
		}
		paths, err := filepath.Glob("z*_" + im.Name() + "_amd64.s")
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s has no generated files (%v)", im, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found := line.FindAllStringSubmatch(string(text), -1)
			if len(found) == 0 {
				t.Errorf("%s says nowhere what it requires", path)
			}
			for _, m := range found {
				for _, ext := range strings.Split(m[1], ", ") {
					if !slices.Contains(im.Requires(), ext) && !slices.Contains(everyAMD64, ext) {
						t.Errorf("%s requires %s, which %s does not ask for: %v", path, ext, im, im.Requires())
					}
				}
			}
		}
	}
}
