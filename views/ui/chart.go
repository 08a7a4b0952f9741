package ui

import (
	"math"
	"strconv"
	"strings"
)

// Bucket is one bar of a chart: what was accepted and rejected in that span of time.
type Bucket struct {
	Label    string // e.g. "14:00" or "Mon 3 Mar"
	Accepted int
	Rejected int
}

// ChartProps is a stacked bar chart drawn on the server, with its table below. ID must be unique on the page.
type ChartProps struct {
	ID      string
	Title   string // e.g. "Requests in the last 24 hours"
	Summary string // the sentence a screen reader gets; made from the totals unless set
	Unit    string // header of the first table column, "Time" unless set
	Buckets []Bucket

	AcceptedName string // "Accepted" unless set
	RejectedName string // "Rejected" unless set
	Neutral      bool   // the second kind is no failure, so not drawn as one
}

// SparklineProps is a line without axes; Label says what it shows, in words with numbers.
type SparklineProps struct {
	Label  string
	Values []int
}

// The drawing is stretched to its box, so that the text beside it, which is HTML, keeps its size on a phone.
const (
	chartWidth  = 720
	chartHeight = 128
)

type bar struct {
	X, Width                 string
	AcceptedY, AcceptedH     string
	RejectedY, RejectedH     string
	HasAccepted, HasRejected bool
	Title                    string
}

type chartView struct {
	Bars     []bar
	Ticks    []string // labels under the bars, each at the left of an equal share of the width
	Top, Mid string
	Accepted string
	Rejected string
	Summary  string

	AcceptedName, RejectedName string
	RejectedClass, LegendClass string
}

// view computes every coordinate, so that the template only writes them down.
func (p ChartProps) view() chartView {
	accepted, rejected, peak := 0, 0, 0
	for _, b := range p.Buckets {
		accepted += b.Accepted
		rejected += b.Rejected
		peak = max(peak, b.Accepted+b.Rejected)
	}
	top := niceCeil(peak)
	v := chartView{
		Top: Count(top), Mid: Count(top / 2), Accepted: Count(accepted), Rejected: Count(rejected),
		AcceptedName: orDefault(p.AcceptedName, "Accepted"), RejectedName: orDefault(p.RejectedName, "Rejected"),
		RejectedClass: "chart-rejected", LegendClass: "legend legend-rejected",
	}
	if p.Neutral {
		v.RejectedClass, v.LegendClass = "chart-other", "legend legend-other"
	}
	good, bad := strings.ToLower(v.AcceptedName), strings.ToLower(v.RejectedName)
	v.Summary = orDefault(p.Summary, v.Accepted+" "+good+" and "+v.Rejected+" "+bad+".")
	every := tickEvery(len(p.Buckets))
	slot := float64(chartWidth) / float64(max(1, len(p.Buckets)))
	for i, b := range p.Buckets {
		v.Bars = append(v.Bars, newBar(b, float64(i)*slot, slot, top, good, bad))
		if i%every == 0 {
			v.Ticks = append(v.Ticks, b.Label)
		}
	}
	return v
}

// tickEvery is the smallest step that divides n into at most eight equal shares; without one, the step for about six.
func tickEvery(n int) int {
	for step := max(1, (n+7)/8); step <= n/3; step++ {
		if n%step == 0 {
			return step
		}
	}
	return max(1, (n+5)/6)
}

func newBar(b Bucket, x, slot float64, top int, good, bad string) bar {
	unit := float64(chartHeight) / float64(top)
	gap := math.Min(4, slot*0.25)
	ah, rh := float64(b.Accepted)*unit, float64(b.Rejected)*unit
	// A single rejected request among thousands must still be seen.
	if b.Rejected > 0 {
		rh = math.Max(rh, 2)
	}
	if b.Accepted > 0 {
		ah = math.Max(ah, 1)
	}
	ah = math.Min(ah, chartHeight-rh)
	return bar{
		X: num(x + gap/2), Width: num(slot - gap),
		AcceptedY: num(chartHeight - ah), AcceptedH: num(ah),
		RejectedY: num(chartHeight - ah - rh), RejectedH: num(rh),
		HasAccepted: b.Accepted > 0, HasRejected: b.Rejected > 0,
		Title: b.Label + ": " + Count(b.Accepted) + " " + good + ", " + Count(b.Rejected) + " " + bad,
	}
}

// niceCeil is the next of 2, 4, 6, 10, 20, 40 ... at or above n, so that the half of it is a whole number.
func niceCeil(n int) int {
	for scale := 1; ; scale *= 10 {
		for _, m := range []int{2, 4, 6, 10} {
			if m*scale >= n {
				return m * scale
			}
		}
	}
}

func num(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

// Count writes a number with commas: 1,284.
func Count(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// sparkPoints places the values in a box of 96 by 24.
func sparkPoints(values []int) string {
	if len(values) == 0 {
		return ""
	}
	peak := 1
	for _, v := range values {
		peak = max(peak, v)
	}
	out := ""
	step := 96 / float64(max(1, len(values)-1))
	for i, v := range values {
		if i > 0 {
			out += " "
		}
		out += num(float64(i)*step) + "," + num(22-20*float64(v)/float64(peak))
	}
	return out
}
