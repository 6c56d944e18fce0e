-- +goose Up

-- Verified deliveries, kept raw. Times are UTC milliseconds everywhere.
create table inbox (
	seq          integer primary key autoincrement, -- order of arrival
	id           text    not null unique,           -- what the sender was told
	source       text    not null,                  -- the form it came in by
	key          text    not null,                  -- the contact's key: the normalised email
	content_type text    not null,
	body         blob    not null,                  -- as received, byte for byte
	received_at  integer not null,
	state        text    not null check (state in ('queued', 'noting', 'done', 'dead', 'dropped')),
	outcome      text    not null default '',       -- created or updated, once done
	page         text    not null default '',       -- the contact's page, once done
	job          integer not null default 0,        -- the dead letter it belongs to, while dead
	done_at      integer not null default 0
) strict;
create index inbox_open on inbox (key, seq) where state in ('queued', 'noting');
create index inbox_job on inbox (job) where job <> 0;
create index inbox_done on inbox (done_at) where state in ('done', 'dropped');

-- What was already accepted, so that a second sending has no second effect.
create table idempotency (
	scope      text    not null, -- 'key' or 'body', and the form
	token      text    not null, -- the Idempotency-Key, or the hash of the body
	body_hash  blob    not null,
	delivery   text    not null,
	expires_at integer not null,
	primary key (scope, token)
) strict, without rowid;
create index idempotency_expiry on idempotency (expires_at);

-- Rejected deliveries, so that a wrong secret never costs a lead.
create table quarantine (
	id           text    primary key,
	source       text    not null,
	reason       text    not null,
	content_type text    not null,
	signature    text    not null, -- headers as sent, to verify again after the secret is fixed
	timestamp    text    not null,
	idempotency_key text not null,
	body         blob    not null,
	received_at  integer not null
) strict;
create index quarantine_age on quarantine (received_at);

-- The queue. internal/queue draws how the states follow each other.
create table jobs (
	id         integer primary key autoincrement,
	kind       text    not null,
	lane       integer not null, -- 0 live, 1 notify, 2 sync, 3 bulk
	key        text    not null, -- at most one job of a key runs; '' for none
	uniq       text    not null, -- jobs of a kind that wait with the same value are one; '' for none
	payload    text    not null,
	state      text    not null check (state in ('ready', 'running', 'waiting', 'blocked', 'dead')),
	attempts   integer not null default 0,
	created_at integer not null,
	not_before integer not null default 0,
	last_error text    not null default ''
) strict;
create unique index jobs_unique on jobs (kind, uniq) where uniq <> '' and state in ('ready', 'waiting', 'blocked');
create index jobs_ready on jobs (lane, id) where state = 'ready';
create index jobs_waiting on jobs (not_before) where state = 'waiting';
create index jobs_running on jobs (id) where state = 'running';
create index jobs_dead on jobs (id) where state = 'dead';
create index jobs_key on jobs (key, id);

-- The last state of each Notion page that Dealbell saw.
create table snapshots (
	page       text    primary key,
	database   text    not null, -- as configured
	key        text    not null, -- normalised key property; '' when the row has none
	created_at integer not null,
	edited_at  integer not null, -- Notion's minute
	trashed    integer not null, -- or gone
	hash       text    not null, -- of property_values
	property_values text not null, -- JSON: property id -> value
	seen_at    integer not null
) strict;
create index snapshots_key on snapshots (database, key);

-- Creates that were begun and not yet known to have ended.
create table intents (
	database   text    not null,
	key        text    not null,
	begun_at   integer not null,
	unsure_at  integer not null default 0, -- since when the outcome is unknown; 0 while the call runs
	looks      integer not null default 0, -- look-ups that found nothing since then
	primary key (database, key)
) strict, without rowid;

-- Values that did not fit the schema, to be completed once it is fixed.
create table leftovers (
	database   text    not null,
	page       text    not null,
	property   text    not null, -- name as configured
	value      text    not null, -- JSON
	expected   text    not null,
	got        text    not null,
	noted_at   integer not null,
	primary key (page, property)
) strict, without rowid;

-- How far each database was read.
create table reads (
	database     text    primary key,
	resume_at    integer not null default 0, -- created_time from which an unfinished first read goes on
	completed_at integer not null default 0, -- when the first read was complete; 0 until then
	watermark    integer not null default 0  -- newest last_edited_time that is known to be seen
) strict;

-- Single facts, by name.
create table facts (
	name  text primary key,
	value text not null
) strict;
