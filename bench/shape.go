package bench

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lanewise/lanewise/kernels"
)

// A Shape is that of a matrix product: C = op(A) op(B) with op(A) m x k and op(B) k x n,
// contiguous.
type Shape struct {
	m, n, k        int
	transA, transB bool
	long           bool // only in the long suite
}

func square(n int) Shape { return Shape{m: n, n: n, k: n} }

func (s Shape) onlyLong() Shape { s.long = true; return s }

// shapeSyntax is m, n and k, and which operands are transposed.
var shapeSyntax = regexp.MustCompile(`^(\d+)x(\d+)x(\d+)(?::([NTnt])([NTnt]))?$`)

// largestSide bounds the sides of a shape that somebody asks for, and largestOperand the elements
// of a matrix: three of them take 1.5 GiB in float64.
const largestSide, largestOperand = 1 << 24, 1 << 26

// ParseShape returns the shape that is written MxNxK and behind it, if the second, the first, or
// both operands are stored transposed, :NT, :TN or :TT: 100x50x784, 784x50x100:TN.
func ParseShape(text string) (Shape, error) {
	parts := shapeSyntax.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return Shape{}, fmt.Errorf("shape = %q, want MxNxK, or with transposed operands MxNxK:NT, :TN or :TT, as 784x50x100:TN", text)
	}
	var sides [3]int
	for i := range sides {
		side, err := strconv.Atoi(parts[i+1])
		if err != nil || side < 1 || side > largestSide {
			return Shape{}, fmt.Errorf("shape = %q with %c = %s, want 1..%d", text, "mnk"[i], parts[i+1], largestSide)
		}
		sides[i] = side
	}
	s := Shape{m: sides[0], n: sides[1], k: sides[2], transA: strings.EqualFold(parts[4], "T"), transB: strings.EqualFold(parts[5], "T")}
	for _, operand := range []struct {
		name       string
		rows, cols int
	}{{"A", s.m, s.k}, {"B", s.k, s.n}, {"C", s.m, s.n}} {
		if elements := int64(operand.rows) * int64(operand.cols); elements > largestOperand {
			return Shape{}, fmt.Errorf("shape = %q, whose %s has %d elements, want at most %d: take a smaller one", text, operand.name, elements, largestOperand)
		}
	}
	return s, nil
}

// ParseShapes is [ParseShape] for several, of which each is returned once.
func ParseShapes(texts []string) (shapes []Shape, err error) {
	seen := map[Shape]bool{}
	for _, text := range texts {
		s, err := ParseShape(text)
		if err != nil {
			return nil, err
		}
		if !seen[s] {
			seen[s] = true
			shapes = append(shapes, s)
		}
	}
	return shapes, nil
}

// params names s in a benchmark.
func (s Shape) params() string {
	p := fmt.Sprintf("m=%d/n=%d/k=%d", s.m, s.n, s.k)
	if t := s.trans(); t != "" {
		p += "/trans=" + t
	}
	return p
}

// String names s in tables, "784,50,100 TN".
func (s Shape) String() string {
	return strings.TrimSpace(fmt.Sprintf("%d,%d,%d %s", s.m, s.n, s.k, s.trans()))
}

// Text is what ParseShape reads, "784x50x100:TN".
func (s Shape) Text() string {
	return strings.TrimSuffix(fmt.Sprintf("%dx%dx%d:%s", s.m, s.n, s.k, s.trans()), ":")
}

// ShapeTexts returns the Text of each of the shapes.
func ShapeTexts(shapes []Shape) (texts []string) {
	for _, s := range shapes {
		texts = append(texts, s.Text())
	}
	return texts
}

// trans says which operands are transposed, as in TN; "" if none is.
func (s Shape) trans() string {
	if !s.transA && !s.transB {
		return ""
	}
	letter := map[bool]string{false: "N", true: "T"}
	return letter[s.transA] + letter[s.transB]
}

func (s Shape) flop() float64 { return 2 * float64(s.m) * float64(s.n) * float64(s.k) }

// strides returns the leading dimensions of the operands as they are stored.
func (s Shape) strides() (lda, ldb, ldc int) {
	lda, ldb, ldc = s.k, s.n, s.n
	if s.transA {
		lda = s.m
	}
	if s.transB {
		ldb = s.k
	}
	return lda, ldb, ldc
}

// PlanOf returns how ops computes a product of this shape.
func PlanOf[T kernels.Float](ops kernels.Ops[T], s Shape) kernels.Plan {
	lda, ldb, ldc := s.strides()
	return ops.Plan(s.transA, s.transB, s.m, s.n, s.k, lda, ldb, ldc)
}
