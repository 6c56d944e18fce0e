package crm

// Correction is a body that a person puts in the place of what a delivery of
// a dead letter said.
type Correction struct {
	Delivery string
	Body     []byte // in the content type that it came in
	Key      string // whose it is then: as Delivery.Key
	Job      Job    // works on it then
}
