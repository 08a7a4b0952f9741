package mapping

import (
	"math/big"
	"strconv"
	"strings"
)

// Numbers are exact decimals of at most maxDigits significant digits between 10^-maxMagnitude and
// 10^maxMagnitude: far over what JSON's numbers mean in practice, and small enough that 1e999999999
// costs nothing.
const (
	maxDigits     = 100
	maxMagnitude  = 100
	maxNumberText = 400 // bytes
	// quotientDigits is how many decimals a quotient has beyond those of the dividend.
	quotientDigits = 12
)

// decimal is digits × 10^exp. digits has neither leading nor trailing zeros; it is empty for zero.
type decimal struct {
	negative bool
	digits   string
	exp      int
}

const (
	notANumber = "is not a number"
	outOfRange = "is too large or too precise a number"
)

// parseDecimal reads a JSON number; the problem is empty, notANumber or outOfRange.
func parseDecimal(text string) (d decimal, problem string) {
	if len(text) > maxNumberText {
		if isDigits(text[:maxNumberText]) {
			return d, outOfRange
		}
		return d, notANumber
	}
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, scientific := rest, "", false
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent, scientific = rest[:i], rest[i+1:], true
	}
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if !isDigits(whole) || dotted && !isDigits(fraction) {
		return d, notANumber
	}
	exp := 0
	if scientific {
		if !isDigits(strings.TrimPrefix(strings.TrimPrefix(exponent, "+"), "-")) || strings.HasPrefix(exponent, "+-") {
			return d, notANumber
		}
		exp = clampExponent(exponent)
	}
	digits := whole
	if fraction != "" {
		digits = whole + fraction
	}
	return newDecimal(negative, digits, exp-len(fraction))
}

// clampExponent is exact as far as it matters: beyond, every number but zero is out of range.
func clampExponent(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n > 1e6 || n < -1e6 {
		if strings.HasPrefix(text, "-") {
			return -1e6
		}
		return 1e6
	}
	return n
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

func newDecimal(negative bool, digits string, exp int) (decimal, string) {
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return decimal{}, ""
	}
	trimmed := strings.TrimRight(digits, "0")
	d := decimal{negative: negative, digits: trimmed, exp: exp + len(digits) - len(trimmed)}
	if size := len(d.digits) + d.exp; len(d.digits) > maxDigits || size > maxMagnitude || size < -maxMagnitude {
		return decimal{}, outOfRange
	}
	return d, ""
}

// text is the one plain spelling of a number, which is JSON too: no exponent, no zeros to trim.
func (d decimal) text() string {
	if d.digits == "" {
		return "0"
	}
	sign := ""
	if d.negative {
		sign = "-"
	}
	switch point := len(d.digits) + d.exp; {
	case d.exp >= 0:
		return sign + d.digits + strings.Repeat("0", d.exp)
	case point > 0:
		return sign + d.digits[:point] + "." + d.digits[point:]
	default:
		return sign + "0." + strings.Repeat("0", -point) + d.digits
	}
}

func (d decimal) isWhole() bool { return d.exp >= 0 }

func (d decimal) coefficient() *big.Int {
	n := new(big.Int)
	if d.digits != "" {
		n.SetString(d.digits, 10)
	}
	if d.negative {
		n.Neg(n)
	}
	return n
}

func fromBig(n *big.Int, exp int) (decimal, string) {
	return newDecimal(n.Sign() < 0, new(big.Int).Abs(n).String(), exp)
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func (d decimal) times(e decimal) (decimal, string) {
	return fromBig(new(big.Int).Mul(d.coefficient(), e.coefficient()), d.exp+e.exp)
}

func (d decimal) plus(e decimal) (decimal, string) {
	if d.digits == "" {
		return e, ""
	}
	if e.digits == "" {
		return d, ""
	}
	exp := min(d.exp, e.exp)
	a, b := d.coefficient(), e.coefficient()
	a.Mul(a, powerOfTen(d.exp-exp))
	b.Mul(b, powerOfTen(e.exp-exp))
	return fromBig(a.Add(a, b), exp)
}

// over divides by e, which is not zero, rounded half away from zero.
func (d decimal) over(e decimal) (decimal, string) {
	scale := quotientDigits + max(0, -d.exp)
	shift := d.exp - e.exp + scale
	n, m := d.coefficient(), e.coefficient()
	if shift >= 0 {
		n.Mul(n, powerOfTen(shift))
	} else {
		m.Mul(m, powerOfTen(-shift))
	}
	return fromBig(divideRounded(n, m), -scale)
}

// rounded has at most so many decimals, half away from zero.
func (d decimal) rounded(decimals int) (decimal, string) {
	if -d.exp <= decimals {
		return d, ""
	}
	return fromBig(divideRounded(d.coefficient(), powerOfTen(-d.exp-decimals)), -decimals)
}

// truncated drops the decimals.
func (d decimal) truncated() decimal {
	if d.exp >= 0 {
		return d
	}
	if point := len(d.digits) + d.exp; point > 0 {
		whole, _ := newDecimal(d.negative, d.digits[:point], 0)
		return whole
	}
	return decimal{}
}

func divideRounded(n, m *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(n, m, new(big.Int))
	if r.Lsh(r.Abs(r), 1).CmpAbs(m) >= 0 {
		q.Add(q, big.NewInt(int64(n.Sign()*m.Sign())))
	}
	return q
}

// int64 is false for decimals and for what does not fit.
func (d decimal) int64() (int64, bool) {
	if !d.isWhole() || len(d.digits)+d.exp > 19 {
		return 0, false
	}
	n, err := strconv.ParseInt(d.text(), 10, 64)
	return n, err == nil
}
