package torture

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dealbell/dealbell/internal/inbound"
)

// caddy runs Caddy with the repository's Caddyfile in front of a handler, on
// plain HTTP, and returns the port.
func caddy(tb testing.TB, h http.Handler) (port string) {
	tb.Helper()
	program, err := exec.LookPath("caddy")
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" && os.Getenv("DEALBELL_REQUIRE_ALL") != "1" {
		tb.Skip("Caddy is not installed; DEALBELL_REQUIRE_ALL=1 makes this an error")
	}
	if err != nil {
		tb.Fatal(err)
	}
	behind := httptest.NewServer(h)
	tb.Cleanup(behind.Close)
	shipped, err := os.ReadFile(filepath.Join("..", "..", "Caddyfile"))
	if err != nil {
		tb.Fatal(err)
	}
	port = freePort(tb)
	changed := string(shipped)
	for old, ours := range map[string]string{
		"crm.example.com {": "http://:" + port + " {",
		"127.0.0.1:3000":    behind.Listener.Addr().String(),
	} {
		if strings.Count(changed, old) != 1 {
			tb.Fatalf("the Caddyfile has %d times %q, want it once", strings.Count(changed, old), old)
		}
		changed = strings.Replace(changed, old, ours, 1)
	}
	dir := tb.TempDir()
	config := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(config, []byte("{\n\tadmin off\n\tauto_https off\n}\n"+changed), 0o600); err != nil {
		tb.Fatal(err)
	}
	command := exec.Command(program, "run", "--config", config, "--adapter", "caddyfile")
	command.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	var log logbook
	command.Stderr = &log
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if tb.Failed() {
			tb.Logf("Caddy said:\n%s", log.tail())
		}
	})
	eventually(tb, 20*time.Second, "Caddy answers", func() bool {
		status, _, err := ask(http.MethodGet, "http://127.0.0.1:"+port+"/healthz", "", nil)
		return err == nil && status == http.StatusOK
	})
	return port
}

func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// ownAddresses are those of this machine that the rest of the world could
// have.
func ownAddresses(tb testing.TB) (list []netip.Addr) {
	tb.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		tb.Fatal(err)
	}
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsGlobalUnicast() && !prefix.Addr().IsLoopback() {
			list = append(list, prefix.Addr())
		}
	}
	return list
}

// through is a client that comes from one of the machine's addresses.
func through(from netip.Addr) *http.Client {
	dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext}}
}

func TestNobodyChoosesTheirAddressThroughCaddy(t *testing.T) {
	t.Parallel()
	const combinations = 1000
	peers := ownAddresses(t)
	if len(peers) == 0 {
		if os.Getenv("CI") == "true" || os.Getenv("DEALBELL_REQUIRE_ALL") == "1" {
			t.Fatal("this machine has no address but loopback")
		}
		t.Skip("this machine has no address but loopback; DEALBELL_REQUIRE_ALL=1 makes this an error")
	}
	port := caddy(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, inbound.ClientAddr(r, nil))
	}))
	seed := seed(t)
	dice := rand.New(rand.NewPCG(seed, 9))
	var clients []*http.Client
	for _, peer := range peers {
		client := through(peer)
		defer client.CloseIdleConnections()
		clients = append(clients, client)
	}
	fooled := 0
	for range combinations {
		who := dice.IntN(len(peers))
		r, err := http.NewRequest(http.MethodPost, "http://"+net.JoinHostPort(peers[who].String(), port)+"/lead", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		pretend(r.Header, dice)
		if got, err := said(clients[who], r); err != nil || got != peers[who].String() {
			fooled++
			t.Errorf("%v with %q counts as %q, %v", peers[who], r.Header, got, err)
		}
	}
	t.Logf("figure: S9 the true peer behind Caddy, whatever %d requests of %d addresses claim | %d fooled it | seed %d", combinations, len(peers), fooled, seed)
}

// pretend adds what somebody sends who would like to be another.
func pretend(h http.Header, dice *rand.Rand) {
	headers := []string{"X-Forwarded-For", "X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "X-Forwarded-Host", "Connection", "Via"}
	values := []string{
		"127.0.0.1", "::1", "[::1]:80", "::ffff:127.0.0.1", "198.51.100.4", "unknown", "", ",", "\xff", "fe80::1%lo", "X-Forwarded-For",
		"close, X-Forwarded-For", "for=127.0.0.1", strings.Repeat("1.1.1.1,", 100) + "127.0.0.1", "127.0.0.1\t",
	}
	for range 1 + dice.IntN(4) {
		h.Add(headers[dice.IntN(len(headers))], values[dice.IntN(len(values))])
	}
}

func said(client *http.Client, r *http.Request) (string, error) {
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
