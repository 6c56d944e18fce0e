package form_test

import (
	"testing"

	"github.com/dealbell/dealbell/internal/form"
)

func TestTheEmailAndTheNameAreFound(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, body, email, person string }{
		{"by their names", `{"name":"Ana","email":"a@x.io"}`, "a@x.io", "Ana"},
		{"with a star and in capitals", `{"NAME *":"Ana","E-MAIL *":"a@x.io"}`, "a@x.io", "Ana"},
		{"in German", `{"Vorname":"Ana","Nachname":"Lima","E-Mail-Adresse":"a@x.io"}`, "a@x.io", "Ana Lima"},
		{"in French", `{"Prénom":"Ana","Nom":"Lima","Courriel":"a@x.io"}`, "a@x.io", "Ana Lima"},
		{"in Spanish", `{"Nombre completo":"Ana Lima","Correo electrónico":"a@x.io"}`, "a@x.io", "Ana Lima"},
		{"in Japanese", `{"お名前":"アナ","メールアドレス":"a@x.io"}`, "a@x.io", "アナ"},
		{"in Russian", `{"Имя":"Аня","Эл. почта":"a@x.io"}`, "a@x.io", "Аня"},
		{"in Arabic", `{"الاسم":"آنا","البريد الإلكتروني":"a@x.io"}`, "a@x.io", "آنا"},
		{"in a question", `{"What is your name?":"Ana","Which email may we write to?":"a@x.io"}`, "a@x.io", "Ana"},
		{"the one called so before one that asks", `{"Email of a colleague":"b@x.io","Email":"a@x.io"}`, "a@x.io", ""},
		{"an address before what is none", `{"Email":"none","Your email again":"a@x.io"}`, "a@x.io", ""},
		{"what was typed, when nothing is an address", `{"Email":"ana at x.io"}`, "ana at x.io", ""},
		{"not in an answer about mails", `{"May we email you?":"yes","Mailing list":"weekly"}`, "", ""},
		{"not in a message", `{"message":"write to a@x.io","contact":"b@x.io"}`, "", ""},
		{"a file's or a company's name is nobody's", `{"File name":"a.pdf","Company name":"Ltd"}`, "", ""},
	} {
		got, err := vendor(t, "framer").Decode(nil, "", []byte(tc.body))
		if err != nil || got.Email != tc.email || got.Name != tc.person {
			t.Errorf("%s: %q, %q, %v; want %q, %q", tc.name, got.Email, got.Name, err, tc.email, tc.person)
		}
	}
}

func TestAValueIsFoundByNameThenByKey(t *testing.T) {
	t.Parallel()
	s := form.Submission{
		EmailFrom: form.Field{Name: "Work e-mail", Keys: []string{"mail"}, Value: "a@x.io"},
		Fields:    []form.Field{{Name: "Question", Keys: []string{"Company"}, Value: "by key"}, {Name: "company", Value: "by name"}},
	}
	for name, want := range map[string]string{"COMPANY ": "by name", "question": "by key", "work e-mail": "a@x.io", "Mail": "a@x.io", "nothing": ""} {
		if got := s.Value(name); got != want {
			t.Errorf("Value(%q) = %q, want %q", name, got, want)
		}
	}
}
