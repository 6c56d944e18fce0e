package sandbox

import "net/http"

// Capability is what a connection may do, as its settings name it
// (https://developers.notion.com/reference/capabilities).
type Capability string

// The capabilities that the sandbox knows.
const (
	ReadContent   Capability = "Read content"
	UpdateContent Capability = "Update content"
	InsertContent Capability = "Insert content"
	ReadUsers     Capability = "Read user information"
	ReadEmails    Capability = "Read user information including email addresses"
)

// Withhold takes capabilities from the connection, which has all of them at
// first; those that are not named it has again.
func (w *Workspace) Withhold(capabilities ...Capability) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.withheld = map[Capability]bool{}
	for _, c := range capabilities {
		w.withheld[c] = true
	}
}

func errCapability() error {
	return &apiError{
		status: http.StatusForbidden, code: "restricted_resource",
		message: "Insufficient permissions for this endpoint.",
	}
}

// shown is a user as far as the capabilities let the connection see.
func (w *Workspace) shown(u *user) map[string]any {
	switch {
	case u == w.self():
		return u.full()
	case w.withheld[ReadUsers]:
		return partialUser(u.id)
	}
	out := u.full()
	if w.withheld[ReadEmails] && !u.bot {
		out["person"] = map[string]any{}
	}
	return out
}
