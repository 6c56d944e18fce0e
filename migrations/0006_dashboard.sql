-- +goose Up

-- Who is logged in to the dashboard. Only hashes of what browsers hold.
create table sessions (
	hash       blob    primary key, -- SHA-256 of the cookie
	started_at integer not null,
	seen_at    integer not null     -- to the hour
) strict, without rowid;
create index sessions_age on sessions (seen_at);

-- Links by which a password may be set, once.
create table setup_links (
	hash       blob    primary key, -- SHA-256 of the token in the link
	expires_at integer not null
) strict, without rowid;

-- The dashboard lists deliveries from the newest on, of one form, contact or
-- state, and counts them by day.
create index inbox_source on inbox (source, seq);
create index inbox_received on inbox (received_at);
create index inbox_dropped on inbox (seq) where state = 'dropped';
