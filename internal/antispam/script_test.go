package antispam_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dealbell/dealbell/internal/antispam"
)

func TestNothingEndsTheScriptEarly(t *testing.T) {
	t.Parallel()
	p := antispam.Standard("</script><script>alert(1)//\u2028\"'`${x}", site)
	p.Honeypot = "\");alert(2)//"
	text, err := p.Script("/lead</script>")
	if err != nil {
		t.Fatal(err)
	}
	i := strings.LastIndex(string(text), ")({") // where the settings begin
	var settings map[string]string
	given, ok := strings.CutSuffix(string(text[i:]), ");\n")
	if !ok || json.Unmarshal([]byte(strings.TrimPrefix(given, ")(")), &settings) != nil || settings["path"] != "/lead</script>" {
		t.Errorf("the script ends with %s", text[i:])
	}
	if strings.ContainsAny(given, "<>&\u2028") {
		t.Errorf("the settings hold more than letters: %s", given)
	}
	if strings.Contains(strings.ToLower(string(text)), "</script") {
		t.Error("the script could end a page's script element")
	}
}

func TestTheScriptKeepsToAStrictPolicy(t *testing.T) {
	t.Parallel()
	p := contact()
	text, err := p.Script("/forms/contact")
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"eval(", "Function(", "innerHTML", "document.write", "setAttribute(\"style\"", "localStorage", "document.cookie", "console."} {
		if strings.Contains(string(text), forbidden) {
			t.Errorf("the script contains %s", forbidden)
		}
	}
	t.Logf("figure: S6 the script has %d bytes", len(text))
	if len(text) > 10<<10 {
		t.Errorf("the script has %d bytes, want at most 10 KiB", len(text))
	}
}
