package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// TestScripts runs testdata/script. Beside the commands of testscript, the
// scripts know those below.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DEALBELL_DATA", e.WorkDir+"/state")
			for _, name := range []string{"DEALBELL_LISTEN", "DEALBELL_ADMIN_LISTEN"} {
				address, err := freeAddress()
				if err != nil {
					return err
				}
				e.Setenv(name, address)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"notion": scriptNotion, "contacts": scriptContacts, "contact": scriptContact,
			"deal": scriptDeal, "stale": scriptStale, "slack": scriptSlack, "event": scriptEvent,
			"newcomer": scriptNewcomer, "envfile": scriptEnvfile, "mode": scriptMode,
			"http": scriptHTTP, "until": scriptUntil, "exits": scriptExits, "terminate": scriptTerminate,
		},
	})
}

const patience = 30 * time.Second

var taken sync.Map // ports that were given to a script

// freeAddress finds a port below those that the kernel gives to clients, so
// that it stays free until a daemon takes it.
func freeAddress() (string, error) {
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if _, given := taken.LoadOrStore(address, true); given {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// await calls check until it is true, or fails the script.
func await(ts *testscript.TestScript, what string, check func() bool) {
	for deadline := time.Now().Add(patience); !check(); {
		if time.Now().After(deadline) {
			ts.Fatalf("after %v still not: %s", patience, what)
		}
		<-time.After(100 * time.Millisecond)
	}
}

func usage(ts *testscript.TestScript, neg, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// notions are the sandboxes, by script.
var notions sync.Map

func notionOf(ts *testscript.TestScript) *workspace {
	w, ok := notions.Load(ts.Name())
	if !ok {
		ts.Fatalf("start one first: notion")
	}
	return w.(*workspace)
}

// notion starts a sandbox and sets the environment that a daemon needs;
// notion drop|add PROPERTY changes Contacts as a person would.
func scriptNotion(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0 || len(args) == 2, "notion [drop|add PROPERTY]")
	if len(args) == 2 {
		w := notionOf(ts)
		switch args[0] {
		case "drop":
			w.DropProperty(w.contacts, args[1])
		case "add":
			w.AddProperty(w.contacts, sandbox.Property{Name: args[1], Type: "email"})
		}
		return
	}
	w := sandbox.New(sandbox.Options{Token: "sandbox-token"})
	server := httptest.NewServer(w.Handler())
	crm := w.StandardCRM()
	notions.Store(ts.Name(), &workspace{Workspace: w, contacts: crm.Contacts, deals: crm.Deals, url: server.URL})
	ts.Defer(func() {
		notions.Delete(ts.Name())
		server.CloseClientConnections()
		server.Close()
	})
	ts.Setenv("DEALBELL_NOTION_URL", server.URL)
	ts.Setenv("NOTION_TOKEN", "sandbox-token")
	ts.Setenv("NOTION_CONTACTS_DB_ID", notionOf(ts).contacts.ID)
	ts.Setenv("FORM_SECRET", formSecret)
}

// contacts N waits until there are N contacts.
func scriptContacts(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "contacts N")
	await(ts, args[0]+" contacts", func() bool { return strconv.Itoa(len(notionOf(ts).live())) == args[0] })
}

// contact REGEXP waits until a contact, its values and its page, matches;
// ! contact REGEXP fails when one does now.
func scriptContact(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, false, len(args) == 1, "[!] contact REGEXP")
	pattern := compile(ts, args[0])
	some := func() bool {
		return slices.ContainsFunc(notionOf(ts).live(), func(row sandbox.Row) bool {
			return pattern.MatchString(fmt.Sprint(row.Values, row.Blocks))
		})
	}
	switch {
	case !neg:
		await(ts, "a contact that matches "+args[0], some)
	case some():
		ts.Fatalf("a contact matches %s", args[0])
	}
}

func compile(ts *testscript.TestScript, pattern string) *regexp.Regexp {
	r, err := regexp.Compile("(?ms)" + pattern)
	ts.Check(err)
	return r
}

// capture puts the named groups of a match into the environment.
func capture(ts *testscript.TestScript, pattern *regexp.Regexp, text string) bool {
	found := pattern.FindStringSubmatch(text)
	for i, name := range pattern.SubexpNames() {
		if found != nil && name != "" {
			ts.Setenv(name, found[i])
		}
	}
	return found != nil
}

// until REGEXP PROGRAM [ARG...] runs a program until what it prints matches.
// Named groups become variables.
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "until REGEXP PROGRAM [ARG...]")
	pattern := compile(ts, args[0])
	await(ts, args[0]+" from "+strings.Join(args[1:], " "), func() bool {
		_ = ts.Exec(args[1], args[2:]...) // the pattern decides
		return capture(ts, pattern, ts.ReadFile("stdout"))
	})
}

// exits CODE PROGRAM [ARG...] runs a program that has to end with the code.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "exits CODE PROGRAM [ARG...]")
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		code, err = ended.ExitCode(), nil
	}
	if err != nil || strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, %v, want %s", code, err, args[0])
	}
}

// terminate sends SIGTERM to the programs in the background.
func scriptTerminate(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "terminate")
	for _, command := range ts.BackgroundCmds() {
		ts.Check(command.Process.Signal(syscall.SIGTERM))
	}
}

const httpUsage = "http [-sign SECRET] [-form] [-H 'NAME: VALUE']... [-until REGEXP] STATUS METHOD URL [BODY]"

// http makes a request, signed as a form's with -sign, and prints the answer,
// which has to come with the status. With -until it asks until the answer
// matches as well; named groups become variables.
func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	pattern, secret := compile(ts, ""), ""
	header := http.Header{"Content-Type": {"application/json"}}
	retry := false
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-sign":
			secret, args = args[1], args[1:]
		case "-form":
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		case "-H":
			name, value, _ := strings.Cut(args[1], ": ")
			header.Set(name, value)
			args = args[1:]
		case "-until":
			retry, pattern, args = true, compile(ts, args[1]), args[1:]
		}
		args = args[1:]
	}
	usage(ts, neg, len(args) == 3 || len(args) == 4, httpUsage)
	body := strings.Join(args[3:], "")
	if secret != "" {
		header.Set("X-Form-Signature", sign(secret, []byte(body)))
	}
	got := ""
	await(ts, strings.Join(args, " "), func() bool {
		status, text, err := ask(args[1], args[2], body, header)
		got = fmt.Sprintf("%d %v\n%s", status, err, text)
		if strconv.Itoa(status) == args[0] && capture(ts, pattern, text) {
			fmt.Fprint(ts.Stdout(), text)
			return true
		}
		if !retry {
			ts.Fatalf("got %s, want %s", got, args[0])
		}
		return false
	})
}

func ask(method, url, body string, header http.Header) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header = header
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}
