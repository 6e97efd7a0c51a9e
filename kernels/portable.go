package kernels

import (
	"runtime"
	"unsafe"
)

// portable is plain Go. It runs everywhere, and it is the base that every
// other implementation starts from.
var portable = &Implementation{
	name:        "portable",
	description: "plain Go",
	f32:         portableSet[float32]().arranged(),
	f64:         portableSet[float64]().arranged(),
}

func portableSet[T Float]() kernelSet[T] {
	ks := kernelSet[T]{
		lanes:    1,
		micro:    make([][]microKernel[T], portableNR),
		pack:     make([]packKernel[T], portableNR),
		dot:      make([][]dotKernel[T], 1),
		addRows:  []addRowsKernel[T]{portableAddRow[T]},
		copyRows: portableCopyRows[T],
		square:   transposer[T]{1, portableTransposer[T]},
		costs:    costs{vector: wholeVectors, turning: 5}, // no way goes by others
		tuning: Tuning{
			Vectors: portableNR, KC: 256,
			TallRows: 0,
			PackRows: 8, LargeRows: 8, FetchedRows: 8, CrowdedRows: 8, CrowdedBytes: never,
			PackColumns: 64, PackStride: 256,
			TurnStride: 256, TurnDepth: never, TurnRows: 16, TurnColumns: 64, TurnPages: never,
			ThinColumns: 0, ThinDepth: 144, UnevenDepth: never,
			DotDepth: 2, NarrowDepth: never, AsRowsDepth: never, TransposeColumns: 0, TransposeRows: 0,
			ShallowRows: 0, PageDepth: never, LowDepth: 0, AloneDepth: never,
			AroundBytes: never, FetchBytes: never, PanelBytes: never, AheadTurns: 1, ThreadWork: 1 << 17,
		},
		relu:      portableReLU[T],
		reluGrad:  portableReLUGrad[T],
		add:       portableAdd[T],
		axpy:      portableAxpy[T],
		fmaProbe:  portableProbe[T],
		probeFMAs: 8,
	}
	ks.exp, ks.bytes, ks.bytesInUse = portableExp[T], portableBytes[T], portableBytesInUse
	ks.fetch = func(*uint8, []int, int) {} // Go cannot say it
	ks.softmax, ks.softmaxGrad = portableSoftmax[T], portableSoftmaxGrad[T]
	for v := range ks.micro {
		for h := range portableMR {
			ks.micro[v] = append(ks.micro[v], portableTile[T](h+1, v+1))
		}
		ks.pack[v] = portablePack[T](v + 1)
	}
	for h := range portableDotRows {
		ks.dot[0] = append(ks.dot[0], portableDot[T](h+1))
	}
	ks.tuning = ks.tuning.fit(portableMR, portableNR, int(unsafe.Sizeof(T(0))), readCPU())
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

// portableProbe keeps eight sums going, enough to hide the latency of a
// multiplication and an addition, and as many as stay in registers.
func portableProbe[T Float](n int) {
	x, y := T(0.75), T(0.5) // the sums tend to 2, by way of numbers with all their digits
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	for range n {
		s0 = s0*x + y
		s1 = s1*x + y
		s2 = s2*x + y
		s3 = s3*x + y
		s4 = s4*x + y
		s5 = s5*x + y
		s6 = s6*x + y
		s7 = s7*x + y
	}
	runtime.KeepAlive(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7) // or the loop would do nothing
}

// Tiles of plain Go are small: on amd64 the compiler has fifteen registers for
// eight sums and six operands. 3x3 and 3x4 tiles spill, and reach half as much.
const portableMR, portableNR = 2, 4

// portableTile returns the micro-kernel of h rows and v columns.
func portableTile[T Float](h, v int) microKernel[T] {
	return func(x *microArgs[T]) {
		rows, columns, aCol := x.tiles*h, (x.panels-1)*x.bStep+v, x.aCol
		as := unsafe.Slice(x.a, (rows-1)*x.aRow+(x.k-1)*aCol+1)
		bs := unsafe.Slice(x.b, (x.k-1)*x.bRow+columns)
		cs := unsafe.Slice(x.c, (rows-1)*x.ldc+x.panels*v)
		for panel := range x.panels {
			bs, cs := bs[panel*x.bStep:], cs[panel*v:]
			for t := range x.tiles {
				a, c := as[t*h*x.aRow:], cs[t*h*x.ldc:]
				switch {
				case h == portableMR && v == portableNR:
					portableFullTile(x.k, a, x.aRow, aCol, bs, x.bRow, c, x.ldc, x.alpha, x.beta)
				case h == 1 && v == portableNR:
					s0, s1, s2, s3 := portableRowSums(x.k, a, aCol, bs, x.bRow)
					portableStore(c[:4], x.alpha, x.beta, s0, s1, s2, s3)
				default:
					portableEdgeTile(h, v, x.k, a, x.aRow, aCol, bs, x.bRow, c, x.ldc, x.alpha, x.beta)
				}
			}
		}
		epilogue[T]{x.bias, x.mask, x.maskRow, x.relu}.apply(cs, rows, x.panels*v, x.ldc)
	}
}

func portableFullTile[T Float](k int, a []T, aRow, aCol int, b []T, bRow int, c []T, ldc int, alpha, beta T) {
	c00, c01, c02, c03, c10, c11, c12, c13 := portableSums(k, a, aRow, aCol, b, bRow)
	portableStore(c[:4], alpha, beta, c00, c01, c02, c03)
	portableStore(c[ldc:][:4], alpha, beta, c10, c11, c12, c13)
}

// portableSums is a function of its own, and not to be inlined, because alpha
// and beta would take registers away from it: with them the sums spill, and the
// loop takes half as long again.
//
//go:noinline
func portableSums[T Float](k int, a []T, aRow, aCol int, b []T, bRow int) (c00, c01, c02, c03, c10, c11, c12, c13 T) {
	ia, ib := 0, 0
	for range k {
		x0, x1 := a[ia], a[ia+aRow]
		row := b[ib : ib+4 : ib+4]
		y0, y1, y2, y3 := row[0], row[1], row[2], row[3]
		c00 += x0 * y0
		c01 += x0 * y1
		c02 += x0 * y2
		c03 += x0 * y3
		c10 += x1 * y0
		c11 += x1 * y1
		c12 += x1 * y2
		c13 += x1 * y3
		ia += aCol
		ib += bRow
	}
	return
}

// portableRowSums is portableSums for one row: Gemv, transposed, is made of it.
//
//go:noinline
func portableRowSums[T Float](k int, a []T, aCol int, b []T, bRow int) (s0, s1, s2, s3 T) {
	ia, ib := 0, 0
	for range k {
		x := a[ia]
		row := b[ib : ib+4 : ib+4]
		s0 += x * row[0]
		s1 += x * row[1]
		s2 += x * row[2]
		s3 += x * row[3]
		ia += aCol
		ib += bRow
	}
	return
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
func portableEdgeTile[T Float](h, v, k int, a []T, aRow, aCol int, b []T, bRow int, c []T, ldc int, alpha, beta T) {
	for i := range h {
		var sums [portableNR]T
		for p := range k {
			x := a[i*aRow+p*aCol]
			for j, y := range b[p*bRow:][:v] {
				sums[j] += x * y
			}
		}
		row := c[i*ldc:][:v]
		for j := range row {
			if beta == 0 {
				row[j] = alpha * sums[j]
			} else {
				row[j] = alpha*sums[j] + beta*row[j]
			}
		}
	}
}

func portablePack[T Float](width int) packKernel[T] {
	return func(k int, b *T, bRow int, panel *T, cols int) {
		src, dst := unsafe.Slice(b, (k-1)*bRow+cols), unsafe.Slice(panel, k*width)
		for p := range k {
			row := dst[p*width:][:width]
			for j := range row {
				row[j] = src[p*bRow+j]
			}
		}
	}
}

func portableCopyRows[T Float](rows, cols int, src *T, srcRow int, dst *T, dstRow int) {
	from, to := unsafe.Slice(src, (rows-1)*srcRow+cols), unsafe.Slice(dst, (rows-1)*dstRow+cols)
	for i := range rows {
		copy(to[i*dstRow:][:cols], from[i*srcRow:])
	}
}

func portableTransposer[T Float](k, cols int, b *T, bCol int, panel *T, width int) {
	src, dst := unsafe.Slice(b, (cols-1)*bCol+k), unsafe.Slice(panel, (k-1)*width+cols)
	for j := range cols {
		for p, x := range src[j*bCol:][:k] {
			dst[p*width+j] = x
		}
	}
}

// portableDotRows is how many rows share the reading of a column.
const portableDotRows = 4

// portableDot returns the dot product kernel of h rows and one column.
func portableDot[T Float](h int) dotKernel[T] {
	return func(tiles, k int, a *T, aRow int, b *T, _ int, c *T, cRow, _ int, alpha, beta T) {
		as, x := unsafe.Slice(a, (tiles*h-1)*aRow+k), unsafe.Slice(b, k)
		cs := unsafe.Slice(c, (tiles*h-1)*cRow+1)
		for t := range tiles {
			// Where there are fewer rows, the last one is multiplied again: one sum would
			// wait for itself, and take as long as four.
			row := func(i int) []T { return as[(t*h+min(i, h-1))*aRow:] }
			sums := portableFourDots(row(0), row(1), row(2), row(3), x)
			for i, s := range sums[:h] {
				s *= alpha
				if at := (t*h + i) * cRow; beta == 0 {
					cs[at] = s
				} else {
					cs[at] = s + beta*cs[at]
				}
			}
		}
	}
}

func portableAddRow[T Float](n int, x, a *T, _ int, y *T) {
	portableAxpy(*x, unsafe.Slice(a, n), unsafe.Slice(y, n))
}

func portableFourDots[T Float](a0, a1, a2, a3, x []T) (sums [portableDotRows]T) {
	var s0, s1, s2, s3 T
	a0, a1, a2, a3 = a0[:len(x)], a1[:len(x)], a2[:len(x)], a3[:len(x)]
	for p, y := range x {
		s0 += a0[p] * y
		s1 += a1[p] * y
		s2 += a2[p] * y
		s3 += a3[p] * y
	}
	return [portableDotRows]T{s0, s1, s2, s3}
}
