package torture

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
)

// hookSecret signs webhook events of the daemons that hostile rigs start.
const hookSecret = "hook-secret"

// attack is a way to make a request that no honest client makes.
type attack struct {
	name string
	make func(dice *rand.Rand) []byte // all that is sent
}

// paths are where attacks go: all that is public, and what is not.
var paths = []string{"/lead", "/lead", "/lead", "/notion-webhook", "/notion-webhook", "/healthz", "/readyz", "/forms/contact", "/metrics", "/", "/x/../lead"}

func pick[T any](dice *rand.Rand, all ...T) T { return all[dice.IntN(len(all))] }

// raw is a request as it is written; a blank header stands for none.
func raw(method, target string, body []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: crm.example.com\r\nConnection: close\r\n", method, target)
	for _, h := range headers {
		if h != "" {
			b.WriteString(h + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// sized is a whole request.
func sized(target string, body []byte, headers ...string) []byte {
	return raw("POST", target, body, append(headers, fmt.Sprintf("Content-Length: %d", len(body)))...)
}

const (
	typeJSON = "Content-Type: application/json"
	typeForm = "Content-Type: application/x-www-form-urlencoded"
)

// signedLead is a request that the website itself would send, but for its
// content.
func signedLead(contentType string, body []byte, headers ...string) []byte {
	return sized("/lead", body, append(headers, contentType, "X-Form-Signature: "+sign(formSecret, body))...)
}

func signedEvent(body []byte) []byte {
	return sized("/notion-webhook", body, typeJSON, "X-Notion-Signature: "+sign(hookSecret, body))
}

// from is the address of one of few hostile people: their leads are worked in
// together.
func from(dice *rand.Rand) string { return fmt.Sprintf("mallory%d@example.com", dice.IntN(6)) }

// wrapped puts a raw JSON value into a lead, different each time.
func wrapped(dice *rand.Rand, field string) []byte {
	return fmt.Appendf(nil, `{"email":%q,"n":%d,%s}`, from(dice), dice.Uint64(), field)
}

func quoted(s string) string { return `"` + s + `"` }

// hostileValues are JSON members that a decoder may choke on.
func hostileValues(dice *rand.Rand) string {
	deep := 100 + dice.IntN(12_000)
	return pick(
		dice,
		`"message":`+strings.Repeat("[", deep)+strings.Repeat("]", deep),
		`"message":`+strings.Repeat("[", 9000)+quoted(strings.Repeat("x", 40_000))+strings.Repeat("]", 9000),
		`"message":`+strings.Repeat("[", 6000)+quoted(strings.Repeat("x", 30_000))+strings.Repeat(",1]", 6000),
		`"message":`+strings.Repeat(`{"a":`, deep/2)+"1"+strings.Repeat("}", deep/2),
		`"message":`+strings.Repeat("[", 10_001)+strings.Repeat("]", 10_001),
		quoted(strings.Repeat("k", 60_000))+`:1`,
		`"message":"`+strings.Repeat(`\u0000`, 5000)+`"`,
		"\"message\":\"\xff\xfe\xc3\x28\xed\xa0\x80\"",
		"\"message\":\"\x00\"",
		`"message":"\ud800\udfff\udc00 \ud83d"`,
		`"email":"another@example.com","EMAIL":"third@example.com","email":""`,
		`"message":1e999999,"name":-0,"company":123456789012345678901234567890`,
		`"":"","\u0000":"x"," ":"y","__proto__":{"a":1},"constructor":null`,
		`"message":"`+strings.Repeat(`\n`, 15_000)+`"`,
		`"message":"`+strings.Repeat("a\u0301\u0302\u0303", 5000)+`"`,
		`"message":"e`+strings.Repeat("\u0301", 20_000)+`"`,
		`"message":"`+strings.Repeat("👨‍👩‍👧", 2000)+`"`,
		`"name":"`+strings.Repeat("n", 50_000)+`"`,
		`"utm_source":"`+strings.Repeat("a,b;", 10_000)+`"`,
		`"utm_source":"`+strings.Repeat("\u202e", 500)+`"`,
		`"company":{"a":[1,{"b":null}],"c":true}`,
		`"name":["a",["b",["c"]],{}]`,
		`"message":"{{.}}${7*7}<%= 1 %><script>alert(1)</script>'; drop table inbox; --"`,
		manyMembers(dice.IntN(2000)),
		`"message":"x"}{"email":"b@example.com"`,
		`"message":`+strings.Repeat(" ", 50_000)+`"x"`,
		`"message":"`+strings.Repeat(`\"\\\/`, 5000)+`"`,
	)
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"f%d":%d,`, i, i)
	}
	return b.String() + `"last":0`
}

// oddEmails are values of the one field that has to be there.
func oddEmails(dice *rand.Rand) string {
	return pick(dice, `["a@example.com"]`, `{"a":1}`, `7`, `true`, `null`, `""`, `"a@b"`, quoted(strings.Repeat("a", 300)+"@example.com"),
		`"\u202emoc.elpmaxe@a"`, `"a@exa\u0000mple.com"`, `"<a@example.com>"`, `"a@example.com\r\nBcc: b@example.com"`, `"@"`, `"a@[::1]"`,
		quoted("a@"+strings.Repeat("xn--", 50)+".com"), quoted(strings.Repeat("ﷺ", 60)+"@example.com"), `"a@ⓔxample.com"`, quoted("a@"+ideographs(15_000)+".com"), quoted(ideographs(15_000)+"@example.com"))
}

// ideographs are so many different characters of three bytes each.
func ideographs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteRune(rune(0x4e00 + i))
	}
	return b.String()
}

func urlencoded(dice *rand.Rand) []byte {
	return []byte(pick(dice,
		strings.Repeat("a&", 100_000), strings.Repeat("a=b&", 15_000), strings.Repeat("&", 60_000), strings.Repeat("=", 60_000),
		"email="+from(dice)+"&message=%00%ff%c3%28%ed%a0%80", "email=%zz", "email="+from(dice)+"&message=%", "email="+from(dice)+";message=x",
		"email="+from(dice)+strings.Repeat("&email=x", 400), "email="+from(dice)+strings.Repeat("&a=b", 498)+"&message="+strings.Repeat("%0a", 5000),
		"a[b][c][]="+strings.Repeat("[", 1000)+"&email="+from(dice), "email="+from(dice)+"&message=\x00\x1b[31m\x9b", strings.Repeat("%41", 20_000)+"=x&email="+from(dice),
	))
}

const boundary = "x-boundary-x"

const typeMultipart = "Content-Type: multipart/form-data; boundary=" + boundary

func part(header, content string) string {
	return "--" + boundary + "\r\n" + header + "\r\n\r\n" + content + "\r\n"
}

func field(name, content string) string {
	return part(`Content-Disposition: form-data; name="`+name+`"`, content)
}

func multiparts(dice *rand.Rand) []byte {
	email, end := field("email", from(dice)), "--"+boundary+"--\r\n"
	return []byte(pick(dice,
		strings.Repeat(field("a", "b"), 900)+email+end, strings.Repeat(field("", ""), 3000), email+strings.Repeat(field("a", "b"), 100), // without an end
		email+field(strings.Repeat("n", 40_000), "x")+end, email+part(strings.Repeat("X-A: b\r\n", 5000)+`Content-Disposition: form-data; name="m"`, "x")+end,
		email+part("", "x")+end, email+part("Content-Disposition: form-data", "x")+end, email+part("no header at all", "x")+end,
		email+part(`Content-Disposition: form-data; name="f"; filename="../../etc/passwd`+"\x00"+`"`, "x")+end,
		email+part(`Content-Disposition: form-data; name="f"; filename*=UTF-8''%e2%80%ae%0d%0a`, "x")+end,
		email+part("Content-Disposition: form-data; name=q\r\nContent-Transfer-Encoding: quoted-printable", "=zz=\r\n=ff")+end,
		email+part("Content-Disposition: form-data; name=q\r\nContent-Type: multipart/mixed; boundary=y", strings.Repeat("--y\r\n\r\n", 2000))+end,
		end, "--"+boundary, strings.Repeat("--"+boundary+"\r\n", 4000), strings.Repeat("\r\n", 30_000)+email+end, email+"--"+boundary+"-- trailing"+strings.Repeat("x", 1000),
	))
}

func bomb(megabytes int) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	for range megabytes {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	return b.Bytes()
}

func events(dice *rand.Rand) []byte {
	id := fmt.Sprintf("%032x", dice.Uint64())
	return []byte(pick(dice,
		`{"id":"`+id+`","type":"page.created","entity":{"id":"`+strings.Repeat("x", 10_000)+`","type":"page"}}`,
		`{"id":"`+id+`","type":"page.created","entity":{"id":"../../v1/users?x=","type":"page"},"data":{"parent":{"id":"\u0000"}}}`,
		`{"id":"`+id+`","type":"page.deleted","entity":{"id":"`+id+`","type":"page"},"timestamp":"9999-99-99T99:99:99Z"}`,
		`{"id":"`+strings.Repeat("i", 100_000)+`","type":"page.created"}`, `{"id":7,"type":{"a":1},"entity":[],"authors":{}}`,
		`{"id":"`+id+`","type":"`+strings.Repeat("t", 200_000)+`"}`, `{"id":"`+id+`","type":"data_source.schema_updated","entity":{"id":null}}`,
		`{"id":"`+id+`","type":"\u001b[2J\r\nlevel=ERROR msg=forged"}`, `{"verification_token":"`+strings.Repeat("t", 5000)+`"}`, `{"verification_token":{"a":1}}`,
		strings.Repeat("[", 20_000), strings.Repeat(`{"id":`, 9000)+"1"+strings.Repeat("}", 9000), "\x00\xff"+id, "", "null", `"`+id+`"`,
		quoted(strings.Repeat("k", 900_000)), `{"`+strings.Repeat("k", 900_000)+`":1}`,
		`{"id":"`+id+`","authors":[`+strings.Repeat(`{"id":"a"},`, 50_000)+`{"id":"b"}],"type":"page.content_updated","entity":{"id":"`+id+`"}}`,
	))
}
