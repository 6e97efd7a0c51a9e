package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"testing"
)

// The generator takes the fields of microArgs to be where kernels has them.
func TestMicroArgsAreThoseOfKernels(t *testing.T) {
	want := fieldsOf(t, filepath.Join(kernelsDir, "microargs.go"), nil)
	got := fieldsOf(t, "microargs.go", microArgsDecl)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("microArgsDecl has the fields\n%q\nkernels has\n%q", got, want)
	}
}

// fieldsOf lists the fields of microArgs and microExtra, each with its type, as a file declares them.
func fieldsOf(t *testing.T, file string, src any) (fields []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !slices.Contains([]string{"microArgs", "microExtra"}, spec.Name.Name) {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			for _, name := range field.Names {
				fields = append(fields, name.Name+" "+types.ExprString(field.Type))
			}
		}
		return false
	})
	return fields
}
