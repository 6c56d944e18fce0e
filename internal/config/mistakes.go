package config

import (
	"github.com/dealbell/dealbell/internal/crm"
	"github.com/dealbell/dealbell/internal/notify"
	"github.com/dealbell/dealbell/internal/rules"
)

// Mistakes returns what does not fit a database: in rules and digests that the
// operator wrote, and in those that every Dealbell has.
func (c *Config) Mistakes(to crm.Bindings) (own, standard []rules.Mistake, err error) {
	note := func(written bool, mistakes []rules.Mistake) {
		if written {
			own = append(own, mistakes...)
		} else {
			standard = append(standard, mistakes...)
		}
	}
	compiled, err := c.CompiledRules()
	if err != nil {
		return nil, nil, err
	}
	for _, r := range compiled {
		_, mistakes, _ := notify.Bind([]notify.Rule{r}, to)
		note(c.Written.Rules[r.Name()], mistakes)
	}
	digests, err := c.CompiledDigests()
	if err != nil {
		return nil, nil, err
	}
	for _, d := range digests {
		if d.Database() == to.Schema.Database {
			_, mistakes := d.Bind(to)
			note(c.Written.Digests[d.Name()], mistakes)
		}
	}
	return own, standard, nil
}
