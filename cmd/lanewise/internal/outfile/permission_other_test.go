//go:build !linux

package outfile

import (
	"os"
	"runtime"
	"testing"

	"github.com/lanewise/lanewise/internal/require"
)

// heedPermissions ends the test where the permissions of a folder forbid nothing.
func heedPermissions(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		require.Missing(t, "permissions", "nothing is forbidden to root, and Windows has other permissions")
	}
}
