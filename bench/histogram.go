package main

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets whose width grows with the value: 64 to each doubling, so
// that a quantile is off by less than 1.6 %, whatever its size, in a few kilobytes.
type histogram struct {
	buckets [histBuckets]uint64
	count   uint64
	max     time.Duration
}

const (
	histBits    = 6
	histBuckets = (64 - histBits) << histBits
)

// bucket is the index of a value: itself below 64, then 64 buckets for each further bit.
func bucket(v uint64) int {
	if v < 1<<histBits {
		return int(v)
	}
	shift := bits.Len64(v) - histBits - 1
	return (shift+1)<<histBits + int(v>>shift&(1<<histBits-1))
}

// upper is the largest value of a bucket.
func upper(i int) uint64 {
	if i < 1<<histBits {
		return uint64(i)
	}
	shift := i>>histBits - 1
	return (uint64(i&(1<<histBits-1)|1<<histBits)+1)<<shift - 1
}

// record counts one duration; negative ones count as zero.
func (h *histogram) record(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucket(uint64(d))]++
	h.count++
	h.max = max(h.max, d)
}

// merge adds other's counts.
func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
	h.max = max(h.max, other.max)
}

// quantile is the duration that the share q (0 to 1) of the records does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.count))
	if float64(rank) < q*float64(h.count) || rank == 0 {
		rank++
	}
	seen := uint64(0)
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen >= rank {
			return min(time.Duration(upper(i)), h.max)
		}
	}
	return h.max
}
