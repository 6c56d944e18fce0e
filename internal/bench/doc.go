// Package bench measures Dealbell; it holds no code that ships.
//
// BenchmarkOutside builds the binary as it is released, starts it as a
// process of its own with its state on a disk, plays its clients and its
// Notion, and prints one Markdown table: durable acknowledgements per second
// and their latency, the same on a slow disk, how soon a lead reaches Notion
// and a deal's move reaches Slack, what the daemon costs while it is idle, how
// fast it is ready with a long queue, and what memory it takes to compare a
// large database with its replica. The other benchmarks time single functions.
//
//	go test ./internal/bench -run '^$' -bench Outside -benchtime 1x -timeout 20m
//
// Clients, sandbox and daemon share one machine, so the rates are lower
// bounds; ratios carry over to other machines better than numbers do. The
// table is made on Linux only: it reads /proc.
package bench
