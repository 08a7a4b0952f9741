package source

var segment = Vendor{
	Name:    "segment",
	Title:   "Segment",
	Expects: "The calls of the Segment spec: track, page, screen, identify, group and alias, one at a time or as a batch.",
	Where:   "In Segment, open Connections, Destinations, Add destination, choose Webhooks, and paste the URL as the webhook URL.",
	Docs:    "https://segment.com/docs/connections/destinations/catalog/webhooks/",
	Scheme:  "segment",
	read:    readCall,
	Samples: []Sample{
		sample("segment", "group", "Account changed (group)", nil),
		sample("segment", "track", "Something happened (track)", nil),
		sample("segment", "identify", "Person known (identify)", nil),
		sample("segment", "page", "Page seen (page)", nil),
		sample("segment", "batch", "Two calls in a batch", nil),
	},
}
