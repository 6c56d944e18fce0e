-- +goose Up

-- What was done about a record: decisions, requests to Notion, and what a
-- person asked for. Each row holds some steps of one run of a job, in order.
create table steps (
	id   integer primary key autoincrement,
	at   integer not null, -- of the last one
	job  integer not null, -- whose run it was; 0 for none
	key  text    not null, -- of the job: the contact's, or the delivery's; '' for none
	page text    not null, -- '' as long as it is not known
	list text    not null  -- JSON, in order
) strict;
create index steps_key on steps (key, id) where key <> '';
create index steps_page on steps (page, id) where page <> '';
create index steps_age on steps (at);

-- What a delivery said before a person corrected it.
alter table inbox add column original blob not null default x'';
alter table inbox add column corrected_at integer not null default 0; -- 0 as long as nobody did

create index inbox_key on inbox (key, seq);
create index outbox_page on outbox (page, id) where page <> '';
