package mqttrs

import (
	"encoding/binary"
)

// Properties of MQTT 5, of all packets; which packet may have which says MQTT 5.0 section 2.2.2.2.
// What is nil or empty is not there. [Ptr] makes pointers to numbers:
//
//	mqttrs.Properties{MessageExpiry: mqttrs.Ptr[uint32](60), ContentType: "text/plain"}
type Properties struct {
	PayloadFormat               *byte   // 1: the payload is UTF-8
	MessageExpiry               *uint32 // seconds
	ContentType                 string
	ResponseTopic               string
	CorrelationData             []byte
	SubscriptionIdentifiers     []uint32
	SessionExpiry               *uint32 // seconds; 0xffffffff: never
	AssignedClientID            string
	ServerKeepAlive             *uint16 // seconds
	AuthenticationMethod        string
	AuthenticationData          []byte
	RequestProblemInformation   *byte
	WillDelay                   *uint32 // seconds
	RequestResponseInformation  *byte
	ResponseInformation         string
	ServerReference             string
	ReasonString                string
	ReceiveMaximum              *uint16
	TopicAliasMaximum           *uint16
	TopicAlias                  *uint16
	MaximumQoS                  *byte
	RetainAvailable             *byte
	User                        []UserProperty
	MaximumPacketSize           *uint32 // bytes
	WildcardSubAvailable        *byte
	SubscriptionIDAvailable     *byte
	SharedSubscriptionAvailable *byte
}

// UserProperty is a name and its value; a name may occur more than once.
type UserProperty struct{ Name, Value string }

// UserValue returns the first value of the user property with this name.
func (p *Properties) UserValue(name string) (value string, ok bool) {
	if p != nil {
		for _, user := range p.User {
			if user.Name == name {
				return user.Value, true
			}
		}
	}
	return "", false
}

// Ptr returns a pointer to a value, for the numbers of [Properties].
func Ptr[T any](value T) *T { return &value }

// The types of properties, as enum mqtt5_property_type has them.
const (
	typeByte = iota + 1
	typeInt16
	typeInt32
	typeVarint
	typeBinary
	typeString
	typePair
)

// The properties, each once: its identifier and type, and the field that holds it.
var propertyTable = [...]struct {
	id, kind byte
	field    func(p *Properties) any
}{
	{1, typeByte, func(p *Properties) any { return &p.PayloadFormat }},
	{2, typeInt32, func(p *Properties) any { return &p.MessageExpiry }},
	{3, typeString, func(p *Properties) any { return &p.ContentType }},
	{8, typeString, func(p *Properties) any { return &p.ResponseTopic }},
	{9, typeBinary, func(p *Properties) any { return &p.CorrelationData }},
	{11, typeVarint, func(p *Properties) any { return &p.SubscriptionIdentifiers }},
	{17, typeInt32, func(p *Properties) any { return &p.SessionExpiry }},
	{18, typeString, func(p *Properties) any { return &p.AssignedClientID }},
	{19, typeInt16, func(p *Properties) any { return &p.ServerKeepAlive }},
	{21, typeString, func(p *Properties) any { return &p.AuthenticationMethod }},
	{22, typeBinary, func(p *Properties) any { return &p.AuthenticationData }},
	{23, typeByte, func(p *Properties) any { return &p.RequestProblemInformation }},
	{24, typeInt32, func(p *Properties) any { return &p.WillDelay }},
	{25, typeByte, func(p *Properties) any { return &p.RequestResponseInformation }},
	{26, typeString, func(p *Properties) any { return &p.ResponseInformation }},
	{28, typeString, func(p *Properties) any { return &p.ServerReference }},
	{31, typeString, func(p *Properties) any { return &p.ReasonString }},
	{33, typeInt16, func(p *Properties) any { return &p.ReceiveMaximum }},
	{34, typeInt16, func(p *Properties) any { return &p.TopicAliasMaximum }},
	{35, typeInt16, func(p *Properties) any { return &p.TopicAlias }},
	{36, typeByte, func(p *Properties) any { return &p.MaximumQoS }},
	{37, typeByte, func(p *Properties) any { return &p.RetainAvailable }},
	{38, typePair, func(p *Properties) any { return &p.User }},
	{39, typeInt32, func(p *Properties) any { return &p.MaximumPacketSize }},
	{40, typeByte, func(p *Properties) any { return &p.WildcardSubAvailable }},
	{41, typeByte, func(p *Properties) any { return &p.SubscriptionIDAvailable }},
	{42, typeByte, func(p *Properties) any { return &p.SharedSubscriptionAvailable }},
}

// A property as shim.h has it: identifier, type, length, value.
const propertyHead = 6

// appendProperties writes the properties as shim.h has them.
func appendProperties(data []byte, p *Properties) []byte {
	if p == nil {
		return data
	}
	for i := range &propertyTable {
		row := &propertyTable[i]
		switch field := row.field(p).(type) {
		case **byte:
			if *field != nil {
				data = appendNumber(data, row.id, row.kind, uint32(**field))
			}
		case **uint16:
			if *field != nil {
				data = appendNumber(data, row.id, row.kind, uint32(**field))
			}
		case **uint32:
			if *field != nil {
				data = appendNumber(data, row.id, row.kind, **field)
			}
		case *[]uint32:
			for _, value := range *field {
				data = appendNumber(data, row.id, row.kind, value)
			}
		case *string:
			if *field != "" {
				data = append(appendHead(data, row.id, row.kind, len(*field)), *field...)
			}
		case *[]byte:
			if *field != nil {
				data = append(appendHead(data, row.id, row.kind, len(*field)), *field...)
			}
		case *[]UserProperty:
			for _, user := range *field {
				data = appendHead(data, row.id, row.kind, 4+len(user.Name)+len(user.Value))
				data = binary.LittleEndian.AppendUint32(data, uint32(len(user.Name)))
				data = append(append(data, user.Name...), user.Value...)
			}
		}
	}
	return data
}

func appendHead(data []byte, id, kind byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(append(data, id, kind), uint32(size))
}

func appendNumber(data []byte, id, kind byte, value uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendHead(data, id, kind, 4), value)
}

// readProperties reads what the shim wrote; nil for none.
func readProperties(data []byte) *Properties {
	if len(data) == 0 {
		return nil
	}
	p := new(Properties)
	for len(data) >= propertyHead {
		size := int(binary.LittleEndian.Uint32(data[2:]))
		readProperty(p, data[0], data[propertyHead:propertyHead+size])
		data = data[propertyHead+size:]
	}
	return p
}

func readProperty(p *Properties, id byte, value []byte) {
	for i := range &propertyTable {
		if row := &propertyTable[i]; row.id == id {
			setField(row.field(p), value)
			return
		}
	}
}

func setField(field any, value []byte) {
	switch field := field.(type) {
	case **byte:
		*field = Ptr(value[0])
	case **uint16:
		*field = Ptr(binary.LittleEndian.Uint16(value))
	case **uint32:
		*field = Ptr(binary.LittleEndian.Uint32(value))
	case *[]uint32:
		*field = append(*field, binary.LittleEndian.Uint32(value))
	case *string:
		*field = string(value)
	case *[]byte:
		*field = append([]byte{}, value...)
	case *[]UserProperty:
		n := 4 + binary.LittleEndian.Uint32(value)
		*field = append(*field, UserProperty{string(value[4:n]), string(value[n:])})
	}
}
