package form_test

import (
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
		if got.Email == "" || len(got.Fields) > 500 {
			t.Fatalf("accepted %+v", got)
		}
		for _, field := range got.Fields {
			if field.Value == "" || !utf8.ValidString(field.Value) || strings.ContainsRune(field.Value, 0) || strings.EqualFold(field.Name, "email") {
				t.Fatalf("field %+q", field)
			}
		}
	})
}
