/* MQTT 5 properties: in Python a list of (identifier, value), in the order of the packet. */
#include "core.h"

static PyObject *text(const char *data, size_t len)
{
	return PyUnicode_DecodeUTF8(data ? data : "", (Py_ssize_t)len, "surrogateescape");
}

static PyObject *value_of(const mosquitto_property *property)
{
	switch (mosquitto_property_type(property)) {
	case MQTT_PROP_TYPE_BYTE:
		return PyLong_FromLong(mosquitto_property_byte_value(property));
	case MQTT_PROP_TYPE_INT16:
		return PyLong_FromLong(mosquitto_property_int16_value(property));
	case MQTT_PROP_TYPE_INT32:
		return PyLong_FromUnsignedLong(mosquitto_property_int32_value(property));
	case MQTT_PROP_TYPE_VARINT:
		return PyLong_FromUnsignedLong(mosquitto_property_varint_value(property));
	case MQTT_PROP_TYPE_BINARY:
		return PyBytes_FromStringAndSize(mosquitto_property_binary_value(property),
						 mosquitto_property_binary_value_length(property));
	case MQTT_PROP_TYPE_STRING:
		return text(mosquitto_property_string_value(property),
			    mosquitto_property_string_value_length(property));
	default:
		return Py_BuildValue("(NN)",
				     text(mosquitto_property_string_name(property),
					  mosquitto_property_string_name_length(property)),
				     text(mosquitto_property_string_value(property),
					  mosquitto_property_string_value_length(property)));
	}
}

PyObject *properties_to_list(const mosquitto_property *properties)
{
	PyObject *list;

	if (!properties)
		Py_RETURN_NONE;
	list = PyList_New(0);
	for (; list && properties; properties = mosquitto_property_next(properties)) {
		PyObject *value = value_of(properties);
		PyObject *pair = value ? Py_BuildValue("(iN)",
						       mosquitto_property_identifier(properties),
						       value)
				       : NULL;

		if (!pair || PyList_Append(list, pair) < 0)
			Py_CLEAR(list);
		Py_XDECREF(pair);
	}
	return list;
}

static int refused(int identifier, int rc)
{
	if (rc == MOSQ_ERR_NOMEM)
		PyErr_NoMemory();
	else
		PyErr_Format(PyExc_ValueError, "property %d has a value that MQTT does not allow",
			     identifier);
	return -1;
}

static int add_number(mosquitto_property **list, int identifier, int type, PyObject *value)
{
	unsigned long number, limit;
	int rc;

	number = PyLong_AsUnsignedLong(value);
	if (number == (unsigned long)-1 && PyErr_Occurred())
		return -1;
	limit = type == MQTT_PROP_TYPE_BYTE	? UINT8_MAX
		: type == MQTT_PROP_TYPE_INT16	? UINT16_MAX
		: type == MQTT_PROP_TYPE_VARINT ? 268435455
						: UINT32_MAX;
	if (number > limit)
		return refused(identifier, MOSQ_ERR_INVAL);
	switch (type) {
	case MQTT_PROP_TYPE_BYTE:
		rc = mosquitto_property_add_byte(list, identifier, (uint8_t)number);
		break;
	case MQTT_PROP_TYPE_INT16:
		rc = mosquitto_property_add_int16(list, identifier, (uint16_t)number);
		break;
	case MQTT_PROP_TYPE_INT32:
		rc = mosquitto_property_add_int32(list, identifier, (uint32_t)number);
		break;
	default:
		rc = mosquitto_property_add_varint(list, identifier, (uint32_t)number);
	}
	return rc == MOSQ_ERR_SUCCESS ? 0 : refused(identifier, rc);
}

static int add_one(mosquitto_property **list, int identifier, PyObject *value)
{
	const char *name = mosquitto_property_identifier_to_string(identifier), *string, *second;
	Py_ssize_t len, second_len;
	int type = 0, same = 0, rc;
	struct bytes bytes;

	if (!name || mosquitto_string_to_property_info(name, &same, &type) != MOSQ_ERR_SUCCESS) {
		PyErr_Format(PyExc_ValueError, "there is no property %d", identifier);
		return -1;
	}
	switch (type) {
	case MQTT_PROP_TYPE_BINARY:
		if (bytes_from(value, &bytes) < 0)
			return -1;
		rc = bytes.len > UINT16_MAX
			     ? MOSQ_ERR_INVAL
			     : mosquitto_property_add_binary(list, identifier, bytes.data,
							     (uint16_t)bytes.len);
		bytes_release(&bytes);
		break;
	case MQTT_PROP_TYPE_STRING:
		string = PyUnicode_AsUTF8AndSize(value, &len);
		if (!string)
			return -1;
		rc = strlen(string) != (size_t)len
			     ? MOSQ_ERR_INVAL
			     : mosquitto_property_add_string(list, identifier, string);
		break;
	case MQTT_PROP_TYPE_STRING_PAIR:
		if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) != 2) {
			PyErr_Format(PyExc_TypeError, "property %d is a tuple of two strings",
				     identifier);
			return -1;
		}
		string = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(value, 0), &len);
		second = string ? PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(value, 1), &second_len)
				: NULL;
		if (!second)
			return -1;
		rc = strlen(string) != (size_t)len || strlen(second) != (size_t)second_len
			     ? MOSQ_ERR_INVAL
			     : mosquitto_property_add_string_pair(list, identifier, string, second);
		break;
	default:
		return add_number(list, identifier, type, value);
	}
	return rc == MOSQ_ERR_SUCCESS ? 0 : refused(identifier, rc);
}

int properties_from(PyObject *object, mosquitto_property **properties)
{
	PyObject *sequence;
	Py_ssize_t i;

	*properties = NULL;
	if (!object || object == Py_None)
		return 0;
	if (PyList_Check(object) || PyTuple_Check(object))
		sequence = PySequence_Fast(object, "");
	else
		/* Classes of properties say in this way what they have. */
		sequence = PyObject_CallMethod(object, "_mqttrs_list", NULL);
	if (!sequence)
		return -1;
	if (!PyList_Check(sequence) && !PyTuple_Check(sequence)) {
		PyErr_SetString(PyExc_TypeError, "properties are a list of (identifier, value)");
		Py_DECREF(sequence);
		return -1;
	}
	for (i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++) {
		PyObject *pair = PySequence_Fast_GET_ITEM(sequence, i), *value;
		int identifier;

		if (!PyTuple_Check(pair) ||
		    !PyArg_ParseTuple(pair, "iO:property", &identifier, &value) ||
		    add_one(properties, identifier, value) < 0) {
			if (!PyErr_Occurred())
				PyErr_SetString(PyExc_TypeError,
						"properties are a list of (identifier, value)");
			mosquitto_property_free_all(properties);
			Py_DECREF(sequence);
			return -1;
		}
	}
	Py_DECREF(sequence);
	return 0;
}
