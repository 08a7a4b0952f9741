package seed

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// person is somebody whom signals are about. Domains are those of RFC 2606 and 6761.
type person struct {
	name, email, userID, anonymousID, company, groupID string
}

var (
	firstNames = strings.Fields("Ada Grace Linus Margaret Alan Katherine Edsger Barbara Dennis Radia Ken Frances Tim Shafi Donald Hedy Guido Anita Bjarne Mary")
	lastNames  = strings.Fields("Moreau Silva Novak Tanaka Osei Petrov Larsen Romero Kaya Singh Dubois Costa")
	companies  = []string{"Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel"}
)

// crowd makes the same people each time.
func crowd(r *rand.Rand, n int) []person {
	people := make([]person, n)
	for i := range people {
		first, last := firstNames[i%len(firstNames)], lastNames[r.IntN(len(lastNames))]
		company := r.IntN(len(companies))
		people[i] = person{
			name:        first + " " + last,
			email:       fmt.Sprintf("%s.%s@%s.example", strings.ToLower(first), strings.ToLower(last), strings.ToLower(companies[company])),
			userID:      fmt.Sprintf("user_%d", 1040+i),
			anonymousID: fmt.Sprintf("anon_%08x", r.Uint32()),
			company:     companies[company],
			groupID:     fmt.Sprintf("org_%d", 210+company),
		}
	}
	return people
}
