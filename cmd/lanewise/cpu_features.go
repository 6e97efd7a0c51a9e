package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A featureGroup is a heading for the features with one of the prefixes.
type featureGroup struct {
	title    string
	prefixes []string
}

func (g featureGroup) has(feature string) bool {
	return slices.ContainsFunc(g.prefixes, func(p string) bool { return strings.HasPrefix(feature, p) })
}

// featureGroups sorts the CPU's features for people: a feature belongs to the
// first group that has it; the last one has all that are left.
var featureGroups = []featureGroup{
	{"AVX-512", []string{"AVX512", "AVX10"}},
	{"AMX", []string{"AMX"}},
	{"AVX", []string{"AVX", "FMA", "F16C", "VAES", "VPCLMULQDQ", "XOP"}},
	{"SSE", []string{"SSE", "SSSE", "MMX"}},
	{"Arm SIMD", []string{"ASIMD", "SVE", "SME", "FPHP"}},
	{"Other", []string{""}},
}

// printFeatures prints the features by group, wrapped to width columns.
func printFeatures(w io.Writer, features []string, width int) {
	if len(features) == 0 {
		return
	}
	names := make([][]string, len(featureGroups))
	for _, f := range features {
		g := slices.IndexFunc(featureGroups, func(g featureGroup) bool { return g.has(f) })
		names[g] = append(names[g], f)
	}
	fmt.Fprintln(w, "\nFeatures")
	for g, group := range featureGroups {
		if len(names[g]) > 0 {
			slices.Sort(names[g])
			writeWrapped(w, fmt.Sprintf("  %-10s", group.title), strings.Join(names[g], " "), width)
		}
	}
}

// writeWrapped prints text after head, in lines of at most width columns, the
// later ones indented to where text starts.
func writeWrapped(w io.Writer, head, text string, width int) {
	line, indent := head, strings.Repeat(" ", len(head))
	empty := true
	for _, word := range strings.Fields(text) {
		if !empty && len(line)+1+len(word) > width {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}
