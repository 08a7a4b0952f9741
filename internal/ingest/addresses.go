package ingest

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"latchkey/internal/keys"
	"latchkey/models"
)

const ipNotAllowed = "ip_not_allowed"

// checkAddress refuses a sender from outside the key's address list where the key asks for it. What
// this process itself sends for a person has no address of its own.
func (s *Service) checkAddress(r *Request, cred *keys.Credential) *Refusal {
	if cred.AllowListMode != models.AllowListEnforce || r.trusted || inside(r, cred) {
		return nil
	}
	seen := r.IP
	if seen == "" {
		seen = "an address that is not known"
	}
	return refuse(http.StatusForbidden, ipNotAllowed,
		fmt.Sprintf("This key takes no requests from %s. Send from an address on the key's list, or have that one added to it.", seen)).
		with("address", r.IP)
}

// watchAddress counts what checkAddress would refuse, for a list that is only watched.
func (s *Service) watchAddress(r *Request, cred *keys.Credential) {
	if cred.AllowListMode == models.AllowListWatch && !r.trusted && !inside(r, cred) {
		s.usage.Outside(cred, r.seen(), r.ReceivedAt)
	}
}

// inside goes by the address that the trusted proxies name. An IPv4 address that came as an IPv6
// one is the same address; a zone says nothing about a sender.
func inside(r *Request, cred *keys.Credential) bool {
	addr, err := netip.ParseAddr(r.IP)
	return err == nil && cred.Inside(addr.Unmap().WithZone(""))
}

// checkAddresses is checkAddress, but by the newest list before it refuses: another instance may
// have changed it a moment ago.
func (s *Service) checkAddresses(ctx context.Context, r *Request, cred *keys.Credential) (*keys.Credential, *Refusal) {
	refusal := s.checkAddress(r, cred)
	if refusal == nil {
		return cred, nil
	}
	fresh, err := s.keys.Renew(ctx, cred)
	if ended := stateRefusal(err); ended != nil {
		return cred, ended
	}
	if err != nil {
		return cred, errStorage(err)
	}
	return fresh, s.checkAddress(r, fresh)
}
