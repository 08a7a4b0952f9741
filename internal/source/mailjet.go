package source

var mailjet = Vendor{
	Name:    "mailjet",
	Title:   "Mailjet",
	Expects: "Events of the event API, one or a list: sent, open, click, bounce, spam, blocked, unsub.",
	Where:   "In Mailjet, open Account settings, REST API, Event notifications (webhooks), and paste the URL for each event.",
	Docs:    "https://dev.mailjet.com/email/guides/webhooks/",
	Scheme:  "basic",
	read:    readMailjet,
	Samples: []Sample{
		sample("mailjet", "events", "Opened and clicked", nil),
		sample("mailjet", "bounce", "Bounced", nil),
	},
}

func readMailjet(in Input) (Event, bool) {
	top := in.Top
	e := Event{
		Event: top.First("event"),
		Email: address(top.First("email")),
		Time:  top.FirstPresent("time"),
	}
	// One mail has many events under one id, and Mailjet gives the events none.
	if id := top.FirstID("Message_GUID", "MessageID"); id != "" {
		e.MessageID = e.Event + ":" + id
	}
	return e, true
}
