package listen

import (
	"time"

	"github.com/google/uuid"

	"latchkey/internal/database"
)

// clock is the time by which ids are made, whatever the service's clock says.
func clock() time.Time { return database.IDTime(uuid.Must(uuid.NewV7())) }
