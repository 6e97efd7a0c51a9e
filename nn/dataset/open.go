package dataset

import (
	"context"
	"fmt"
	"os"
)

// Options are the settings of [Open]; the zero value is fine.
type Options struct {
}

// Open reads a data set.
func Open(ctx context.Context, spec string, opt Options) (*Data, error) {
	switch spec {
	case "", "digits":
		return digits()
	}
	st, err := os.Stat(spec)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return openFolder(ctx, spec)
	}
	return nil, fmt.Errorf("%s: expected a folder of IDX files", spec)
}
