package crm

import "time"

// Query asks for rows of one database. Conditions are joined by "and"; zero
// fields ask nothing.
type Query struct {
	KeyIs        []string  // Key's text is exactly one of these, or a relation holds one
	KeyHas       string    // Key's text contains this, whatever the case
	Key          Property  // the property that KeyIs and KeyHas look at
	EditedSince  time.Time // last_edited_time at or after
	CreatedSince time.Time // created_time at or after
	CreatedUntil time.Time // created_time before
	Newest       bool      // newest first instead of oldest first, by created_time
	Cursor       string    // Rows.Next of the call before
	Size         int       // rows per call; 0 means 100, the most Notion gives
}

// Rows is one answer to a Query.
type Rows struct {
	Pages []Page
	Next  string // "" at the end
	Cut   bool   // Notion stopped at its limit of 10,000 rows, there are more
}

// Run is a piece of text with one look.
type Run struct {
	Text string
	Bold bool
	Gray bool
}

// Paragraph is one block of text on a page.
type Paragraph []Run
