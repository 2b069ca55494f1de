// Command benchmark measures the binding with the server of the project's benchmarks
// (benches/server.c), in the same way as benches/client.c measures the library:
//
//	benchmark MODE PORT COUNT [KEY=VALUE...]
//
// The modes are publish and receive; the keys qos, size, window, threads and, for publishing, way: send,
// async, wait or batch. It prints CPU time and time, in nanoseconds, for the whole.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"mqttrs"
)

// ahead is how many messages of PublishAsync are on their way at once.
const ahead = 2000

type setup struct {
	mode, way                               string
	port, count, qos, size, window, threads int
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		log.Fatal("usage: benchmark publish|receive PORT COUNT [qos=0] [size=64] [window=20] [threads=1] [way=send]")
	}
	s := setup{mode: os.Args[1], way: "send", port: number(os.Args[2]), count: number(os.Args[3]), size: 64, window: 20, threads: 1}
	for _, word := range os.Args[4:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "way":
			s.way = value
		case "qos":
			s.qos = number(value)
		case "size":
			s.size = number(value)
		case "window":
			s.window = number(value)
		case "threads":
			s.threads = number(value)
		default:
			log.Fatalf("what is %s?", word)
		}
	}
	switch s.mode {
	case "publish":
		s.publish()
	case "receive":
		s.receive()
	default:
		log.Fatalf("no mode %s", s.mode)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func (s *setup) dial(mode string, options mqttrs.Options) *mqttrs.Client {
	window := s.window
	if window == 0 {
		window = 65535
	}
	options.ClientID = fmt.Sprintf("%s-q%d-s%d-t1-w%d-n%d", mode, s.qos, s.size, window, s.count)
	options.Protocol = mqttrs.MQTT311
	options.InFlight = window
	c, err := mqttrs.Dial(context.Background(), fmt.Sprintf("mqtt://127.0.0.1:%d", s.port), options)
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func (s *setup) publish() {
	c := s.dial("pub", mqttrs.Options{})
	span := begin()
	var all sync.WaitGroup
	for i := 0; i < s.threads; i++ {
		all.Add(1)
		go func(publisher int) {
			defer all.Done()
			s.publishFrom(c, publisher)
		}(i)
	}
	all.Wait()
	if s.qos == 0 {
		_, err := c.Publish(context.Background(), mqttrs.Message{Topic: "control/end", QoS: mqttrs.AtLeastOnce})
		must(err)
	}
	must(c.Drain(context.Background()))
	span.end()
	must(c.Disconnect(context.Background()))
	span.print(s.count / s.threads * s.threads)
	fmt.Println()
}

func (s *setup) publishFrom(c *mqttrs.Client, publisher int) {
	ctx := context.Background()
	payload := []byte(strings.Repeat("x", s.size))
	m := mqttrs.Message{Topic: "t", Payload: payload, QoS: mqttrs.QoS(s.qos)}
	count := s.count / s.threads
	var batch []mqttrs.Message
	tokens := make([]*mqttrs.Token, ahead)
	for i := 0; i < count; i++ {
		binary.LittleEndian.PutUint32(payload, uint32(publisher))
		binary.LittleEndian.PutUint64(payload[4:], uint64(i))
		switch s.way {
		case "send":
			must(c.Send(m))
		case "async":
			if token := tokens[i%ahead]; token != nil {
				_, err := token.Wait(ctx)
				must(err)
			}
			tokens[i%ahead] = c.PublishAsync(m)
		case "wait":
			_, err := c.Publish(ctx, m)
			must(err)
		case "batch":
			own := m
			own.Payload = append([]byte{}, payload...)
			if batch = append(batch, own); len(batch) == 500 || i == count-1 {
				_, err := c.PublishBatch(ctx, batch)
				must(err)
				batch = batch[:0]
			}
		}
	}
	for _, token := range tokens {
		if token != nil {
			_, err := token.Wait(ctx)
			must(err)
		}
	}
}

func (s *setup) receive() {
	wrong, seen := 0, 0
	done := make(chan struct{})
	c := s.dial("rcv", mqttrs.Options{OnMessage: func(m *mqttrs.Message) {
		if len(m.Payload) != s.size || binary.LittleEndian.Uint64(m.Payload[4:]) != uint64(seen) {
			wrong++
		}
		if seen++; seen == s.count {
			close(done)
		}
	}})
	span := begin()
	_, err := c.Subscribe(context.Background(), mqttrs.Subscription{Filter: "t/#", QoS: mqttrs.QoS(s.qos)})
	must(err)
	<-done
	span.end()
	must(c.Disconnect(context.Background()))
	span.print(seen)
	fmt.Printf(" wrong=%d\n", wrong)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type span struct {
	cpu  int64
	wall time.Time
	took time.Duration
}

func cpu() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func begin() *span { return &span{cpu: cpu(), wall: time.Now()} }

func (s *span) end() { s.cpu, s.took = cpu()-s.cpu, time.Since(s.wall) }

func (s *span) print(count int) {
	fmt.Printf("n=%d cpu_ns=%d wall_ns=%d", count, s.cpu, s.took.Nanoseconds())
}
