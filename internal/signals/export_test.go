package signals

// LookThrough makes a search pause after n rows.
func (s *Service) LookThrough(n int) { s.scan = n }

// MissingReasons lists those of the codes that Reason has no words of its own for.
func MissingReasons(codes []string) []string {
	var missing []string
	for _, c := range codes {
		if _, ok := reasons[c]; !ok {
			missing = append(missing, c)
		}
	}
	return missing
}
