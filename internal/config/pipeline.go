package config

import "github.com/dealbell/dealbell/internal/pipeline"

// Pipeline says where deals are and what their stages mean: the digest of this
// name tells the properties, the rules won and lost which stages end a deal.
// Whether they are switched off does not matter. Without a database its
// Database is "".
func (c *Config) Pipeline() pipeline.Spec {
	d := c.Digests["pipeline"]
	id, _ := c.DatabaseID(d.Database)
	return pipeline.Spec{Database: id, Stage: d.Stage, Value: d.Value, Won: c.Rules["won"].When.Becomes, Lost: c.Rules["lost"].When.Becomes, Zone: c.Zone}
}
