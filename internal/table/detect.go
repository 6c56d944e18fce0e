package table

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"

	"github.com/dealbell/dealbell/internal/crm"
)

// The encodings that are read.
const (
	utf8Plain   = "UTF-8"
	utf16Little = "UTF-16 LE"
	utf16Big    = "UTF-16 BE"
	windows1252 = "Windows-1252"
)

const (
	sampleBytes = 64 << 10
	sampleRows  = 50
)

// look is what one pass over a file shows.
type look struct {
	head  []byte // its beginning
	sum   [32]byte
	valid bool // it is UTF-8
	nuls  [2]int64
	bytes int64
}

// inspect reads a file once.
func inspect(file io.Reader) (look, error) {
	l := look{valid: true}
	hash := sha256.New()
	buffer := make([]byte, sampleBytes)
	var rest []byte // of a character that a piece cuts
	for {
		n, err := io.ReadFull(file, buffer)
		piece := buffer[:n]
		if l.head == nil {
			l.head = slices.Clone(piece)
		}
		hash.Write(piece)
		for i, b := range piece {
			if b == 0 {
				l.nuls[(l.bytes+int64(i))%2]++
			}
		}
		if l.bytes += int64(n); l.bytes > MostBytes {
			return l, fmt.Errorf("the file has more than %d MB; split it", MostBytes>>20)
		}
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		rest = l.check(append(rest, piece...), ended)
		if ended {
			l.sum = [32]byte(hash.Sum(nil))
			return l, nil
		}
		if err != nil {
			return l, fmt.Errorf("read table: %w", err)
		}
	}
}

// check looks whether a piece is UTF-8 and returns the character that it cuts.
func (l *look) check(piece []byte, last bool) (rest []byte) {
	if !last {
		for cut := len(piece) - 1; cut >= max(0, len(piece)-utf8.UTFMax); cut-- {
			if utf8.RuneStart(piece[cut]) {
				if !utf8.FullRune(piece[cut:]) {
					rest = slices.Clone(piece[cut:])
					piece = piece[:cut]
				}
				break
			}
		}
	}
	l.valid = l.valid && utf8.Valid(piece)
	return rest
}

// magics are the beginnings of files that people take for a table.
var magics = [...]struct{ begins, what, hint string }{
	{"PK\x03\x04", "an Excel workbook (or another packed file)", "open it and save it as CSV UTF-8"},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook", "open it and save it as CSV UTF-8"},
	{"%PDF", "a PDF", "export the data as CSV"},
	{"\x1f\x8b", "packed with gzip", "unpack it first"},
}

// encoding tells how the text is written.
func (l look) encoding() (string, error) {
	for _, m := range magics {
		if bytes.HasPrefix(l.head, []byte(m.begins)) {
			return "", crm.WithHint(errors.New("the file is not CSV but "+m.what), m.hint)
		}
	}
	even, odd := l.nuls[0], l.nuls[1]
	switch {
	case bytes.HasPrefix(l.head, []byte("\xff\xfe")):
		return utf16Little, nil
	case bytes.HasPrefix(l.head, []byte("\xfe\xff")):
		return utf16Big, nil
	case odd > l.bytes/6 && even < odd/10:
		return utf16Little, nil
	case even > l.bytes/6 && odd < even/10:
		return utf16Big, nil
	case even+odd > 0:
		return "", crm.WithHint(errors.New("the file is not CSV: it holds NUL bytes, which no text does"), "export the data as CSV")
	case l.valid:
		return utf8Plain, nil
	}
	return windows1252, nil
}

// decoded returns the text of a file and a sample of its beginning.
func decoded(file io.Reader, name string) (text *bufio.Reader, sample string, err error) {
	decoders := map[string]encoding.Encoding{
		utf8Plain:   unicode.UTF8BOM,
		utf16Little: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		utf16Big:    unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		windows1252: charmap.Windows1252,
	}
	text = bufio.NewReaderSize(transform.NewReader(file, decoders[name].NewDecoder()), sampleBytes)
	head, err := text.Peek(sampleBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	sample = string(head)
	if !strings.Contains(sample, "\n") && strings.Contains(sample, "\r") { // as old Macs end lines
		text = bufio.NewReaderSize(transform.NewReader(text, runes.Map(func(r rune) rune {
			if r == '\r' {
				return '\n'
			}
			return r
		})), sampleBytes)
		sample = strings.ReplaceAll(sample, "\r", "\n")
	}
	return text, sample, nil
}

var delimiters = [...]rune{',', ';', '\t', '|'}

// delimiter tells what stands between cells: what gives the most rows as many
// cells as the header. Excel may say it itself in a first line; skip counts it.
func delimiter(sample string) (best rune, skip int) {
	first, _, _ := strings.Cut(sample, "\n")
	if said, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(first, "\r")), "sep="); ok {
		for _, d := range delimiters {
			if said == string(d) {
				return d, 1
			}
		}
	}
	best = ','
	mostShare, mostCells := 0.0, 1
	for _, d := range delimiters {
		share, cells := fits(sample, d)
		if cells > 1 && (share > mostShare || share == mostShare && cells > mostCells) {
			best, mostShare, mostCells = d, share, cells
		}
	}
	return best, 0
}

// fits tells which share of the rows has as many cells as the header.
func fits(sample string, delimiter rune) (share float64, cells int) {
	r := newCSV(strings.NewReader(sample), delimiter)
	same, all := 0, 0
	for range sampleRows {
		record, err := r.Read()
		if err != nil {
			if all > 0 && errors.As(err, new(*csv.ParseError)) && len(sample) < sampleBytes-utf8.UTFMax {
				all++ // not because the sample ends there
			}
			break
		}
		switch {
		case all == 0:
			cells, same = len(record), 1
		case len(record) == cells:
			same++
		}
		all++
	}
	if all == 0 {
		return 0, 0
	}
	return float64(same) / float64(all), cells
}
