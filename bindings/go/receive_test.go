package mqttrs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mqttrs"
)

func TestMessagesGoToAllHandlersThatMatchAndOtherwiseToTheRest(t *testing.T) {
	got := make(chan string, 10)
	to := func(name string) mqttrs.Handler { return func(m *mqttrs.Message) { got <- name + " " + m.Topic } }
	c := dial(t, startBroker(t).url(), mqttrs.Options{
		OnMessage: to("rest"), Handlers: map[string]mqttrs.Handler{"a/#": to("a/#")}})
	if err := c.Handle("a/+", to("a/+")); err != nil {
		t.Fatal(err)
	}
	subscribe(t, c, "#", mqttrs.ExactlyOnce)
	for _, step := range []struct {
		topic string
		want  []string
	}{{"a/b", []string{"a/+ a/b", "a/# a/b"}}, {"a/b/c", []string{"a/# a/b/c"}}, {"b", []string{"rest b"}}} {
		publish(t, c, step.topic, "", mqttrs.AtLeastOnce)
		for _, want := range step.want {
			if name := next(t, got); name != want {
				t.Errorf("%q instead of %q", name, want)
			}
		}
	}
	if err := c.Unhandle("a/#"); err != nil {
		t.Fatal(err)
	}
	if err := c.Handle("a/+", to("new")); err != nil { // In place of the other.
		t.Fatal(err)
	}
	for topic, want := range map[string]string{"a/b": "new a/b", "a/b/c": "rest a/b/c"} {
		publish(t, c, topic, "", mqttrs.AtLeastOnce)
		if name := next(t, got); name != want {
			t.Errorf("%q instead of %q", name, want)
		}
	}
	mustBe(t, c.Unhandle("a/#"), mqttrs.ErrNotFound)
	mustBe(t, c.Handle("a/#/b", to("")), mqttrs.ErrInvalid)
	mustBe(t, c.Handle("a", nil), mqttrs.ErrInvalid)
}

func TestAHandlerMayBeSetAndRemovedAgainAndAgain(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	for i := 0; i < 1000; i++ {
		if err := c.Handle("again", func(*mqttrs.Message) {}); err != nil {
			t.Fatal(err)
		}
		if err := c.Unhandle("again"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChannelsOfMessagesEndWithTheirContext(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	some, err := c.MessagesOf(ctx, "s/#")
	if err != nil {
		t.Fatal(err)
	}
	rest := c.Messages(ctx)
	others, err := c.MessagesOf(soon(t), "s/+") // It stays.
	if err != nil {
		t.Fatal(err)
	}
	subscribe(t, c, "#", mqttrs.AtLeastOnce)
	publish(t, c, "s/1", "", mqttrs.AtLeastOnce)
	// One goroutine hands out, one after the other: those of s/+ come first.
	if m := next(t, others); m.Topic != "s/1" {
		t.Errorf("%+v", m)
	}
	if m := next(t, some); m.Topic != "s/1" {
		t.Errorf("%+v", m)
	}
	publish(t, c, "r", "", mqttrs.AtLeastOnce)
	if m := next(t, rest); m.Topic != "r" {
		t.Errorf("%+v", m)
	}
	publish(t, c, "r", "", mqttrs.AtLeastOnce) // Nobody reads it, and the end is not held up by that.
	cancel()
	for _, channel := range []<-chan *mqttrs.Message{some, rest} {
		for range channel { // It ends, or the test does not.
		}
	}
	publish(t, c, "s/2", "", mqttrs.AtLeastOnce)
	if m := next(t, others); m.Topic != "s/2" {
		t.Errorf("%+v", m)
	}
	c.Close()
	for range others {
	}
	for range c.Messages(context.Background()) { // Of a closed client.
	}
	_, err = c.MessagesOf(context.Background(), "x")
	mustBe(t, err, mqttrs.ErrClosed)
}

func TestAHandlerThatPanicsIsReportedAndTheConnectionGoesOn(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	for _, mode := range []mqttrs.AckMode{mqttrs.AckAutomatic, mqttrs.AckAfterHandler} {
		errs := make(chan error, 200)
		c := dial(t, startBroker(t).url(), mqttrs.Options{
			AckMode:   mode,
			OnError:   func(err error) { errs <- err; panic("in OnError too") },
			OnConnect: func(mqttrs.ConnAck) { panic("in OnConnect") },
		})
		if err := next(t, errs); !strings.Contains(err.Error(), "in OnConnect") {
			t.Errorf("%v", err)
		}
		cause := errors.New("a cause")
		arrived := make(chan string, 1)
		_ = c.Handle("bad", func(*mqttrs.Message) { panic(cause) })
		_ = c.Handle("nil", func(m *mqttrs.Message) { var none *mqttrs.Client; _ = none.Stats })
		_ = c.Handle("exit", func(*mqttrs.Message) { runtime.Goexit() })
		_ = c.Handle("good", func(m *mqttrs.Message) { arrived <- string(m.Payload) })
		subscribe(t, c, "#", mqttrs.ExactlyOnce)
		const times = 50 // More than the receive window.
		for i := 0; i < times; i++ {
			publish(t, c, "bad", "", mqttrs.AtLeastOnce)
			publish(t, c, "exit", "", mqttrs.AtLeastOnce)
			publish(t, c, "good", fmt.Sprint(i), mqttrs.ExactlyOnce)
			if got := next(t, arrived); got != fmt.Sprint(i) {
				t.Fatalf("%s instead of %d", got, i)
			}
			err := next(t, errs)
			mustBe(t, err, cause)
			var p *mqttrs.PanicError
			if !errors.As(err, &p) || p.Where != "message handler" || !strings.Contains(string(p.Stack), "receive_test.go") {
				t.Errorf("%+v", p)
			}
		}
		if s, err := c.Stats(); err != nil || s.Disconnects != 0 {
			t.Errorf("%d disconnects, %v", s.Disconnects, err)
		}
	}
}

func TestAHandlerMayPublishSubscribeAndCloseAndWait(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	closed := make(chan error, 1)
	errs := make(chan error, 3)
	_ = c.Handle("first", func(m *mqttrs.Message) {
		_, err := c.Subscribe(context.Background(), mqttrs.Subscription{Filter: "second", QoS: 1})
		errs <- err
		_, err = c.Publish(context.Background(), mqttrs.Message{Topic: "second", QoS: 2})
		errs <- err
	})
	_ = c.Handle("second", func(m *mqttrs.Message) { closed <- c.Close() })
	subscribe(t, c, "first", mqttrs.AtLeastOnce)
	publish(t, c, "first", "", mqttrs.AtLeastOnce)
	for i := 0; i < 2; i++ {
		if err := next(t, errs); err != nil {
			t.Error(err)
		}
	}
	if err := next(t, closed); err != nil {
		t.Error(err)
	}
}

func TestASlowReaderHoldsBackTheServerAndLosesNothing(t *testing.T) {
	b := startBroker(t)
	const count, room = 20000, 64
	c := dial(t, b.url(), mqttrs.Options{ReceiveQueue: room})
	messages := c.Messages(soon(t))
	subscribe(t, c, "flood", mqttrs.AtMostOnce)
	sender := dial(t, b.url(), mqttrs.Options{})
	payload := make([]byte, 1000)
	for i := 0; i < count; i++ {
		if err := sender.Send(mqttrs.Message{Topic: "flood", Payload: append(payload[:0:0], fmt.Sprintf("%1000d", i)...)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sender.Drain(soon(t)); err != nil {
		t.Fatal(err)
	}
	most := 0
	for i := 0; i < count; i++ {
		if want := fmt.Sprintf("%1000d", i); string(next(t, messages).Payload) != want {
			t.Fatalf("message %d is another one", i)
		}
		if i%100 == 0 {
			s, err := c.Stats()
			if err != nil {
				t.Fatal(err)
			}
			if s.Waiting > most {
				most = s.Waiting
			}
		}
	}
	if most > 2*room {
		t.Errorf("%d messages waited, with room for %d", most, room)
	}
}

func TestWhoWaitsForAnswersBehindAFullQueueGetsThem(t *testing.T) {
	b := startBroker(t)
	const count, room = 500, 16
	c := dial(t, b.url(), mqttrs.Options{ReceiveQueue: room, InFlight: 100})
	sender := dial(t, b.url(), mqttrs.Options{InFlight: 100})
	for qos := mqttrs.AtMostOnce; qos <= mqttrs.ExactlyOnce; qos++ {
		topic := fmt.Sprint("flood/", qos)
		messages, err := c.MessagesOf(soon(t), topic)
		if err != nil {
			t.Fatal(err)
		}
		subscribe(t, c, topic, mqttrs.ExactlyOnce) // The last is not to be dropped.
		for i := 0; i < count; i++ {
			_ = sender.Send(mqttrs.Message{Topic: topic, Payload: []byte(fmt.Sprint(i)), QoS: qos})
		}
		publish(t, sender, topic, "end", mqttrs.ExactlyOnce)
		seen := 0
		for m := next(t, messages); string(m.Payload) != "end"; m = next(t, messages) {
			if qos > mqttrs.AtMostOnce && string(m.Payload) != fmt.Sprint(seen) {
				t.Fatalf("%s instead of %d", m.Payload, seen)
			}
			seen++
			// The answer is behind what was sent above.
			publish(t, c, "echo", "", mqttrs.AtLeastOnce)
		}
		s, err := c.Stats()
		if err != nil || seen+int(s.ReceivedDropped) != count && qos == 0 || seen != count && qos > 0 {
			t.Errorf("QoS %d: %d of %d came, %d were dropped, %v", qos, seen, count, s.ReceivedDropped, err)
		}
	}
}

func TestWhatIsNotAcknowledgedComesAgain(t *testing.T) {
	b := startBroker(t)
	options := mqttrs.Options{ClientID: "acks", KeepSession: true, AckMode: mqttrs.AckManual}
	c, err := mqttrs.NewClient(b.url(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	messages := c.Messages(soon(t))
	if err := c.Connect(soon(t)); err != nil {
		t.Fatal(err)
	}
	subscribe(t, c, "ack/+", mqttrs.ExactlyOnce)
	sender := dial(t, b.url(), mqttrs.Options{})
	for _, topic := range []string{"ack/1", "ack/2", "ack/3"} {
		publish(t, sender, topic, "", mqttrs.AtLeastOnce)
	}
	got := []*mqttrs.Message{next(t, messages), next(t, messages), next(t, messages)}
	for _, m := range []*mqttrs.Message{got[1], got[0]} { // In any order.
		if err := m.Ack(); err != nil {
			t.Error(err)
		}
		mustBe(t, m.Ack(), mqttrs.ErrNotFound)
	}
	// What has gone out before it is there.
	publish(t, c, "other", "", mqttrs.AtLeastOnce)
	c.Close()
	mustBe(t, got[2].Ack(), mqttrs.ErrClosed)

	again := make(chan *mqttrs.Message, 10)
	options.OnMessage = func(m *mqttrs.Message) { again <- m }
	c = dial(t, b.url(), options)
	if !c.ConnAck().SessionPresent {
		t.Error("the session was not kept")
	}
	m := next(t, again)
	if m.Topic != "ack/3" {
		t.Errorf("%s came again", m.Topic)
	}
	if err := m.Refuse(mqttrs.ImplementationSpecific); err != nil {
		t.Error(err)
	}
	mustBe(t, (&mqttrs.Message{}).Ack(), mqttrs.ErrNotFound)
}

func TestAfterItsLastHandlerAMessageIsAcknowledged(t *testing.T) {
	b := startBroker(t, "max_inflight_messages 1")
	c := dial(t, b.url(), mqttrs.Options{AckMode: mqttrs.AckAfterHandler, Protocol: mqttrs.MQTT311})
	first, second := make(chan string, 10), make(chan string)
	_ = c.Handle("both/+", func(m *mqttrs.Message) { first <- m.Topic })
	_ = c.Handle("both/#", func(m *mqttrs.Message) { second <- m.Topic }) // It comes after the other.
	subscribe(t, c, "both/+", mqttrs.AtLeastOnce)
	sender := dial(t, b.url(), mqttrs.Options{})
	publish(t, sender, "both/1", "", mqttrs.AtLeastOnce)
	publish(t, sender, "both/2", "", mqttrs.AtLeastOnce)
	if topic := next(t, first); topic != "both/1" {
		t.Errorf("%s", topic)
	}
	// Were it acknowledged by now, the second would be on its way; the answer to this comes behind it.
	publish(t, c, "x", "", mqttrs.AtLeastOnce)
	if s, _ := c.Stats(); s.MessagesReceived[1] != 1 {
		t.Errorf("%d messages came before the first was handled", s.MessagesReceived[1])
	}
	for _, want := range []string{"both/1", "both/2"} {
		if topic := next(t, second); topic != want {
			t.Errorf("%s", topic)
		}
	}
}

func TestMessagesSurviveGarbageCollection(t *testing.T) {
	b := startBroker(t)
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	c := dial(t, b.url(), mqttrs.Options{})
	const count = 5000
	var kept []*mqttrs.Message
	done := make(chan struct{})
	if err := c.SubscribeFunc(soon(t), "gc/#", mqttrs.AtMostOnce, func(m *mqttrs.Message) {
		if kept = append(kept, m); len(kept) == count {
			close(done)
		}
	}); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var collector sync.WaitGroup
	collector.Add(1)
	go func() {
		defer collector.Done()
		for !stop.Load() {
			runtime.GC()
		}
	}()
	sender := dial(t, b.url(), mqttrs.Options{})
	text := func(i int) string { return strings.Repeat(fmt.Sprint(i, ","), 1+i%40) }
	for i := 0; i < count; i++ {
		m := mqttrs.Message{Topic: fmt.Sprint("gc/", i), Payload: []byte(text(i))}
		if i%10 == 0 {
			m.Properties = &mqttrs.Properties{ContentType: text(i)}
		}
		if err := sender.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	next2(t, done)
	stop.Store(true)
	collector.Wait()
	for i, m := range kept {
		if m.Topic != fmt.Sprint("gc/", i) || string(m.Payload) != text(i) || i%10 == 0 && m.Properties.ContentType != text(i) {
			t.Fatalf("message %d: %+v", i, m)
		}
	}
}

// next2 waits for the end of something.
func next2(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("no end in sight")
	}
}

func TestSubscriptionsHaveTheirAnswers(t *testing.T) {
	b := startBroker(t, "acl_file "+write(t, t.TempDir(), "acl", []byte("topic read a/#\n")), "max_qos 1")
	c := dial(t, b.url(), mqttrs.Options{})
	codes, err := c.Subscribe(soon(t), mqttrs.Subscription{Filter: "a/1"},
		mqttrs.Subscription{Filter: "a/2", QoS: 1, NoLocal: true, RetainAsPublished: true, Retained: mqttrs.RetainedNever})
	if err != nil || len(codes) != 2 || codes[0] != 0 || codes[1] != 1 {
		t.Error(codes, err)
	}
	codes, err = c.Unsubscribe(soon(t), "a/1", "a/never")
	if err != nil || len(codes) != 2 || codes[0] != mqttrs.Success || codes[1] != mqttrs.NoSubscriptionExisted {
		t.Error(codes, err)
	}
	_, err = c.Subscribe(soon(t), mqttrs.Subscription{Filter: "a/#/b"})
	mustBe(t, err, mqttrs.ErrInvalid)
	_, err = c.Subscribe(soon(t), mqttrs.Subscription{Filter: "a\x00"})
	mustBe(t, err, mqttrs.ErrMalformedUTF8)
	_, err = c.Subscribe(soon(t))
	mustBe(t, err, mqttrs.ErrInvalid)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = c.Subscribe(canceled, mqttrs.Subscription{Filter: "a/1"})
	mustBe(t, err, context.Canceled)
}

func TestReceivingIsThrottled(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	if err := c.SetReceiveThrottle(&mqttrs.Throttle{MessagesPerSecond: 0.001, BurstMessages: 3, Excess: mqttrs.ExcessDrop}); err != nil {
		t.Fatal(err)
	}
	messages := c.Messages(soon(t))
	subscribe(t, c, "t", mqttrs.AtMostOnce)
	for i := 0; i < 5; i++ {
		publish(t, c, "t", fmt.Sprint(i), mqttrs.AtMostOnce)
	}
	publish(t, c, "end", "", mqttrs.AtLeastOnce) // All before it have come then.
	if s, _ := c.Stats(); s.ReceivedDropped != 2 {
		t.Errorf("%d dropped", s.ReceivedDropped)
	}
	for i := 0; i < 3; i++ {
		if m := next(t, messages); string(m.Payload) != fmt.Sprint(i) {
			t.Errorf("%s", m.Payload)
		}
	}
	if err := c.SetReceiveThrottle(nil); err != nil {
		t.Fatal(err)
	}
	publish(t, c, "t", "free", mqttrs.AtMostOnce)
	if m := next(t, messages); string(m.Payload) != "free" {
		t.Errorf("%s", m.Payload)
	}
}
