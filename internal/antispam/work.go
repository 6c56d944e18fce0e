package antispam

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/altcha-org/altcha-lib-go"
)

const (
	workAge  = 10 * time.Minute // a challenge is good for so long
	maxProof = 1024             // longer ones are not looked at
)

// challenge asks for work in ALTCHA's form. Its salt begins with the token's
// nonce, so that one record of used nonces serves both.
func (g *Guard) challenge(nonce string, most int64, now time.Time) (altcha.Challenge, error) {
	return altcha.CreateChallenge(altcha.ChallengeOptions{
		Algorithm: altcha.SHA256, MaxNumber: most, HMACKey: g.works,
		Salt: nonce, Params: url.Values{"expires": {strconv.FormatInt(now.Add(workAge).Unix(), 10)}},
	})
}

// worked reports whether the proof solves the challenge that came with the
// nonce. The time is compared here, since the library asks the clock itself.
func (g *Guard) worked(proof, nonce string, now time.Time) bool {
	if proof == "" || len(proof) > maxProof {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(proof)
	var solution altcha.Payload
	if err != nil || json.Unmarshal(raw, &solution) != nil {
		return false
	}
	expires, err := strconv.ParseInt(altcha.ExtractParams(solution).Get("expires"), 10, 64)
	if err != nil || now.Unix() > expires || !strings.HasPrefix(solution.Salt, nonce+"?") || solution.Algorithm != string(altcha.SHA256) {
		return false
	}
	ok, err := altcha.VerifySolutionSafe(solution, g.works, false)
	return ok && err == nil
}
