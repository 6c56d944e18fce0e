package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/importer"
)

// listedRejects are the rejected rows that are shown; the file has all.
const listedRejects = 5

// errRejects is the failure that --strict asks for.
var errRejects = crm.WithHint(errors.New("rows were rejected"), "mend them in the file of rejects and import that")

// showPlan says what would happen.
func (i *importing) showPlan(to io.Writer, p importer.Plan) error {
	if i.JSON {
		return json.NewEncoder(to).Encode(p)
	}
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s, %d rows for %s\n", oneLine(i.File), p.Format, p.Rows, oneLine(p.Database))
	for _, c := range p.Columns {
		switch {
		case c.Property != "":
			fmt.Fprintf(w, "  %s\t→ %s\n", oneLine(c.Name), oneLine(c.Property))
		case c.Note != "":
			fmt.Fprintf(w, "  %s\t  left out: %s\n", oneLine(c.Name), oneLine(c.Note))
		}
	}
	fmt.Fprintf(w, "create\t%d\nupdate\t%d\n", p.Creates, p.Updates)
	if i.Overwrite {
		fmt.Fprintf(w, "replace\t%d values that are something else now\n", p.Replaces)
	}
	fmt.Fprintf(w, "unchanged\t%d\nrejected\t%d\n", p.Unchanged, p.Rejected)
	if p.Merged > 0 {
		fmt.Fprintf(w, "merged\t%d rows go into an earlier one of the same key\n", p.Merged)
	}
	if len(p.Options) > 0 {
		fmt.Fprintf(w, "new options\t%s\n", oneLine(strings.Join(p.Options, ", ")))
	}
	fmt.Fprintf(w, "calls\t%d at most: %d to read, %d to write; %s at %g a second\n",
		p.Calls, p.Reads, p.Calls-p.Reads, p.Took.Round(time.Second), i.settings.Notion.Rate)
	if err := w.Flush(); err != nil {
		return err
	}
	return showRejects(to, p.Rejects)
}

func showRejects(to io.Writer, rejects []importer.Reject) error {
	for n, r := range rejects {
		if n == listedRejects {
			fmt.Fprintf(to, "and %d more are rejected\n", len(rejects)-n)
			break
		}
		if _, err := fmt.Fprintf(to, "line %d is rejected: %s\n", r.Line, oneLine(r.Reason)); err != nil {
			return err
		}
	}
	return nil
}

// conclude writes the rejects and says what was done.
func (i *importing) conclude(in crm.Import, p importer.Plan) error {
	slices.SortFunc(p.Rejects, func(a, b importer.Reject) int { return a.Line - b.Line })
	rejects := ""
	if len(p.Rejects) > 0 {
		var err error
		if rejects, err = i.keepRejects(p.Rejects); err != nil {
			return fmt.Errorf("write rejects: %w", err)
		}
	}
	if i.JSON {
		if err := printJSON(i.session, map[string]any{
			"rows": p.Rows, "created": in.Created, "updated": in.Updated, "unchanged": in.Unchanged, "rejected": in.Rejected, "merged": p.Merged,
			"rejects_file": rejects, "rejects": append([]importer.Reject{}, p.Rejects...),
		}); err != nil {
			return err
		}
	} else {
		merged := ""
		if p.Merged > 0 {
			merged = fmt.Sprintf(", %d merged into earlier rows", p.Merged)
		}
		fmt.Fprintf(i.Stdout, "%d rows: %d created, %d updated, %d unchanged, %d rejected%s\n",
			p.Rows, in.Created, in.Updated, in.Unchanged, in.Rejected, merged)
		if rejects != "" {
			fmt.Fprintf(i.Stdout, "rejected rows, with reasons: %s\n", oneLine(rejects))
		}
	}
	if i.Strict && len(p.Rejects) > 0 {
		return errRejects
	}
	return nil
}

// keepRejects writes the rejected rows beside the file. What somebody has
// mended in earlier ones is not lost.
func (i *importing) keepRejects(rejects []importer.Reject) (path string, err error) {
	write := func(to io.Writer) error { return importer.WriteRejects(to, i.file, rejects) }
	sum := sha256.New()
	if err := write(sum); err != nil {
		return "", err
	}
	stem := strings.TrimSuffix(i.File, filepath.Ext(i.File))
	for n := 1; ; n++ {
		path = stem + ".rejects.csv"
		if n > 1 {
			path = fmt.Sprintf("%s.rejects-%d.csv", stem, n)
		}
		err := writeFile(path, false, write)
		if !errors.Is(err, errExists) || holds(path, sum.Sum(nil)) {
			return path, ignore(err, errExists)
		}
	}
}

// holds reports whether a file has that SHA-256.
func holds(path string, sum []byte) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return err == nil && bytes.Equal(hash.Sum(nil), sum)
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
