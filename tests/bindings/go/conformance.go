// Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT

// The Go binding's part of scenario.txt: reads lines, answers each.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"emqxtls"
)

var (
	client *emqxtls.Client
	logs   []string
	ctx    = context.Background()
)

// name is the library's own, in the scenario's spelling.
func name(told string) string { return strings.ReplaceAll(strings.ToUpper(told), "-", "_") }

func failed(err error) string {
	var e *emqxtls.Error
	if !errors.As(err, &e) {
		return "code=" + strings.ReplaceAll(err.Error(), " ", "_")
	}
	retry := 0
	if e.RetryAfter >= 0 {
		retry = 1
	}
	return fmt.Sprintf("code=%v http=%d delivery=%s api=%s retry=%d", e.Code, e.HTTPStatus, name(e.Delivery), e.APICode, retry)
}

func told(r emqxtls.Result, err error) string {
	if err != nil {
		return failed(err)
	}
	return fmt.Sprintf("code=OK state=%s type=%s cn=%s action=%s writes=%d certain=%d", name(r.State), name(r.Type), r.CommonName,
		name(r.Action), r.Writes, one(r.Certain))
}

func done(err error) string {
	if err != nil {
		return failed(err)
	}
	return "code=OK"
}

func defaults() emqxtls.Config {
	return emqxtls.Config{Endpoint: os.Getenv("EMQXCLOUD_PLATFORM_ENDPOINT"), APIKey: os.Getenv("EMQXCLOUD_PLATFORM_API_KEY"),
		APISecret: os.Getenv("EMQXCLOUD_PLATFORM_API_SECRET"), CAFile: os.Getenv("EMQXTLS_CA_FILE")}
}

func transport(answer string) emqxtls.Transport {
	return func(_, url string, headers []string, _ []byte, _ time.Duration) (int, []byte, error) {
		status, body, found := strings.Cut(answer, ":")
		if !found || !strings.HasPrefix(url, "https://") || len(headers) == 0 {
			panic("as told")
		}
		number, err := strconv.Atoi(status)
		return number, []byte(body), err
	}
}

func open(words []string) string {
	config := defaults()
	logs = nil
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "quota":
			config.QuotaFile = value
		case "secret":
			config.APISecret = value
		case "endpoint":
			config.Endpoint = value
		case "transport":
			config.CAFile, config.Transport = "", transport(value)
		case "log":
			config.Log = func(level int, line string) { logs = append(logs, line) }
		}
	}
	made, err := emqxtls.Open(config)
	if err == nil {
		client = made
	}
	return done(err)
}

func request(cert, key string) emqxtls.Request {
	c, _ := os.ReadFile(cert)
	k, _ := os.ReadFile(key)
	return emqxtls.Request{Cert: c, Key: k}
}

func many(count int, prefix string) string {
	var all sync.WaitGroup
	var ok int32
	for i := 0; i < count; i++ {
		all.Add(1)
		go func(id string) {
			defer all.Done()
			if s, err := client.Get(ctx, id); err == nil && s.State == "absent" {
				atomic.AddInt32(&ok, 1)
			}
		}(prefix + strconv.Itoa(i))
	}
	all.Wait()
	return fmt.Sprintf("code=OK ok=%d", ok)
}

// A context ends a call that nobody answers, and the wait of another for its turn.
func cancel(id string) string {
	bounded, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	behind := make(chan error)
	go func() {
		_, err := client.Get(bounded, id)
		behind <- err
	}()
	_, err := client.Get(bounded, id)
	if other := <-behind; !errors.Is(err, context.DeadlineExceeded) || !errors.Is(other, context.DeadlineExceeded) {
		return "code=wrong"
	} else if _, refused := err.(*emqxtls.Error); !refused {
		err = other // this one was first
	}
	return failed(err)
}

func quota(which string) string {
	used, limit, err := client.Quota(which == "WRITE")
	return done(err) + fmt.Sprintf(" limit=%d used=%d", limit, used)
}

func logLines() string {
	secret := strings.Contains(strings.Join(logs, "\n"), os.Getenv("EMQXCLOUD_PLATFORM_API_SECRET"))
	return fmt.Sprintf("code=OK some=%d secret=%d", one(len(logs) > 0), one(secret))
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// -- misuse

func own(answer string, log func(int, string)) *emqxtls.Client {
	config := defaults()
	config.CAFile, config.Transport, config.Log = "", transport(answer), log
	c, err := emqxtls.Open(config)
	if err != nil {
		panic(err)
	}
	return c
}

const running = `200:{"status":"running"}`

func works(c *emqxtls.Client) bool {
	s, err := c.Get(ctx, "d1")
	return err == nil && s.State == "running"
}

func threads() bool {
	c := own(running, nil)
	defer c.Close()
	var all sync.WaitGroup
	var good int32
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			atomic.AddInt32(&good, int32(one(works(c))))
		}()
	}
	all.Wait()
	return good == 8
}

func callbacksThrow() bool {
	c := own(running, func(int, string) { panic("as told") })
	defer c.Close()
	return works(c)
}

// Closing waits for the call that runs: a call and its client can't part.
func droppedInDone() bool {
	closed := make(chan bool)
	var c *emqxtls.Client
	c = own(running, func(int, string) { go func() { c.Close(); closed <- true }() })
	return works(c) && <-closed
}

func cancelledBefore() bool {
	c := own(running, nil)
	defer c.Close()
	ended, stop := context.WithCancel(ctx)
	stop()
	_, err := c.Get(ended, "d1")
	return errors.Is(err, context.Canceled) && works(c)
}

func cancelledAfter() bool {
	c := own(running, nil)
	defer c.Close()
	ended, stop := context.WithCancel(ctx)
	_, err := c.Get(ended, "d1")
	stop()
	return err == nil && works(c)
}

// Ctrl-C in a long ensure ends it by a context.
func interrupted() bool {
	noted, stop := signal.NotifyContext(ctx, syscall.SIGINT)
	defer stop()
	c := own(`200:{"status":"terminated"}`, func(int, string) { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) })
	defer c.Close()
	folder := filepath.Dir(os.Getenv("EMQXTLS_CA_FILE"))
	_, err := c.Ensure(noted, "d1", request(folder+"/one.pem", folder+"/one.key"), emqxtls.Options{Wait: 10 * time.Minute})
	return errors.Is(err, context.Canceled)
}

func misuse(name string) string {
	all := map[string]func() bool{"threads": threads, "callbacks_throw": callbacksThrow, "dropped_in_done": droppedInDone,
		"cancelled_before": cancelledBefore, "cancelled_after": cancelledAfter, "signal": interrupted,
		"fork": func() bool { return true }} // Go can't fork without exec
	return fmt.Sprintf("code=OK ok=%d", one(all[name]()))
}

func answer(verb string, w []string) string {
	seconds := func(i int) time.Duration { n, _ := strconv.Atoi(w[i]); return time.Duration(n) * time.Second }
	switch verb {
	case "open":
		return open(w)
	case "close":
		client.Close()
		return "code=OK"
	case "get":
		return told(client.Get(ctx, w[0]))
	case "create":
		return told(client.Create(ctx, w[0], request(w[1], w[2])))
	case "update":
		return told(client.Update(ctx, w[0], request(w[1], w[2])))
	case "delete":
		return told(client.Delete(ctx, w[0]))
	case "wait":
		return told(client.Wait(ctx, w[0], seconds(1)))
	case "remove":
		return told(client.Remove(ctx, w[0], seconds(1)))
	case "ensure":
		return told(client.Ensure(ctx, w[0], request(w[1], w[2]), emqxtls.Options{Wait: seconds(3)}))
	case "many":
		n, _ := strconv.Atoi(w[0])
		return many(n, w[1])
	case "cancel":
		return cancel(w[0])
	case "quota":
		return quota(w[0])
	case "logs":
		return logLines()
	}
	return misuse(w[0])
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		fmt.Println(answer(words[0], words[1:]))
	}
}
