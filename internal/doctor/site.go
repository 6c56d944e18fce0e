package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// renewal is how long before its end a certificate should have been renewed:
// Caddy does it when a third of its time is left.
const renewal = 10 * 24 * time.Hour

// public asks for the daemon's health the way a website would reach it,
// through the name's DNS, the firewall and the proxy.
func (s *Service) public(ctx context.Context) []Finding {
	const check = "public address"
	if s.o.PublicURL == "" {
		return []Finding{{check, Unknown, "nobody told where the world finds this Dealbell", "set public_url in the configuration file, or DEALBELL_PUBLIC_URL"}}
	}
	answer, err := s.get(ctx, "/healthz")
	if err != nil {
		return []Finding{{check, Failing, "it does not answer: " + unreached(err), advice(err)}}
	}
	if !answer.ours() {
		return []Finding{{
			check, Failing, fmt.Sprintf("somebody else answers there (status %d)", answer.status),
			"does the Caddyfile pass this host to the address that DEALBELL_LISTEN names? systemctl reload caddy",
		}}
	}
	found := []Finding{answer.certificate(check)}
	if admin, err := s.get(ctx, "/api/v1/status"); err == nil && admin.status != http.StatusNotFound {
		found = append(found, Finding{check, Failing, "the admin listener is open to the world", "let the proxy pass on the address of DEALBELL_LISTEN alone"})
	}
	return found
}

// answer is what came back from the public address.
type answer struct {
	status int
	body   []byte
	tls    *tls.ConnectionState
}

func (s *Service) get(ctx context.Context, path string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.o.PublicURL+path, nil)
	if err != nil {
		return answer{}, err
	}
	response, err := s.o.World.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return answer{response.StatusCode, body, response.TLS}, err
}

// ours reports whether a Dealbell answered.
func (a answer) ours() bool {
	var health struct {
		Status string         `json:"status"`
		Parts  map[string]any `json:"parts"`
	}
	return json.Unmarshal(a.body, &health) == nil && health.Status != "" && health.Parts["store"] != nil
}

func (a answer) certificate(check string) Finding {
	if a.tls == nil || len(a.tls.PeerCertificates) == 0 {
		return Finding{check, Warning, "it answers, but without TLS: what visitors send can be read on its way", "put Caddy in front of it; see the Caddyfile"}
	}
	left := time.Until(a.tls.PeerCertificates[0].NotAfter)
	text := fmt.Sprintf("it answers, with a certificate that ends in %d days", int(left.Hours()/24))
	if left < renewal {
		return Finding{check, Warning, text, "Caddy should have renewed it by now: journalctl -u caddy"}
	}
	return fine(check, text)
}

// unreached says why there was no answer, without naming hosts.
func unreached(err error) string {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "the name is not known to the DNS"
		}
		return "the DNS does not answer"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
			return "its certificate has expired"
		}
		return "its certificate is not valid for it"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Op + ": " + e.Err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + patience.String()
	}
	return "the connection failed"
}

func advice(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "let an A or AAAA record of the name lead to this machine"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "why has Caddy no certificate? journalctl -u caddy"
	}
	return "does Caddy run, and does the firewall let ports 80 and 443 in? systemctl status caddy"
}
