//go:build amd64 && !purego

package kernels

import (
	"slices"

	"github.com/klauspost/cpuid/v2"
)

// avx512 is assembly for the part of AVX-512 that every CPU with 512-bit
// vectors has had since the first server generation.
var avx512 = &Implementation{
	name:        "avx512",
	description: "assembly, AVX-512 F, VL, BW and DQ",
	requires:    append(slices.Clone(avx2.requires), cpuid.AVX512F, cpuid.AVX512VL, cpuid.AVX512BW, cpuid.AVX512DQ),
	f32:         avx512Float32().arranged(),
	f64:         avx512Float64().arranged(),
}

func avx512Float32() kernelSet[float32] {
	ks := avx2Float32()
	ks.lanes, ks.laneShift = 16, 4
	ks.micro = sgemmAVX512
	ks.alone = aloneKernels[float32]{whole: saloneAVX512, halves: saloneHalvesAVX512, pairs: salonePairsAVX512, sparing: saloneSparingAVX512}
	ks.upright = suprightAVX512
	ks.packing, ks.copying, ks.turning = nil, scopyingAVX512, sturningAVX512
	ks.fetching, ks.following = sfetchingAVX512, sfollowingAVX512
	ks.around = saroundAVX512
	ks.beside = sbesideAVX512
	ks.halves = shalvesAVX512
	ks.pairs = pairKernels[float32]{spairsAVX512, spairsTurnedAVX512}
	ks.dot, ks.dotFar, ks.zipped = sdotAVX512, sdotFarAVX512, szippedAVX512
	ks.addRows, ks.addFar, ks.vecMat = saddRowsAVX512, saddFarRowsAVX512, svecMatAVX512
	ks.pack = spackAVX512
	ks.copyRows = scopyRowsAVX512
	ks.square = transposer[float32]{1, spackTransposedAVX512}
	ks.costs = costsAVX512
	ks.tuning = Tuning{
		Vectors: 3, KC: 512,
		TallRows: 0,
		PackRows: 256, LargeRows: 256, FetchedRows: 256, CrowdedRows: 256, CrowdedBytes: never, PackDepth: 1024, SplitDepth: never,
		PackColumns: 512, PackStride: never,
		TurnStride: never, TurnDepth: never, TurnRows: 16, TurnColumns: 512, TurnPages: never,
		ThinColumns: 0, ThinDepth: 144, UnevenDepth: never,
		TailColumns: 4, TailDepth: 32,
		DotDepth: 8, NarrowDepth: 64, UprightColumns: 12, UprightDepth: 0, LoneDepth: never, AsRowsDepth: never, TransposeColumns: 0, TransposeRows: 0,
		ShallowRows: 0, PageDepth: 64, LowDepth: lowTo(), AroundBytes: largestCache, AroundDepth: aroundDepth(), AloneDepth: never,
		VecMatBytes: 512 << 10, FetchBytes: fetchFrom(), PanelBytes: farFrom(), AheadTurns: aheadTurns(), ThreadWork: 1 << 20,
	}
	ks.tuning = forWholeUnits(ks.tuning, 4).fit(ks.mr(), ks.nr(), 4, readCPU())
	ks.relu = sreluAVX512
	ks.reluGrad = sreluGradAVX512
	ks.add = saddAVX512
	ks.axpy = saxpyAVX512
	ks.exp = sexpAVX512
	ks.bytes = sbytesAVX512
	ks.softmax = ssoftmaxAVX512
	ks.softmaxGrad = ssoftmaxGradAVX512
	ks.fmaProbe, ks.probeFMAs = sfmaProbeAVX512, probeFMAs
	return ks
}

func avx512Float64() kernelSet[float64] {
	ks := avx2Float64()
	ks.lanes, ks.laneShift = 8, 3
	ks.micro = dgemmAVX512
	ks.alone = aloneKernels[float64]{whole: daloneAVX512, halves: daloneHalvesAVX512, pairs: dalonePairsAVX512, sparing: daloneSparingAVX512}
	ks.upright = duprightAVX512
	ks.packing, ks.copying, ks.turning = nil, dcopyingAVX512, dturningAVX512
	ks.fetching, ks.following = dfetchingAVX512, dfollowingAVX512
	ks.around = daroundAVX512
	ks.beside = dbesideAVX512
	ks.halves = dhalvesAVX512
	ks.pairs = pairKernels[float64]{dpairsAVX512, dpairsTurnedAVX512}
	ks.dot, ks.dotFar, ks.zipped = ddotAVX512, ddotFarAVX512, dzippedAVX512
	ks.addRows, ks.addFar, ks.vecMat = daddRowsAVX512, daddFarRowsAVX512, dvecMatAVX512
	ks.pack = dpackAVX512
	ks.copyRows = dcopyRowsAVX512
	ks.square = transposer[float64]{1, dpackTransposedAVX512}
	ks.costs = costsAVX512
	ks.tuning = Tuning{
		Vectors: 3, KC: 384,
		TallRows: 0,
		PackRows: 256, LargeRows: 256, FetchedRows: 256, CrowdedRows: 256, CrowdedBytes: never, PackDepth: 1024, SplitDepth: never,
		PackColumns: 384, PackStride: never,
		TurnStride: never, TurnDepth: never, TurnRows: 16, TurnColumns: 384, TurnPages: never,
		ThinColumns: 0, ThinDepth: 144, UnevenDepth: never,
		TailColumns: 3, TailDepth: 96,
		DotDepth: 8, NarrowDepth: 96, UprightColumns: 12, UprightDepth: 0, LoneDepth: never, AsRowsDepth: never, TransposeColumns: 0, TransposeRows: 0,
		ShallowRows: 0, PageDepth: 64, LowDepth: lowTo(), AroundBytes: largestCache, AroundDepth: aroundDepth(), AloneDepth: never,
		VecMatBytes: 512 << 10, FetchBytes: fetchFrom(), PanelBytes: farFrom(), AheadTurns: aheadTurns(), ThreadWork: 1 << 20,
	}
	ks.tuning = forWholeUnits(ks.tuning, 8).fit(ks.mr(), ks.nr(), 8, readCPU())
	ks.relu = dreluAVX512
	ks.reluGrad = dreluGradAVX512
	ks.add = daddAVX512
	ks.axpy = daxpyAVX512
	ks.exp = dexpAVX512
	ks.bytes = dbytesAVX512
	ks.softmax = dsoftmaxAVX512
	ks.softmaxGrad = dsoftmaxGradAVX512
	ks.fmaProbe, ks.probeFMAs = dfmaProbeAVX512, probeFMAs
	return ks
}

// costsAVX512 are those of Zen 4, on any CPU: what adds up in another order goes by them, too, and
// the bits of a product do not depend on the CPU.
var costsAVX512 = costs{
	vector: halvedVectors, turning: 3,
	alongK:  columnCosts{row: 5, vector: 10, sum: 16, copied: 4, before: 2000},
	summing: 12, grouping: 900, groupingMore: 900,
}

// forWholeUnits returns tu, the tuning of Zen 4 for elements of so many bytes, for the CPU at hand:
// as it is on Zen 4, which executes 512-bit instructions in halves, so that tiles have twice the time
// to wait for rows of B and columns of A that are far apart. On others, of which only Zen 5 in
// laptops does as well, the first-level cache has to bring them sooner, and copying them there pays
// for fewer rows and columns: on Ice Lake, 256 rows read a B in place, whose rows share sets of the
// cache, at 0.4 times the speed of a packed one.
// A pair behind vectors pays less as well: 50x10x100 with a transposed A is 1.32 times as fast in float64 with vectors
// along its 50 rows, from 20 to 784 steps of k 1.0 to 1.3; in float32 50x10x30 1.24, 50x10x100 0.97.
// What loads an element of A for each multiply-add takes twice as long as other tiles, not as long:
// 72x8x254 with a transposed A is 1.8 times as fast in float64 in vectors along m, 51x8x43 in float32 1.35 times.
// A B whose rows split cache lines takes more of the L1 cache than one that begins with them (splits); a vector of C
// that is stored whole takes half as long as two halves (storesWhole); and Ice Lake does not load two vectors in a cycle (SpareLoads).
// Granite Rapids does, and is faster with tiles than in vectors along m where a pair ends these: in float64 18x10x32 with a
// transposed A 1.5 times, 34x10x128 1.1 times, in float32 all by 1.02 (UprightDepth). A vector or half of one goes upright from fewer steps of k
// on in float32 (128x8x8 1.15), from more in float64 (64x8x16 0.9). 1024x64x256 reads a transposed A in place 1.19 times as fast in float32, 1.02 in
// float64 (TurnColumns), and 32 rows a B in place whose rows crowd, in float32, 1.1 times (CrowdedRows, of as many as PackRows, so that
// CrowdedBytes decides nothing).
// From 33 steps of k on, C row by row gains 1% there in a quiet hour and loses 1% in another (LowDepth; AVX2 gains in both).
// What changes here is where operands are read, and in which way, and no bit of a product.
func forWholeUnits(tu Tuning, size int) Tuning {
	if isZen4() {
		return tu
	}
	tu.PackRows, tu.LargeRows, tu.FetchedRows, tu.CrowdedRows, tu.PackDepth = 32, 32, 32, 24, 256
	tu.SplitDepth, tu.PackWork, tu.CrowdedBytes = 128, 2048, 1<<20
	tu.TurnStride, tu.PackColumns, tu.TurnColumns = 2048/size, 96, 48
	tu.AloneDepth, tu.AloneBytes = aloneFrom()
	tu.WholeBytes = 48 << 10
	tu.UprightDepth, tu.LoneDepth = 64, 16
	if size == 8 {
		tu.UprightDepth = never
	}
	switch {
	case isIceLake():
		tu.SpareLoads = 1
	case sinceSapphireRapids():
		tu.UprightDepth, tu.TurnColumns, tu.LowDepth = 0, 64, 32
		if size == 8 {
			tu.LoneDepth = 32
		} else {
			tu.CrowdedRows, tu.LoneDepth = 32, 0
		}
	}
	return tu
}
