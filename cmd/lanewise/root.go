package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootLong = `Lanewise is a library of CPU kernels for neural nets, in plain Go and in
assembly for the instruction sets that the CPU offers. This program trains a
two-layer net on them, measures them, and tells what they run on.`

const rootExample = `  lanewise cpu                        what this CPU offers and what is used of it
  lanewise train                      learn MNIST if it is here, else small digits
  lanewise train --data mnist         the same, downloading MNIST first
  lanewise train --save w.npz --plot curves.png
  lanewise predict --load w.npz seven.png
  lanewise eval --load w.npz
  lanewise bench                      measure every implementation on this CPU
  lanewise plan 784x50x100:TN         which way a product goes
  lanewise tune                       measure other tiles, blocks and thresholds`

const rootNotes = `
Environment:
  LANEWISE_ISA   the implementation to use instead of the best one: a name
                 that "lanewise cpu" lists. --isa does the same for one command.
  LANEWISE_THREADS
                 the most threads that a matrix product uses, 1 or more
  LANEWISE_PYTHON
                 the python3 of the loops that "bench rivals" trains beside

Exit status:
  0    success
  1    failure
  2    wrong usage: a flag, an argument, or LANEWISE_ISA
  130  interrupted by Ctrl-C, after saving what was asked for
       (other signals: 128 and their number)
`

// newRootCommand returns the program's command line, which prints to stdout and stderr.
func newRootCommand(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "lanewise",
		Short:         "Train a small neural net on fast CPU kernels, and measure them",
		Long:          rootLong,
		Example:       rootExample,
		Version:       buildVersion(),
		SilenceErrors: true, // run prints them, once
		SilenceUsage:  true,
	}
	root.AddCommand(newCPUCommand(), newTrainCommand(), newPredictCommand(), newEvalCommand(), newDataCommand(),
		newBenchCommand(), newPlanCommand(), newTuneCommand(), newCompareCommand(), newVersionCommand())
	root.SetFlagErrorFunc(explainFlagError)
	root.SetUsageTemplate(root.UsageTemplate() + "{{if not .HasParent}}" + rootNotes + "{{end}}")

	root.SetOut(stdout)
	root.SetErr(stderr)
	strictHelpers(root)
	return root
}

// strictHelpers adds cobra's commands "help" and "completion", which exit 0
// on an argument that they do not know, and makes them refuse it. Completion
// takes root's output, which must be set.
func strictHelpers(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			c.Args = func(_ *cobra.Command, topic []string) error {
				if found, rest, err := root.Find(topic); err != nil || len(rest) > 0 && found.HasSubCommands() {
					return fmt.Errorf("no help on %q", strings.Join(topic, " "))
				}
				return nil
			}
		}
	}
}

// noArguments is the check of commands that take flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: %q takes flags only", args[0], cmd.CommandPath())
	}
	return nil
}

// explainFlagError words the errors of the flag parser for people: the value,
// and what would be right.
func explainFlagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := "--" + invalid.GetFlag().Name
	wanted := map[string]string{
		"int":      "a whole number",
		"uint":     "a whole number, 0 or more",
		"uint32":   "a whole number from 0 to 4294967295",
		"float64":  "a number, as 0.1 or 1e-3",
		"bool":     "true or false",
		"duration": "a time with its unit, as 300ms or 2m",
	}[invalid.GetFlag().Value.Type()]
	if wanted == "" {
		return fmt.Errorf("%s %s: %w", flag, invalid.GetValue(), invalid.Unwrap())
	}
	return fmt.Errorf("%s %s: needs %s", flag, invalid.GetValue(), wanted)
}
