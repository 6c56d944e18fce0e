package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/dealbell/dealbell/internal/secret"
)

// The cost of one guess, by OWASP's Password Storage Cheat Sheet: argon2id
// with 19 MiB, 2 passes and 1 lane. RFC 9106's second choice, 64 MiB, is as
// much as the daemon may take in all.
const (
	hashMemory = 19 * 1024 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashLength = 32
	saltLength = 16
)

// What a password may be long, in characters. Beyond the upper end only a
// flood comes.
const (
	minPassword = 12
	maxPassword = 256
)

// HashPassword returns what is kept of a password, in the PHC string format.
// The error is for whoever chose it.
func HashPassword(password secret.String) (string, error) {
	switch n := utf8.RuneCountInString(password.Reveal()); {
	case n < minPassword:
		return "", fmt.Errorf("the password has %d characters, it needs at least %d", n, minPassword)
	case n > maxPassword:
		return "", fmt.Errorf("the password has %d characters, more than %d", n, maxPassword)
	}
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // it never fails
	sum := derive(password, salt, hashPasses, hashMemory, hashLanes)
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes, text(salt), text(sum)), nil
}

// derive hashes a password, however the keyboard composed its characters.
func derive(password secret.String, salt []byte, passes, memory uint32, lanes uint8) []byte {
	return argon2.IDKey([]byte(norm.NFKC.String(password.Reveal())), salt, passes, memory, lanes, hashLength)
}

var errHash = errors.New("the stored password is not readable")

// verify reports whether a password is the one that was hashed.
func verify(hash string, password secret.String) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) != hashLength {
		return false, errHash
	}
	return subtle.ConstantTimeCompare(derive(password, salt, passes, memory, lanes), want) == 1, nil
}
