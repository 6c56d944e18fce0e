package table_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/table"
)

// utf16Of encodes a text without a mark.
func utf16Of(s string, big bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		low, high := byte(unit), byte(unit>>8)
		if big {
			low, high = high, low
		}
		b.WriteByte(low)
		b.WriteByte(high)
	}
	return b.String()
}

// read returns the header and all rows.
func read(file string) (format string, rows [][]string, err error) {
	r, err := table.Open(strings.NewReader(file))
	if err != nil {
		return "", nil, err
	}
	rows = append(rows, r.Header())
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Format().String(), rows, nil
		}
		if err != nil {
			return "", nil, err
		}
		rows = append(rows, row.Cells)
	}
}

func TestAFileIsReadHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	const text = "Name,Email\nJosé,jose@example.com\n"
	want := [][]string{{"Name", "Email"}, {"José", "jose@example.com"}}
	for name, c := range map[string]struct{ file, format string }{
		"UTF-8":                     {text, "UTF-8, commas"},
		"UTF-8 with a mark":         {"\ufeff" + text, "UTF-8, commas"},
		"UTF-16 LE with a mark":     {"\xff\xfe" + utf16Of(text, false), "UTF-16 LE, commas"},
		"UTF-16 BE with a mark":     {"\xfe\xff" + utf16Of(text, true), "UTF-16 BE, commas"},
		"UTF-16 LE without":         {utf16Of(text, false), "UTF-16 LE, commas"},
		"UTF-16 BE without":         {utf16Of(text, true), "UTF-16 BE, commas"},
		"Windows-1252":              {strings.ReplaceAll(text, "é", "\xe9"), "Windows-1252, commas"},
		"semicolons":                {strings.ReplaceAll(text, ",", ";"), "UTF-8, semicolons"},
		"tabs":                      {strings.ReplaceAll(text, ",", "\t"), "UTF-8, tabs"},
		"bars":                      {strings.ReplaceAll(text, ",", "|"), "UTF-8, bars"},
		"Excel says the delimiter":  {"sep=;\r\n" + strings.ReplaceAll(text, ",", ";"), "UTF-8, semicolons"},
		"CRLF":                      {strings.ReplaceAll(text, "\n", "\r\n"), "UTF-8, commas"},
		"CR alone":                  {strings.ReplaceAll(text, "\n", "\r"), "UTF-8, commas"},
		"no line break at the end":  {strings.TrimSuffix(text, "\n"), "UTF-8, commas"},
		"empty lines":               {"\n\n" + strings.ReplaceAll(text, "\n", "\n,\n\n"), "UTF-8, commas"},
		"all is quoted":             {"\"Name\",\"Email\"\n\"José\",\"jose@example.com\"\n", "UTF-8, commas"},
		"cells miss, and are empty": {"Name,Email\nJosé,jose@example.com,,\n", "UTF-8, commas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			format, rows, err := read(c.file)
			if err != nil || format != c.format {
				t.Errorf("%s, %v, want %s", format, err, c.format)
			}
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatStandsInCellsDoesNotMislead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   string
		format string
		want   [][]string
	}{
		"commas in numbers between semicolons": {"Deal;Value\nA;1,5\nB;2,5\n", "UTF-8, semicolons", [][]string{{"Deal", "Value"}, {"A", "1,5"}, {"B", "2,5"}}},
		"one column":                           {"Email\na@example.com\n", "UTF-8, commas", [][]string{{"Email"}, {"a@example.com"}}},
		"a quoted line break":                  {"Name,Note\nAna,\"one, \"\"two\"\"\nthree\"\n", "UTF-8, commas", [][]string{{"Name", "Note"}, {"Ana", "one, \"two\"\nthree"}}},
		"a short row":                          {"A,B,C\n1\n", "UTF-8, commas", [][]string{{"A", "B", "C"}, {"1", "", ""}}},
		"names that are missing or there twice": {
			"Email,,email,Email\n1,2,3,4\n", "UTF-8, commas",
			[][]string{{"Email", "Column 2", "email (2)", "Email (3)"}, {"1", "2", "3", "4"}},
		},
		"a quote that kept a formula from running": {"'=Name,B\n'=1+1,'tis\n", "UTF-8, commas", [][]string{{"=Name", "B"}, {"=1+1", "'tis"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			format, rows, err := read(c.file)
			if err != nil || format != c.format {
				t.Errorf("%s, %v, want %s", format, err, c.format)
			}
			if diff := cmp.Diff(c.want, rows); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestALateCharacterTellsTheEncoding(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat("Ana,ana@example.com\n", 20_000)
	for want, last := range map[string]string{"UTF-8": "José", "Windows-1252": "Jos\xe9"} {
		format, rows, err := read("Name,Email\n" + filler + last + ",j@example.com\n")
		if err != nil || format != want+", commas" || rows[len(rows)-1][0] != "José" {
			t.Errorf("%s, %v, want %s and José", format, err, want)
		}
	}
}

func TestRowsSayWhereTheyAre(t *testing.T) {
	t.Parallel()
	r, err := table.Open(strings.NewReader("sep=,\nA,B\n\"1\n2\",x\n3,y,z\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []table.Row{{Line: 3, Cells: []string{"1\n2", "x"}}, {Line: 5, Cells: []string{"3", "y"}, Extra: []string{"z"}}} {
		if got, err := r.Next(); err != nil || !cmp.Equal(got, want) {
			t.Errorf("Next = %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"":                           "empty",
		"\ufeff":                     "empty",
		"\n\n":                       "empty",
		"sep=;":                      "empty",
		"PK\x03\x04\x14\x00\x06":     "Excel workbook",
		"%PDF-1.7\n":                 "PDF",
		"\x1f\x8b\x08\x00":           "gzip",
		"\xd0\xcf\x11\xe0\xa1\xb1":   "old Excel",
		"a,b\n1,2\x00\n":             "NUL",
		"a,b\n\"1,2\n":               "line 2: a quoted cell",
		"a,b\n1,5\" pipe\n":          "line 2: there is a quote",
		strings.Repeat("x,", 1001):   "1002 columns",
		"\xff\xfe" + "a\x00\x00\x00": "NUL",
	} {
		if _, _, err := read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want an error about %s", file, err, want)
		}
	}
}

func TestNoCellRunsAsAFormula(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "Ana": "Ana", "it's": "it's", "'tis": "'tis", "-5": "-5", "-1.5e3": "-1.5e3", "7": "7",
		"=1+1": "'=1+1", "+49 30 1": "'+49 30 1", "+49301": "'+49301", "-x": "'-x", "@me": "'@me", "\tx": "'\tx", "\rx": "'\rx", "＝1": "'＝1",
		"'=1": "''=1", "''-x": "'''-x", "--5": "'--5",
	} {
		if got := table.Safe(cell); got != want {
			t.Errorf("Safe(%q) = %q, want %q", cell, got, want)
		}
		if got := table.Bare(table.Safe(cell)); got != cell {
			t.Errorf("%q came back as %q", cell, got)
		}
	}
}

func FuzzAnyFile(f *testing.F) {
	for _, s := range []string{
		"Name,Email\nJosé,j@example.com\n", "\xff\xfea\x00,\x00b\x00\n\x00", "sep=;\na;b\n1;\"2\n\"", "a|b\n1|2|3\n", "\ufeffa\r\nb\r\n", "a\x00b", "'=a,'b\n\"\"\"\",x\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := table.Open(bytes.NewReader(file))
		if err != nil {
			return
		}
		var again bytes.Buffer
		w := table.NewWriter(&again)
		if err := w.Write(r.Header()...); err != nil {
			t.Fatal(err)
		}
		var rows [][]string
		for {
			row, err := r.Next()
			if err != nil {
				break
			}
			if len(row.Cells) != len(r.Header()) {
				t.Fatalf("%d cells below %d names", len(row.Cells), len(r.Header()))
			}
			for i, cell := range row.Cells { // as the csv package reads its own line breaks
				row.Cells[i] = strings.ReplaceAll(cell, "\r", "")
			}
			if strings.Trim(strings.Join(row.Cells, ""), " \t\n\v\f\u0085\u00a0") == "" {
				continue
			}
			rows = append(rows, row.Cells)
			if err := w.Write(row.Cells...); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		second, err := table.Open(strings.NewReader(table.Mark + again.String()))
		if err != nil || len(r.Header()) == 1 { // one column may hold what looks like a delimiter
			return
		}
		if second.Format().Delimiter != ',' {
			return
		}
		for _, want := range rows {
			got, err := second.Next()
			if err != nil || !slices.Equal(got.Cells, want) {
				t.Fatalf("%q came back as %q, %v", want, got.Cells, err)
			}
		}
	})
}

func FuzzFormulas(f *testing.F) {
	f.Add("=1")
	f.Add("''-1")
	f.Fuzz(func(t *testing.T, cell string) {
		safe := table.Safe(cell)
		if table.Bare(safe) != cell {
			t.Errorf("%q came back as %q", cell, table.Bare(safe))
		}
		if safe != "" && strings.ContainsRune("=+@\t\r", rune(safe[0])) {
			t.Errorf("%q would run", safe)
		}
	})
}
