package torture

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// small is a harmless body for attacks that are about something else.
const small = `{"email":"mallory@example.com","message":"x"}`

// framings lie about where a body ends.
func framings(dice *rand.Rand) []byte {
	to := pick(dice, paths...)
	smuggled := "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	chunked := "Transfer-Encoding: chunked"
	return pick(dice,
		raw("POST", to, []byte(smuggled), typeJSON, "Content-Length: 6", chunked), raw("POST", to, []byte(smuggled), chunked, "Content-Length: 5"),
		raw("POST", to, []byte(small), "Content-Length: 5", "Content-Length: 45"), raw("POST", to, []byte(small), "Content-Length: 45, 45"),
		raw("POST", to, []byte(small), "Content-Length: -1"), raw("POST", to, []byte(small), "Content-Length: 9223372036854775807"),
		raw("POST", to, []byte(small), "Content-Length: 99999999999999999999999999"), raw("POST", to, []byte(small), "Content-Length: +45"),
		raw("POST", to, []byte(small), "Content-Length: 0x2d"), raw("POST", to, []byte(small), "Content-Length:"), raw("POST", to, []byte(small), "Content-Length: 4 5"),
		raw("POST", to, []byte(smuggled), "Transfer-Encoding: xchunked"), raw("POST", to, []byte(smuggled), "Transfer-Encoding: chunked, chunked"),
		raw("POST", to, []byte(smuggled), "Transfer-Encoding: gzip, chunked"), raw("POST", to, []byte(smuggled), "Transfer-Encoding : chunked"),
		raw("POST", to, []byte(smuggled), "Transfer-Encoding:\tchunked"), raw("POST", to, []byte(smuggled), "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
		raw("POST", to, []byte("zz\r\nx\r\n0\r\n\r\n"), chunked), raw("POST", to, []byte("ffffffffffffffffff\r\nx"), chunked), raw("POST", to, []byte("-1\r\nx\r\n"), chunked),
		raw("POST", to, []byte("1;"+strings.Repeat("e", 100_000)+"\r\nx\r\n0\r\n\r\n"), chunked), raw("POST", to, []byte("5\r\nhelloX\r\n0\r\n\r\n"), chunked),
		raw("POST", to, []byte("1\nx\n0\n\n"), chunked), raw("POST", to, []byte("0\r\n"+strings.Repeat("T: x\r\n", 20_000)+"\r\n"), chunked),
		raw("POST", to, []byte(strings.Repeat("1\r\nx\r\n", 30_000)+"0\r\n\r\n"), chunked, typeJSON), raw("POST", to, []byte("7fffffff\r\n"+strings.Repeat("x", 70_000)), chunked),
		raw("GET", to, []byte(small), "Content-Length: 45"), raw("POST", to, []byte(small), typeJSON), // no length at all
	)
}

// heads are lines before the body that nobody writes.
func heads(dice *rand.Rand) []byte {
	to := pick(dice, paths...)
	return pick(dice,
		raw("POST", to, nil, slices.Repeat([]string{"X-A: b"}, 3000)...), raw("POST", to, nil, "X-A: "+strings.Repeat("b", 1<<20)), raw("POST", to, nil, strings.Repeat("n", 30_000)+": x"),
		raw("POST", to, nil, "no colon"), raw("POST", to, nil, ": no name"), raw("POST", to, nil, "X A: b"), raw("POST", to, nil, "X-A: b", " folded"), raw("POST", to, nil, "X-A: \x00"),
		raw("POST", to, nil, "X-\x80: b"), raw("POST", to, nil, "X-A: b\rX-B: c"), raw("POST", to, nil, "Host: second.example.com"), raw("POST", to, nil, "Cookie: "+strings.Repeat("a=b; ", 3000)),
		sized(to, []byte(small), typeJSON, "Expect: 100-continue"), sized(to, []byte(small), "Expect: the-worst"), raw("GET", to, nil, "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
		raw("GET", to, nil, "Upgrade: websocket", "Sec-WebSocket-Key: x"), sized(to, []byte(small), "Content-Type: "+strings.Repeat("a/b;", 2000)), sized(to, []byte(small), "Content-Type: application/json; charset=utf-16"),
		sized(to, []byte(small), "Content-Type: multipart/form-data"), sized(to, []byte(small), "Content-Type: multipart/form-data; boundary="+strings.Repeat("b", 500)),
		sized(to, []byte(small), "Content-Type: \xff"), sized(to, []byte(small), typeJSON, "X-Form-Signature: "+strings.Repeat("sha256=00,", 1000)), sized(to, []byte(small), typeJSON, "X-Form-Signature: sha256=\xff"),
		sized(to, []byte(small), typeJSON, "X-Form-Signature: a", "X-Form-Signature: b"), sized(to, []byte(small), typeJSON, "X-Form-Timestamp: 99999999999999999999"),
		sized(to, []byte(small), typeJSON, "Idempotency-Key: "+strings.Repeat("k", 5000)), sized(to, []byte(small), "Prefer: wait=99999999999999999999; x=\"", typeJSON),
		raw("GET", to, nil, "Range: bytes=0-0,1-1", "If-None-Match: *"), raw("GET", to, nil, "Forwarded: for=\x7f"), []byte("POST "+to+" HTTP/1.1\r\n\r\n"), []byte("GET "+to+" HTTP/1.0\r\n\r\n"),
		[]byte("POST "+to+" HTTP/1.1\r\nHost: a b\r\n\r\n"), []byte("POST "+to+" HTTP/1.1\r\nHost: "+strings.Repeat("h", 10_000)+"\r\n\r\n"),
	)
}

// lines are request lines that nobody writes.
func lines(dice *rand.Rand) []byte {
	version := pick(dice, "HTTP/1.1", "HTTP/1.0", "HTTP/1.1", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/1.1 ", "")
	method := pick(dice, "POST", "GET", "post", "PÖST", "ПОСТ", "TRACE", "CONNECT", "OPTIONS", "PRI", "M-SEARCH", "PATCH", "DELETE", "P\tOST", "\x00", strings.Repeat("M", 9000), "G<script>")
	target := pick(dice, "/lead", "http://evil.example/lead", "http://127.0.0.1:1/notion-webhook", "//lead", "/lead/../lead", "/%6c%65ad", "/lead%00", "/lead?"+strings.Repeat("q", 9000), "/"+strings.Repeat("p", 60_000),
		"*", "evil.example:443", "lead", "/le ad", "/lead#x", "/\xff\xfe", "/lead\x00", "/lead;x=y", "/%zz", "\\lead", "https://[::1", "/healthz/", "/lead/%2e%2e/%2e%2e/etc/passwd", "/.env", "/readyz?x=%0d%0aSet-Cookie:a")
	return fmt.Appendf(nil, "%s %s %s\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", method, target, version, len(small), small)
}

// streams are several requests, or none.
func streams(dice *rand.Rand) []byte {
	get := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	lead := string(bytes.Replace(signedLead(typeJSON, wrapped(dice, `"message":"pipelined"`)), []byte("Connection: close\r\n"), nil, 1))
	noise := make([]byte, 1+dice.IntN(5000))
	for i := range noise {
		noise[i] = byte(dice.Uint32())
	}
	return []byte(pick(dice,
		strings.Repeat(get, 50), strings.Repeat(get, 10)+"garbage\r\n\r\n"+get, get+lead+get, lead+lead+"POST", strings.Repeat("\r\n", 2000)+get, get+"\r\n\r\n\r\n"+get,
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "GET /lead\r\n", "\r\n\r\n", "", string(noise), "SSH-2.0-x\r\n", "\x05\x01\x00", "EHLO x\r\n",
		strings.Repeat("A", 100_000), "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"+get,
	))
}

// attacks are all that is tried. Those called signed are believed: their
// content reaches the decoders and the jobs.
func attacks() []attack {
	large := bomb(10)
	whole := func(dice *rand.Rand) []byte {
		return pick(dice,
			signedLead(typeJSON, wrapped(dice, `"message":"x"`)), signedLead(typeForm, urlencoded(dice)), signedLead(typeMultipart, multiparts(dice)), signedEvent(events(dice)),
			framings(dice), heads(dice), lines(dice),
		)
	}
	return []attack{
		{"JSON", func(dice *rand.Rand) []byte {
			return sized(pick(dice, paths...), wrapped(dice, hostileValues(dice)), typeJSON)
		}},
		{"a key of 1 MB", func(dice *rand.Rand) []byte {
			return sized(pick(dice, paths...), []byte(`{"`+strings.Repeat("k", 1<<20)+`":1}`), typeJSON)
		}},
		{"signed JSON", func(dice *rand.Rand) []byte { return signedLead(typeJSON, wrapped(dice, hostileValues(dice))) }},
		{"signed JSON with an odd email", func(dice *rand.Rand) []byte {
			return signedLead(typeJSON, fmt.Appendf(nil, `{"n":%d,"email":%s}`, dice.Uint64(), oddEmails(dice)))
		}},
		{"urlencoded", func(dice *rand.Rand) []byte { return sized(pick(dice, paths...), urlencoded(dice), typeForm) }},
		{"signed urlencoded", func(dice *rand.Rand) []byte { return signedLead(typeForm, urlencoded(dice)) }},
		{"multipart", func(dice *rand.Rand) []byte { return sized(pick(dice, paths...), multiparts(dice), typeMultipart) }},
		{"signed multipart", func(dice *rand.Rand) []byte { return signedLead(typeMultipart, multiparts(dice)) }},
		{"another type than it says, signed", func(dice *rand.Rand) []byte {
			return signedLead(pick(dice, typeJSON, typeForm, typeMultipart, "Content-Type: text/html", ""), pick(dice, multiparts(dice), urlencoded(dice), []byte{}, wrapped(dice, hostileValues(dice))))
		}},
		{"gzip bomb", func(dice *rand.Rand) []byte {
			return sized(pick(dice, paths...), large, typeJSON, "Content-Encoding: "+pick(dice, "gzip", "GZIP", "deflate", "gzip, gzip", "br", "identity"))
		}},
		{"signed gzip bomb", func(dice *rand.Rand) []byte { return signedLead(typeJSON, large, "Content-Encoding: gzip") }},
		{"event", func(dice *rand.Rand) []byte { return sized("/notion-webhook", events(dice), typeJSON) }},
		{"signed event", func(dice *rand.Rand) []byte { return signedEvent(events(dice)) }},
		{"framing", framings},
		{"head", heads},
		{"request line", lines},
		{"stream", streams},
		{"half a request", func(dice *rand.Rand) []byte {
			all := whole(dice)
			return all[:dice.IntN(len(all)+1)]
		}},
		{"bytes changed", func(dice *rand.Rand) []byte {
			all := bytes.Clone(whole(dice))
			for range 1 + dice.IntN(8) {
				if i := dice.IntN(len(all)); dice.IntN(3) == 0 {
					all = append(all[:i], append([]byte{byte(dice.Uint32())}, all[i:]...)...)
				} else {
					all[i] = byte(dice.Uint32())
				}
			}
			return all
		}},
	}
}
