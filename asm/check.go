package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

// check refuses code that would not run, or not run well, on CPUs that have
// the instruction set and no more. avo itself lets a function that needs more
// than 16 YMM registers have Y16 and above, which is AVX-512, without saying so.
func check(set isa) pass.FunctionPass {
	return func(f *ir.Function) error {
		wide := usesVectors(f)
		returns, clean := false, false // clean: the upper halves are, on every way to here
		for _, node := range f.Nodes {
			switch node := node.(type) {
			case ir.Label: // a jump may come from where they are not
				clean = false
			case *ir.Instruction:
				if err := checkInstruction(set, node); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
				if node.Opcode == "RET" {
					if wide && !clean {
						return fmt.Errorf("%s: RET without VZEROUPPER right before it", f.Name)
					}
					returns = true
				}
				clean = node.Opcode == "VZEROUPPER"
			}
		}
		if !returns {
			return fmt.Errorf("%s has no RET", f.Name)
		}
		return nil
	}
}

func checkInstruction(set isa, inst *ir.Instruction) error {
	for _, ext := range inst.ISA {
		if !slices.Contains(set.extensions, ext) && !slices.Contains(everyAMD64, ext) {
			return fmt.Errorf("%s needs %s, which %s does not have", inst.Opcode, ext, set.name)
		}
	}
	for _, r := range registers(inst) {
		p, ok := r.(reg.Physical)
		if !ok {
			return fmt.Errorf("%s has a register that was not allocated", inst.Opcode)
		}
		if r.Kind() == reg.KindVector && int(p.PhysicalIndex()) >= set.registers {
			return fmt.Errorf("%s uses %s, which %s does not have", inst.Opcode, p.Asm(), set.name)
		}
		if r.Kind() == reg.KindVector && int(r.Size()) > set.width {
			return fmt.Errorf("%s uses %s, which is wider than %s is", inst.Opcode, p.Asm(), set.name)
		}
		if r.Kind() == reg.KindGP && p.PhysicalIndex() == reg.RBP.PhysicalIndex() {
			return fmt.Errorf("%s uses BP, where Go keeps the frame pointer", inst.Opcode)
		}
	}
	return nil
}

func usesVectors(f *ir.Function) bool {
	for _, inst := range f.Instructions() {
		for _, r := range registers(inst) {
			if r.Kind() == reg.KindVector && r.Size() > 16 {
				return true
			}
		}
	}
	return false
}

func registers(inst *ir.Instruction) []reg.Register {
	var rs []reg.Register
	for _, op := range inst.Operands {
		rs = append(rs, operand.Registers(op)...)
	}
	return slices.DeleteFunc(rs, func(r reg.Register) bool { return r.Kind() == reg.KindPseudo })
}
