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
	k int
	a *T
	aRow int
	b *T
	bRow int
	c *T
	ldc, cols int
	tiles, aCol int
	alpha, beta T
	bias, mask *T
	maskRow, relu int
	panels, bStep int
	largeB, whole int
	extra *microExtra[T]
	tilesLeft int
	maskAt uintptr
}
type microExtra[T float32 | float64] struct {
	panel, from *T
	fromRow, left, each, rests int
	sums *T
	sumsRow int
	sumsAt uintptr
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
	at := mk.param("x")
	return microArgs{mk.emitter, mk.Param("x").Dereference(at), at}
}

// microArgs are the arguments in memory, or more of them.
type microArgs struct {
	emitter
	in gotypes.Component
	at reg.GPVirtual // what points to them
}

// addr is the memory of a field.
func (x microArgs) addr(field string) operand.Mem {
	b, err := x.in.Field(field).Resolve()
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

// extra loads the pointer to the arguments of kernels that do something else as well into a new register.
func (x microArgs) extra() microArgs {
	at := x.load("extra")
	return microArgs{x.emitter, x.in.Field("extra").Dereference(at), at}
}
