package notion

import (
	"encoding/json"

	"github.com/dealbell/dealbell/internal/crm"
)

// kind says how the properties of one type are read, written and filtered
// (https://developers.notion.com/reference/page-property-values).
type kind struct {
	read   func(json.RawMessage) (crm.Value, bool) // of what stands under the type's name
	write  func(crm.Value) (any, error)            // nil: Notion computes it, or we never write it
	filter string                                  // the key under which a text condition stands
}

// kinds lists all property types that are read. A type that is missing here
// is left out of pages. Rollups hold values of these types; see readRollup.
var kinds = map[crm.Kind]kind{
	crm.KindTitle:       {readRichText, writeRichText, "title"},
	crm.KindText:        {readRichText, writeRichText, "rich_text"},
	crm.KindEmail:       {readString, writeString, "email"},
	crm.KindURL:         {readString, writeString, "url"},
	crm.KindPhone:       {readString, writeString, "phone_number"},
	crm.KindNumber:      {readNumber, writeNumber, "number"},
	crm.KindSelect:      {readOption, writeSelect, "select"},
	crm.KindStatus:      {readOption, writeStatus, "status"},
	crm.KindMultiSelect: {readOptions, writeMultiSelect, "multi_select"},
	crm.KindDate:        {readDate, writeDate, "date"},
	crm.KindCheckbox:    {readCheckbox, writeCheckbox, "checkbox"},
	crm.KindPeople:      {readPeople, writePeople, "people"},
	crm.KindRelation:    {readIDs, writeRelation, "relation"},
	"created_time":      {readMoment, nil, "created_time"},
	"last_edited_time":  {readMoment, nil, "last_edited_time"},
	kindCreatedBy:       {readUser, nil, "created_by"},
	kindLastEditedBy:    {readUser, nil, "last_edited_by"},
	"unique_id":         {readUniqueID, nil, "unique_id"},
	"formula":           {readFormula, nil, "formula"},
	"files":             {readFiles, nil, "files"},
	"place":             {readPlace, nil, "place"},
	"verification":      {readVerification, nil, "verification"},
}

const (
	kindRollup       crm.Kind = "rollup"
	kindCreatedBy    crm.Kind = "created_by"
	kindLastEditedBy crm.Kind = "last_edited_by"
)
