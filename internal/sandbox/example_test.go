package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/dealbell/dealbell/internal/sandbox"
)

// A client under test gets the transport of a workspace. Here the answer to
// its first write is lost, and the write is not.
func Example() {
	w := sandbox.New(sandbox.Options{})
	crm := w.StandardCRM()
	w.SetFaults(sandbox.Faults{Script: []sandbox.Scripted{
		{Match: sandbox.Match{Method: "POST", Path: "/v1/pages"}, Nth: 1, Fault: sandbox.ResetAfter},
	}})

	client := &http.Client{Transport: w.Transport()}
	body := `{"parent":{"data_source_id":"` + crm.Contacts.DataSourceID + `"},"properties":{"Email":{"email":"ann@example.com"}}}`
	req, _ := http.NewRequest("POST", "https://api.notion.com/v1/pages", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer sandbox-token")
	req.Header.Set("Notion-Version", "2026-03-11")
	if _, err := client.Do(req); err != nil {
		fmt.Println("no answer")
	}
	for _, row := range w.Rows(crm.Contacts) {
		fmt.Println(row.Values["Email"], row.Values["Status"])
	}
	// Output:
	// no answer
	// ann@example.com New lead
}
