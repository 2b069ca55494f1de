package mqttrs_test

import (
	"reflect"
	"strings"
	"testing"

	"mqttrs"
)

func TestPropertiesOfAMessageArriveAsTheyWereSent(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	messages := c.Messages(soon(t))
	if _, err := c.SubscribeWith(soon(t), &mqttrs.Properties{SubscriptionIdentifiers: []uint32{300}},
		mqttrs.Subscription{Filter: "p", QoS: 1}); err != nil {
		t.Fatal(err)
	}
	sent := mqttrs.Properties{
		PayloadFormat:   mqttrs.Ptr[byte](1),
		MessageExpiry:   mqttrs.Ptr[uint32](100000),
		ContentType:     "text/plain; charset=utf-8",
		ResponseTopic:   "answers/here",
		CorrelationData: []byte{0, 1, 0xff, 0},
		User:            []mqttrs.UserProperty{{"a", "1"}, {"a", "2"}, {"b", ""}, {"", "c"}, {"grüße", "\U0001F980"}},
	}
	if _, err := c.Publish(soon(t), mqttrs.Message{Topic: "p", Payload: []byte("grüße"), QoS: 1, Properties: &sent}); err != nil {
		t.Fatal(err)
	}
	got := *next(t, messages).Properties
	sent.SubscriptionIdentifiers = []uint32{300}
	if *got.MessageExpiry > 100000 || *got.MessageExpiry < 90000 {
		t.Errorf("expiry %d", *got.MessageExpiry)
	}
	got.MessageExpiry = sent.MessageExpiry
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("sent %+v\n got %+v", sent, got)
	}
}

func TestPropertiesOfTheServersAnswersAreThere(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b.url(), mqttrs.Options{Properties: &mqttrs.Properties{ReceiveMaximum: mqttrs.Ptr[uint16](7), SessionExpiry: mqttrs.Ptr[uint32](60)}})
	if p := c.ConnAck().Properties; p == nil || !strings.HasPrefix(p.AssignedClientID, "auto-") || p.TopicAliasMaximum == nil {
		t.Errorf("%+v", p)
	}
}

func TestPropertiesInTheWrongPlaceAreErrors(t *testing.T) {
	c := dial(t, startBroker(t).url(), mqttrs.Options{})
	_, err := c.Publish(soon(t), mqttrs.Message{Topic: "p", Properties: &mqttrs.Properties{ServerReference: "x"}})
	mustBe(t, err, mqttrs.ErrProtocol)
	_, err = c.Publish(soon(t), mqttrs.Message{Topic: "p", Properties: &mqttrs.Properties{ContentType: "\xff"}})
	mustBe(t, err, mqttrs.ErrMalformedUTF8)
	_, err = c.SubscribeWith(soon(t), &mqttrs.Properties{ContentType: "x"}, mqttrs.Subscription{Filter: "p"})
	mustBe(t, err, mqttrs.ErrProtocol)
	publish(t, c, "p", "", mqttrs.AtLeastOnce) // The connection goes on.

	old := dial(t, startBroker(t).url(), mqttrs.Options{Protocol: mqttrs.MQTT311})
	_, err = old.Publish(soon(t), mqttrs.Message{Topic: "p", Properties: &mqttrs.Properties{ContentType: "x"}})
	mustBe(t, err, mqttrs.ErrNotSupported)
}

func TestEveryPropertyOfMQTT5HasAField(t *testing.T) {
	if n := reflect.TypeOf(mqttrs.Properties{}).NumField(); n != 27 {
		t.Errorf("%d fields for 27 properties", n)
	}
	// Those that no server sends back are at least taken and checked by the library.
	c := dial(t, startBroker(t).url(), mqttrs.Options{TopicAliases: true, Properties: &mqttrs.Properties{
		SessionExpiry: mqttrs.Ptr[uint32](5), ReceiveMaximum: mqttrs.Ptr[uint16](9), MaximumPacketSize: mqttrs.Ptr[uint32](1 << 20),
		TopicAliasMaximum: mqttrs.Ptr[uint16](4), RequestResponseInformation: mqttrs.Ptr[byte](1),
		RequestProblemInformation: mqttrs.Ptr[byte](1), User: []mqttrs.UserProperty{{"k", "v"}}},
		Will: &mqttrs.Message{Topic: "w", Properties: &mqttrs.Properties{WillDelay: mqttrs.Ptr[uint32](1)}}})
	messages := c.Messages(soon(t))
	subscribe(t, c, "a/topic/with/a/long/name", 0)
	for i := 0; i < 3; i++ { // By its alias from the second time on.
		publish(t, c, "a/topic/with/a/long/name", "", 0)
		if m := next(t, messages); m.Topic != "a/topic/with/a/long/name" {
			t.Errorf("%q", m.Topic)
		}
	}
	if err := c.DisconnectWith(soon(t), mqttrs.Success, &mqttrs.Properties{ReasonString: "tired", SessionExpiry: mqttrs.Ptr[uint32](0)}); err != nil {
		t.Error(err)
	}
}
