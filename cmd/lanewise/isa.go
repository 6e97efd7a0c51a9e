package main

import (
	"strings"

	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
)

// isaFlag is the value of --isa: the implementation to run on.
type isaFlag struct{ chosen *kernels.Implementation }

// addISAFlag gives cmd the flag --isa, with completion.
func addISAFlag(cmd *cobra.Command) *isaFlag {
	f := new(isaFlag)
	cmd.Flags().Var(f, "isa", "implementation to run on, see \"lanewise cpu\" (default: "+kernels.ISAVariable+", else the best)")
	complete(cmd, "isa", func() []string {
		var names []string
		for _, im := range kernels.Supported() {
			names = append(names, im.Name()+"\t"+im.Description())
		}
		return names
	})
	return f
}

func (f *isaFlag) Set(name string) (err error) {
	f.chosen, err = kernels.Lookup(name)
	return err
}

func (f *isaFlag) Type() string { return "name" }

func (f *isaFlag) String() string {
	if f.chosen == nil {
		return ""
	}
	return f.chosen.Name()
}

// implementation returns what --isa names, else the default. The error says
// that the environment variable was refused.
func (f *isaFlag) implementation() (*kernels.Implementation, error) {
	if f.chosen != nil {
		return f.chosen, nil
	}
	if err := checkISAVariable(); err != nil {
		return nil, err
	}
	return kernels.Default(), nil
}

// checkISAVariable returns a [usageError] if LANEWISE_ISA names an
// implementation that cannot be had. Commands that compute must not quietly
// run on another one.
func checkISAVariable() error {
	choice := kernels.Chosen()
	if choice.Err == nil {
		return nil
	}
	// Why it was refused stands on stderr already: the library says so.
	var names []string
	for _, im := range kernels.Supported() {
		names = append(names, im.Name())
	}
	return usageErrorf("unset %s, or set it to an implementation that this CPU supports, not %q: %s",
		kernels.ISAVariable, choice.Requested, strings.Join(names, ", "))
}

// complete makes the shell complete flag of cmd with what values returns:
// "value" or "value<tab>description".
func complete(cmd *cobra.Command, flag string, values func() []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values(), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag does not exist
	}
}
