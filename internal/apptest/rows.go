package apptest

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/models"
)

// AllSignals are the stored signals, oldest first.
func (a *App) AllSignals(t *testing.T) []models.Signal {
	t.Helper()
	rows, err := gorm.G[models.Signal](a.DB.Read).Order("id").Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// CountSignals counts the stored signals.
func (a *App) CountSignals(t *testing.T) int {
	t.Helper()
	n, err := gorm.G[models.Signal](a.DB.Read).Count(t.Context(), "*")
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// Logged waits for the log line of a request, which for refused ones is written a moment later.
func (a *App) Logged(t *testing.T, requestID string) models.GatewayRequest {
	t.Helper()
	var row models.GatewayRequest
	Eventually(t, "the log line of "+requestID, func() bool {
		return a.DB.Read.WithContext(t.Context()).Table(models.RequestLog).Where(models.Logged).Where("id = ?", requestID).Take(&row).Error == nil
	})
	return row
}

// Eventually waits until a condition holds, or fails the test after ten seconds.
func Eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("timed out waiting for %s", what)
}
