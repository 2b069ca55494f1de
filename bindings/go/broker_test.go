package mqttrs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mqttrs"
)

// patience is for what comes at once unless something is broken.
const patience = 20 * time.Second

func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// broker is a Mosquitto of the tests.
type broker struct {
	t      testing.TB
	folder string
	config string
	port   int
	extra  int  // a second port, where the configuration uses {extra}
	both   bool // it is used
	cmd    *exec.Cmd
}

// startBroker starts a Mosquitto on a free port; further lines of configuration may use {extra}, {dir}.
func startBroker(t testing.TB, lines ...string) *broker {
	t.Helper()
	b := &broker{t: t, folder: t.TempDir()}
	// A free port may be taken by another test before the broker has it.
	for try := 0; ; try++ {
		b.port, b.extra = freePort(t), freePort(t)
		b.both = strings.Contains(strings.Join(lines, ""), "{extra}")
		config := fmt.Sprintf("listener %d 127.0.0.1\nmax_queued_messages 0\nset_tcp_nodelay true\n", b.port)
		if os.Getuid() == 0 {
			config += "user root\n"
		}
		config += strings.Join(lines, "\n") + "\n"
		if !strings.Contains(config, "allow_anonymous") {
			config += "allow_anonymous true\n"
		}
		config = strings.NewReplacer("{extra}", fmt.Sprint(b.extra), "{dir}", b.folder).Replace(config)
		b.config = filepath.Join(b.folder, "mosquitto.conf")
		if err := os.WriteFile(b.config, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if b.start() {
			break
		}
		if try == 5 {
			output, _ := os.ReadFile(filepath.Join(b.folder, "log"))
			t.Fatalf("the broker does not start:\n%s", output)
		}
	}
	t.Cleanup(b.kill)
	return b
}

// start says whether the broker listens.
func (b *broker) start() bool {
	log, err := os.Create(filepath.Join(b.folder, "log"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	b.cmd = exec.Command(path, "-c", b.config, "-v")
	b.cmd.Stdout, b.cmd.Stderr = log, log
	// It does not outlive the tests, whatever ends them.
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan struct{})
	cmd := b.cmd
	go func() { _ = cmd.Wait(); close(ended) }()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if answers(b.port) && (!b.both || answers(b.extra)) {
			select {
			case <-ended: // It was somebody else who answered.
				return false
			default:
				return true
			}
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond): // Until it listens nothing tells of it.
		}
	}
	return false
}

func answers(port int) bool {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		conn.Close()
	}
	return err == nil
}

func (b *broker) kill() {
	if b.cmd.Process != nil {
		_ = b.cmd.Process.Kill()
	}
}

func (b *broker) url() string { return fmt.Sprintf("mqtt://127.0.0.1:%d", b.port) }

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// dial connects a client, which ends with the test.
func dial(t testing.TB, server string, options mqttrs.Options) *mqttrs.Client {
	t.Helper()
	c, err := mqttrs.Dial(soon(t), server, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func subscribe(t testing.TB, c *mqttrs.Client, filter string, qos mqttrs.QoS) {
	t.Helper()
	if _, err := c.Subscribe(soon(t), mqttrs.Subscription{Filter: filter, QoS: qos}); err != nil {
		t.Fatal(err)
	}
}

func publish(t testing.TB, c *mqttrs.Client, topic, payload string, qos mqttrs.QoS) mqttrs.Result {
	t.Helper()
	result, err := c.Publish(soon(t), mqttrs.Message{Topic: topic, Payload: []byte(payload), QoS: qos})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// next waits for what a channel has.
func next[T any](t testing.TB, channel <-chan T) T {
	t.Helper()
	select {
	case value, ok := <-channel:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return value
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func mustBe(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, not %v", err, want)
	}
}

// eventually waits for a condition that nothing tells of.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in vain waited for: " + what)
		}
	}
}

// cutter stands between client and broker and cuts connections.
type cutter struct {
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
	refuse   bool
}

func startCutter(t testing.TB, port int) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &cutter{listener: l}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, server)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(server, client); server.Close() }()
			go func() { _, _ = io.Copy(client, server); client.Close() }()
		}
	}()
	return p
}

func (p *cutter) url() string { return "mqtt://" + p.listener.Addr().String() }

func (p *cutter) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
}
