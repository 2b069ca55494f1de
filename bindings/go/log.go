package mqttrs

// #include "shim.h"
import "C"

import "encoding/binary"

// LogLevel says how important something is.
type LogLevel int

// The levels.
const (
	LogInfo    LogLevel = C.MOSQ_LOG_INFO
	LogNotice  LogLevel = C.MOSQ_LOG_NOTICE
	LogWarning LogLevel = C.MOSQ_LOG_WARNING
	LogError   LogLevel = C.MOSQ_LOG_ERR
	LogDebug   LogLevel = C.MOSQ_LOG_DEBUG
)

// String returns the name of the level.
func (l LogLevel) String() string {
	switch l {
	case LogInfo:
		return "info"
	case LogNotice:
		return "notice"
	case LogWarning:
		return "warning"
	case LogError:
		return "error"
	}
	return "debug"
}

// LogRecord is something that was logged. Names of events and fields stay the same in later
// versions; docs/logging.md lists them.
type LogRecord struct {
	Level    LogLevel
	ClientID string
	Event    string // "publish.sent" for instance
	Text     string // the same for people
	Fields   []LogField
}

// LogField is a key and its value; numbers are in decimal.
type LogField struct{ Key, Value string }

func (c *Client) onLog(record LogRecord) {
	if c.options.Log != nil {
		c.observers.put(c, observation{"Log", func() { c.options.Log(record) }, true})
	}
}

func readLogRecord(body []byte) LogRecord {
	record := LogRecord{Level: LogLevel(binary.LittleEndian.Uint32(body))}
	count := int(binary.LittleEndian.Uint32(body[4:]))
	body = body[8:]
	next := func() string {
		size := binary.LittleEndian.Uint32(body)
		text := string(body[4 : 4+size])
		body = body[4+size:]
		return text
	}
	record.ClientID, record.Event, record.Text = next(), next(), next()
	for i := 0; i < count; i++ {
		key := next()
		record.Fields = append(record.Fields, LogField{key, next()})
	}
	return record
}
