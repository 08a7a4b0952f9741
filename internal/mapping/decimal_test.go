package mapping

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersHaveOnePlainSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0e5": "0", "0e999999999": "0", "830": "830", "830.0": "830", "1e3": "1000", "1E-3": "0.001", "1.50e+1": "15",
		"9007199254740993": "9007199254740993", "123456789012345678901234567890.123": "123456789012345678901234567890.123",
		"-12.30": "-12.3", "0.1": "0.1", "007": "7", "1e99": "1" + strings.Repeat("0", 99),
	} {
		d, problem := parseDecimal(text)
		if problem != "" || d.text() != want {
			t.Errorf("parseDecimal(%q) = %q, %q, want %q", text, d.text(), problem, want)
		}
	}
	for text, want := range map[string]string{
		"": notANumber, "-": notANumber, "1.": notANumber, ".5": notANumber, "+5": notANumber, "1e": notANumber, "1e+-5": notANumber, "49 USD": notANumber, "1,5": notANumber, "0x10": notANumber, "NaN": notANumber,
		"1e999999999": outOfRange, "-1e101": outOfRange, "1e-999999999": outOfRange, strings.Repeat("9", 101): outOfRange, strings.Repeat("9", 1<<20): outOfRange,
		"1e99999999999999999999999": outOfRange, strings.Repeat("x", 1<<20): notANumber,
	} {
		if _, problem := parseDecimal(text); problem != want {
			t.Errorf("parseDecimal(%.20q): %q, want %q", text, problem, want)
		}
	}
}

func drawNumber(t *rapid.T, label string) string {
	return rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,12})?(e-?[0-9])?`).Draw(t, label)
}

func rational(t *rapid.T, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	return r
}

func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawNumber(t, "x"), drawNumber(t, "y")
		a, b := rational(t, x), rational(t, y)
		d, _ := parseDecimal(x)
		e, _ := parseDecimal(y)
		if rational(t, d.text()).Cmp(a) != 0 {
			t.Fatalf("%s is spelt %s", x, d.text())
		}
		sum, _ := d.plus(e)
		product, _ := d.times(e)
		if rational(t, sum.text()).Cmp(new(big.Rat).Add(a, b)) != 0 || rational(t, product.text()).Cmp(new(big.Rat).Mul(a, b)) != 0 {
			t.Fatalf("%s and %s: sum %s, product %s", x, y, sum.text(), product.text())
		}
		if whole := rational(t, d.truncated().text()); !whole.IsInt() || new(big.Rat).Sub(a, whole).Abs(new(big.Rat).Sub(a, whole)).Cmp(big.NewRat(1, 1)) >= 0 || whole.Sign()*a.Sign() < 0 {
			t.Fatalf("%s truncated is %s", x, d.truncated().text())
		}
		if e.digits == "" {
			return
		}
		quotient, problem := d.over(e)
		if problem != "" {
			return // more than a hundred digits
		}
		distance := new(big.Rat).Sub(new(big.Rat).Quo(a, b), rational(t, quotient.text()))
		if distance.Abs(distance).Cmp(rational(t, "0.0000000000005")) > 0 {
			t.Fatalf("%s / %s = %s", x, y, quotient.text())
		}
	})
}

func TestRoundingIsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		text     string
		decimals int
		want     string
	}{{"2.5", 0, "3"}, {"-2.5", 0, "-3"}, {"2.4999", 0, "2"}, {"1.005", 2, "1.01"}, {"0.4", 0, "0"}, {"-0.5", 0, "-1"}, {"12", 2, "12"}, {"0.0000001", 2, "0"}, {"99.99", 1, "100"}} {
		d, _ := parseDecimal(c.text)
		if got, problem := d.rounded(c.decimals); problem != "" || got.text() != c.want {
			t.Errorf("round(%s, %d) = %s %s, want %s", c.text, c.decimals, got.text(), problem, c.want)
		}
	}
}
