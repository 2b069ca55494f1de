/* Properties of MQTT 5: lists of the library to bytes and back. */
#include "shim.h"
#include <stdlib.h>
#include <string.h>

enum { PROPERTY_HEAD = 6 };

/* A text of the list with a NUL at its end, which the library wants. */
static char *text(const uint8_t *data, size_t len)
{
	char *copy = mqg_alloc(NULL, len + 1);

	memcpy(copy, data, len);
	copy[len] = 0;
	return copy;
}

static int add_string(mosquitto_property **props, int id, const uint8_t *data, size_t len)
{
	char *value = text(data, len);
	int rc = mosquitto_property_add_string(props, id, value);

	free(value);
	return rc;
}

static int add_pair(mosquitto_property **props, int id, const uint8_t *data, size_t len)
{
	size_t name_len = mqg_get32(data);
	char *name = text(data + 4, name_len), *value = text(data + 4 + name_len, len - 4 - name_len);
	int rc = mosquitto_property_add_string_pair(props, id, name, value);

	free(name);
	free(value);
	return rc;
}

static int add(mosquitto_property **props, int id, int type, const uint8_t *data, size_t len)
{
	switch (type) {
	case MQTT_PROP_TYPE_BYTE:
		return mosquitto_property_add_byte(props, id, data[0]);
	case MQTT_PROP_TYPE_INT16:
		return mosquitto_property_add_int16(props, id, (uint16_t)mqg_get32(data));
	case MQTT_PROP_TYPE_INT32:
		return mosquitto_property_add_int32(props, id, mqg_get32(data));
	case MQTT_PROP_TYPE_VARINT:
		return mosquitto_property_add_varint(props, id, mqg_get32(data));
	case MQTT_PROP_TYPE_BINARY:
		return len > UINT16_MAX ? MOSQ_ERR_INVAL
					: mosquitto_property_add_binary(props, id, data, (uint16_t)len);
	case MQTT_PROP_TYPE_STRING:
		return add_string(props, id, data, len);
	default:
		return add_pair(props, id, data, len);
	}
}

int mqg_properties_read(const uint8_t *data, size_t len, mosquitto_property **props)
{
	const uint8_t *end = data + len;

	*props = NULL;
	while (data < end) {
		size_t size = mqg_get32(data + 2);
		int rc = add(props, data[0], data[1], data + PROPERTY_HEAD, size);

		if (rc != MOSQ_ERR_SUCCESS) {
			mosquitto_property_free_all(props);
			return rc;
		}
		data += PROPERTY_HEAD + size;
	}
	return MOSQ_ERR_SUCCESS;
}

static uint8_t *property(struct mqg_slab *slab, int id, int type, size_t size)
{
	uint8_t *at = mqg_slab_add(slab, PROPERTY_HEAD + size);

	at[0] = (uint8_t)id;
	at[1] = (uint8_t)type;
	mqg_put32(at + 2, (uint32_t)size);
	return at + PROPERTY_HEAD;
}

static void write_number(struct mqg_slab *slab, int id, int type, uint32_t value)
{
	mqg_put32(property(slab, id, type, 4), value);
}

static void write_bytes(struct mqg_slab *slab, int id, int type, const void *data, size_t len)
{
	uint8_t *at = property(slab, id, type, len);

	if (len)
		memcpy(at, data, len);
}

static void write_pair(struct mqg_slab *slab, const mosquitto_property *p, int id, int type)
{
	size_t name_len = mosquitto_property_string_name_length(p);
	size_t value_len = mosquitto_property_string_value_length(p);
	uint8_t *at = property(slab, id, type, 4 + name_len + value_len);

	mqg_put32(at, (uint32_t)name_len);
	if (name_len)
		memcpy(at + 4, mosquitto_property_string_name(p), name_len);
	if (value_len)
		memcpy(at + 4 + name_len, mosquitto_property_string_value(p), value_len);
}

static void write_one(struct mqg_slab *slab, const mosquitto_property *p, int id, int type)
{
	switch (type) {
	case MQTT_PROP_TYPE_BYTE:
		write_number(slab, id, type, mosquitto_property_byte_value(p));
		break;
	case MQTT_PROP_TYPE_INT16:
		write_number(slab, id, type, mosquitto_property_int16_value(p));
		break;
	case MQTT_PROP_TYPE_INT32:
		write_number(slab, id, type, mosquitto_property_int32_value(p));
		break;
	case MQTT_PROP_TYPE_VARINT:
		write_number(slab, id, type, mosquitto_property_varint_value(p));
		break;
	case MQTT_PROP_TYPE_BINARY:
		write_bytes(slab, id, type, mosquitto_property_binary_value(p), mosquitto_property_binary_value_length(p));
		break;
	case MQTT_PROP_TYPE_STRING:
		write_bytes(slab, id, type, mosquitto_property_string_value(p), mosquitto_property_string_value_length(p));
		break;
	case MQTT_PROP_TYPE_STRING_PAIR:
		write_pair(slab, p, id, type);
		break;
	}
}

void mqg_properties_write(struct mqg_slab *slab, const mosquitto_property *props)
{
	for (; props; props = mosquitto_property_next(props))
		write_one(slab, props, mosquitto_property_identifier(props), mosquitto_property_type(props));
}
