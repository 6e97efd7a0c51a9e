package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/lanewise/lanewise/kernels"
	"github.com/spf13/cobra"
)

const cpuLong = `Print what is known about the CPU (its caches, the features that it and the
operating system offer), every implementation in this build with whether it
can run here or what it lacks, and which one is the default and why.

The default is marked with a star; ` + kernels.ISAVariable + ` or --isa choose another. If
` + kernels.ISAVariable + ` names one that cannot be had, the exit status is 2.`

func newCPUCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cpu",
		Short: "Show the CPU, the implementations, and which one is used and why",
		Long:  cpuLong,
		Example: `  lanewise cpu
  lanewise cpu --json | jq -r '.implementations[] | select(.supported) | .name'
  ` + kernels.ISAVariable + `=portable lanewise cpu`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			facts := readCPUFacts()
			if asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), facts), checkISAVariable())
			}
			width, ok := terminalWidth(cmd.OutOrStdout())
			if !ok {
				width = 80
			}
			facts.print(cmd.OutOrStdout(), width)
			return checkISAVariable() // after the facts, which tell what to set it to
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// cpuFacts is what "lanewise cpu" knows. Its JSON is what --json prints.
type cpuFacts struct {
	CPU             cpuJSON              `json:"cpu"`
	Implementations []implementationJSON `json:"implementations"` // best first
	Default         defaultJSON          `json:"default"`
}

// cpuJSON is kernels.CPUInfo; sizes are bytes, 0 is unknown.
type cpuJSON struct {
	Brand         string   `json:"brand"`
	Vendor        string   `json:"vendor"`
	Family        int      `json:"family"`
	Model         int      `json:"model"`
	Stepping      int      `json:"stepping"`
	PhysicalCores int      `json:"physical_cores"`
	LogicalCores  int      `json:"logical_cores"`
	CacheLine     int      `json:"cache_line"`
	L1D           int      `json:"l1d"`
	L2            int      `json:"l2"`
	L3            int      `json:"l3"`
	Features      []string `json:"features"`
	Hypervisor    string   `json:"hypervisor,omitempty"`
}

type implementationJSON struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Supported   bool     `json:"supported"`
	Requires    []string `json:"requires"`
	Missing     []string `json:"missing"`
	// Elements in a vector register; 0 where the implementation cannot run.
	VectorF32 int `json:"vector_f32"`
	VectorF64 int `json:"vector_f64"`
	// Rows and columns of the tiles that large products are made of.
	TileF32 [2]int `json:"tile_f32"`
	TileF64 [2]int `json:"tile_f64"`
}

type defaultJSON struct {
	Name      string `json:"name"`
	Reason    string `json:"reason"`
	Requested string `json:"requested,omitempty"` // the value of LANEWISE_ISA
	Error     string `json:"error,omitempty"`     // why that was refused
}

func readCPUFacts() cpuFacts {
	choice := kernels.Chosen()
	facts := cpuFacts{
		CPU: cpuJSON(kernels.CPU()),
		Default: defaultJSON{
			Name: choice.Implementation.Name(), Reason: choice.Reason(), Requested: choice.Requested,
		},
	}
	if choice.Err != nil {
		facts.Default.Error = choice.Err.Error()
	}
	for _, im := range kernels.All() {
		row := implementationJSON{
			Name: im.Name(), Description: im.Description(), Supported: im.Supported(),
			Requires: im.Requires(), Missing: im.Missing(),
		}
		if row.Supported { // kernels.On panics for the others
			f32, f64 := kernels.On[float32](im), kernels.On[float64](im)
			row.VectorF32, row.VectorF64 = f32.VectorLen(), f64.VectorLen()
			row.TileF32[0], row.TileF32[1] = f32.Tile()
			row.TileF64[0], row.TileF64[1] = f64.Tile()
		}
		facts.Implementations = append(facts.Implementations, row)
	}
	return facts
}

func (f cpuFacts) print(w io.Writer, width int) {
	f.CPU.print(w, width)
	printFeatures(w, f.CPU.Features, width)
	fmt.Fprintln(w, "\nImplementations, best first, with the tiles of float32 and float64 products")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, im := range f.Implementations {
		star, runs := " ", "not on this CPU"
		if im.Name == f.Default.Name {
			star = "*"
		}
		if im.Supported {
			runs = fmt.Sprintf("supported, %dx%d and %dx%d", im.TileF32[0], im.TileF32[1], im.TileF64[0], im.TileF64[1])
		}
		fmt.Fprintf(tw, "%s %s\t%s\t%s\n", star, im.Name, runs, im.Description)
	}
	tw.Flush()
	for _, im := range f.Implementations {
		if !im.Supported {
			writeWrapped(w, "  ", fmt.Sprintf("%s needs what this CPU lacks: %s", im.Name, strings.Join(im.Missing, ", ")), width)
		}
	}
	fmt.Fprintln(w)
	writeWrapped(w, "Default: ", f.Default.Name+", "+f.Default.Reason, width)
}

func (c cpuJSON) print(w io.Writer, width int) {
	line := func(head, format string, args ...any) {
		writeWrapped(w, fmt.Sprintf("%-12s", head), fmt.Sprintf(format, args...), width)
	}
	if c.Brand == "" {
		c.Brand = "unknown in this build"
	}
	line("CPU", "%s", c.Brand)
	if c.Vendor != "" {
		line("Vendor", "%s, family %d, model %d, stepping %d", c.Vendor, c.Family, c.Model, c.Stepping)
	}
	if c.PhysicalCores > 0 {
		line("Cores", "%d physical, %d logical", c.PhysicalCores, c.LogicalCores)
	} else {
		line("Cores", "%d logical", c.LogicalCores)
	}
	if c.L1D+c.L2+c.L3 > 0 {
		line("Caches", "L1 data %s, L2 %s, L3 %s (perhaps shared), lines of %s",
			byteSize(c.L1D), byteSize(c.L2), byteSize(c.L3), byteSize(c.CacheLine))
	}
	if c.Hypervisor != "" {
		line("Hypervisor", "%s", c.Hypervisor)
	}
}

// byteSize formats a size as 32 KiB, 1.5 MiB or unknown.
func byteSize(n int) string {
	switch {
	case n <= 0:
		return "unknown"
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.4g KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%.4g MiB", float64(n)/(1<<20))
	}
}
