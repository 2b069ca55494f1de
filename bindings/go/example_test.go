package mqttrs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"testing"
	"time"

	"mqttrs"
)

// server is where the examples connect to.
var server = "mqtt://localhost:1883"

func ExampleDial() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := mqttrs.Dial(ctx, server, mqttrs.Options{
		ClientID:  "example",
		Will:      &mqttrs.Message{Topic: "example/alive", Payload: []byte("no"), Retain: true},
		Reconnect: &mqttrs.Reconnect{MinDelay: time.Second, MaxDelay: time.Minute, Doubling: true, Jitter: true},
	})
	var refused *mqttrs.ReasonError
	switch {
	case errors.As(err, &refused):
		log.Fatal("the server says: ", refused.Reason)
	case err != nil:
		log.Fatal(err)
	}
	defer client.Close()
	fmt.Println(client.State())
}

func ExampleClient_PublishAsync() {
	ctx := context.Background()
	client, err := mqttrs.Dial(ctx, server, mqttrs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var tokens []*mqttrs.Token
	for i := 0; i < 100; i++ {
		tokens = append(tokens, client.PublishAsync(mqttrs.Message{
			Topic: "example/numbers", Payload: []byte(fmt.Sprint(i)), QoS: mqttrs.AtLeastOnce}))
	}
	for _, token := range tokens {
		if _, err := token.Wait(ctx); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(tokens), "messages are with the server")
}

func ExampleClient_SubscribeFunc() {
	ctx := context.Background()
	client, err := mqttrs.Dial(ctx, server, mqttrs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	done := make(chan struct{})
	err = client.SubscribeFunc(ctx, "example/rooms/+/temperature", mqttrs.AtLeastOnce, func(m *mqttrs.Message) {
		fmt.Printf("%s: %s\n", m.Topic, m.Payload)
		close(done)
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Publish(ctx, mqttrs.Message{Topic: "example/rooms/bath/temperature", Payload: []byte("21")})
	if err != nil {
		log.Fatal(err)
	}
	<-done
}

func ExampleClient_Request() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := mqttrs.Dial(ctx, server, mqttrs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.Serve("example/greet", mqttrs.AtLeastOnce, func(request *mqttrs.Message) {
		_ = request.Respond([]byte("hello, "+string(request.Payload)), mqttrs.AtLeastOnce, nil)
	})
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Request(ctx, mqttrs.Message{
		Topic: "example/greet", Payload: []byte("world"), QoS: mqttrs.AtLeastOnce})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(response.Payload))
}

// They are run by this test, since they need a broker.
func TestTheExamplesOfTheDocumentationRun(t *testing.T) {
	defer func(before string) { server = before }(server)
	server = startBroker(t).url()
	for _, example := range []struct {
		run  func()
		want string
	}{
		{ExampleDial, "up\n"},
		{ExampleClient_PublishAsync, "100 messages are with the server\n"},
		{ExampleClient_SubscribeFunc, "example/rooms/bath/temperature: 21\n"},
		{ExampleClient_Request, "hello, world\n"},
	} {
		if output := printed(t, example.run); output != example.want {
			t.Errorf("%q instead of %q", output, example.want)
		}
	}
}

// printed returns what a function prints.
func printed(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	f()
	os.Stdout = stdout
	w.Close()
	output, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}
