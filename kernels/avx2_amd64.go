//go:build amd64 && !purego

package kernels

import "github.com/klauspost/cpuid/v2"

// avx2 is assembly for AVX2 with FMA. FMA3 alone says less about the
// registers that the operating system saves, so all three are asked for.
var avx2 = &Implementation{
	name:        "avx2",
	description: "assembly, AVX2 and FMA",
	requires:    []feature{cpuid.AVX, cpuid.AVX2, cpuid.FMA3},
	f32:         avx2Float32().arranged(),
	f64:         avx2Float64().arranged(),
}

func avx2Float32() kernelSet[float32] {
	ks := portableSet[float32]()
	ks.lanes, ks.laneShift = 8, 3
	ks.micro = sgemmAVX2
	ks.alone = aloneKernels[float32]{whole: saloneAVX2}
	ks.around = saroundAVX2
	ks.upright = suprightAVX2
	ks.packing, ks.copying, ks.turning = spackingAVX2, scopyingAVX2, sturningAVX2
	ks.fetching, ks.following = sfetchingAVX2, sfollowingAVX2
	ks.dot, ks.dotFar = sdotAVX2, sdotFarAVX2
	ks.addRows, ks.addFar, ks.vecMat = saddRowsAVX2, saddFarRowsAVX2, svecMatAVX2
	ks.pack = spackAVX2
	ks.copyRows = scopyRowsAVX2
	ks.square = transposer[float32]{8, spackTransposedAVX2}
	ks.costs = costsAVX2
	ks.tuning = Tuning{
		Vectors: 2, KC: 512,
		TallRows: 512,
		PackRows: 64, LargeRows: 12, FetchedRows: 32, CrowdedRows: 12, CrowdedBytes: crowdedTo(), PackDepth: 128, SplitDepth: never, PackWork: 3072,
		PackColumns: 64, PackStride: 960,
		TurnStride: 240, TurnDepth: 192, TurnRows: 13, TurnColumns: 24, TurnPages: turnFrom(),
		ThinColumns: 96, ThinDepth: 128, UnevenDepth: 160,
		TailColumns: 3, TailDepth: 32,
		DotDepth: 8, NarrowDepth: 128, UprightColumns: 12, UprightDepth: 0, LoneDepth: never, AsRowsDepth: 32, TransposeColumns: 64, TransposeRows: 80,
		ShallowRows: 256, PageDepth: 48, LowDepth: lowTo(), AroundBytes: aroundFrom(), AroundDepth: aroundDepth(),
		VecMatBytes: 256 << 10, FetchBytes: fetchFrom(), PanelBytes: farFrom(), AheadTurns: aheadTurns(), ThreadWork: 1 << 20,
	}
	ks.tuning.AloneDepth, ks.tuning.AloneBytes = aloneFrom()
	ks.tuning.TurnAtOnce = turnAtOnce()
	ks.tuning = ks.tuning.fit(ks.mr(), ks.nr(), 4, readCPU())
	ks.relu = sreluAVX2
	ks.reluGrad = sreluGradAVX2
	ks.add = saddAVX2
	ks.axpy = saxpyAVX2
	ks.exp = sexpAVX2
	ks.bytes, ks.bytesInUse, ks.fetch = sbytesAVX2, bytesInUseAVX2, fetchRows
	ks.softmax = ssoftmaxAVX2
	ks.softmaxGrad = ssoftmaxGradAVX2
	ks.fmaProbe, ks.probeFMAs = sfmaProbeAVX2, probeFMAs
	return ks
}

func avx2Float64() kernelSet[float64] {
	ks := portableSet[float64]()
	ks.lanes, ks.laneShift = 4, 2
	ks.micro = dgemmAVX2
	ks.alone = aloneKernels[float64]{whole: daloneAVX2}
	ks.around = daroundAVX2
	ks.upright = duprightAVX2
	ks.packing, ks.copying, ks.turning = dpackingAVX2, dcopyingAVX2, dturningAVX2
	ks.fetching, ks.following = dfetchingAVX2, dfollowingAVX2
	ks.dot, ks.dotFar = ddotAVX2, ddotFarAVX2
	ks.addRows, ks.addFar, ks.vecMat = daddRowsAVX2, daddFarRowsAVX2, dvecMatAVX2
	ks.pack = dpackAVX2
	ks.copyRows = dcopyRowsAVX2
	ks.square = transposer[float64]{4, dpackTransposedAVX2}
	ks.costs = costsAVX2
	ks.tuning = Tuning{
		Vectors: 2, KC: 384,
		TallRows: 512,
		PackRows: 64, LargeRows: 12, FetchedRows: 24, CrowdedRows: 12, CrowdedBytes: crowdedTo(), PackDepth: 128, SplitDepth: never, PackWork: 3072,
		PackColumns: 64, PackStride: 480,
		TurnStride: 240, TurnDepth: 192, TurnRows: 7, TurnColumns: 12, TurnPages: turnFrom(),
		ThinColumns: 96, ThinDepth: 112, UnevenDepth: 144,
		TailColumns: 2, TailDepth: 32,
		DotDepth: 4, NarrowDepth: 256, UprightColumns: 10, UprightDepth: 0, LoneDepth: never, AsRowsDepth: 12, TransposeColumns: 64, TransposeRows: 80,
		ShallowRows: 256, PageDepth: 48, LowDepth: lowTo(), AroundBytes: aroundFrom(), AroundDepth: aroundDepth(),
		VecMatBytes: 256 << 10, FetchBytes: fetchFrom(), PanelBytes: farInFloat64(), AheadTurns: aheadTurns(), ThreadWork: 1 << 20,
	}
	ks.tuning.AloneDepth, ks.tuning.AloneBytes = aloneFrom()
	ks.tuning.TurnAtOnce = turnAtOnce()
	ks.tuning = ks.tuning.fit(ks.mr(), ks.nr(), 8, readCPU())
	ks.relu = dreluAVX2
	ks.reluGrad = dreluGradAVX2
	ks.add = daddAVX2
	ks.axpy = daxpyAVX2
	ks.exp = dexpAVX2
	ks.bytes, ks.bytesInUse, ks.fetch = dbytesAVX2, bytesInUseAVX2, fetchRows
	ks.softmax = dsoftmaxAVX2
	ks.softmaxGrad = dsoftmaxGradAVX2
	ks.fmaProbe, ks.probeFMAs = dfmaProbeAVX2, probeFMAs
	return ks
}

// costsAVX2 are those of Zen 3.
var costsAVX2 = costs{
	vector: wholeVectors, turning: 5,
	alongK:  columnCosts{row: 6, vector: 7, sum: 16, copied: 3, before: 2000},
	summing: 30, grouping: 5000, groupingMore: 8000,
	rereads: true, slowDots: true,
}

// isZen4 reports whether the CPU is a Zen 4: one of the family of Zen 3, with AVX-512 in halves.
func isZen4() bool {
	cpu := readCPU()
	return cpu.Vendor == "AuthenticAMD" && cpu.Family == 25 && hasFeature(cpuid.AVX512F)
}

// fetchFrom returns the FetchBytes of assembly for the CPU at hand: half of the last-level cache on
// Zen 4, where 64 MiB that are fetched take 0.87 to 0.93 of the time, never on others: those measured
// foresee what comes next in eight rows, and take 1.13 to 1.23 times as long on Zen 3, and 1.01 to
// 1.12 on Ice Lake.
func fetchFrom() int {
	if isZen4() {
		return largestCache / 2
	}
	return never
}

// isIntel reports whether the CPU is one of Intel's.
func isIntel() bool { return readCPU().Vendor == "GenuineIntel" }

// isIceLake reports whether the CPU is an Ice Lake for servers.
func isIceLake() bool {
	cpu := readCPU()
	return isIntel() && cpu.Family == 6 && (cpu.Model == 106 || cpu.Model == 108)
}

// sinceSapphireRapids reports whether the CPU is one of Intel's with AVX512FP16: Sapphire Rapids and what came after.
// Granite Rapids was measured only; others have its numbers until they are. Virtual machines may tell the model of another CPU.
func sinceSapphireRapids() bool { return isIntel() && hasFeature(cpuid.AVX512FP16) }

// farFrom returns the PanelBytes of assembly for the CPU at hand: on Intel's CPUs what the L2 cache
// has, on those of sinceSapphireRapids less. On Ice Lake, the first tile of a panel that comes from the L3
// cache took 2 to 3 times as long as others, of which there are few; in float64 with AVX2, whose panels are small, and one call multiplies
// several, squares lost 2 to 5% (there it is never). On Granite Rapids it pays for what its L2 cache has, too:
// 512 cubed is 1.018 times as fast with AVX-512, in float64 squares 1.017 (sweep of 023cba242e3d), with
// AVX2 512 and 1024 cubed 1.02 to 1.03, 500x700x2000 0.98, in float64 squares 1.012 to 1.019 (d3fc67aafba8).
// A line from there is nearer to a core of Zen 4, and squares took 1.004 times as long; of others nothing is known.
func farFrom() int {
	switch {
	case sinceSapphireRapids():
		return 256 << 10
	case isIntel():
		return cacheSize(readCPU().L2, assumedL2, leastL2, mostL2)
	}
	return never
}

// farInFloat64 returns the PanelBytes of AVX2 in float64: see farFrom.
func farInFloat64() int {
	if sinceSapphireRapids() {
		return farFrom()
	}
	return never
}

// aloneFrom returns the AloneDepth and AloneBytes of assembly for the CPU at hand. On those of AMD
// they were measured with a call for each tile.
func aloneFrom() (depth, bytes int) {
	if isIntel() {
		return 1, 32 << 10
	}
	return 8, 0
}

// aheadTurns returns the AheadTurns of assembly for the CPU at hand: those of AMD were measured with 1 only.
func aheadTurns() int {
	if isIntel() {
		return 4
	}
	return 1
}

// crowdedTo returns the CrowdedBytes of AVX2 for the CPU at hand. What comes from memory is some 20 lines on
// their way on Ice Lake, if each row is asked for what the next panel has of it, and 8 rows of one
// panel if this is packed: 16x4096x4096 is 1.5 times as fast in place.
func crowdedTo() int {
	if isIntel() {
		return 32 << 20
	}
	return never
}

// turnFrom returns the TurnPages of AVX2 for the CPU at hand: the places of the first TLB of Ice Lake, where
// 784x64x100 with a transposed A is 1.35 times as fast in float64. AMD's were tuned without.
func turnFrom() int {
	if isIntel() {
		return 64
	}
	return never
}

// aroundFrom returns the AroundBytes of AVX2 for the CPU at hand, where a line is two stores: the last-level cache on
// Intel's, as AVX-512. On Ice Lake 4096x4096 elements of 4 to 300 steps of k are 1.0 to 1.6 times as fast. AMD's
// took 1.02 to 3 times as long.
func aroundFrom() int {
	if isIntel() {
		return largestCache
	}
	return never
}

// aroundDepth returns the AroundDepth of assembly for the CPU at hand. Where the last-level cache is larger than AroundBytes
// is ever said to be, as on Granite Rapids (480 MiB), C may be in it all the same. The speed through the caches over that past them there:
// 64 MiB of 16 steps of k 1.1 to 2, 96 MiB 1.2, 128 MiB 0.9; 80 MiB of 32 steps 0.7 to 1.0, of 96 to 100 0.73 to 0.9.
func aroundDepth() int {
	if sinceSapphireRapids() && readCPU().L3 > mostL3 {
		return 24
	}
	return 0
}

// lowTo returns the LowDepth of assembly for the CPU at hand: products of a few steps of k that write
// a large C row by row are up to 1.6 times as fast on Zen 3, up to 2.9 on Ice Lake, and 0.7 on Zen 4.
// With AVX2, 48 and 64 steps gain 1.03 to 1.1 on Granite Rapids, in float64 1.06 to 1.7.
func lowTo() int {
	switch {
	case isZen4():
		return 0
	case sinceSapphireRapids():
		return 64
	}
	return 32
}

// turnAtOnce returns the TurnAtOnce of AVX2 for the CPU at hand. Tiles that turn a panel as well take more power than a core of
// Granite Rapids has for them: it lowers its clock, from 4.0 to 3.7 GHz, for milliseconds, in which the other blocks of A are
// multiplied. Turned at once, 500 to 1024 cubed are 1.01 to 1.06 times as fast; where there is no other block, 0.94 to 1.0.
// AVX-512, whose clock is lower anyway, would lose 1 to 4%, and others were measured to gain by turning on the way.
func turnAtOnce() int {
	if sinceSapphireRapids() {
		return 1
	}
	return 0
}
