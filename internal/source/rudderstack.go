package source

var rudderstack = Vendor{
	Name:    "rudderstack",
	Title:   "RudderStack",
	Expects: "The calls of the RudderStack event spec: track, page, screen, identify, group and alias.",
	Where:   "In RudderStack, open Collect, Destinations, New destination, choose Webhook, and paste the URL as the webhook URL with the method POST.",
	Docs:    "https://www.rudderstack.com/docs/destinations/streaming-destinations/webhook/",
	read:    readCall,
	Samples: []Sample{
		sample("rudderstack", "track", "Something happened (track)", nil),
		sample("rudderstack", "group", "Account changed (group)", nil),
		sample("rudderstack", "identify", "Person known (identify)", nil),
	},
}
