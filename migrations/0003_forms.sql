-- +goose Up

-- Deliveries of any form, also those that are held because somebody has to
-- look at them first.
create table inbox_next (
	seq          integer primary key autoincrement, -- order of arrival
	id           text    not null unique,           -- what the sender was told
	source       text    not null,                  -- the form it came in by
	key          text    not null,                  -- the contact's key: the normalised email; else the delivery's id
	content_type text    not null,
	body         blob    not null,                  -- as received, byte for byte
	received_at  integer not null,
	state        text    not null check (state in ('held', 'queued', 'noting', 'done', 'dead', 'dropped')),
	reason       text    not null default '',       -- why it is or was held
	again        integer not null default 0,        -- it may have been worked in already, while held, dead or dropped
	outcome      text    not null default '',       -- created or updated, once done
	page         text    not null default '',       -- its page, once done
	job          integer not null default 0,        -- the dead letter it belongs to, while dead
	done_at      integer not null default 0
) strict;
insert into inbox_next (seq, id, source, key, content_type, body, received_at, state, again, outcome, page, job, done_at)
	select seq, id, source, key, content_type, body, received_at, state, state in ('dead', 'dropped'), outcome, page, job, done_at from inbox;
drop table inbox;
alter table inbox_next rename to inbox;
create index inbox_open on inbox (key, seq) where state in ('queued', 'noting');
create index inbox_held on inbox (seq) where state = 'held';
create index inbox_job on inbox (job) where job <> 0;
create index inbox_done on inbox (done_at) where state in ('done', 'dropped');

-- Rejected deliveries, with the headers that a signature is made of, whatever
-- the sender calls them.
create table quarantine_next (
	id           text    primary key,
	source       text    not null,
	reason       text    not null,
	content_type text    not null,
	headers      text    not null, -- JSON: name -> value, to verify again after the secret is fixed
	signed       integer not null, -- it carried a signature, if a wrong one
	body         blob    not null,
	received_at  integer not null
) strict;
insert into quarantine_next (id, source, reason, content_type, headers, signed, body, received_at)
	select id, source, reason, content_type,
		json_patch('{}', json_object( -- without those that were not sent
			'X-Form-Signature', nullif(signature, ''), 'X-Form-Timestamp', nullif(timestamp, ''), 'Idempotency-Key', nullif(idempotency_key, ''))),
		signature <> '', body, received_at
	from quarantine;
drop table quarantine;
alter table quarantine_next rename to quarantine;
create index quarantine_age on quarantine (received_at);

-- What must not come back after a person was forgotten: hashes of bodies,
-- Idempotency-Keys, pages and members of the workspace.
create table forgotten (
	hash   blob    primary key,
	person blob    not null, -- keyed hash of the email
	kind   text    not null check (kind in ('body', 'key', 'page', 'member')),
	sealed blob    not null, -- which page it is, for who knows the email; empty for others
	at     integer not null
) strict, without rowid;
create index forgotten_person on forgotten (person);
create index forgotten_age on forgotten (at);
