package mqttrs

import (
	"fmt"
	"net/url"
	"strconv"
)

// address is what a server's URL says.
type address struct {
	host               string
	port               int
	tls, websocket     bool
	unix               bool
	path               string
	username, password string
}

var schemes = map[string]address{
	"mqtt":  {port: 1883},
	"tcp":   {port: 1883},
	"mqtts": {port: 8883, tls: true},
	"tls":   {port: 8883, tls: true},
	"ssl":   {port: 8883, tls: true},
	"ws":    {port: 80, websocket: true},
	"wss":   {port: 443, websocket: true, tls: true},
	"unix":  {unix: true},
}

func parseAddress(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, &OpError{Op: "server URL", Err: ErrInvalid, Detail: err.Error()}
	}
	a, known := schemes[u.Scheme]
	if !known {
		return address{}, addressError("unknown scheme in %q; known are mqtt, mqtts, ws, wss and unix", u.Redacted())
	}
	a.username = u.User.Username()
	a.password, _ = u.User.Password()
	if a.unix {
		if a.host = u.Path; a.host == "" {
			return address{}, addressError("no path in %q", u.Redacted())
		}
		return a, nil
	}
	if a.host = u.Hostname(); a.host == "" {
		return address{}, addressError("no host in %q", u.Redacted())
	}
	if port := u.Port(); port != "" {
		if a.port, err = strconv.Atoi(port); err != nil || a.port < 1 || a.port > 65535 {
			return address{}, addressError("no port: %q", port)
		}
	}
	if a.websocket {
		a.path = u.RequestURI()
		if u.Path == "" {
			a.path = "/mqtt"
		}
	} else if u.Path != "" && u.Path != "/" {
		return address{}, addressError("a path in %q, which only WebSocket has", u.Redacted())
	}
	return a, nil
}

func addressError(format string, args ...any) error {
	return &OpError{Op: "server URL", Err: ErrInvalid, Detail: fmt.Sprintf(format, args...)}
}
