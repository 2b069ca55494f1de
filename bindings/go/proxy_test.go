package mqttrs_test

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"

	"mqttrs"
)

// whoCalls listens, and tells the first line of the first who calls, or its first byte.
func whoCalls(t *testing.T, line bool) (address string, said <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	words := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		if !line {
			first, _ := r.ReadByte()
			words <- string(first)
			return
		}
		var all []string
		for {
			text, err := r.ReadString('\n')
			if text = strings.TrimSpace(text); text == "" || err != nil {
				break
			}
			all = append(all, text)
		}
		words <- strings.Join(all, "\n")
	}()
	return l.Addr().String(), words
}

func TestAProxyIsAskedForTheServer(t *testing.T) {
	address, said := whoCalls(t, true)
	_, err := mqttrs.Dial(soon(t), "mqtt://nowhere.invalid:1234", mqttrs.Options{Proxy: "http://me:secret@" + address})
	if err == nil {
		t.Error("connected through a proxy that hangs up")
	}
	request := next(t, said)
	if !strings.HasPrefix(request, "CONNECT nowhere.invalid:1234 ") || !strings.Contains(request, "Proxy-Authorization: Basic bWU6c2VjcmV0") {
		t.Errorf("%q", request)
	}
	address, said = whoCalls(t, false)
	if _, err := mqttrs.Dial(soon(t), "mqtt://nowhere.invalid:1234", mqttrs.Options{Proxy: "socks5://" + address}); err == nil {
		t.Error("connected through a proxy that hangs up")
	}
	if first := next(t, said); first != "\x05" {
		t.Errorf("%q is not SOCKS5", first)
	}
}

func TestAWebSocketAsksWithItsPathAndHeaders(t *testing.T) {
	address, said := whoCalls(t, true)
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	_, err := mqttrs.Dial(ctx, "ws://"+address+"/some/path?token=1", mqttrs.Options{
		WebSocketHeaders: map[string]string{"Authorization": "Bearer abc", "X-Empty": ""}})
	if err == nil {
		t.Error("connected to what is no WebSocket")
	}
	request := next(t, said)
	for _, want := range []string{"GET /some/path?token=1 HTTP/1.1", "Authorization: Bearer abc", "X-Empty:"} {
		if !strings.Contains(strings.ToLower(request), strings.ToLower(want)) {
			t.Errorf("%q has no %q", request, want)
		}
	}
}
