package mqttrs_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"mqttrs"
)

func TestRequestsHaveResponsesInEachProtocol(t *testing.T) {
	for _, version := range []mqttrs.Protocol{mqttrs.MQTT311, mqttrs.MQTT5} {
		b := startBroker(t)
		server := dial(t, b.url(), mqttrs.Options{Protocol: version})
		served := make(chan struct{}, 1)
		if err := server.Serve("double", mqttrs.AtLeastOnce, func(m *mqttrs.Message) {
			if string(m.Payload) == "later" {
				go func() { _ = m.Respond([]byte("at last"), mqttrs.AtMostOnce, nil) }()
				return
			}
			if err := m.Respond(append(m.Payload, m.Payload...), mqttrs.AtLeastOnce, nil); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		close(served)
		publish(t, server, "x", "", mqttrs.AtLeastOnce) // The subscription went out before it.
		c := dial(t, b.url(), mqttrs.Options{Protocol: version})
		var all sync.WaitGroup
		for _, word := range []string{"a", "b", "c", "d", "later"} {
			all.Add(1)
			go func(word string) {
				defer all.Done()
				want := word + word
				if word == "later" {
					want = "at last"
				}
				m, err := c.Request(soon(t), mqttrs.Message{Topic: "double", Payload: []byte(word), QoS: 1})
				if err != nil || string(m.Payload) != want {
					t.Errorf("version %d: %v %v", version, m, err)
				}
			}(word)
		}
		all.Wait()
	}
}

func TestARequestNobodyAnswersEndsWithItsContext(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if m, err := c.Request(ctx, mqttrs.Message{Topic: "nobody"}); m != nil || err == nil {
		t.Error(m, err)
	}
	canceled, cancelNow := context.WithCancel(context.Background())
	cancelNow()
	_, err := c.Request(canceled, mqttrs.Message{Topic: "nobody"})
	mustBe(t, err, context.Canceled)
}

func TestAServerThatHasEndedDoesNotAnswer(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b.url(), mqttrs.Options{})
	if err := c.Serve("s", 1, func(m *mqttrs.Message) { _ = m.Respond([]byte("1"), 0, nil) }); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Request(soon(t), mqttrs.Message{Topic: "s", QoS: 1}); err != nil {
		t.Fatal(err)
	}
	if err := c.ServeEnd("s"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Request(ctx, mqttrs.Message{Topic: "s", QoS: 1}); err == nil {
		t.Error("answered")
	}
	mustBe(t, c.Serve("a/#/b", 0, func(*mqttrs.Message) {}), mqttrs.ErrInvalid)
	mustBe(t, (&mqttrs.Message{Topic: "t"}).Respond(nil, 0, nil), mqttrs.ErrInvalid)
}
