// Command lanewise trains a small neural net on the kernels of package
// [github.com/lanewise/lanewise/kernels], measures them, and tells what they
// run on. Run "lanewise help" for the manual.
package main

import (
	"context"
	"os"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	catchSignals(cancel)
	os.Exit(run(ctx, cancel, os.Args[1:], os.Stdout, os.Stderr))
}
