//go:build paho

// Command paho is the benchmark with Eclipse Paho's client for Go, as Debian packages it
// (golang-github-eclipse-paho.mqtt.golang-dev, in GOPATH mode). The command line is that of ../main.go.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// ahead is how many messages are on their way at once.
const ahead = 2000

func main() {
	mode, port, count := os.Args[1], os.Args[2], number(os.Args[3])
	qos, size, window, wait := 0, 64, 20, false
	for _, word := range os.Args[4:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "qos":
			qos = number(value)
		case "size":
			size = number(value)
		case "window":
			window = number(value)
		case "way":
			wait = value == "wait"
		}
	}
	scenario := map[string]string{"publish": "pub", "receive": "rcv"}[mode]
	o := mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + port).SetProtocolVersion(4)
	o.SetClientID(fmt.Sprintf("%s-q%d-s%d-t1-w%d-n%d", scenario, qos, size, window, count))
	c := mqtt.NewClient(o)
	must(c.Connect())

	cpuBefore, before := cpu(), time.Now()
	wrong := 0
	if mode == "publish" {
		publish(c, qos, size, count, wait)
	} else {
		wrong = receive(c, qos, size, count)
	}
	fmt.Printf("n=%d cpu_ns=%d wall_ns=%d wrong=%d\n", count, cpu()-cpuBefore, time.Since(before).Nanoseconds(), wrong)
	c.Disconnect(1000)
}

func publish(c mqtt.Client, qos, size, count int, wait bool) {
	tokens := make([]mqtt.Token, ahead)
	for i := 0; i < count; i++ {
		payload := make([]byte, size) // It is read later.
		binary.LittleEndian.PutUint64(payload[4:], uint64(i))
		if token := tokens[i%ahead]; token != nil {
			must(token)
		}
		tokens[i%ahead] = c.Publish("t", byte(qos), false, payload)
		if wait {
			must(tokens[i%ahead])
		}
	}
	for _, token := range tokens {
		if token != nil {
			must(token)
		}
	}
	if qos == 0 {
		must(c.Publish("control/end", 1, false, ""))
	}
}

func receive(c mqtt.Client, qos, size, count int) (wrong int) {
	seen, done := 0, make(chan struct{})
	must(c.Subscribe("t/#", byte(qos), func(_ mqtt.Client, m mqtt.Message) {
		if payload := m.Payload(); len(payload) != size || binary.LittleEndian.Uint64(payload[4:]) != uint64(seen) {
			wrong++
		}
		if seen++; seen == count {
			close(done)
		}
	}))
	<-done
	return wrong
}

func must(token mqtt.Token) {
	if token.Wait(); token.Error() != nil {
		log.Fatal(token.Error())
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
