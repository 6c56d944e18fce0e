package form_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/dealbell/dealbell/internal/form"
)

func own(t *testing.T) form.Vendor {
	t.Helper()
	v, ok := form.Named("own")
	if !ok {
		t.Fatal("there is no vendor own")
	}
	return v
}

func TestOwnFormsKeepEveryField(t *testing.T) {
	t.Parallel()
	fields := func(namesAndValues ...string) (list []form.Field) {
		for pair := range slices.Chunk(namesAndValues, 2) {
			list = append(list, form.Field{Name: pair[0], Value: pair[1]})
		}
		return list
	}
	for _, tc := range []struct {
		name, contentType, body string
		want                    []form.Field
	}{
		{"JSON text", "application/json", `{"email":"a@x.io","name":" Ana ","company":""}`, fields("name", "Ana")},
		{
			"JSON of all types", "application/json", `{"email":"a@x.io","n":12345678901234567890,"f":1.50,"b":true,"z":null,"l":["a",2,null],"o":{"k":"<v>"}}`,
			fields("b", "true", "f", "1.50", "l", "a, 2", "n", "12345678901234567890", "o", `{"k":"<v>"}`),
		},
		{"JSON after a byte order mark", "application/json", "\ufeff" + `{"email":"a@x.io"}`, nil},
		{"the order of a form", "application/x-www-form-urlencoded", "z=1&email=a%40x.io&a=2+3&&z=4", fields("z", "1, 4", "a", "2 3")},
		{
			"multipart with a file", "multipart/form-data; boundary=b",
			"--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@x.io\r\n--b\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"cv.pdf\"\r\n\r\nPDF\r\n--b--\r\n",
			fields("cv", "file cv.pdf"),
		},
		{"control characters and line ends", "application/json", `{"email":"a@x.io","message":"a\u0000b\r\nc\td\u0007"}`, fields("message", "ab\nc\td")},
		{"broken UTF-8 in JSON", "application/json", "{\"email\":\"a@x.io\",\"name\":\"a\xff\xfeb\"}", fields("name", "a\ufffd\ufffdb")},
		{
			"long names that begin alike", "application/x-www-form-urlencoded", "email=a%40x.io&" + strings.Repeat("n", 200) + "1=a&" + strings.Repeat("n", 200) + "2=b",
			fields(strings.Repeat("n", 199)+"…", "a", strings.Repeat("n", 199)+"…", "b"),
		},
		{"broken UTF-8", "application/x-www-form-urlencoded", "email=a%40x.io&name=%ff%fe", fields("name", "\ufffd")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := own(t).Decode(nil, tc.contentType, []byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if got.Email != "a@x.io" {
				t.Errorf("email = %q, want a@x.io", got.Email)
			}
			if diff := cmp.Diff(tc.want, got.Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnFormsHaveAtMostFiveHundredFields(t *testing.T) {
	t.Parallel()
	var j, u, m strings.Builder
	j.WriteString(`{"email":"a@x.io"`)
	u.WriteString("email=a%40x.io")
	for i := range 600 {
		fmt.Fprintf(&j, `,"f%d":1`, i)
		fmt.Fprintf(&u, "&f%d=1", i)
		fmt.Fprintf(&m, "--b\r\nContent-Disposition: form-data; name=\"f%d\"\r\n\r\n1\r\n", i)
	}
	for contentType, body := range map[string]string{
		"application/json": j.String() + "}", "application/x-www-form-urlencoded": u.String(), "multipart/form-data; boundary=b": m.String() + "--b--\r\n",
	} {
		_, err := own(t).Decode(nil, contentType, []byte(body))
		if refusal, ok := errors.AsType[*form.DecodeError](err); !ok || refusal.Problem != form.Malformed || !strings.Contains(refusal.Detail, "more than 500 fields") {
			t.Errorf("%s: %v, want a refusal for too many fields", contentType, err)
		}
	}
}

func FuzzDecodeOwn(f *testing.F) {
	for _, seed := range []struct{ contentType, body string }{
		{"application/json", `{"email":"a@x.io","a":[{"b":null}]}`},
		{"application/json", strings.Repeat("[", 1000)},
		{"application/x-www-form-urlencoded", "email=a%40x.io&email=b&a=%zz&=&&"},
		{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=email\r\n\r\na@x.io\r\n--b--"},
		{"text/plain", "x"},
		{"", ""},
		{"application/json; charset=\xff", "{}"},
	} {
		f.Add(seed.contentType, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		got, err := own(t).Decode(nil, contentType, body)
		if err != nil {
			refusal, ok := errors.AsType[*form.DecodeError](err)
			if !ok || refusal.Detail == "" {
				t.Fatalf("Decode = %v, want a *DecodeError with a detail", err)
			}
			return
		}
		if len(got.Fields) > 500 || strings.ContainsRune(got.Email, 0) {
			t.Fatalf("accepted %+v", got)
		}
		for _, field := range got.Fields {
			if field.Value == "" || !utf8.ValidString(field.Value) || strings.ContainsRune(field.Value, 0) || strings.EqualFold(field.Name, "email") {
				t.Fatalf("field %+q", field)
			}
		}
	})
}

// Any value of JSON reads like what encoding/json makes of it.
func FuzzOwnJSON(f *testing.F) {
	for _, seed := range []string{
		`"a"`, `[1,[2.50,null],["",{"b":"<\u003e","a":[true,false]}]]`, `{"a":1,"a":{"é\n":"\ud83d\ude00\\"}}`, "{ \"a\" :\t[ ] , \"\xff\":\"\xfe\"}\r\n", `-0.1e+10`, `"\ud800"`,
	} {
		f.Add(seed)
	}
	read := func(t *testing.T, v string) (string, bool) {
		t.Helper()
		got, err := own(t).Decode(nil, "application/json", []byte(`{"email":"a@x.io","v":`+v+"}"))
		return got.Value("v"), err == nil
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := read(t, text)
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil || !json.Valid([]byte(text)) {
			if !json.Valid([]byte(`{"email":"a@x.io","v":`+text+"}")) && ok {
				t.Fatalf("%q was read, as %q", text, got)
			}
			return
		}
		quoted, err := json.Marshal(flatten(v))
		if err != nil {
			t.Fatal(err)
		}
		want, _ := read(t, string(quoted))
		if ok && got != want || !ok && strings.Count(text, "[")+strings.Count(text, "{") < 100 && len(text) < 50_000 {
			t.Fatalf("%q reads %q (%v), want %q", text, got, ok, want)
		}
	})
}

func flatten(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		var parts []string
		for _, part := range v {
			if text := flatten(part); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, ", ")
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(text.String(), "\n")
}
