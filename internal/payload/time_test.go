package payload

import (
	"testing"
	"time"
)

func TestTimesOfEveryCommonForm(t *testing.T) {
	want := time.Date(2024, 1, 5, 12, 34, 0, 0, time.UTC)
	for _, text := range []string{
		"2024-01-05T12:34:00Z", "2024-01-05T12:34:00.000Z", "2024-01-05T18:04:00+05:30", "2024-01-05T18:04:00+0530",
		"2024-01-05T12:34:00", "2024-1-5T12:34:0", "2024-01-05 12:34:00", "2024-01-05 12:34:00 +00:00", "2024-01-05T12:34Z",
		"1704458040", "1704458040.0", "1704458040000", "1704458040000000", "1704458040000000000", "1.70445804e9",
		"Fri, 05 Jan 2024 12:34:00 GMT",
	} {
		got, ok := ParseTime(text)
		if !ok || !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "abc", "-1", "0000-01-01T00:00:00Z", "99999999999999999999999", "NaN", "1e400", "12:34"} {
		if got, ok := ParseTime(text); ok {
			t.Errorf("ParseTime(%q) = %v, want none", text, got)
		}
	}
}
