package accounts

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/fault"
	"latchkey/models"
)

// Throttle limits. An address may stand for an office, so it gets more tries than one account.
const (
	throttleWindow  = 15 * time.Minute
	triesPerEmail   = 10
	triesPerAddress = 50
)

// subjects of one attempt: always locked address first, so that attempts cannot deadlock.
type subjects struct {
	address string // empty when the caller has none
	email   string
}

func subjectsOf(email, ip string) subjects {
	s := subjects{email: "email:" + hex.EncodeToString(hashToken(email))}
	if addr, err := netip.ParseAddr(ip); err == nil {
		addr = addr.Unmap().WithZone("")
		if addr.Is6() {
			// A /64 is one subscriber, who can choose among 2^64 addresses.
			prefix, _ := addr.Prefix(64)
			addr = prefix.Addr()
		}
		s.address = "ip:" + addr.String()
	}
	return s
}

// reserve counts the attempt before the password is looked at, so that parallel guesses cannot all
// pass the same count. It returns TooMany while either subject is blocked.
func (s *Service) reserve(ctx context.Context, who subjects) error {
	var blocked error
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		var until time.Time
		var err error
		if who.address != "" {
			until, err = s.count(ctx, tx, who.address, triesPerAddress)
		}
		// A blocked address does not use up the tries of the account it aims at.
		if err == nil && until.IsZero() {
			until, err = s.count(ctx, tx, who.email, triesPerEmail)
		}
		if !until.IsZero() {
			blocked = tooMany(until.Sub(s.now()))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("throttle sign-in: %w", err)
	}
	return blocked
}

// count adds one try for the subject, or returns until when it is blocked.
func (s *Service) count(ctx context.Context, tx *gorm.DB, subject string, tries int) (time.Time, error) {
	now := s.now().UTC()
	// The no-op update takes the row's lock, whether it is new or not.
	err := gorm.G[models.SignInThrottle](tx).Exec(ctx, `
		INSERT INTO sign_in_throttles (subject, failures, window_start) VALUES (?, 0, ?)
		ON CONFLICT (subject) DO UPDATE SET failures = sign_in_throttles.failures`, subject, models.At(now))
	if err != nil {
		return time.Time{}, err
	}
	row, err := gorm.G[models.SignInThrottle](tx).Where("subject = ?", subject).Take(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if now.Before(row.BlockedUntil.Time) {
		return row.BlockedUntil.Time, nil
	}
	if !row.BlockedUntil.IsZero() || now.Sub(row.WindowStart.Time) >= throttleWindow {
		row.Failures, row.WindowStart, row.BlockedUntil = 0, models.At(now), models.Time{}
	}
	row.Failures++
	if row.Failures >= tries {
		// This try is still looked at; the next one waits.
		row.BlockedUntil = models.At(now.Add(throttleWindow))
	}
	_, err = gorm.G[models.SignInThrottle](tx).Where("subject = ?", subject).Set(clause.Assignments(map[string]any{
		"failures": row.Failures, "window_start": row.WindowStart, "blocked_until": row.BlockedUntil,
	})).Update(ctx)
	return time.Time{}, err
}

// forgive undoes what a successful attempt counted: the email starts anew, the address gets its
// one try back.
func (s *Service) forgive(ctx context.Context, tx *gorm.DB, who subjects) error {
	if who.address != "" {
		err := gorm.G[models.SignInThrottle](tx).Exec(ctx, `
			UPDATE sign_in_throttles
			SET failures = failures - 1,
			    blocked_until = CASE WHEN failures - 1 < ? THEN NULL ELSE blocked_until END
			WHERE subject = ? AND failures > 0`, triesPerAddress, who.address)
		if err != nil {
			return fmt.Errorf("give the address its try back: %w", err)
		}
	}
	if _, err := gorm.G[models.SignInThrottle](tx).Where("subject = ?", who.email).Delete(ctx); err != nil {
		return fmt.Errorf("reset the email's throttle: %w", err)
	}
	return nil
}

func tooMany(wait time.Duration) error {
	minutes := int((wait + time.Minute - 1) / time.Minute)
	text := fmt.Sprintf("Too many attempts. Try again in %d minutes.", minutes)
	if minutes <= 1 {
		text = "Too many attempts. Try again in a minute."
	}
	return fault.Retry(fault.TooMany, text, wait)
}
