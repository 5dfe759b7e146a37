// Command ferretdb speaks MongoDB's wire protocol and keeps its data in SQLite files.
//
//	ferretdb 127.0.0.1:27117 /path/to/data/
//
// FerretDB's own command refuses to start when it was built from the module proxy (a file with its version is missing
// there), so this is a program of its own around the embeddable package.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ferretdb <host:port> <data folder>")
	}
	address, folder := os.Args[1], strings.TrimSuffix(os.Args[2], "/")+"/"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		log.Fatal(err)
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: address},
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder,
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := server.Run(ctx); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}
