package form

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/dealbell/dealbell/internal/crm"
)

// What a field for an email is called, folded: letters only, lower case.
var emailNames = [...]string{
	"email", "mail", "emailaddress", "mailaddress", "youremail", "youremailaddress", "workemail", "workemailaddress",
	"businessemail", "companyemail", "contactemail", "replyto", "yourmail", "whatisyouremail", "whatsyouremail",
	"whatisyouremailaddress", "whatsyouremailaddress",
	"emailadresse", "mailadresse", "ihreemail", "ihreemailadresse", "deineemail", "deineemailadresse", // de, da, nb
	"emailadres", "mailadres", "jouwemail", "uwemail", // nl
	"epost", "epostadress", "epostadresse", "mejl", "mejladress", "netfang", "sähköposti", "sähköpostiosoite", // sv, nb, is, fi
	"courriel", "adressecourriel", "adresseemail", "adressemail", "adresseélectronique", "votreemail", "votreadresseemail", // fr
	"correo", "correoelectrónico", "correoelectronico", "direccióndecorreo", "direccióndecorreoelectrónico", "tucorreo", "suemail", // es
	"correioeletrônico", "correioeletrónico", "endereçodeemail", "seuemail", // pt
	"indirizzoemail", "indirizzomail", "postaelettronica", "latuaemail", // it
	"adresemail", "twójemail", "emailováadresa", "emailcím", "adresadeemail", "epošta", "epasts", "elpaštas", // pl, cs, hu, ro, sl, lv, lt
	"eposta", "epostaadresi", "epostaadresiniz", // tr
	"почта", "электроннаяпочта", "элпочта", "имейл", "емейл", "адресэлектроннойпочты", "електроннапошта", "пошта", // ru, uk
	"ηλεκτρονικόταχυδρομείο", "ηλεκτρονικήδιεύθυνση", // el
	"メール", "メールアドレス", "eメール", "电子邮件", "电子邮箱", "邮箱", "邮件", "電子郵件", "電郵", "이메일", "이메일주소", // ja, zh, ko
	"البريدالإلكتروني", "الايميل", "الإيميل", "מייל", "אימייל", "דואראלקטרוני", "ایمیل", "ईमेल", "อีเมล", "surel", // ar, he, fa, hi, th, id
}

// Parts of a longer label that asks for an email. What was answered has to be
// an address as well.
var emailParts = [...]string{
	"mail", "courriel", "correo", "correio", "postaelettronica", "epost", "epošta", "mejl", "sähköposti", "netfang",
	"почт", "пошт", "имейл", "емейл", "ηλεκτρονικ", "メール", "邮", "電子郵", "電郵", "메일", "بريد", "ميل", "מייל", "דואר", "ایمیل", "ईमेल", "อีเมล", "replyto",
}

// The same for names: of a whole name, of its first and of its last part.
var (
	fullNames = [...]string{
		"name", "fullname", "yourname", "yourfullname", "contactname", "firstandlastname", "whatisyourname", "whatsyourname", "whatisyourfullname",
		"ihrname", "deinname", "vorundnachname", "vornameundnachname", "vollständigername", "naam", "namn", "navn", "nimi",
		"nomcomplet", "nometprénom", "prénometnom", "votrenom", "nombrecompleto", "nombreyapellido", "nombreyapellidos",
		"nomecompleto", "nomeecognome", "imięinazwisko", "jménoapříjmení", "adsoyad", "adınızsoyadınız", "фио", "имяифамилия",
		"姓名", "お名前", "氏名", "名前", "이름", "성함", "الاسم", "שם", "שםמלא",
	}
	firstNames = [...]string{
		"firstname", "first", "givenname", "forename", "whatisyourfirstname", "whatsyourfirstname", "vorname", "voornaam", "förnamn", "fornavn", "etunimi",
		"prénom", "prenom", "nombre", "nome", "imię", "jméno", "ad", "adı", "имя",
	}
	lastNames = [...]string{
		"lastname", "last", "surname", "familyname", "whatisyourlastname", "whatsyourlastname", "nachname", "familienname", "achternaam", "efternamn", "etternavn", "sukunimi",
		"nom", "nomdefamille", "apellido", "apellidos", "cognome", "sobrenome", "apelido", "nazwisko", "příjmení", "soyad", "soyadı", "фамилия",
	}
)

// fold leaves the letters of a label, so that "E-Mail *" is "email".
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(name))
}

// names lists what a field goes by, folded, and the last part of a path such
// as customer.email.
func (f Field) names() []string {
	var names []string
	for _, name := range append([]string{f.Name}, f.Keys...) {
		names = append(names, fold(name))
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			names = append(names, fold(name[dot+1:]))
		}
	}
	return names
}

func (f Field) called(words []string) bool {
	return slices.ContainsFunc(f.names(), func(name string) bool { return slices.Contains(words, name) })
}

func (f Field) asksForEmail() bool {
	return slices.ContainsFunc(f.names(), func(name string) bool {
		return slices.ContainsFunc(emailParts[:], func(part string) bool { return strings.Contains(name, part) })
	})
}

// emailOf finds the answer that is the submitter's email: one of the vendor's
// type for it, one called so, one whose label asks for it; then what nobody
// typed. Within this order an address comes before what is none. It returns
// -1 where known, which is the vendor's own knowledge, is as good.
func emailOf(answers []answer, known string) int {
	asks := make([]bool, len(answers)) // an email by name; of the long lists only once
	exact := make([]bool, len(answers))
	for i, a := range answers {
		exact[i] = a.called(emailNames[:])
		asks[i] = exact[i] || a.asksForEmail()
	}
	isAddress := func(i int) bool { _, err := crm.ParseEmail(answers[i].Value); return err == nil }
	typed := func(i int) bool { return answers[i].role == address }
	called := func(i int) bool { return exact[i] && answers[i].role != hidden }
	asked := func(i int) bool { return asks[i] && answers[i].role != hidden }
	unseen := func(i int) bool { return asks[i] && answers[i].role == hidden }
	for _, is := range []func(int) bool{typed, called, asked, unseen} {
		for i := range answers {
			if is(i) && isAddress(i) {
				return i
			}
		}
	}
	if known != "" {
		return -1
	}
	for _, is := range []func(int) bool{typed, called} {
		for i := range answers {
			if is(i) {
				return i
			}
		}
	}
	return -1
}

// nameOf finds the submitter's name among the answers.
func nameOf(answers []answer) string {
	first, last := "", ""
	for _, a := range answers {
		text := label(a.Value)
		switch {
		case a.called(fullNames[:]):
			return text
		case first == "" && a.called(firstNames[:]):
			first = text
		case last == "" && a.called(lastNames[:]):
			last = text
		}
	}
	return strings.TrimSpace(first + " " + last)
}
