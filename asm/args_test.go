package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
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

// What the micro-kernels fetch ahead is what the package believes they do.
func TestFarRowsAreThoseOfKernels(t *testing.T) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, filepath.Join(kernelsDir, "inplace.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"nearRow": farRow - 1, "nearBytes": farBytes, "sharing": sharing}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if far, ok := want[name.Name]; ok {
				got, err := types.Eval(files, nil, token.NoPos, types.ExprString(spec.Values[i]))
				if err != nil || got.Value.String() != strconv.FormatInt(far, 10) {
					t.Errorf("%s is %v in kernels, %v, want %d", name, got.Value, err, far)
				}
				delete(want, name.Name)
			}
		}
		return false
	})
	if len(want) > 0 {
		t.Errorf("kernels has no %v", want)
	}
}
