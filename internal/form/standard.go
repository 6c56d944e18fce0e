package form

import "net/http"

// decodeStandard reads what follows Standard Webhooks: type, timestamp and
// data, whose members become fields with their path as name
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
func decodeStandard(r request) (Submission, error) {
	v, err := readObject(r.body)
	if err != nil {
		return Submission{}, err
	}
	data := v.get("data")
	if data.kind != object {
		return Submission{}, lacking("Standard Webhooks", "object data")
	}
	d := draft{
		id:   standardID(r.header),
		at:   v.get("timestamp").text,
		kind: v.get("type").text,
	}
	d.addPaths("", data)
	return d.submission()
}

// standardID is unique to a message and the same when it is sent again. Of the
// two names of the header, only the one beside the signature is signed.
func standardID(h http.Header) string {
	if h.Get("Webhook-Signature") == "" && h.Get("Svix-Signature") != "" {
		return h.Get("Svix-Id")
	}
	return h.Get("Webhook-Id")
}

// addPaths takes what an object holds at all depths.
func (d *draft) addPaths(path string, v value) {
	for i, name := range v.members {
		name = label(path + name)
		if item := v.items[i]; item.kind == object {
			d.addPaths(name+".", item)
		} else {
			d.add(given, name, item.plain())
		}
	}
}
