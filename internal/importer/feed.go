package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/observe"
)

// Feed makes jobs of the rows that come next. Those of Contacts have the key
// of the contact, as leads have, so that they run one after the other.
func (s *Service) Feed(ctx context.Context, job crm.Job) (crm.Commit, error) {
	var id int64
	if err := json.Unmarshal(job.Payload, &id); err != nil {
		return crm.Commit{}, fmt.Errorf("%w: read payload: %w", crm.ErrInvalid, err)
	}
	in, found, err := s.o.State.Import(ctx, id)
	if err != nil || !found || in.State != crm.ImportRunning {
		return crm.Commit{}, err
	}
	if err := s.freshen(ctx, in); err != nil {
		return s.halt(in, crm.Commit{}, err)
	}
	rows, err := s.next(ctx, id)
	if err != nil {
		return crm.Commit{}, err
	}
	pages, err := s.pages(ctx, in, rows)
	if err != nil {
		return crm.Commit{}, err
	}
	commit := crm.Commit{Jobs: []crm.Job{FeedJob(id, time.Now().Add(feedWait))}}
	for i, row := range rows {
		payload, err := json.Marshal(place{id, row.Line, pages[row.Key], i == len(rows)/2})
		if err != nil {
			return crm.Commit{}, fmt.Errorf("encode job: %w", err)
		}
		commit.Jobs = append(commit.Jobs, crm.Job{
			Kind: KindRow, Lane: crm.Bulk, Key: s.jobKey(in, row.Key), Unique: unique(row), Payload: payload,
		})
	}
	return commit, nil
}

// next returns rows that have no job yet. One that waits for another try keeps
// its time.
func (s *Service) next(ctx context.Context, id int64) (rows []crm.ImportRow, err error) {
	open, err := s.o.State.ImportRows(ctx, id, window)
	if err != nil {
		return nil, err
	}
	for _, row := range open {
		queued, err := s.o.State.Queued(ctx, KindRow, unique(row))
		if err != nil {
			return nil, err
		}
		if !queued {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// unique names the job of a row.
func unique(row crm.ImportRow) string { return fmt.Sprintf("%d %d", row.Import, row.Line) }

func (s *Service) jobKey(in crm.Import, key string) string {
	if in.Database == s.o.Contacts {
		return key
	}
	return in.Database + " " + key
}

// freshen makes sure that the database was read since this process began, and
// not too long ago.
func (s *Service) freshen(ctx context.Context, in crm.Import) error {
	read, err := s.o.State.Read(ctx, in.Database)
	if err != nil {
		return err
	}
	if read.PolledAt.Before(s.begun) || time.Since(read.PolledAt) > staleAge {
		return s.o.Freshen(ctx, in.Database)
	}
	return nil
}

// pages finds the pages of rows whose database has no keys in the store: the
// oldest page of each key.
func (s *Service) pages(ctx context.Context, in crm.Import, rows []crm.ImportRow) (map[string]string, error) {
	if in.Database == s.o.Contacts {
		return nil, nil
	}
	found := map[string]string{}
	for _, row := range rows {
		found[row.Key] = ""
	}
	err := s.o.State.Rows(ctx, in.Database, func(page crm.Snapshot) error {
		key := observe.Key(page.Values[in.Property])
		if at, wanted := found[key]; wanted && at == "" {
			found[key] = page.Page
		}
		return nil
	})
	return found, err
}
