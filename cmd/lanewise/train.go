package main

import (
	"fmt"
	"strings"

	"github.com/lanewise/lanewise/nn"
	"github.com/spf13/cobra"
)

const trainLong = `Train a net of two layers (affine, ReLU, affine, softmax with cross-entropy) by
mini-batch gradient descent, and say at the end how it went and why.

The accuracies over the whole training and test sets are measured after the
first update of every epoch, and once more at the end. Iterations count from
0; the figures beside one are those after its update.

Presets, which the flags change:
%s
Data is a name (mnist, fashion-mnist, digits; see "lanewise data"), a folder of
IDX files, gzipped or not, or an .npz file as Keras has it. Without --data it is
MNIST if that has been downloaded before, else the embedded digits; only
--data with a name downloads anything.

Beyond the notebook's loop, each flag on its own:

  --init he      first weights as large as the size of a layer asks for
  --momentum     updates that go on in the direction of those before
  --decay        a learning rate that falls with every iteration
  --shuffle      epochs that take every sample once, in random order
  --skip-zeros   do not multiply with pixels that are 0 in a whole batch, a third
                 of MNIST's: 1.3 times as fast, but rounded otherwise
  --hold-out     part of the training samples is not trained on; the accuracy
                 on them, held_acc, is measured with the others
  --patience     stop when that has not risen for so many epochs, and go back
                 to the weights with which it was highest
  --history epoch
                 do not compute the loss of a batch again after its update:
                 what is shown and recorded is the loss before, and the .csv
                 file has a line for an epoch, not for each iteration

--explain tells of every epoch how many hidden units fire for no training sample
(dead) or for fewer than one in a thousand (rare), the norms of the gradients
of its first batch and of the update relative to the weights, and how often
the net gives each class. At the end it draws curves.png, weights.png (the first
layer, a tile for each hidden unit), confusion.png and worst.png (the test
images that it is most wrong about) into the folder "explained", or the one
named as --explain=FOLDER.

Ctrl-C stops after the iteration at work, writes what --save, --history and
--plot ask for, and exits 130; a second Ctrl-C kills. The file of --save holds
the weights (arrays W1, b1, W2, b2; numpy.load reads them) and all that
--resume needs to go on to the same bits as an uninterrupted run.

Output: a table on standard output, of at most 40 lines for however many epochs,
and a progress bar on standard error if that is a terminal. --quiet prints one line "train_acc test_acc" for each
epoch and nothing else. --json prints one JSON object a line: one with
"event":"start", one "evaluation" for each epoch, one "end"; the table goes to
standard error then. Numbers that are not finite are null.`

const trainExample = `  lanewise train
  lanewise train --data mnist --save w.npz --plot curves.png
  lanewise train --preset seed --dtype f64 --quiet --data mnist
  lanewise train --preset seed --data mnist --explain
  lanewise train --preset best --data mnist --hold-out 0.1 --patience 3
  lanewise train --hidden 200 --rate 0.3 --iterations 12000 --isa portable
  lanewise train --resume w.npz --iterations 12000 --save w.npz
  lanewise train --json | jq -r 'select(.event=="evaluation") | .test_acc'`

// trainFlags are the flags of "lanewise train" as they were given.
type trainFlags struct {
	changed func(flag string) bool // whether the user gave it

	preset  presetFlag
	data    string
	dtype   dtypeFlag
	isa     *isaFlag
	threads int
	config  nn.Config
	load    string
	resume  string
	outputs trainOutputs
	explain string // folder for the pictures
	losses  string // "epoch" or "iteration" if --history asks for one of them
	quiet   bool
	json    bool
}

func newTrainCommand() *cobra.Command {
	f := &trainFlags{dtype: "float32"}
	if err := f.preset.Set("scaled"); err != nil {
		panic(err) // the preset has been renamed
	}
	cmd := &cobra.Command{
		Use:     "train",
		Short:   "Train the net on MNIST or other images",
		Long:    fmt.Sprintf(trainLong, describePresets()),
		Example: trainExample,
		Args:    noArguments,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Var(&f.preset, "preset", "where the other settings start from: "+strings.Join(presetNames(), ", "))
	flags.StringVar(&f.data, "data", "", "data `set`: a name, a folder or a file")
	flags.Var(&f.dtype, "dtype", "element type: f32 or f64")
	f.isa = addISAFlag(cmd)
	flags.IntVar(&f.threads, "threads", 0, "most threads of a matrix product, the result is the same for every number (default: as LANEWISE_THREADS and GOMAXPROCS say)")
	flags.IntVar(&f.config.Hidden, "hidden", 0, "units of the hidden layer")
	flags.IntVar(&f.config.BatchSize, "batch", 0, "samples in a batch, drawn with replacement unless shuffled")
	flags.IntVar(&f.config.Iterations, "iterations", 0, "updates; with --resume, of the whole run")
	flags.Float64Var(&f.config.LearningRate, "rate", 0, "learning rate")
	flags.Var(&initFlag{&f.config.Init}, "init", "first weights: normal, as --init-std says, or he")
	flags.Float64Var(&f.config.InitStd, "init-std", 0, "standard deviation of the first weights")
	flags.Float64Var(&f.config.Momentum, "momentum", 0, "share of the last update's direction that goes into the next")
	flags.Float64Var(&f.config.Decay, "decay", 0, "share of the learning rate that 1000 iterations take away")
	flags.BoolVar(&f.config.Shuffle, "shuffle", false, "take every sample once an epoch, in random order")
	flags.BoolVar(&f.config.SkipZeros, "skip-zeros", false, "do not multiply with pixels that are 0 in a whole batch")
	flags.Float64Var(&f.config.HoldOut, "hold-out", 0, "share of the training samples not to train on")
	flags.IntVar(&f.config.Patience, "patience", 0, "stop after so many `epochs` without a better accuracy on those held out")
	flags.BoolVar(&f.config.ScalePixels, "scale-pixels", false, "divide pixels by the largest value they can have")
	flags.Uint32Var(&f.config.Seed, "seed", 0, "seed of the random numbers, NumPy's legacy generator")
	flags.StringVar(&f.outputs.save, "save", "", "write weights and state to this .npz `file`")
	flags.StringVar(&f.load, "load", "", "start from the weights in this .npz `file`")
	flags.StringVar(&f.resume, "resume", "", "go on with the run that --save wrote to this `file`")
	flags.Var(&historyFlag{f}, "history", "write loss and accuracies to this .csv `file`; or the word epoch or iteration, see above")
	flags.StringVar(&f.outputs.plot, "plot", "", "draw loss and accuracies into this .png, .svg or .pdf `file`")
	flags.StringVar(&f.explain, "explain", "", "tell more of every epoch, and draw pictures into this `folder`")
	flags.Lookup("explain").NoOptDefVal = explainFolder
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print the accuracies only, a line for each epoch")
	flags.BoolVar(&f.json, "json", false, "print JSON, an object a line")

	complete(cmd, "preset", presetNames)
	complete(cmd, "init", nn.Inits)
	complete(cmd, "dtype", func() []string { return []string{"f32", "f64"} })
	complete(cmd, "data", dataNames)
	for flag, extensions := range map[string][]string{
		"save": {"npz"}, "load": {"npz"}, "resume": {"npz"}, "history": {"csv"}, "plot": {"png", "svg", "pdf"},
	} {
		if err := cmd.MarkFlagFilename(flag, extensions...); err != nil {
			panic(err) // the flag does not exist
		}
	}
	f.changed = flags.Changed
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runTrain(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

// describePresets lists the presets for the help text.
func describePresets() string {
	var b strings.Builder
	for _, p := range nn.Presets() {
		c := p.Config
		fmt.Fprintf(&b, "  %-7s %s\n", p.Name, p.Description)
		fmt.Fprintf(&b, "          --hidden %d --batch %d --iterations %d --rate %g --scale-pixels=%v --seed %d\n          --init %s",
			c.Hidden, c.BatchSize, c.Iterations, c.LearningRate, c.ScalePixels, c.Seed, c.Init)
		if c.Init == nn.InitNormal {
			fmt.Fprintf(&b, " --init-std %g", c.InitStd)
		}
		for _, extra := range []struct {
			given bool
			text  string
		}{
			{c.Momentum > 0, fmt.Sprintf(" --momentum %g", c.Momentum)},
			{c.Decay > 0, fmt.Sprintf(" --decay %g", c.Decay)},
			{c.Shuffle, " --shuffle"},
			{c.EpochHistory, " --history epoch"},
			{c.SkipZeros, " --skip-zeros"},
		} {
			if extra.given {
				b.WriteString(extra.text)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func presetNames() []string {
	var names []string
	for _, p := range nn.Presets() {
		names = append(names, p.Name)
	}
	return names
}

// presetFlag is the value of --preset.
type presetFlag struct{ preset nn.Preset }

func (f *presetFlag) Set(name string) (err error) {
	f.preset, err = nn.PresetNamed(name)
	return err
}

func (f *presetFlag) Type() string   { return "name" }
func (f *presetFlag) String() string { return f.preset.Name }

// initFlag is the value of --init.
type initFlag struct{ init *nn.Init }

func (f *initFlag) Set(name string) error { return f.init.UnmarshalText([]byte(name)) }
func (f *initFlag) Type() string          { return "name" }
func (f *initFlag) String() string        { return "" } // the preset's

// historyFlag is the value of --history: the name of a file, or which losses
// are recorded. It may be given twice, once for each.
type historyFlag struct{ f *trainFlags }

func (h *historyFlag) Set(value string) error {
	if value == "epoch" || value == "iteration" {
		h.f.losses = value
	} else {
		h.f.outputs.history = value
	}
	return nil
}
func (h *historyFlag) Type() string   { return "file" }
func (h *historyFlag) String() string { return "" }

// dtypeFlag is the value of --dtype, and of --type of "plan", by NumPy's name.
type dtypeFlag string

func (f *dtypeFlag) Set(name string) error {
	switch name {
	case "f32", "float32":
		*f = "float32"
	case "f64", "float64":
		*f = "float64"
	default:
		return fmt.Errorf("there is no such element type, choose f32 or f64")
	}
	return nil
}

func (f *dtypeFlag) Type() string   { return "type" }
func (f *dtypeFlag) String() string { return strings.Replace(string(*f), "float", "f", 1) }
