package mapping

// patterns are the names under which senders put what a target takes, the surest first. A pattern is
// compared with the end of a member's path, names in the spelling of normalName; ^ means the root.
var patterns = map[string][]string{
	TargetOrgID: {
		"org_id", "organization_id", "organisation_id", "group_id", "group_key", "groups.company", "groups.organization", "groups.account",
		"company_id", "workspace_id", "tenant_id", "org_key",
		"organization.id", "organisation.id", "org.id", "company.id", "workspace.id", "tenant.id", "group.id", "account.id", "team.id",
		"account_id", "team_id", "customer_id", "data.object.customer", "customer.id", "customer",
		"organization", "organisation", "org", "company", "account", "hs_object_id", "object_id", "traits.id", "properties.id", "data.object.id", "^data.id", "^id",
	},
	"name": {
		"company.name", "organization.name", "organisation.name", "org.name", "workspace.name", "tenant.name", "account.name", "group.name", "team.name",
		"group_set.name", "company_name", "organization_name", "organisation_name", "org_name", "workspace_name", "account_name", "group_name", "tenant_name",
		"^traits.name", "^properties.name", "^name", "customer.company", "customer.name", "data.object.name", "^data.name", "^data.attributes.name", "set.name",
	},
	"domain": {
		"company.domain", "organization.domain", "domain", "company_domain", "primary_domain", "website_domain", "email_domain", "domains",
	},
	"plan": {
		"plan_name", "plan", "plan.name", "subscription.plan", "subscription_plan", "current_plan", "pricing_plan", "plan_tier", "plan_id", "tier", "subscription_tier",
		"^subscription", "traits.subscription", "properties.subscription", "group_set.subscription", "plan_type", "plan.nickname", "price.nickname", "price.lookup_key", "plan.id", "item_price_id", "price.id",
	},
	"status": {
		"subscription_status", "subscription.status", "account_status", "organization.status", "company.status", "data.object.status", "lifecycle_stage", "lifecyclestage",
		"^status", "traits.status", "properties.status", "status",
	},
	"user_count": {
		"user_count", "users_count", "num_users", "number_of_users", "total_users", "member_count", "members_count", "num_members", "number_of_members",
		"seats_used", "used_seats", "active_users", "employee_count", "employees_count", "number_of_employees", "numberofemployees", "num_employees",
		"employees", "users", "members", "headcount", "team_size", "company_size",
	},
	"seats": {
		"seats", "seat_count", "total_seats", "seats_total", "seats_purchased", "licensed_seats", "licenses", "license_count", "plan_quantity",
		"^quantity", "traits.quantity", "properties.quantity", "subscription.quantity", "subscription_items.quantity", "data.object.quantity", "items.data.quantity",
	},
	"mrr": {
		"mrr", "mrr_cents", "mrr_in_cents", "current_mrr", "mrr_usd", "mrr_eur", "monthly_recurring_revenue", "monthly_revenue", "monthly_spend", "monthly_amount",
		"total_billed", "arr", "annual_recurring_revenue", "monthly_price", "plan_amount", "plan.amount", "price.unit_amount", "unit_amount", "unit_price",
		"amount_cents", "price_cents", "subscription.amount", "^amount",
	},
	"currency": {"mrr_currency", "billing_currency", "currency", "currency_code"},
	"trial_status": {
		"trial_status", "trial.status", "trial_state", "trial.state", "trial_stage", "trial", "is_trial", "in_trial", "on_trial", "is_trialing", "trialing",
	},
	"trial_ends_at": {
		"trial_ends_at", "trial_end", "trial_end_at", "trial_end_date", "trial_ends_on", "trial_ends", "trial_expires_at", "trial_expires", "trial_expiry",
		"trial_expiration", "trial_expiration_date", "trial.ends_at", "trial.end", "trial.end_date", "trial.ends_on", "trial.expires_at",
	},
	TargetFlags: {
		"feature_flags", "active_feature_flags", "enabled_features", "features_enabled", "active_features", "flags", "features", "entitlements",
	},
	"owner_email": {
		"owner_email", "owner.email", "account_owner_email", "account_owner.email", "primary_contact.email", "primary_contact_email", "contact_email", "contact.email",
		"admin_email", "admin.email", "billing_email", "company.email", "organization.email", "customer.email", "customer_email",
		"^traits.email", "group_set.email", "^properties.email", "data.object.email", "user.email", "user_email", "^email",
	},
	TargetOccurredAt: {
		"^timestamp", "^original_timestamp", "^occurred_at", "^event_time", "^event_timestamp", "^event.timestamp", "^event.occurred_at", "^time", "properties.time", "^event.date_created",
		"^updated_at", "^created", "^created_at", "^sent_at", "^meta.timestamp", "^data.timestamp", "^data.occurred_at", "^data.updated_at", "^data.created_at",
		"^properties.timestamp", "^properties.hs_lastmodifieddate", "^traits.updated_at", "^company.updated_at", "^organization.updated_at",
	},
}
