-- +goose Up

-- Jobs that go before the others of their lane.
alter table jobs add column ahead integer not null default 0;
drop index jobs_ready;
create index jobs_ready on jobs (lane, ahead desc, id) where state = 'ready';
