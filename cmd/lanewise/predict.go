package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/lanewise/lanewise/kernels"
	"github.com/lanewise/lanewise/nn"
	"github.com/lanewise/lanewise/nn/dataset"
	"github.com/spf13/cobra"
)

const predictLong = `Tell which classes a trained net gives to images. A FILE is one of:

  .png   a picture of one digit, or whatever the net was trained on, of any size
  .npz   its array x_test, or its only array: unsigned bytes, with the
         dimensions images, rows and columns, or rows and columns
  other  an IDX file of images, gzipped or not

Images of IDX and .npz files must be of the size that the net was trained on.
A picture is made into such an image as those of MNIST were:

  1. Transparent parts become white, colours grey.
  2. The ground, which is the median along the edge, becomes 0, and what
     differs from it most the largest value of a pixel: a dark digit on light
     paper is inverted, a light one on a dark ground is not.
  3. The digit is cut out and resized, with its proportions, to fit into 20 x 20
     of 28 x 28 pixels, or the like share of another size.
  4. It is placed so that its centre of mass is in the middle.

This suits nets that were trained on images made in the same way, as MNIST's.
The embedded digits, and the clothes of Fashion-MNIST, fill theirs.

Output: a line for each image: file, number of the image in it, counted from 0,
class, and the probability that the net gives to it. --quiet prints the class
alone. --json prints an object a line, with the probabilities of all classes.`

const predictExample = `  lanewise predict --load w.npz seven.png
  lanewise predict --load w.npz --quiet t10k-images-idx3-ubyte.gz | sort | uniq -c
  lanewise predict --load w.npz --json scan*.png | jq .class`

type predictFlags struct {
	*weightsFlags
	quiet, json bool
}

func newPredictCommand() *cobra.Command {
	f := new(predictFlags)
	cmd := &cobra.Command{
		Use:     "predict --load FILE FILE...",
		Short:   "Tell the classes of images",
		Long:    predictLong,
		Example: predictExample,
		Args: func(_ *cobra.Command, files []string) error {
			if len(files) == 0 {
				return fmt.Errorf("no images: name at least one .png, .npz or IDX file")
			}
			return nil
		},
	}
	f.weightsFlags = addWeightsFlags(cmd)
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print the classes only, one a line")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, an object a line")
	cmd.MarkFlagsMutuallyExclusive("quiet", "json")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		info, im, err := f.info()
		if err != nil {
			return err
		}
		if info.DType == "float64" {
			return predict[float64](cmd.Context(), f, info, im, files, cmd.OutOrStdout())
		}
		return predict[float32](cmd.Context(), f, info, im, files, cmd.OutOrStdout())
	}
	return cmd
}

// prediction is the object of --json.
type prediction struct {
	File          string      `json:"file"`
	Index         int         `json:"index"` // of the image in the file
	Class         int         `json:"class"`
	Probabilities []nn.Figure `json:"probabilities"` // of all classes
}

// predict tells the classes of the images in files, in the element type of the weights.
func predict[T kernels.Float](ctx context.Context, f *predictFlags, info nn.WeightsInfo, im *kernels.Implementation, files []string, stdout io.Writer) error {
	net, err := nn.LoadClassifier(kernels.On[T](im), f.load, info)
	if err != nil {
		return err
	}
	form := dataset.Form{Rows: info.Rows, Cols: info.Cols, Max: info.PixelMax}
	enc := json.NewEncoder(stdout) // what fails is the writing, which the output remembers
	enc.SetEscapeHTML(false)
	for _, file := range files {
		images, err := dataset.ReadImages(ctx, file, form)
		if err != nil {
			return err
		}
		err = net.Classify(ctx, images, func(i, class int, probabilities []T) {
			switch {
			case f.quiet:
				fmt.Fprintln(stdout, class)
			case f.json:
				p := prediction{File: file, Index: i, Class: class}
				for _, v := range probabilities {
					p.Probabilities = append(p.Probabilities, nn.Figure(v))
				}
				enc.Encode(p)
			default:
				fmt.Fprintf(stdout, "%s %d  %d  %.4f\n", file, i, class, probabilities[class])
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
