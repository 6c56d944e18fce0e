package digest

import "github.com/dealbell/dealbell/internal/rules"

// What a digest means that does not say more.
const (
	defaultChannel = "default"
	defaultLimit   = 10
	defaultText    = `*{{.Name}}*: {{.Count}} ({{.Shown}}):`
	defaultLine    = `• {{link}}`
)

// What a pipeline means that does not say more.
const (
	dealsWord     = `{{if eq .Count 1}}deal{{else}}deals{{end}}`
	pipelineText  = `📊 Pipeline: {{.Count}} open ` + dealsWord
	pipelineLine  = `• {{.Stage}}: {{.Count}} ` + dealsWord
	pipelineValue = `, {{money .Value}}`
)

// Standard returns the digests of the standard CRM, by name.
func Standard() map[string]Spec {
	return map[string]Spec{
		"stale-leads": {
			Schedule: "09:00",
			Database: "contacts",
			Filter:   `Status == "new lead" and days_since(prop("Last Contacted") ?? created()) >= 30`,
			Sort:     rules.List{"Last Contacted ?? created()"},
			Limit:    defaultLimit,
			Text:     `☕ Morning. {{.Count}} stale leads ({{.Shown}}):`,
			Line:     `• *{{title}}* ({{prop "Email"}}) — last touched {{date (default (prop "Last Contacted") created)}}`,
			Channel:  defaultChannel,
		},
		"pipeline": {
			Schedule:  "monday 09:00",
			Database:  "deals",
			Limit:     defaultLimit,
			Channel:   defaultChannel,
			Stage:     "Stage",
			Value:     "Value",
			StuckDays: 30,
			Closed:    rules.List{"Won", "Lost"},
			Off:       new(true),
		},
	}
}
