package torture

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/sandbox"
)

func TestDrainsWithinTwentySeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("a drain that has to give up takes twelve seconds")
	}
	t.Parallel()
	notion := serveNotion(t, sandbox.Options{})
	data := t.TempDir()
	environment := notion.environment(t, data)
	d := start(t, environment)
	leads := startFlood(t, rand.New(rand.NewPCG(seed(t), 0)), 20, 8)
	leads.aim(d.log.public)
	eventually(t, 20*time.Second, "some contacts are in Notion", func() bool { return len(notion.live()) > 2 })

	// From now on Notion does what it is asked and never says so.
	notion.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{
		{Match: sandbox.Match{Method: http.MethodPost, Path: "/v1/pages"}, Fault: sandbox.HangAfter},
		{Match: sandbox.Match{Method: http.MethodPatch}, Fault: sandbox.HangAfter},
	}})
	eventually(t, 20*time.Second, "requests hang", func() bool { return notion.hangs() > 2 })
	hanging := notion.hangs()
	before := len(leads.promised())
	took := d.stop() // the leads go on arriving
	during := len(leads.promised()) - before
	t.Logf("stopped after %v, with %d requests hanging and %d leads taken meanwhile", took.Round(time.Millisecond), hanging, during)
	if during < 50 {
		t.Errorf("%d leads were taken during the stop, want nearly all 20 of each second: a form's sender does not wait", during)
	}
	if took > 20*time.Second {
		t.Errorf("the stop took %v, want at most 20 s", took)
	}
	leads.aim("")
	leads.giveUp()
	if open := leads.checkInbox(t, data); open == 0 {
		t.Error("no lead was open: nothing was drained")
	}

	notion.SetFaults(sandbox.Faults{})
	d = start(t, environment)
	d.drained(30 * time.Second)
	if took := d.stop(); took > time.Second {
		t.Errorf("an idle stop took %v, want less than a second", took)
	}
	leads.checkInbox(t, data)
	checkFile(t, data)
	checkOnePagePerPerson(t, notion)
	leads.checkMessages(t, notion, finished(t, data))
}
