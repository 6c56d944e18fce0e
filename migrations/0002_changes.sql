-- +goose Up

delete from jobs where kind = 'poll.read'; -- they have other keys now; every start asks for them

alter table snapshots add column url text not null default '';
alter table snapshots add column edited_by text not null default ''; -- user id
create index snapshots_created on snapshots (database, created_at);

alter table reads add column polled_at integer not null default 0;     -- when the latest complete read began
alter table reads add column reconcile_at integer not null default 0;  -- created_time from which an unfinished reconcile goes on
alter table reads add column reconciled_at integer not null default 0; -- when the latest reconcile was complete

-- The ledger of what changed in Notion, in the order in which it was seen.
create table changes (
	id        integer primary key autoincrement,
	page      text    not null,
	database  text    not null, -- as configured
	property  text    not null, -- id
	old       text    not null, -- JSON
	new       text    not null, -- JSON
	edited_by text    not null, -- user id
	edited_at integer not null, -- Notion's minute
	seen_at   integer not null,
	seen_by   text    not null,
	own       integer not null  -- made by Dealbell itself
) strict;
create index changes_page on changes (page, id);
create index changes_property on changes (database, property, seen_at);
create index changes_age on changes (seen_at);
create index changes_polled on changes (seen_at) where seen_by = 'poll' and own = 0;

-- Webhook events, kept raw; the id makes each count once.
create table events (
	id          text    primary key,
	type        text    not null,
	at          integer not null, -- by Notion's clock
	received_at integer not null,
	handled     integer not null default 0,
	body        blob    not null
) strict;
create index events_open on events (received_at) where handled = 0;
create index events_age on events (received_at);

-- Pages that may have changed and have to be looked at.
create table clues (
	page     text    primary key,
	database text    not null, -- as configured; '' when not known
	at       integer not null, -- the newest word of it, by its own clock
	seen_by  text    not null,
	noted_at integer not null  -- when that came
) strict;
create index clues_database on clues (database, at);

-- What Dealbell is writing or has just written, until it is seen.
create table writes (
	page     text    not null, -- id, or what stands for a page that is about to be made
	property text    not null, -- id
	value    text    not null, -- JSON
	at       integer not null,
	primary key (page, property)
) strict, without rowid;
create index writes_age on writes (at);

-- Slack posts.
create table outbox (
	id         integer primary key autoincrement,
	channel    text    not null,
	rule       text    not null,           -- the rule or digest
	change     integer not null default 0, -- what fired the rule
	slot       text    not null default '',-- of a digest
	page       text    not null default '',
	text       text    not null,
	repeat     integer not null default 0, -- send again when the outcome is unknown
	state      text    not null check (state in ('queued', 'sending', 'sent', 'maybe', 'refused', 'draft')),
	created_at integer not null,
	sent_at    integer not null default 0,
	sent_with  integer not null default 0, -- the message that listed this one
	reason     text    not null default ''
) strict;
create unique index outbox_change on outbox (rule, change) where change <> 0;
create unique index outbox_slot on outbox (rule, slot, channel) where slot <> '';
create index outbox_open on outbox (channel, id) where state in ('queued', 'sending');
create index outbox_sent on outbox (channel, sent_at);
create index outbox_age on outbox (created_at);

-- Members of the workspace, and who they are in Slack.
create table people (
	id           text    primary key,
	name         text    not null,
	email        text    not null,
	slack        text    not null default '', -- member id
	looked_up_at integer not null default 0   -- when Slack was asked
) strict;

-- Schedules, and the slots that were taken.
create table schedules (
	name        text    primary key,
	known_since integer not null
) strict;
create table slots (
	schedule text    not null,
	slot     text    not null, -- wall clock
	taken_at integer not null,
	primary key (schedule, slot)
) strict, without rowid;
