package rules

// What a rule means that does not say more.
const (
	defaultDatabase = "deals"
	defaultChannel  = "default"
)

// Standard returns the rules of the standard CRM, by name.
func Standard() map[string]Spec {
	const tail = ` *{{title}}* — {{money (prop "Value")}}`
	stage := func(option, text string) Spec {
		return Spec{
			Database: defaultDatabase,
			When:     When{Property: List{"Stage"}, Becomes: List{option}},
			Channel:  defaultChannel,
			Text:     text,
		}
	}
	return map[string]Spec{
		"won":         stage("Won", "🎉 Deal won:"+tail),
		"lost":        stage("Lost", "💔 Deal lost:"+tail),
		"negotiation": stage("Negotiation", "🤝 In negotiation:"+tail+` {{mention (prop "Owner")}}`),
	}
}
