package kernels

import "unsafe"

// portable is plain Go. It runs everywhere, and it is the base that every
// other implementation starts from.
var portable = &Implementation{
	name:        "portable",
	description: "plain Go",
	f32:         portableSet[float32](),
	f64:         portableSet[float64](),
}

func portableSet[T Float]() kernelSet[T] {
	ks := kernelSet[T]{
		lanes:     1,
		micro:     make([][]microKernel[T], portableNR),
		blocking:  blocking{mc: 63, kc: 256, nc: 1024},
		relu:      portableReLU[T],
		reluGrad:  portableReLUGrad[T],
		add:       portableAdd[T],
		axpy:      portableAxpy[T],
		fmaProbe:  portableProbe[T],
		probeFMAs: 8,
	}
	for v := range ks.micro {
		for h := range portableMR {
			ks.micro[v] = append(ks.micro[v], portableTile[T](h+1, v+1))
		}
	}
	return ks
}

func portableReLU[T Float](dst, src []T) {
	for i, x := range src {
		if x <= 0 {
			x = 0
		}
		dst[i] = x
	}
}

func portableReLUGrad[T Float](dst, grad, x []T) {
	grad, dst = grad[:len(x)], dst[:len(x)]
	for i, v := range x {
		g := grad[i]
		if v <= 0 {
			g = 0
		}
		dst[i] = g
	}
}

func portableAdd[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

func portableAxpy[T Float](alpha T, x, y []T) {
	x = x[:len(y)]
	for i := range y {
		y[i] += T(alpha * x[i]) // the conversion forbids fusing the two
	}
}

// portableProbe keeps eight sums going, more than the latency of a
// multiplication and an addition leaves room for in the registers Go has.
func portableProbe[T Float](n int) {
	x, y := T(1), T(0)
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	for range n {
		s0 += x * y
		s1 += x * y
		s2 += x * y
		s3 += x * y
		s4 += x * y
		s5 += x * y
		s6 += x * y
		s7 += x * y
		x = -x
	}
	probeSink = float64(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7)
}

var probeSink float64

// Tiles of plain Go are small: twelve sums and their operands are what fits
// the sixteen registers that the compiler has on amd64.
const portableMR, portableNR = 3, 4

// portableTile returns the micro-kernel of h rows and v columns.
func portableTile[T Float](h, v int) microKernel[T] {
	return func(tiles, k int, a *T, aRow, aCol int, b *T, bRow int, c *T, ldc, _ int, alpha, beta T) {
		as := unsafe.Slice(a, (tiles*h-1)*aRow+(k-1)*aCol+1)
		bs := unsafe.Slice(b, (k-1)*bRow+v)
		cs := unsafe.Slice(c, (tiles*h-1)*ldc+v)
		for t := range tiles {
			a, c := as[t*h*aRow:], cs[t*h*ldc:]
			if h == portableMR && v == portableNR {
				portableFullTile(k, a, aRow, aCol, bs, bRow, c, ldc, alpha, beta)
			} else {
				portableEdgeTile(h, k, a, aRow, aCol, bs, bRow, c, ldc, v, alpha, beta)
			}
		}
	}
}

func portableFullTile[T Float](k int, a []T, aRow, aCol int, b []T, bRow int, c []T, ldc int, alpha, beta T) {
	var c00, c01, c02, c03, c10, c11, c12, c13, c20, c21, c22, c23 T
	for range k {
		b4 := b[:4:4]
		x0, x1, x2 := a[0], a[aRow], a[2*aRow]
		y := b4[0]
		c00 += x0 * y
		c10 += x1 * y
		c20 += x2 * y
		y = b4[1]
		c01 += x0 * y
		c11 += x1 * y
		c21 += x2 * y
		y = b4[2]
		c02 += x0 * y
		c12 += x1 * y
		c22 += x2 * y
		y = b4[3]
		c03 += x0 * y
		c13 += x1 * y
		c23 += x2 * y
		a, b = a[min(aCol, len(a)):], b[min(bRow, len(b)):]
	}
	portableStore(c[:4], alpha, beta, c00, c01, c02, c03)
	portableStore(c[ldc:][:4], alpha, beta, c10, c11, c12, c13)
	portableStore(c[2*ldc:][:4], alpha, beta, c20, c21, c22, c23)
}

func portableStore[T Float](c []T, alpha, beta, s0, s1, s2, s3 T) {
	if beta == 0 {
		c[0], c[1], c[2], c[3] = alpha*s0, alpha*s1, alpha*s2, alpha*s3
		return
	}
	c[0] = alpha*s0 + beta*c[0]
	c[1] = alpha*s1 + beta*c[1]
	c[2] = alpha*s2 + beta*c[2]
	c[3] = alpha*s3 + beta*c[3]
}

// portableEdgeTile is any tile that is not whole.
func portableEdgeTile[T Float](h, k int, a []T, aRow, aCol int, b []T, bRow int, c []T, ldc, cols int, alpha, beta T) {
	for i := range h {
		var s [portableNR]T
		for p := range k {
			x := a[i*aRow+p*aCol]
			for j, y := range b[p*bRow:][:cols] {
				s[j] += x * y
			}
		}
		row := c[i*ldc:][:cols]
		for j := range row {
			if beta == 0 {
				row[j] = alpha * s[j]
			} else {
				row[j] = alpha*s[j] + beta*row[j]
			}
		}
	}
}

// portableClock runs n steps of eight dependent additions.
func portableClock(n int) (cycles int) {
	x, y := 1, n|1
	for range n {
		x += y
		y ^= x // keeps the compiler from folding the chain
		x += y
		y ^= x
		x += y
		y ^= x
		x += y
		y ^= x
	}
	clockSink = x
	return n * 8
}

var clockSink int
