package sandbox

import (
	"slices"
)

func decodeNumber(_ *decoder, at path, raw any) (any, error) {
	if _, ok := raw.(float64); ok || raw == nil {
		return raw, nil
	}
	return nil, at.refuse("a number or `null`", raw)
}

func decodeCheckbox(_ *decoder, at path, raw any) (any, error) {
	if _, ok := raw.(bool); ok {
		return raw, nil
	}
	return nil, at.refuse("a boolean", raw)
}

// decodeString reads the types that hold one string. An empty one is refused:
// null is how the API clears.
func decodeString(limit int) func(*decoder, path, any) (any, error) {
	return func(_ *decoder, at path, raw any) (any, error) {
		if raw == nil {
			return nil, nil
		}
		s, ok := raw.(string)
		if !ok {
			return nil, at.refuse("a string or `null`", raw)
		}
		if s == "" {
			return nil, at.refuse("populated or `null`", raw)
		}
		return s, at.dot("length").atMost(limit, codeUnits(s))
	}
}

// decodeReferences reads an array of {id}.
func decodeReferences(at path, raw any, keys ...string) ([]string, error) {
	items, err := at.list(raw)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for i, item := range items {
		obj, err := at.at(i).object(item)
		if err != nil {
			return nil, err
		}
		if err := at.at(i).only(obj, append(keys, "id")...); err != nil {
			return nil, err
		}
		id, err := at.at(i).dot("id").uuid(lookup(obj, "id"))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func decodePeople(d *decoder, at path, raw any) (any, error) {
	ids, err := decodeReferences(at, raw, "object", "type", "name", "avatar_url", "person", "bot")
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if d.w.user(id) == nil {
			return nil, d.w.notFound(d.version, "user", id)
		}
	}
	return ids, nil
}

// decodeRelation wants pages of the related data source.
func decodeRelation(d *decoder, at path, raw any) (any, error) {
	ids, err := decodeReferences(at, raw)
	if err != nil {
		return nil, err
	}
	if d.version == version2022 && len(d.prop.target.db.sources) > 1 {
		return nil, multipleSources(d.prop.target.db)
	}
	for _, id := range ids {
		related := d.w.sharedPage(id)
		if related == nil {
			return nil, d.w.notFound(d.version, "page", id)
		}
		if related.source != d.prop.target {
			return nil, invalid("Page with ID %s is not in the data source that %s relates to.", id, d.prop.name)
		}
	}
	return ids, nil
}

// decodeFiles takes external files only; there are no uploads to refer to.
func decodeFiles(_ *decoder, at path, raw any) (any, error) {
	items, err := at.list(raw)
	if err != nil {
		return nil, err
	}
	out := []file{}
	for i, item := range items {
		at := at.at(i)
		obj, err := at.object(item)
		if err != nil {
			return nil, err
		}
		if err := at.only(obj, "type", "name", "external"); err != nil {
			return nil, err
		}
		external, err := at.dot("external").object(lookup(obj, "external"))
		if err != nil {
			return nil, err
		}
		name, okName := obj["name"].(string)
		link, okLink := external["url"].(string)
		if !okName || !okLink || name == "" || link == "" {
			return nil, at.refuse("a file with a name and an external url", item)
		}
		if err := at.dot("name").dot("length").atMost(100, codeUnits(name)); err != nil {
			return nil, err
		}
		out = append(out, file{name, link})
	}
	return out, nil
}

func decodePlace(_ *decoder, at path, raw any) (any, error) {
	if raw == nil {
		return nil, nil
	}
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"name": nil, "address": nil, "aws_place_id": nil, "google_place_id": nil}
	for _, key := range []string{"lat", "lon"} {
		if _, ok := obj[key].(float64); !ok {
			return nil, at.dot(key).refuse("a number", lookup(obj, key))
		}
	}
	for _, key := range sortedKeys(obj) {
		if _, known := out[key]; !known && key != "lat" && key != "lon" {
			return nil, at.dot(key).refuse("not present", obj[key])
		}
		out[key] = obj[key]
	}
	return out, nil
}

func decodeVerification(_ *decoder, at path, raw any) (any, error) {
	obj, err := at.object(raw)
	if err != nil {
		return nil, err
	}
	state, _ := obj["state"].(string)
	if state != "verified" && state != "unverified" {
		return nil, at.dot("state").refuse("`\"verified\"` or `\"unverified\"`", lookup(obj, "state"))
	}
	return state, nil
}
