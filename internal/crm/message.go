package crm

import "time"

// MessageState is where a message of the outbox stands.
type MessageState string

// The states of a message.
const (
	MessageQueued  MessageState = "queued"
	MessageSending MessageState = "sending" // handed to Slack, no answer yet
	MessageSent    MessageState = "sent"
	MessageMaybe   MessageState = "maybe" // nobody knows whether Slack took it; it is not repeated
	MessageRefused MessageState = "refused"
	MessageDraft   MessageState = "draft" // made to be looked at, never sent
)

// Message is one Slack post of the outbox.
type Message struct {
	ID        int64
	Channel   string // as configured, or "person <id>" for a direct message
	Rule      string // the rule or digest that made it
	Change    int64  // the change that fired the rule; 0 for a digest
	Slot      string // the slot of a digest; "" for a rule
	Page      string // id; "" when it is about many
	Text      string // Slack's mrkdwn, escaped; <@id> with a Notion person's id is still to be resolved
	Repeat    bool   // send it again when nobody knows whether Slack took it
	State     MessageState
	CreatedAt time.Time
	SentAt    time.Time
	With      int64  // the message that listed this one among others; 0 for none
	Reason    string // why it is not sent
}

// Delivered is what became of a message.
type Delivered struct {
	Message int64
	State   MessageState
	With    int64
	Reason  string
}
