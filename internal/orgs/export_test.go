package orgs

// LookThrough makes a search pause after n rows.
func (s *Service) LookThrough(n int) { s.scan = n }
