package mqttrs_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mqttrs"
)

func TestTheQuickStartOfTheREADMERuns(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(readme), "```go\n")
	code, _, closed := strings.Cut(code, "```\n")
	const url = "mqtt://localhost:1883"
	if !found || !closed || strings.Count(code, url) != 1 {
		t.Fatal("there is no quick start, or another one")
	}
	folder := t.TempDir()
	module, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	b := startBroker(t)
	write(t, folder, "main.go", []byte(strings.Replace(code, url, b.url(), 1)))
	write(t, folder, "go.mod", []byte("module quickstart\n\ngo 1.19\n"))
	run(t, folder, "go", "mod", "edit", "-require=mqttrs@v0.1.0", "-replace=mqttrs="+module)
	run(t, folder, "go", "build", "-o", "quickstart", ".")
	if output := run(t, folder, "./quickstart"); output != "greetings/world: hello\n" {
		t.Errorf("it says %q", output)
	}
}

func run(t *testing.T, folder, program string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	cmd.Dir = folder
	var errors bytes.Buffer
	cmd.Stderr = &errors
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, arguments, err, errors.String())
	}
	return string(output)
}

func TestTheExampleKeepsRoomsWarm(t *testing.T) {
	program := filepath.Join(t.TempDir(), "thermostat")
	run(t, ".", "go", "build", "-o", program, "./examples/thermostat")
	b := startBroker(t)
	house := dial(t, b.url(), mqttrs.Options{})
	words, err := house.MessagesOf(soon(t), "thermostat")
	if err != nil {
		t.Fatal(err)
	}
	heatings, err := house.MessagesOf(soon(t), "rooms/+/heating")
	if err != nil {
		t.Fatal(err)
	}
	subscribe(t, house, "thermostat", mqttrs.AtLeastOnce)
	subscribe(t, house, "rooms/+/heating", mqttrs.AtLeastOnce)

	cmd := exec.Command(program, "-wanted", "19", b.url())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := make(chan string, 10)
	go func() {
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			lines <- scanner.Text()
		}
		close(lines)
	}()
	if m := next(t, words); string(m.Payload) != "here" {
		t.Errorf("%s", m.Payload)
	}
	if line := next(t, lines); line != "at work" {
		t.Errorf("it says %q", line)
	}
	for temperature, want := range map[string]string{"18.5": "on", "21": "off"} {
		publish(t, house, "rooms/bath/temperature", temperature, mqttrs.AtLeastOnce)
		if m := next(t, heatings); m.Topic != "rooms/bath/heating" || string(m.Payload) != want {
			t.Errorf("%s: %s", m.Topic, m.Payload)
		}
		if line := next(t, lines); !strings.HasSuffix(line, "heating "+want) {
			t.Errorf("it says %q", line)
		}
		m, err := house.Request(soon(t), mqttrs.Message{Topic: "thermostat/ask", Payload: []byte("bath"), QoS: 1})
		if err != nil || !strings.HasPrefix(string(m.Payload), temperature) {
			t.Errorf("%v %v", m, err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if m := next(t, words); string(m.Payload) != "off" {
		t.Errorf("its last word is %s", m.Payload)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v %s", err, fmt.Sprint(cmd.ProcessState))
	}
}
