package slack

import (
	"regexp"
	"strings"

	"github.com/dealbell/dealbell/internal/crm"
)

// verdict is what an answer means.
type verdict struct {
	kind    error // a crm sentinel
	message string
	hint    string
}

// The operator's next steps.
const (
	hintBot     = "set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) on the page OAuth & Permissions of the Slack app"
	hintWebhook = "set SLACK_WEBHOOK_URL, or the channel's webhook in dealbell.yaml, to the whole URL that Slack shows under Incoming Webhooks"
	hintRenew   = "make a new incoming webhook in Slack, and set SLACK_WEBHOOK_URL, or the channel's webhook in dealbell.yaml, to its URL"
	hintAddress = "check DEALBELL_SLACK_URL; Slack's own address is https://slack.com/api/"
	hintInvite  = "invite the bot: write /invite @ and its name in the channel"
	hintChannel = "check the channel's id, and invite the bot when the channel is private: write /invite @ and its name in it"
	hintMember  = "check that the person still is an active member of the Slack workspace"
	hintArchive = "unarchive the channel in Slack, or configure another one"
	hintAdmin   = "ask an admin of the Slack workspace to let the app post there"
)

func hintAddressOf(e errand) string {
	if e == toWebhook {
		return hintWebhook
	}
	return hintAddress
}

var scopesPattern = regexp.MustCompile(`^[a-z][a-z_.:,]{1,100}$`)

// hintScope names the scopes that Slack misses, else those that we know of.
func hintScope(e errand, needed string) string {
	scopes := "chat:write"
	if e == lookup {
		scopes = "users:read and users:read.email"
	}
	if scopesPattern.MatchString(needed) {
		scopes = strings.ReplaceAll(needed, ",", " and ")
	}
	return "add the scope " + scopes + " on the page OAuth & Permissions of the Slack app, and reinstall the app"
}

const reasonScope = "missing_scope"

// meaning says what a reason of Slack means for an errand; an unknown one is
// left to the status. The reasons of webhooks are listed at
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
// those of the Web API with each method.
func meaning(e errand, reason string) (v verdict, known bool) {
	if v, ok := aboutDestination(e, reason); ok {
		return v, true
	}
	if v, ok := aboutAccess(e, reason); ok {
		return v, true
	}
	switch reason {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return verdict{crm.ErrUnavailable, "Slack asks to slow down", ""}, true
	case "service_unavailable", "request_timeout", "team_added_to_org", "org_login_required", "rollup_error":
		return verdict{crm.ErrUnavailable, "Slack has a problem", ""}, true
	case "internal_error", "fatal_error":
		// With these Slack says that some of it may have been done.
		if e == toWebhook {
			return verdict{}, false
		}
		return verdict{e.doubt(), "Slack failed half-way", ""}, true
	case "invalid_payload", "invalid_blocks", "invalid_blocks_format", "no_text", "msg_too_long",
		"missing_text_or_fallback_or_attachments", "invalid_arguments", "invalid_form_data", "invalid_charset":
		return verdict{crm.ErrInvalid, "Slack refuses the message", ""}, true
	}
	return verdict{}, false
}

// aboutDestination knows the reasons that concern one channel or member.
func aboutDestination(e errand, reason string) (v verdict, known bool) {
	switch reason {
	case "channel_not_found", "user_not_found", "users_not_found", "user_disabled":
		return gone(e), true
	case "not_in_channel":
		return verdict{crm.ErrForbidden, "the bot is not in the channel", hintInvite}, true
	case "channel_is_archived", "is_archived":
		return verdict{crm.ErrForbidden, "the channel is archived", hintArchive}, true
	case "no_service", "no_service_id", "no_team", "no_active_hooks", "team_disabled":
		return verdict{crm.ErrForbidden, "the webhook is switched off or deleted", hintRenew}, true
	}
	return verdict{}, false
}

func gone(e errand) verdict {
	switch e {
	case toWebhook:
		return verdict{crm.ErrForbidden, "the webhook posts to a place that is gone", hintRenew}
	case toChannel:
		return verdict{crm.ErrForbidden, "there is no such channel, or the bot cannot see it", hintChannel}
	case toMember:
		return verdict{crm.ErrForbidden, "there is no such member, or the bot cannot write to them", hintMember}
	}
	return verdict{crm.ErrNotFound, "Slack knows no such member", ""}
}

// aboutAccess knows the reasons that concern the token or the workspace.
func aboutAccess(e errand, reason string) (v verdict, known bool) {
	switch reason {
	case "invalid_token":
		if e == toWebhook {
			return verdict{crm.ErrForbidden, "the webhook is not valid", hintRenew}, true
		}
		fallthrough
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type":
		return verdict{crm.ErrForbidden, "the bot token is not accepted", hintBot}, true
	case reasonScope:
		return verdict{crm.ErrForbidden, "the bot token lacks a permission", ""}, true // the hint needs the answer
	case "action_prohibited", "posting_to_general_channel_denied", "access_denied", "accesslimited",
		"no_permission", "ekm_access_denied", "enterprise_is_restricted":
		return verdict{crm.ErrForbidden, "the workspace does not allow it", hintAdmin}, true
	}
	if strings.HasPrefix(reason, "restricted_action") {
		return verdict{crm.ErrForbidden, "the workspace does not allow it", hintAdmin}, true
	}
	return verdict{}, false
}
