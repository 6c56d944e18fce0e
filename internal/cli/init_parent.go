package cli

import (
	"errors"
	"fmt"

	"github.com/dealbell/dealbell/internal/crm"
)

// chooseParent finds the page on which databases are made.
func (r *initRun) chooseParent() error {
	if r.parent.ID != "" {
		return nil
	}
	if r.c.Parent != "" {
		return r.takeParent(r.c.Parent)
	}
	fmt.Fprint(r.Stderr, "   On which page? ")
	for {
		pages, err := r.notion.Pages(r.ctx)
		if err != nil {
			return err
		}
		if len(pages) == 0 {
			fmt.Fprint(r.Stderr, "No page is shared with the connection.\n"+shareHelp)
		} else {
			fmt.Fprintln(r.Stderr, "These are shared with the connection:")
		}
		for i, p := range pages {
			fmt.Fprintf(r.Stderr, "   %d  %s\n", i+1, oneLine(titleOf(p)))
		}
		fmt.Fprintf(r.Stderr, "   %d  look again for what was shared just now\n", len(pages)+1)
		again := false
		err = r.ask.ask("   Number, or the link of a page", "1", "1", func(answer string) error {
			if linkLike(answer) {
				return r.takeParent(answer)
			}
			i, err := number(answer, len(pages)+1)
			if err != nil {
				return err
			}
			if again = i == len(pages); !again {
				r.parent = pages[i]
			}
			return nil
		})
		if err != nil || !again {
			return err
		}
	}
}

func (r *initRun) takeParent(id string) error {
	page, err := r.notion.Page(r.ctx, id)
	if errors.Is(err, crm.ErrNotFound) || errors.Is(err, crm.ErrInvalid) {
		return crm.WithHint(fmt.Errorf("no page with this id or link is shared with the connection: %w", err),
			"open the page in Notion, •••, Connections, add the connection; then copy its link")
	}
	r.parent = page
	return err
}

func titleOf(p crm.Page) string {
	if title := p.Values["title"].Text; title != "" {
		return title
	}
	return "Untitled (" + p.URL + ")"
}
