package mqttrs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mqttrs"
)

func TestALostConnectionIsMadeAgainAndNothingIsLost(t *testing.T) {
	b := startBroker(t)
	proxy := startCutter(t, b.port)
	events := make(chan mqttrs.Event, 1000)
	c := dial(t, proxy.url(), mqttrs.Options{
		Reconnect:   &mqttrs.Reconnect{MinDelay: 5 * time.Millisecond, MaxDelay: 20 * time.Millisecond, Doubling: true, Jitter: true},
		OnLifecycle: func(e mqttrs.Event) { events <- e },
	})
	subscribe(t, c, "again", mqttrs.AtLeastOnce)
	messages := c.Messages(soon(t))
	sender := dial(t, proxy.url(), mqttrs.Options{Reconnect: &mqttrs.Reconnect{MinDelay: 5 * time.Millisecond}})
	for round := 0; round < 5; round++ {
		drainChannel(events)
		proxy.cut()
		// On its way while there is no connection.
		token := sender.PublishAsync(mqttrs.Message{Topic: "before", QoS: 2})
		waitFor(t, events, mqttrs.Waiting)
		waitFor(t, events, mqttrs.Up)
		if _, err := token.Wait(soon(t)); err != nil {
			t.Fatal(err)
		}
		// The subscription is made again behind the connection: publish until one arrives.
		publishUntil(t, sender, c, messages, fmt.Sprint("round ", round))
	}
	if s, err := c.Stats(); err != nil || s.Reconnects < 5 {
		t.Errorf("%d reconnects, %v", s.Reconnects, err)
	}
}

// publishUntil publishes and waits; a resubscription may be just under way.
func publishUntil(t *testing.T, sender, c *mqttrs.Client, messages <-chan *mqttrs.Message, payload string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		publish(t, sender, "again", payload, mqttrs.AtLeastOnce)
		select {
		case m := <-messages:
			if string(m.Payload) == payload {
				return
			}
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("nothing arrives any more")
}

func drainChannel(events <-chan mqttrs.Event) {
	for {
		select {
		case <-events:
		default:
			return
		}
	}
}

func waitFor(t *testing.T, events <-chan mqttrs.Event, state mqttrs.State) mqttrs.Event {
	t.Helper()
	for {
		if e := next(t, events); e.State == state {
			return e
		}
	}
}

func TestAKilledBrokerIsReconnectedToAndTheKeptSessionGoesOn(t *testing.T) {
	b := startBroker(t, "persistence true", "persistence_location {dir}/", "autosave_interval 1")
	up := make(chan mqttrs.ConnAck, 10)
	c := dial(t, b.url(), mqttrs.Options{
		ClientID: "phoenix", KeepSession: true, Reconnect: &mqttrs.Reconnect{MinDelay: 10 * time.Millisecond},
		OnConnect: func(ack mqttrs.ConnAck) { up <- ack },
	})
	next(t, up)
	messages := c.Messages(soon(t))
	subscribe(t, c, "p", mqttrs.AtLeastOnce)
	b.kill()
	eventually(t, "the loss to be noticed", func() bool { return c.State() != mqttrs.Up })
	token := c.PublishAsync(mqttrs.Message{Topic: "p", Payload: []byte("kept"), QoS: 1})
	eventually(t, "the broker to come back", b.start)
	next(t, up)
	if _, err := token.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	// The broker may have lost the session, and is asked for the subscription then, behind which
	// messages wait.
	if m := next(t, messages); string(m.Payload) != "kept" {
		t.Errorf("%+v", m)
	}
}

func TestWhyTheServerEndedTheConnectionIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 1000))                       // CONNECT
		_, _ = conn.Write([]byte{0x20, 3, 0, 0, 0, 0xe0, 1, 0x8e}) // CONNACK, DISCONNECT
		_, _ = io.Copy(io.Discard, conn)                           // until the client goes
	}()
	events := make(chan mqttrs.Event, 100)
	dial(t, "mqtt://"+l.Addr().String(), mqttrs.Options{Reconnect: &mqttrs.Reconnect{Off: true},
		OnLifecycle: func(e mqttrs.Event) { events <- e }})
	e := waitFor(t, events, mqttrs.GivenUp)
	if reason := reasonOf(t, e.Err); reason != mqttrs.SessionTakenOver {
		t.Errorf("%v", reason)
	}
	if mustBe(t, e.Err, mqttrs.Code(142)); errors.Is(e.Err, mqttrs.ErrConnectionRefused) {
		t.Errorf("%v", e.Err)
	}
}

func TestAfterItsLastAttemptTheClientGivesUp(t *testing.T) {
	b := startBroker(t)
	proxy := startCutter(t, b.port)
	events := make(chan mqttrs.Event, 100)
	c := dial(t, proxy.url(), mqttrs.Options{
		Reconnect:   &mqttrs.Reconnect{MinDelay: time.Millisecond, Attempts: 2},
		OnLifecycle: func(e mqttrs.Event) { events <- e },
	})
	proxy.listener.Close()
	proxy.cut()
	if e := waitFor(t, events, mqttrs.GivenUp); e.Err == nil {
		t.Errorf("%+v", e)
	}
	if c.State() != mqttrs.GivenUp {
		t.Errorf("%v", c.State())
	}
}

func TestAClosedClientAnswersErrClosed(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	pending := c.PublishAsync(mqttrs.Message{Topic: "t", QoS: 2})
	if _, err := pending.Wait(soon(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error("the second Close:", err)
	}
	ctx := soon(t)
	m := mqttrs.Message{Topic: "t", QoS: 1}
	use := map[string]func() error{
		"Connect":            func() error { return c.Connect(ctx) },
		"Disconnect":         func() error { return c.Disconnect(ctx) },
		"Publish":            func() error { _, err := c.Publish(ctx, m); return err },
		"PublishAsync":       func() error { _, err := c.PublishAsync(m).Wait(ctx); return err },
		"PublishBatch":       func() error { _, err := c.PublishBatch(ctx, []mqttrs.Message{m}); return err },
		"Send":               func() error { return c.Send(m) },
		"Drain":              func() error { return c.Drain(ctx) },
		"Subscribe":          func() error { _, err := c.Subscribe(ctx, mqttrs.Subscription{Filter: "t"}); return err },
		"Unsubscribe":        func() error { _, err := c.Unsubscribe(ctx, "t"); return err },
		"Handle":             func() error { return c.Handle("t", func(*mqttrs.Message) {}) },
		"Unhandle":           func() error { return c.Unhandle("t") },
		"Request":            func() error { _, err := c.Request(ctx, m); return err },
		"RequestByTopic":     func() error { return c.RequestByTopic(true) },
		"Serve":              func() error { return c.Serve("t", 0, func(*mqttrs.Message) {}) },
		"ServeEnd":           func() error { return c.ServeEnd("t") },
		"SetThrottle":        func() error { return c.SetThrottle("", nil) },
		"SetReceiveThrottle": func() error { return c.SetReceiveThrottle(nil) },
		"ReconnectNow":       func() error { return c.ReconnectNow(0) },
		"Stats":              func() error { _, err := c.Stats(); return err },
	}
	for name, f := range use {
		if err := f(); !errors.Is(err, mqttrs.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCloseEndsEveryWait(t *testing.T) {
	c, err := mqttrs.NewClient("mqtt://127.0.0.1", mqttrs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const waiters = 50
	errs := make(chan error, waiters)
	for i := 0; i < waiters; i++ {
		token := c.PublishAsync(mqttrs.Message{Topic: "t", QoS: 1})
		go func() { _, err := token.Wait(context.Background()); errs <- err }()
	}
	c.Close()
	for i := 0; i < waiters; i++ {
		mustBe(t, next(t, errs), mqttrs.ErrClosed)
	}
}

func TestClosingWhileOthersUseTheClientCrashesNobody(t *testing.T) {
	b := startBroker(t)
	for round := 0; round < 20; round++ {
		c := dial(t, b.url(), mqttrs.Options{OnMessage: func(*mqttrs.Message) {}})
		subscribe(t, c, "#", mqttrs.ExactlyOnce)
		var all sync.WaitGroup
		for g := 0; g < 4; g++ {
			all.Add(1)
			go func(g int) {
				defer all.Done()
				for i := 0; ; i++ {
					var err error
					switch (g + i) % 4 {
					case 0:
						_, err = c.Publish(context.Background(), mqttrs.Message{Topic: "t", QoS: mqttrs.QoS(i % 3)})
					case 1:
						err = c.Send(mqttrs.Message{Topic: "t"})
					case 2:
						err = c.Handle("t", func(*mqttrs.Message) {})
					case 3:
						_, err = c.Stats()
					}
					if err != nil && !errors.Is(err, mqttrs.ErrNoConnection) && !errors.Is(err, mqttrs.ErrConnectionLost) {
						if !errors.Is(err, mqttrs.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			}(g)
		}
		publish(t, c, "x", "", mqttrs.AtLeastOnce)
		c.Close()
		all.Wait()
	}
}

func TestThousandsOfClientsLeaveNothingBehind(t *testing.T) {
	b := startBroker(t)
	round := func(clients int) {
		var all sync.WaitGroup
		for g := 0; g < 10; g++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := 0; i < clients/10; i++ {
					c, err := mqttrs.Dial(soon(t), b.url(), mqttrs.Options{OnMessage: func(*mqttrs.Message) {}})
					if err != nil {
						t.Error(err)
						return
					}
					if i%2 == 0 {
						subscribe(t, c, "leak", mqttrs.AtLeastOnce)
						publish(t, c, "leak", "x", mqttrs.AtLeastOnce)
					}
					c.Close()
				}
			}()
		}
		all.Wait()
	}
	round(200) // So that what is made once is there.
	runtime.GC()
	memory, goroutines, files := resident(t), runtime.NumGoroutine(), openFiles(t)
	round(3000)
	eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines+2 })
	eventually(t, "descriptors to be closed", func() bool { return openFiles(t) <= files })
	runtime.GC()
	if grown := resident(t) - memory; measuresMemory && grown > 12<<20 {
		t.Errorf("%d KiB more for 3000 clients that are gone", grown>>10)
	}
}

func TestALongRunOfMessagesLeavesNothingBehind(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b.url(), mqttrs.Options{InFlight: 100, ReceiveMaximum: 100})
	arrived := make(chan struct{}, 1<<16)
	if err := c.SubscribeFunc(soon(t), "run", mqttrs.AtLeastOnce, func(m *mqttrs.Message) {
		if m.Properties == nil || len(m.Payload) != 100 {
			t.Errorf("%+v", m)
		}
		arrived <- struct{}{}
	}); err != nil {
		t.Fatal(err)
	}
	batch := make([]mqttrs.Message, 100)
	for i := range batch {
		batch[i] = mqttrs.Message{Topic: "run", Payload: make([]byte, 100), QoS: 1,
			Properties: &mqttrs.Properties{User: []mqttrs.UserProperty{{"k", "v"}}}}
	}
	round := func(batches int) {
		for i := 0; i < batches; i++ {
			if _, err := c.PublishBatch(soon(t), batch); err != nil {
				t.Fatal(err)
			}
			for range batch {
				next(t, arrived)
			}
		}
	}
	round(30)
	runtime.GC()
	memory := resident(t)
	round(100)
	runtime.GC()
	if grown := resident(t) - memory; measuresMemory && grown > 8<<20 {
		t.Errorf("%d KiB more after 10000 messages", grown>>10)
	}
}

// measuresMemory says whether the memory of the process is that of the program.
var measuresMemory = true

// resident returns the memory of this process, in bytes.
func resident(t testing.TB) int {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func openFiles(t testing.TB) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestAnIdleClientHasNoGoroutine(t *testing.T) {
	b := startBroker(t)
	dial(t, b.url(), mqttrs.Options{}) // The loop has one.
	before := runtime.NumGoroutine()
	for i := 0; i < 50; i++ {
		dial(t, b.url(), mqttrs.Options{})
	}
	eventually(t, "goroutines of connecting to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestALoopOfOnesOwnDrivesClientsAndEnds(t *testing.T) {
	b := startBroker(t)
	loop, err := mqttrs.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, b.url(), mqttrs.Options{Loop: loop})
	publish(t, c, "t", "", mqttrs.ExactlyOnce)
	mustBe(t, loop.Close(), mqttrs.ErrInvalid) // There is a client in it.
	c.Close()
	if err := loop.Close(); err != nil {
		t.Error(err)
	}
	if err := loop.Close(); err != nil {
		t.Error(err)
	}
	_, err = mqttrs.NewClient(b.url(), mqttrs.Options{Loop: loop})
	mustBe(t, err, mqttrs.ErrClosed)
}

func TestTheLogHasRecordsWithFields(t *testing.T) {
	records := make(chan mqttrs.LogRecord, 1000)
	c := dial(t, startBroker(t).url(), mqttrs.Options{ClientID: "logged", Log: func(r mqttrs.LogRecord) { records <- r }})
	publish(t, c, "some/topic", "12345", mqttrs.AtLeastOnce)
	for {
		r := next(t, records)
		if r.Event != "publish.sent" {
			continue
		}
		fields := fmt.Sprint(r.Fields)
		if r.ClientID != "logged" || r.Level != mqttrs.LogDebug || !strings.Contains(fields, "{topic some/topic}") || r.Text == "" {
			t.Errorf("%+v", r)
		}
		return
	}
}

func TestStatsCountWhatWentByEachWay(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	messages := c.Messages(soon(t))
	subscribe(t, c, "s", mqttrs.ExactlyOnce)
	for qos := mqttrs.AtMostOnce; qos <= mqttrs.ExactlyOnce; qos++ {
		publish(t, c, "s", "x", qos)
		next(t, messages)
	}
	s, err := c.Stats()
	if err != nil || s.MessagesSent != [3]uint64{1, 1, 1} || s.MessagesReceived != [3]uint64{1, 1, 1} || s.Connections != 1 || s.BytesSent == 0 {
		t.Errorf("%+v %v", s, err)
	}
}
