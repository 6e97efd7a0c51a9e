package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// microArgsDecl declares what micro-kernels are called with, field by field as
// kernels does in microargs.go, which says what they are: a test compares them.
const microArgsDecl = `package kernels
type microArgs[T float32 | float64] struct {
	tiles, k int
	a *T
	aRow, aCol int
	b *T
	bRow int
	c *T
	ldc, cols int
	bias, mask *T
	maskRow, relu int
	panels, bStep int
	panel, sums *T
	sumsRow int
	tilesLeft int
	maskAt, sumsAt uintptr
	alpha, beta T
}`

// microArgsOf returns the declared type for an element type.
func microArgsOf(typ float) (*types.Package, types.Type) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "microargs.go", microArgsDecl, 0)
	if err != nil {
		panic(err)
	}
	pkg, err := new(types.Config).Check("kernels", files, []*ast.File{f}, nil)
	if err != nil {
		panic(err)
	}
	generic := pkg.Scope().Lookup("microArgs").Type()
	element := types.Universe.Lookup(typ.goName).Type()
	t, err := types.Instantiate(nil, generic, []types.Type{element}, true)
	if err != nil {
		panic(err)
	}
	return pkg, t
}

// microFunction begins a function that takes a pointer to microArgs.
func (mk microKernel) microFunction(name string, doc ...string) {
	mk.function(name, "func()", doc...)
	pkg, args := microArgsOf(mk.typ)
	x := types.NewVar(token.NoPos, pkg, "x", types.NewPointer(args))
	mk.Signature(gotypes.NewSignature(pkg, types.NewSignatureType(nil, nil, nil, types.NewTuple(x), nil, false)))
}

// args loads the pointer to the arguments into a new register. There is none to
// keep it in: it is loaded where something is read.
func (mk microKernel) args() microArgs {
	return microArgs{emitter: mk.emitter, at: mk.param("x")}
}

// microArgs are the arguments in memory.
type microArgs struct {
	emitter
	at reg.GPVirtual
}

// addr is the memory of a field.
func (x microArgs) addr(field string) operand.Mem {
	b, err := x.Param("x").Dereference(x.at).Field(field).Resolve()
	if err != nil {
		panic(fmt.Sprintf("%s: %v", field, err))
	}
	return b.Addr
}

// load loads a field into a new general register.
func (x microArgs) load(field string) reg.GPVirtual {
	r := x.GP64()
	x.MOVQ(x.addr(field), r)
	return r
}
