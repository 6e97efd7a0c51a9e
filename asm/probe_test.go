package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The measured rates are counts over time: the loops hold as many
// operations as the constants that Go multiplies by say.
func TestProbeCounts(t *testing.T) {
	files, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	fmas := declared(t, files, "probeFMAs")
	if fmas != probeSums*probeRepeat {
		t.Errorf("probeFMAs is declared as %d, want %d*%d", fmas, probeSums, probeRepeat)
	}
	for _, set := range isas {
		for _, typ := range floats {
			name := typ.letter + "fmaProbe" + set.suffix
			sums := map[string]int{} // multiply-adds onto each
			n := 0
			for _, inst := range loop(t, files["zprobe_"+set.name+"_amd64.s"], name) {
				if strings.HasPrefix(inst, "VFMADD") {
					sums[inst[strings.LastIndexByte(inst, ' ')+1:]]++
					n++
				}
			}
			if n != fmas {
				t.Errorf("%s does %d multiply-adds a step, declared are %d", name, n, fmas)
			}
			if len(sums) != probeSums {
				t.Errorf("%s adds to %d sums, want %d", name, len(sums), probeSums)
			}
			for r, times := range sums {
				if times != probeRepeat {
					t.Errorf("%s adds to %s %d times a step, want %d", name, r, times, probeRepeat)
				}
			}
		}
	}
}

// A step of the clock probe takes as many cycles as it has additions, if each waits for the last.
func TestClockChainLength(t *testing.T) {
	files, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	chain := map[string]int{}
	for _, inst := range loop(t, files["zclock_amd64.s"], "clockChain") {
		if strings.HasPrefix(inst, "ADDQ ") {
			chain[inst]++
		}
	}
	if len(chain) != 1 {
		t.Fatalf("the additions of clockChain differ: %v", chain)
	}
	want := declared(t, files, "clockAdds")
	if want != clockAdds {
		t.Errorf("clockAdds is declared as %d, want %d", want, clockAdds)
	}
	for inst, n := range chain {
		if n != want {
			t.Errorf("clockChain has %q %d times a step, declared are %d", inst, n, want)
		}
	}
}

// The additions of the issue probe wait for one another as seldom as the number of registers says.
func TestIssueLoopRegisters(t *testing.T) {
	files, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]int{} // place of the last addition to each register
	n := 0
	for _, inst := range loop(t, files["zclock_amd64.s"], "issueLoop") {
		sum, isAdd := strings.CutPrefix(inst, "ADDQ ")
		if !isAdd {
			continue
		}
		if before, ok := last[sum]; ok && n-before != issueRegisters {
			t.Errorf("%q comes after %d additions, want %d", inst, n-before, issueRegisters)
		}
		last[sum] = n
		n++
	}
	if want := declared(t, files, "issueAdds"); n != want || n != issueAdds || len(last) != issueRegisters || issueRegisters < 8 {
		t.Errorf("issueLoop does %d additions a step to %d registers, declared are %d to %d", n, len(last), want, issueRegisters)
	}
}

// declared returns a constant of the generated Go source.
func declared(t *testing.T, files map[string][]byte, name string) int {
	t.Helper()
	match := regexp.MustCompile(`(?m)^\s+` + name + `\s+= (\d+)$`).FindSubmatch(files["zclock_amd64.go"])
	if match == nil {
		t.Fatalf("zclock_amd64.go does not declare %s", name)
	}
	n, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// loop returns the instructions from a function's label step to the jump back to it.
func loop(t *testing.T, asm []byte, function string) []string {
	t.Helper()
	_, body, ok := strings.Cut(string(asm), "TEXT ·"+function+"(SB)")
	if !ok {
		t.Fatalf("%s was not generated", function)
	}
	body, _, _ = strings.Cut(body, "\nTEXT ")
	_, body, begins := strings.Cut(body, "\nstep:\n")
	var insts []string
	for line := range strings.Lines(body) {
		inst := strings.Join(strings.Fields(line), " ")
		if inst == "JNE step" && begins {
			return insts
		}
		insts = append(insts, inst)
	}
	t.Fatalf("%s has no loop", function)
	return nil
}
