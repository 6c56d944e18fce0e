package cli

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/dealbell/dealbell/internal/crm"
)

type healthcheckCommand struct{}

// Run asks the daemon's /readyz.
func (healthcheckCommand) Run(s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	url := "http://" + reachable(c.Listen) + "/readyz"
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return crm.WithHint(fmt.Errorf("ask %s: %w", url, err), "is it running? dealbell status")
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return crm.WithHint(fmt.Errorf("ask %s: it answers %s", url, response.Status), "its log says why")
	}
	fmt.Fprintln(s.Stdout, "ready")
	return nil
}

// reachable turns the address of a listener into one to connect to.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
