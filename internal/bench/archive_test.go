//go:build linux

package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	archived   = 100_000          // deals
	inOneQuery = 10_000           // that Notion shows
	inOneBatch = 100              // likewise
	madeEvery  = 10 * time.Second // the archive grew within days, not within one minute
	minutes    = "2006-01-02T15:04:05.000Z"
)

var (
	archiveBegan = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	bound        = regexp.MustCompile(`"(on_or_after|before)":"([^"]+)"`)
)

// archive is a database of very many deals. Its rows look like one that the
// sandbox made; only queries of them are answered here, all else is left to
// the sandbox, which would have had to make all rows within a minute.
type archive struct {
	path, text, id, stamp string // of the query; of the row that the others look like
}

const dealName = "Deal 000000"

func newArchive(b *testing.B, n *notion) *archive {
	b.Helper()
	id := n.AddRow(n.crm.Deals, map[string]any{
		"Deal Name": dealName, "Stage": "Lead", "Value": 1200.0, "Owner": []string{n.People()[0].ID},
	})
	r := httptest.NewRequest(http.MethodGet, "/v1/pages/"+id, nil)
	r.Header.Set("Authorization", "Bearer "+notionToken)
	r.Header.Set("Notion-Version", "2025-09-03")
	answer := httptest.NewRecorder()
	n.Handler().ServeHTTP(answer, r)
	var page struct {
		Stamp string `json:"created_time"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != http.StatusOK {
		b.Fatalf("read a deal: %v, %s", err, answer.Body)
	}
	return &archive{"/v1/data_sources/" + n.crm.Deals.DataSourceID + "/query", answer.Body.String(), id, page.Stamp}
}

// row is what Notion shows of row i.
func (a *archive) row(i int) string {
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", i+1, i+1)
	return strings.NewReplacer(
		a.id, id, strings.ReplaceAll(a.id, "-", ""), strings.ReplaceAll(id, "-", ""),
		a.stamp, made(i).Truncate(time.Minute).Format(minutes), dealName, fmt.Sprintf("Deal %06d", i),
	).Replace(a.text)
}

func made(i int) time.Time { return archiveBegan.Add(time.Duration(i) * madeEvery) }

// answer answers the queries of a read: oldest first, all rows or those made
// or edited within some time, which is the same here.
func (a *archive) answer(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != a.path {
		return false
	}
	body, err := io.ReadAll(r.Body)
	var asked struct {
		Cursor string `json:"start_cursor"`
	}
	if err != nil || json.Unmarshal(body, &asked) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	first, end := span(body)
	last := min(end, first+inOneQuery)
	from := first
	if position, err := strconv.Atoi(asked.Cursor); err == nil {
		from = position
	}
	var rows []string
	for i := from; i < min(from+inOneBatch, last); i++ {
		rows = append(rows, a.row(i))
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"object":"list","type":"page_or_data_source","page_or_data_source":{},"results":[%s]%s}`,
		strings.Join(rows, ","), next(from+len(rows), last, end))
	return true
}

// span returns which rows meet the conditions of a query.
func span(query []byte) (first, end int) {
	end = archived
	for _, m := range bound.FindAllSubmatch(query, -1) {
		at, err := time.Parse(time.RFC3339, string(m[2]))
		if err != nil {
			continue
		}
		i := int((at.Truncate(time.Minute).Sub(archiveBegan) + madeEvery - 1) / madeEvery)
		if string(m[1]) == "before" {
			end = min(end, i)
		} else {
			first = max(first, i)
		}
	}
	return min(first, end), end
}

// next says how a list goes on.
func next(at, last, end int) string {
	switch {
	case at < last:
		return fmt.Sprintf(`,"has_more":true,"next_cursor":"%d"`, at)
	case last < end:
		return `,"has_more":false,"next_cursor":null,"request_status":{"type":"incomplete","incomplete_reason":"query_result_limit_reached"}`
	}
	return `,"has_more":false,"next_cursor":null`
}
