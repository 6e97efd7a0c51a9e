//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// exitBrokenPipe is what a shell shows for a program that SIGPIPE killed.
const exitBrokenPipe = 128 + int(syscall.SIGPIPE)

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

// catchSignals makes the first signal that asks the program to stop call
// cancel with an [interruption], and the second one kill. A signal that was
// ignored when the program started, as nohup does, stays ignored.
func catchSignals(cancel context.CancelCauseFunc) {
	names := map[os.Signal]string{
		syscall.SIGINT: "interrupted", syscall.SIGTERM: "terminated", syscall.SIGHUP: "the terminal hung up",
	}
	caught := make(chan os.Signal, 1)
	for sig := range names {
		if !signal.Ignored(sig) {
			signal.Notify(caught, sig)
		}
	}
	// A write to a pipe without a reader shall return an error like any
	// other, so that training stops and saves instead of being killed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		sig := <-caught
		signal.Stop(caught)
		cancel(interruption{names[sig], int(sig.(syscall.Signal))})
	}()
}
