// Command thermostat keeps rooms warm: it hears of temperatures, switches heatings, answers who asks for
// the temperature of a room, and says so by its will when it is gone.
//
//	thermostat [-wanted 20] mqtt://localhost
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"

	"mqttrs"
)

// house is what is known of the rooms.
type house struct {
	client *mqttrs.Client
	wanted float64

	mu    sync.Mutex
	rooms map[string]float64
}

func main() {
	log.SetFlags(0)
	wanted := flag.Float64("wanted", 20, "degrees Celsius")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), *wanted); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, server string, wanted float64) error {
	h := &house{wanted: wanted, rooms: make(map[string]float64)}
	client, err := mqttrs.Dial(ctx, server, mqttrs.Options{
		Will:      &mqttrs.Message{Topic: "thermostat", Payload: []byte("gone"), QoS: mqttrs.AtLeastOnce, Retain: true},
		Reconnect: &mqttrs.Reconnect{MinDelay: time.Second, MaxDelay: time.Minute, Doubling: true, Jitter: true},
		OnLifecycle: func(e mqttrs.Event) {
			if e.Err != nil {
				log.Printf("%v, next attempt in %v", e.Err, e.Delay)
			}
		},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	h.client = client

	if err := client.Serve("thermostat/ask", mqttrs.AtLeastOnce, h.answer); err != nil {
		return err
	}
	if err := client.SubscribeFunc(ctx, "rooms/+/temperature", mqttrs.AtLeastOnce, h.measured); err != nil {
		return err
	}
	if _, err := client.Publish(ctx, mqttrs.Message{Topic: "thermostat", Payload: []byte("here"), QoS: mqttrs.AtLeastOnce, Retain: true}); err != nil {
		return err
	}
	fmt.Println("at work")
	<-ctx.Done()

	// What is on its way may take a second.
	bye, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	client.PublishAsync(mqttrs.Message{Topic: "thermostat", Payload: []byte("off"), QoS: mqttrs.AtLeastOnce, Retain: true})
	if err := client.Disconnect(bye); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// measured switches the heating of the room that the message is about.
func (h *house) measured(m *mqttrs.Message) {
	room := strings.Split(m.Topic, "/")[1]
	temperature, err := strconv.ParseFloat(string(m.Payload), 64)
	if err != nil {
		log.Printf("%s: %v", m.Topic, err)
		return
	}
	h.mu.Lock()
	h.rooms[room] = temperature
	h.mu.Unlock()

	heating := "off"
	if temperature < h.wanted {
		heating = "on"
	}
	fmt.Printf("%s: %.1f degrees, heating %s\n", room, temperature, heating)
	h.client.PublishAsync(mqttrs.Message{Topic: "rooms/" + room + "/heating", Payload: []byte(heating), QoS: mqttrs.AtLeastOnce})
}

// answer tells who asks for a room what was measured there last.
func (h *house) answer(m *mqttrs.Message) {
	h.mu.Lock()
	temperature, known := h.rooms[string(m.Payload)]
	h.mu.Unlock()
	text := "unknown"
	if known {
		text = fmt.Sprintf("%.1f", temperature)
	}
	if err := m.Respond([]byte(text), mqttrs.AtLeastOnce, nil); err != nil {
		log.Print(err)
	}
}
