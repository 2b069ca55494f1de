package mqttrs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"mqttrs"
)

func reasonOf(t testing.TB, err error) mqttrs.ReasonCode {
	t.Helper()
	var refused *mqttrs.ReasonError
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no ReasonError", err)
	}
	return refused.Reason
}

func TestManyGoroutinesPublishOnOneClientAndEachInOrder(t *testing.T) {
	b := startBroker(t, "max_inflight_messages 0")
	receiver := dial(t, b.url(), mqttrs.Options{ReceiveMaximum: 1000})
	messages := receiver.Messages(soon(t))
	subscribe(t, receiver, "many/+", mqttrs.ExactlyOnce)
	c := dial(t, b.url(), mqttrs.Options{InFlight: 100})
	const goroutines, each = 16, 300
	var all sync.WaitGroup
	for g := 0; g < goroutines; g++ {
		all.Add(1)
		go func(g int) {
			defer all.Done()
			topic := fmt.Sprintf("many/%d", g)
			for i := 0; i < each; i++ {
				m := mqttrs.Message{Topic: topic, Payload: []byte(fmt.Sprint(i)), QoS: mqttrs.QoS(1 + g%2)}
				var err error
				switch g / 2 % 4 {
				case 0:
					_, err = c.Publish(soon(t), m)
				case 1:
					err = c.Send(m)
				case 2:
					_, err = c.PublishBatch(soon(t), []mqttrs.Message{m})
				case 3:
					c.PublishAsync(m)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}(g)
	}
	seen := map[string]int{}
	for n := 0; n < goroutines*each; n++ {
		m := next(t, messages)
		if string(m.Payload) != fmt.Sprint(seen[m.Topic]) {
			t.Fatalf("%s: %s instead of %d", m.Topic, m.Payload, seen[m.Topic])
		}
		seen[m.Topic]++
	}
	all.Wait()
	if err := c.Drain(soon(t)); err != nil {
		t.Error(err)
	}
}

func TestABatchHasTheResultOfEachMessage(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{Protocol: mqttrs.MQTT5})
	results, err := c.PublishBatch(soon(t), []mqttrs.Message{
		{Topic: "a", QoS: 1}, {Topic: "b/#", QoS: 1}, {Topic: "c", QoS: 0}, {Topic: "d", QoS: 2}, {Topic: "+", QoS: 1}})
	mustBe(t, err, mqttrs.ErrInvalid)
	if len(results) != 5 {
		t.Fatalf("%+v", results)
	}
	for i, want := range []mqttrs.Outcome{mqttrs.OutcomeAcknowledged, 0, mqttrs.OutcomeSent, mqttrs.OutcomeAcknowledged, 0} {
		if results[i].Outcome != want {
			t.Errorf("message %d: %+v", i, results[i])
		}
	}
	if results, err := c.PublishBatch(soon(t), nil); results != nil || err != nil {
		t.Error(results, err)
	}
	if result := publish(t, c, "nobody/listens", "", 1); result.Reason != mqttrs.NoMatchingSubscribers {
		t.Errorf("%v", result.Reason)
	}
}

func TestAServersRefusalIsAReasonError(t *testing.T) {
	b := startBroker(t, "acl_file "+write(t, t.TempDir(), "acl", []byte("topic readwrite allowed/#\n")))
	c := dial(t, b.url(), mqttrs.Options{})
	_, err := c.Publish(soon(t), mqttrs.Message{Topic: "forbidden", QoS: 1})
	if reason := reasonOf(t, err); reason != mqttrs.NotAuthorized {
		t.Errorf("%v", reason)
	}
	mustBe(t, err, mqttrs.ErrAccessDenied)
	publish(t, c, "allowed/x", "", 2)
}

func TestWhatIsWrongWithAMessageReachesItsCaller(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	for _, wrong := range []struct {
		m   mqttrs.Message
		err error
	}{
		{mqttrs.Message{Topic: ""}, mqttrs.ErrInvalid},
		{mqttrs.Message{Topic: "a/+"}, mqttrs.ErrInvalid},
		{mqttrs.Message{Topic: "a", QoS: 3}, mqttrs.ErrInvalid},
		{mqttrs.Message{Topic: "a\x00b"}, mqttrs.ErrMalformedUTF8},
		{mqttrs.Message{Topic: "a\xffb"}, mqttrs.ErrMalformedUTF8},
		{mqttrs.Message{Topic: strings.Repeat("a", 1<<16)}, mqttrs.ErrInvalid},
		{mqttrs.Message{Topic: "a", Payload: make([]byte, 1<<28)}, mqttrs.ErrPayloadSize},
	} {
		if _, err := c.Publish(soon(t), wrong.m); !errors.Is(err, wrong.err) {
			t.Errorf("Publish: %v instead of %v", err, wrong.err)
		}
		if _, err := c.PublishAsync(wrong.m).Wait(soon(t)); !errors.Is(err, wrong.err) {
			t.Errorf("PublishAsync: %v instead of %v", err, wrong.err)
		}
	}
	publish(t, c, "fine", "", 1)
}

func TestSendCountsWhatTheLibraryRefuses(t *testing.T) {
	c, err := mqttrs.NewClient("mqtt://127.0.0.1", mqttrs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Send(mqttrs.Message{Topic: "t"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal to be counted", func() bool { s, _ := c.Stats(); return s.Refused == 1 })
	_, err = c.Publish(soon(t), mqttrs.Message{Topic: "t"})
	mustBe(t, err, mqttrs.ErrNoConnection)
}

func TestTheEndOfAContextEndsTheWaitingAndNotTheMessage(t *testing.T) {
	b := startBroker(t)
	c, err := mqttrs.NewClient(b.url(), mqttrs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	waited := make(chan error, 1)
	token := c.PublishAsync(mqttrs.Message{Topic: "later", QoS: 1})
	go func() { _, err := token.Wait(ctx); waited <- err }()
	cancel()
	mustBe(t, next(t, waited), context.Canceled)
	select {
	case <-token.Done():
		t.Error("acknowledged by nobody")
	default:
	}
	if err := c.Connect(soon(t)); err != nil {
		t.Fatal(err)
	}
	if result, err := token.Wait(soon(t)); err != nil || result.Outcome != mqttrs.OutcomeAcknowledged {
		t.Error(result, err)
	}
	// A context that has ended before does not keep a message back that is handed over.
	if _, err := c.Publish(ctx, mqttrs.Message{Topic: "t", QoS: 1}); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAFullQueueIsAnErrorOfTheMessageThatHasNoRoom(t *testing.T) {
	c, err := mqttrs.NewClient("mqtt://127.0.0.1", mqttrs.Options{Queue: &mqttrs.Queue{MaxMessages: 3}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var tokens []*mqttrs.Token
	for i := 0; i < 5; i++ {
		tokens = append(tokens, c.PublishAsync(mqttrs.Message{Topic: "t", QoS: 1}))
	}
	for _, token := range tokens[3:] {
		_, err := token.Wait(soon(t))
		mustBe(t, err, mqttrs.ErrQuotaExceeded)
	}
	c.Close()
	for _, token := range tokens[:3] {
		_, err := token.Wait(soon(t))
		mustBe(t, err, mqttrs.ErrClosed)
	}
}

func TestTheOldestMessageMakesRoom(t *testing.T) {
	b := startBroker(t)
	c, err := mqttrs.NewClient(b.url(), mqttrs.Options{
		Queue: &mqttrs.Queue{MaxMessages: 2, Overflow: mqttrs.OverflowDropOldest, QoS0: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first := c.PublishAsync(mqttrs.Message{Topic: "1"})
	rest := []*mqttrs.Token{c.PublishAsync(mqttrs.Message{Topic: "2", QoS: 1}), c.PublishAsync(mqttrs.Message{Topic: "3"})}
	_, err = first.Wait(soon(t))
	mustBe(t, err, mqttrs.ErrOverflow)
	if err := c.Connect(soon(t)); err != nil {
		t.Fatal(err)
	}
	for _, token := range rest {
		if _, err := token.Wait(soon(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestAMessageExpiresWhileItWaits(t *testing.T) {
	b := startBroker(t)
	c, err := mqttrs.NewClient(b.url(), mqttrs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	token := c.PublishAsync(mqttrs.Message{Topic: "t", QoS: 1, Properties: &mqttrs.Properties{MessageExpiry: mqttrs.Ptr[uint32](1)}})
	time.Sleep(1100 * time.Millisecond) // Its interval has to pass; nothing is synchronised by it.
	if err := c.Connect(soon(t)); err != nil {
		t.Fatal(err)
	}
	result, err := token.Wait(soon(t))
	mustBe(t, err, mqttrs.ErrExpired)
	if result.Outcome != mqttrs.OutcomeExpired {
		t.Error(result)
	}
}

func TestAThrottledClientRefusesTheExcess(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	limit := &mqttrs.Throttle{MessagesPerSecond: 0.001, BurstMessages: 2, Excess: mqttrs.ExcessRefuse}
	if err := c.SetThrottle("slow/#", limit); err != nil {
		t.Fatal(err)
	}
	publish(t, c, "slow/1", "", 1)
	publish(t, c, "slow/2", "", 1)
	_, err := c.Publish(soon(t), mqttrs.Message{Topic: "slow/3", QoS: 1})
	mustBe(t, err, mqttrs.ErrQuotaExceeded)
	publish(t, c, "fast", "", 1)
	if err := c.SetThrottle("slow/#", nil); err != nil {
		t.Fatal(err)
	}
	publish(t, c, "slow/4", "", 1)
	mustBe(t, c.SetThrottle("", &mqttrs.Throttle{MessagesPerSecond: -1}), mqttrs.ErrInvalid)
}
