package sandbox

import "slices"

// kind is everything the sandbox knows about one type of property. A new type
// is one line in newKinds.
type kind struct {
	// decode reads a value from a request; nil when the API refuses to write
	// the type.
	decode func(*decoder, path, any) (any, error)
	// encode shows a value as page objects do.
	encode func(view) any
	// operand is the value as filters, sorts and plain text see it.
	operand func(view) operand
	// config shows the type's part of the schema.
	config func(ds *dataSource, p *property, version string) any
	// filters are the filter keys that the type answers to.
	filters []string
	// hand converts what a person types in the app; nil when nobody can.
	hand func(w *Workspace, p *property, v any) (any, bool)
	// paged types are lists in the property item endpoint.
	paged bool
}

func newKinds() map[string]kind {
	text := kind{decodeText, encodeText, textOperand, noConfig, []string{"rich_text"}, handText, true}
	title := text
	title.filters = []string{"title", "rich_text"} // clients of both kinds are on record
	return map[string]kind{
		"title":        title,
		"rich_text":    text,
		"number":       {decodeNumber, encodePlain, numberOperand, numberConfig, []string{"number"}, handNumber, false},
		"select":       {decodeSelect, encodeOption, optionOperand, optionsConfig, []string{"select"}, handSelect, false},
		"status":       {decodeStatus, encodeStatus, statusOperand, statusConfig, []string{"status"}, handStatus, false},
		"multi_select": {decodeMultiSelect, encodeOptions, optionsOperand, optionsConfig, []string{"multi_select"}, handOptions, false},
		"date":         {decodeDate, encodeDate, dateOperand, noConfig, []string{"date"}, handDate, false},
		"people":       {decodePeople, encodePeople, peopleOperand, noConfig, []string{"people"}, handIDs, true},
		"files":        {decodeFiles, encodeFiles, filesOperand, noConfig, []string{"files"}, handFiles, false},
		"checkbox":     {decodeCheckbox, encodeCheckbox, checkboxOperand, noConfig, []string{"checkbox"}, handCheckbox, false},
		"url":          {decodeString(2000), encodePlain, stringOperand, noConfig, []string{"url"}, handString, false},
		"email":        {decodeString(200), encodePlain, stringOperand, noConfig, []string{"email"}, handString, false},
		"phone_number": {decodeString(200), encodePlain, stringOperand, noConfig, []string{"phone_number"}, handString, false},
		"relation":     {decodeRelation, encodeRelation, relationOperand, relationConfig, []string{"relation"}, handIDs, true},
		"place":        {decodePlace, encodePlain, anyOperand, noConfig, nil, handAny, false},
		"verification": {decodeVerification, encodeVerification, verificationOperand, noConfig, nil, handString, false},

		"formula":           {nil, encodeFormula, anyOperand, formulaConfig, []string{"formula"}, handAny, false},
		"rollup":            {nil, encodeRollup, rollupOperand, rollupConfig, nil, nil, true},
		"created_time":      {nil, encodeCreatedTime, createdTimeOperand, noConfig, []string{"created_time"}, nil, false},
		"last_edited_time":  {nil, encodeEditedTime, editedTimeOperand, noConfig, []string{"last_edited_time"}, nil, false},
		"created_by":        {nil, encodeCreatedBy, createdByOperand, noConfig, []string{"created_by"}, nil, false},
		"last_edited_by":    {nil, encodeEditedBy, editedByOperand, noConfig, []string{"last_edited_by"}, nil, false},
		"unique_id":         {nil, encodeUniqueID, uniqueIDOperand, uniqueIDConfig, []string{"unique_id"}, nil, false},
		"button":            {nil, encodeButton, anyOperand, noConfig, nil, nil, false},
		"last_visited_time": {nil, encodePlain, anyOperand, noConfig, nil, handString, false}, // one that no client knows
	}
}

// reads says whether a filter key applies to the type.
func (k kind) reads(filter string) bool {
	return slices.Contains(k.filters, filter)
}
