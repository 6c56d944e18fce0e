package queue

import (
	"slices"
	"strings"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

// tell returns the steps of a run since its last commit, and how it ended when
// it was about the record of the job's key and did not finish. A run that
// asked Notion for nothing and waits for the same reason as the one before
// tells nothing: in an outage of a day every job has thousands of those.
func tell(journal *crm.Journal, end crm.End, now time.Time) []crm.Step {
	steps, about, whole := journal.Left()
	if about.Key == "" || end.State == "" {
		return steps
	}
	over := crm.Step{Kind: crm.StepWaits, At: now, Record: about, Job: end.Job.ID, Why: end.Reason, Until: end.At}
	asked := slices.ContainsFunc(steps, func(s crm.Step) bool { return s.Kind == crm.StepAsked })
	switch {
	case end.State == crm.JobDead:
		over.Kind = crm.StepDied
	case whole && !asked && essence(end.Reason) == essence(end.Job.LastError):
		return nil
	}
	return append(steps, over)
}

// essence is a reason without the details at its end, in parentheses, which
// differ from one request to the next.
func essence(reason string) string {
	if i := strings.LastIndex(reason, " ("); i > 0 && strings.HasSuffix(reason, ")") {
		return reason[:i]
	}
	return reason
}
