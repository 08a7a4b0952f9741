package ingest

import (
	"maps"
	"sync"
)

// answerCounts counts answers by code, for /metrics. Codes are ours, so there are few.
type answerCounts struct {
	mu sync.Mutex
	n  map[string]int64
}

func (a *answerCounts) add(code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.n == nil {
		a.n = map[string]int64{}
	}
	a.n[code]++
}

// Answers are the requests answered so far, by error code or "accepted".
func (s *Service) Answers() map[string]int64 {
	s.answers.mu.Lock()
	defer s.answers.mu.Unlock()
	return maps.Clone(s.answers.n)
}
