// Command dealbell turns a Notion workspace into a CRM that never loses a
// lead.
//
// All behaviour lives in internal/cli; this file only connects it to the
// operating system.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones on machines that have none

	"github.com/dealbell/dealbell/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Executable: os.Executable,
	})
	stop()
	os.Exit(code)
}
