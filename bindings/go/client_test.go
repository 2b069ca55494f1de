package mqttrs_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"mqttrs"
)

func TestAMessageOfEachQoSComesBack(t *testing.T) {
	for _, version := range []mqttrs.Protocol{mqttrs.MQTT31, mqttrs.MQTT311, mqttrs.MQTT5} {
		b := startBroker(t)
		c := dial(t, b.url(), mqttrs.Options{ClientID: "go", Protocol: version})
		messages := c.Messages(soon(t))
		subscribe(t, c, "go/#", mqttrs.ExactlyOnce)
		for qos := mqttrs.AtMostOnce; qos <= mqttrs.ExactlyOnce; qos++ {
			result := publish(t, c, "go/x", "hello", qos)
			want := mqttrs.OutcomeAcknowledged
			if qos == mqttrs.AtMostOnce {
				want = mqttrs.OutcomeSent
			}
			if result.Outcome != want {
				t.Errorf("version %d, QoS %d: outcome %d", version, qos, result.Outcome)
			}
			m := next(t, messages)
			if m.Topic != "go/x" || string(m.Payload) != "hello" || m.QoS != qos || m.Retain || (m.MessageID() == 0) != (qos == 0) {
				t.Errorf("version %d, QoS %d: %+v", version, qos, m)
			}
		}
	}
}

func TestAnEmptyPayloadAndALargeOneArriveWhole(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	messages := c.Messages(soon(t))
	subscribe(t, c, "size", mqttrs.AtLeastOnce)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 16<<10 + 1, 3 << 20} {
		payload := strings.Repeat("x", size)
		publish(t, c, "size", payload, mqttrs.AtLeastOnce)
		if got := string(next(t, messages).Payload); got != payload {
			t.Errorf("%d bytes came as %d", size, len(got))
		}
	}
}

func TestARetainedMessageComesAsRetained(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	messages := c.Messages(soon(t))
	if _, err := c.Publish(soon(t), mqttrs.Message{Topic: "kept", Payload: []byte("1"), QoS: 1, Retain: true}); err != nil {
		t.Fatal(err)
	}
	subscribe(t, c, "kept", mqttrs.AtLeastOnce)
	if m := next(t, messages); !m.Retain || string(m.Payload) != "1" {
		t.Errorf("%+v", m)
	}
}

func TestDialToNobodyFailsWithTheSystemsReason(t *testing.T) {
	_, err := mqttrs.Dial(soon(t), fmt.Sprintf("mqtt://127.0.0.1:%d", freePort(t)), mqttrs.Options{})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Fatalf("%v", err)
	}
	mustBe(t, err, mqttrs.ErrSystem)
}

func TestDialFailsWhereTheServerRefusesAndSaysWhy(t *testing.T) {
	for _, version := range []mqttrs.Protocol{mqttrs.MQTT311, mqttrs.MQTT5} {
		b := startBroker(t, "allow_anonymous false")
		_, err := mqttrs.Dial(soon(t), strings.Replace(b.url(), "//", "//user:wrong@", 1), mqttrs.Options{Protocol: version})
		mustBe(t, err, mqttrs.ErrConnectionRefused)
		if reason := reasonOf(t, err); reason != mqttrs.NotAuthorized && reason != mqttrs.BadUsernameOrPassword {
			t.Errorf("version %d: %v", version, reason)
		}
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // It never answers.
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = mqttrs.Dial(ctx, "mqtt://"+silent.Addr().String(), mqttrs.Options{})
	mustBe(t, err, context.DeadlineExceeded)
}

func TestConnectRetryWaitsForTheBroker(t *testing.T) {
	b := startBroker(t)
	b.kill()
	retries := make(chan mqttrs.Event, 100)
	c, err := mqttrs.NewClient(b.url(), mqttrs.Options{
		ConnectRetry: true,
		Reconnect:    &mqttrs.Reconnect{MinDelay: 20 * time.Millisecond},
		OnLifecycle: func(e mqttrs.Event) {
			if e.State == mqttrs.Waiting {
				retries <- e
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	connected := make(chan error, 1)
	go func() { connected <- c.Connect(soon(t)) }()
	if e := next(t, retries); e.Err == nil {
		t.Errorf("waiting without a reason: %+v", e)
	}
	eventually(t, "the broker to come back", b.start)
	if err := next(t, connected); err != nil {
		t.Fatal(err)
	}
}

func TestAClientThatFailedToConnectCanConnectLater(t *testing.T) {
	b := startBroker(t)
	b.kill()
	c, err := mqttrs.NewClient(b.url(), mqttrs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Connect(soon(t)); err == nil {
		t.Fatal("connected to nobody")
	}
	eventually(t, "the broker to come back", b.start)
	if err := c.Connect(soon(t)); err != nil {
		t.Fatal(err)
	}
	publish(t, c, "t", "", mqttrs.AtLeastOnce)
	mustBe(t, c.Connect(soon(t)), mqttrs.ErrInvalid) // It is connected.
}

func TestTheNextOfSeveralServersIsTried(t *testing.T) {
	b := startBroker(t)
	dead := fmt.Sprintf("mqtt://127.0.0.1:%d", freePort(t))
	c := dial(t, dead, mqttrs.Options{Servers: []string{b.url()}})
	publish(t, c, "t", "", mqttrs.AtLeastOnce)
	_, err := mqttrs.Dial(soon(t), dead, mqttrs.Options{Servers: []string{"wss://127.0.0.1"}})
	mustBe(t, err, mqttrs.ErrInvalid)
}

func TestDisconnectLetsMessagesGoFirst(t *testing.T) {
	b := startBroker(t)
	watcher := dial(t, b.url(), mqttrs.Options{})
	messages := watcher.Messages(soon(t))
	subscribe(t, watcher, "last/#", mqttrs.AtLeastOnce)
	c := dial(t, b.url(), mqttrs.Options{Will: &mqttrs.Message{Topic: "last/will"}})
	const count = 500
	for i := 0; i < count; i++ {
		if err := c.Send(mqttrs.Message{Topic: "last/words", QoS: mqttrs.AtLeastOnce}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Disconnect(soon(t)); err != nil {
		t.Fatal(err)
	}
	if state := c.State(); state != mqttrs.Idle {
		t.Errorf("%v after Disconnect", state)
	}
	publish(t, watcher, "last/end", "", mqttrs.AtLeastOnce)
	for i := 0; i < count; i++ {
		if m := next(t, messages); m.Topic != "last/words" {
			t.Fatalf("%s instead of message %d", m.Topic, i)
		}
	}
	if m := next(t, messages); m.Topic != "last/end" { // No will.
		t.Errorf("%s", m.Topic)
	}
	if err := c.Disconnect(soon(t)); err != nil { // There is nothing to do.
		t.Error(err)
	}
	if err := c.Connect(soon(t)); err != nil { // And it may come back.
		t.Error(err)
	}
}

func TestTheWillIsPublishedWhenTheClientIsCutOffAndNotWhenItCloses(t *testing.T) {
	b := startBroker(t)
	watcher := dial(t, b.url(), mqttrs.Options{})
	wills := watcher.Messages(soon(t))
	subscribe(t, watcher, "will/#", mqttrs.ExactlyOnce)

	will := func(topic string) *mqttrs.Message {
		return &mqttrs.Message{Topic: topic, Payload: []byte("gone"), QoS: mqttrs.AtLeastOnce,
			Properties: &mqttrs.Properties{ContentType: "text/plain", User: []mqttrs.UserProperty{{Name: "a", Value: "b"}}}}
	}
	closed := dial(t, b.url(), mqttrs.Options{Will: will("will/closed")})
	closed.Close()
	asked := dial(t, b.url(), mqttrs.Options{Will: will("will/asked")})
	if err := asked.DisconnectWith(soon(t), mqttrs.DisconnectWithWill, nil); err != nil {
		t.Fatal(err)
	}
	if m := next(t, wills); m.Topic != "will/asked" {
		t.Errorf("the will of %s", m.Topic)
	}
	proxy := startCutter(t, b.port)
	dial(t, proxy.url(), mqttrs.Options{Will: will("will/cut"), Reconnect: &mqttrs.Reconnect{Off: true}})
	proxy.cut()
	m := next(t, wills)
	if m.Topic != "will/cut" || string(m.Payload) != "gone" || m.Properties == nil || m.Properties.ContentType != "text/plain" {
		t.Errorf("%+v %+v", m, m.Properties)
	}
	if value, _ := m.Properties.UserValue("a"); value != "b" {
		t.Errorf("%+v", m.Properties)
	}
}

func TestWebSocketAndUnixSocketCarryMessages(t *testing.T) {
	b := startBroker(t, "listener {extra} 127.0.0.1", "protocol websockets", "listener 0 {dir}/socket")
	for _, url := range []string{fmt.Sprintf("ws://127.0.0.1:%d/mqtt", b.extra), "unix://" + b.folder + "/socket"} {
		c := dial(t, url, mqttrs.Options{})
		messages := c.Messages(soon(t))
		subscribe(t, c, "way", mqttrs.AtLeastOnce)
		publish(t, c, "way", url, mqttrs.AtLeastOnce)
		if m := next(t, messages); string(m.Payload) != url {
			t.Errorf("%s", m.Payload)
		}
	}
}

func TestURLsAreRefusedThatNameNoServer(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1", "http://host", "mqtt://", "mqtt://host:0", "mqtt://host:99999", "mqtt://host/path", "unix://", "mqtt://%zz"} {
		_, err := mqttrs.NewClient(url, mqttrs.Options{})
		mustBe(t, err, mqttrs.ErrInvalid)
	}
}

func TestOptionsTheLibraryRefusesAreNamed(t *testing.T) {
	for name, options := range map[string]mqttrs.Options{
		"option Will":           {Will: &mqttrs.Message{Topic: "#"}},
		"option Reconnect":      {Reconnect: &mqttrs.Reconnect{MinDelay: time.Minute, MaxDelay: time.Second}},
		"option Proxy":          {Proxy: "gopher://127.0.0.1:70"},
		"option ReceiveMaximum": {ReceiveMaximum: 70000},
		"handle a/#/b":          {Handlers: map[string]mqttrs.Handler{"a/#/b": func(*mqttrs.Message) {}}},
	} {
		_, err := mqttrs.NewClient("mqtt://127.0.0.1", options)
		mustBe(t, err, mqttrs.ErrInvalid)
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %q", err, name)
		}
	}
}

func TestTheStoreKeepsMessagesOrIsNotSupported(t *testing.T) {
	b := startBroker(t)
	options := mqttrs.Options{ClientID: "stored", KeepSession: true, Store: &mqttrs.Store{Folder: t.TempDir()}}
	c, err := mqttrs.NewClient(b.url(), options)
	if os.Getenv("MQTTRS_TEST_STORE") == "" {
		mustBe(t, err, mqttrs.ErrNotSupported)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	c.PublishAsync(mqttrs.Message{Topic: "stored", Payload: []byte("1"), QoS: 1})
	eventually(t, "the message to be queued", func() bool { s, err := c.Stats(); return err == nil && s.QueuedMessages == 1 })
	c.Close()

	watcher := dial(t, b.url(), mqttrs.Options{})
	messages := watcher.Messages(soon(t))
	subscribe(t, watcher, "stored", mqttrs.AtLeastOnce)
	dial(t, b.url(), options)
	if m := next(t, messages); string(m.Payload) != "1" {
		t.Errorf("%+v", m)
	}
}

func TestSystemErrorsAreErrnos(t *testing.T) {
	_, err := mqttrs.NewClient("mqtt://127.0.0.1", mqttrs.Options{ClientID: "x", KeepSession: true,
		Store: &mqttrs.Store{Folder: "/proc/none/none"}})
	if os.Getenv("MQTTRS_TEST_STORE") == "" {
		mustBe(t, err, mqttrs.ErrNotSupported)
		return
	}
	mustBe(t, err, mqttrs.ErrSystem)
	mustBe(t, err, syscall.ENOENT)
}
