-- +goose Up

-- Tables that people bring in, until whoever asked for it was told the end.
create table imports (
	id        integer primary key autoincrement,
	database  text    not null, -- as configured
	file      blob    not null, -- keyed hash of the file, and of how its rows are read
	property  text    not null, -- id of the one that identifies a row
	overwrite integer not null, -- the file's values replace those that people set
	state     text    not null check (state in ('storing', 'running', 'paused', 'stopped', 'done')),
	reason    text    not null default '', -- paused or stopped: why
	size      integer not null, -- rows of the file that hold something
	created   integer not null default 0, -- of these, so far
	updated   integer not null default 0,
	unchanged integer not null default 0,
	rejected  integer not null default 0,
	begun_at  integer not null,
	ended_at  integer not null default 0
) strict;

-- Rows that are still to be written; those that Notion refused stay until
-- that was told.
create table import_rows (
	import integer not null,
	line   integer not null, -- of the file
	key    text    not null, -- by which the row is found in its database, normalised
	wanted text    not null, -- JSON: property id -> value
	sum    blob    not null, -- keyed hash of all that
	reason text    not null default '', -- why it was refused
	primary key (import, line)
) strict, without rowid;
create index import_rows_open on import_rows (import, line) where reason = '';

-- What was written, by keyed hash alone, so that the same row has no second
-- effect.
create table import_sums (
	sum  blob    primary key,
	page text    not null,
	at   integer not null
) strict, without rowid;
create index import_sums_page on import_sums (page);
create index import_sums_age on import_sums (at);
