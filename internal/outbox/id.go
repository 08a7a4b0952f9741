package outbox

import (
	"strings"

	"latchkey/internal/database"
)

const idPrefix = "msg_"

// PublicID is a message's id as receivers see it, in the webhook-id header: msg_ and the UUID's 32
// digits.
func PublicID(id string) string { return idPrefix + strings.ReplaceAll(id, "-", "") }

// ParseID reads a public id, or a plain UUID.
func ParseID(text string) (id string, ok bool) {
	digits, public := strings.CutPrefix(text, idPrefix)
	if public && len(digits) == 32 {
		text = digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
	}
	return text, database.ValidID(text)
}
