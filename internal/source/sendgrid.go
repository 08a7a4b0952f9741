package source

var sendgrid = Vendor{
	Name:    "sendgrid",
	Title:   "SendGrid",
	Expects: "Lists of the event webhook: delivered, open, click, bounce; unique arguments such as user_id stand beside them.",
	Where:   "In SendGrid, open Settings, Mail settings, Event webhooks, Create new webhook, and paste the URL as the post URL.",
	Docs:    "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event",
	Scheme:  "sendgrid",
	read:    readSendGrid,
	Samples: []Sample{
		sample("sendgrid", "events", "Delivered, opened, clicked", nil),
	},
}

func readSendGrid(in Input) (Event, bool) {
	top := in.Top
	custom := []string{"user_id", "userId", "userid"}
	account := []string{"group_id", "groupId", "account_id"}
	e := Event{
		Event:     top.First("event"),
		Email:     address(top.First("email")),
		UserID:    top.First(custom...),
		GroupID:   top.First(account...),
		MessageID: top.FirstID("sg_event_id"),
		Time:      top.FirstPresent("timestamp"),
	}
	for _, name := range []string{"unique_args", "custom_args"} {
		args := pick(top[name], append(custom, account...)...)
		if e.UserID == "" {
			e.UserID = args.First(custom...)
		}
		if e.GroupID == "" {
			e.GroupID = args.First(account...)
		}
	}
	return e, true
}
