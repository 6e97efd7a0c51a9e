package main

import (
	"errors"
	"fmt"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/spf13/cobra"
)

// weightsFlags are the flags of the commands that use a trained net.
type weightsFlags struct {
	changed     func(flag string) bool // whether the user gave it
	load        string
	isa         *isaFlag
	scalePixels bool
}

func addWeightsFlags(cmd *cobra.Command) *weightsFlags {
	f := &weightsFlags{changed: cmd.Flags().Changed}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.load, "load", "", "the weights: the .npz `file` of \"lanewise train --save\", or one from NumPy")
	f.isa = addISAFlag(cmd)
	cmd.Flags().BoolVar(&f.scalePixels, "scale-pixels", true, "divide pixels by their largest value, if the file does not say whether that was done")
	if err := errors.Join(cmd.MarkFlagRequired("load"), cmd.MarkFlagFilename("load", "npz")); err != nil {
		panic(err) // the flag does not exist
	}
	return f
}

// info reads what the file says of the net.
func (f *weightsFlags) info() (nn.WeightsInfo, *kernels.Implementation, error) {
	im, err := f.isa.implementation()
	if err != nil {
		return nn.WeightsInfo{}, nil, err
	}
	info, err := nn.ReadWeightsInfo(f.load)
	if err != nil {
		return info, nil, fmt.Errorf("--load: %w", err)
	}
	if info.Run == nil {
		info.ScalePixels = f.scalePixels
	} else if f.changed("scale-pixels") && f.scalePixels != info.ScalePixels {
		return info, nil, usageErrorf("--scale-pixels=%v: the net in %s was trained with %v: leave it out", f.scalePixels, f.load, info.ScalePixels)
	}
	return info, im, nil
}
