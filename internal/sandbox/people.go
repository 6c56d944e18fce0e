package sandbox

import "net/http"

const workspaceName = "Sandbox"

// Person is a member of the workspace.
type Person struct {
	ID, Name, Email string
}

type user struct {
	id, name, email, avatar string
	bot                     bool
}

func (w *Workspace) populate() {
	w.bot = &user{id: w.newID(), name: "Dealbell", bot: true}
	for _, p := range [][2]string{{"Ada Marsh", "ada@example.com"}, {"Ben Otieno", "ben@example.com"}, {"Chen Li", "chen@example.com"}} {
		w.addPerson(p[0], p[1])
	}
	w.people[0].avatar = "https://sandbox.example/ada.png"
}

func (w *Workspace) addPerson(name, email string) *user {
	u := &user{id: w.newID(), name: name, email: email}
	w.people = append(w.people, u)
	return u
}

// AddPerson lets someone join the workspace.
func (w *Workspace) AddPerson(name, email string) (personID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addPerson(name, email).id
}

// People lists the people of the workspace. The first one makes the edits of
// EditRow.
func (w *Workspace) People() []Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Person
	for _, u := range w.people {
		out = append(out, Person{ID: u.id, Name: u.name, Email: u.email})
	}
	return out
}

// BotID is the user id of the connection, as GET /v1/users/me shows it.
func (w *Workspace) BotID() string { return w.bot.id }

func (w *Workspace) user(id string) *user {
	if id == w.bot.id {
		return w.bot
	}
	for _, u := range w.people {
		if u.id == id {
			return u
		}
	}
	return nil
}

// full is a user as properties show it; a bot hides its details there.
func (u *user) full() map[string]any {
	out := map[string]any{"object": "user", "id": u.id, "name": u.name, "avatar_url": nil, "type": "person"}
	if u.avatar != "" {
		out["avatar_url"] = u.avatar
	}
	if u.bot {
		out["type"], out["bot"] = "bot", map[string]any{}
	} else {
		out["person"] = map[string]any{"email": u.email}
	}
	return out
}

func partialUser(id string) map[string]any { return map[string]any{"object": "user", "id": id} }

// account is a user as the users endpoints show it.
func (w *Workspace) account(u *user, version string) map[string]any {
	out := w.shown(u)
	if !u.bot {
		return out
	}
	bot := map[string]any{
		"owner":            map[string]any{"type": "workspace", "workspace": true},
		"workspace_name":   workspaceName,
		"workspace_limits": map[string]any{"max_file_upload_size_in_bytes": 5242880},
	}
	if version != version2022 {
		bot["workspace_id"] = w.spaceID
	}
	out["bot"] = bot
	return out
}

// self is whom the token belongs to.
func (w *Workspace) self() *user {
	if w.opts.Personal {
		return w.people[0]
	}
	return w.bot
}

func getMe(w *Workspace, c *call) (map[string]any, error) {
	return w.account(w.self(), c.version), nil
}

func getUser(w *Workspace, c *call) (map[string]any, error) {
	id, err := path("path.user_id").uuid(c.params[0])
	if err != nil {
		return nil, err
	}
	if u := w.user(id); u != nil {
		return w.account(u, c.version), nil
	}
	e := &apiError{
		status: http.StatusNotFound, code: "object_not_found",
		message: "Could not find user with ID: " + id + ". Make sure your integration has capabilities to read user information. With those capabilities, only members and guests in the integration's workspace are visible.",
	}
	if c.version != version2022 {
		e.extra = map[string]any{"integration_id": w.bot.id}
	}
	return nil, e
}

func listUsers(w *Workspace, c *call) (map[string]any, error) {
	var all []any
	for _, u := range w.people {
		all = append(all, w.account(u, c.version))
	}
	return c.listOf("user", append(all, w.account(w.bot, c.version)))
}
