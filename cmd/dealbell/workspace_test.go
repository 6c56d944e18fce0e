package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/dealbell/dealbell/internal/sandbox"
)

const formSecret = "form-secret"

// workspace is a sandbox Notion behind a socket.
type workspace struct {
	*sandbox.Workspace
	contacts *sandbox.Database
	deals    *sandbox.Database
	slack    *sandbox.Slack
	hook     *sandbox.Subscription
	url      string
	home     string // the page of a newcomer
}

// live lists the contacts that are not in the trash.
func (w *workspace) live() []sandbox.Row {
	var rows []sandbox.Row
	for _, row := range w.Rows(w.contacts) {
		if !row.InTrash {
			rows = append(rows, row)
		}
	}
	return rows
}

// sign is the signature as the contract describes it, independent of the
// package that checks it.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
