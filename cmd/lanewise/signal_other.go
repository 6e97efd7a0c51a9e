//go:build !unix

package main

import (
	"context"
	"os"
	"os/signal"
)

// exitBrokenPipe is never used here, as no error is known to be one.
const exitBrokenPipe = exitFailure

func isBrokenPipe(error) bool { return false }

// catchSignals makes the first interrupt call cancel with an [interruption],
// and the second one kill.
func catchSignals(cancel context.CancelCauseFunc) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	go func() {
		<-caught
		signal.Stop(caught)
		cancel(interruption{"interrupted", 2})
	}()
}
