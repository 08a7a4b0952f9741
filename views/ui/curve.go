package ui

import "math"

// CurvePoint is a value from an instant on. Text is the value as it is to be read.
type CurvePoint struct {
	At   int64 // in any unit of time
	When string
	Y    float64
	Text string
}

// CurveProps is a line in steps, drawn on the server, with its table: each value holds until the next. ID must be unique on
// the page. Points stand in the order of time.
type CurveProps struct {
	ID     string
	Title  string // e.g. "MRR"
	Now    string // the newest value, as it is to be read
	Column string // header of the values in the table
	Until  int64  // where the line ends, in the unit of At
	Points []CurvePoint
}

type curveView struct {
	Line     string
	Top, Low string
	From, To string
	Summary  string
}

// view computes every coordinate. The scale goes from the lowest value, or 0, to the highest.
func (p CurveProps) view() curveView {
	first, last := p.Points[0], p.Points[len(p.Points)-1]
	low, high := math.Min(0, first.Y), first.Y
	lowest, highest := "0", first.Text
	for _, point := range p.Points {
		if point.Y < low {
			low, lowest = point.Y, point.Text
		}
		if point.Y > high {
			high, highest = point.Y, point.Text
		}
	}
	x := func(at int64) float64 {
		return chartWidth * float64(at-first.At) / math.Max(1, float64(max(p.Until, last.At)-first.At))
	}
	y := func(value float64) float64 {
		if high == low {
			return chartHeight / 2
		}
		return chartHeight - chartHeight*((value-low)/(high-low))
	}
	line := num(x(first.At)) + "," + num(y(first.Y))
	for i, point := range p.Points[1:] {
		line += " " + num(x(point.At)) + "," + num(y(p.Points[i].Y)) + " " + num(x(point.At)) + "," + num(y(point.Y))
	}
	line += " " + num(x(max(p.Until, last.At))) + "," + num(y(last.Y))
	return curveView{
		Line: line, Top: highest, Low: lowest, From: first.When, To: last.When,
		Summary: p.Title + " from " + first.Text + " on " + first.When + " to " + last.Text + " on " + last.When + ", " + Count(len(p.Points)) + " values.",
	}
}
