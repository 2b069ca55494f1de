/* The module: types, and functions that need no client. */
#include "core.h"

#include <string.h>

int client_type_ready(void);

static PyObject *text(const char *string)
{
	if (!string)
		Py_RETURN_NONE;
	return PyUnicode_DecodeUTF8(string, (Py_ssize_t)strlen(string), "replace");
}

static PyObject *of_number(PyObject *object, const char *(*words)(int))
{
	long number = PyLong_AsLong(object);

	if (number == -1 && PyErr_Occurred())
		return NULL;
	return text(words(number > INT32_MAX || number < INT32_MIN ? INT32_MAX : (int)number));
}

static PyObject *error_string(PyObject *module, PyObject *object)
{
	(void)module;
	return of_number(object, mosquitto_strerror);
}

static PyObject *connack_string(PyObject *module, PyObject *object)
{
	(void)module;
	return of_number(object, mosquitto_connack_string);
}

static PyObject *reason_string(PyObject *module, PyObject *object)
{
	(void)module;
	return of_number(object, mosquitto_reason_string);
}

static PyObject *topic_matches_sub(PyObject *module, PyObject *args)
{
	const char *filter, *topic;
	Py_ssize_t filter_len, topic_len;
	bool matches = false;

	(void)module;
	if (!PyArg_ParseTuple(args, "s#s#:topic_matches_sub", &filter, &filter_len, &topic,
			      &topic_len))
		return NULL;
	if (mosquitto_topic_matches_sub2(filter, (size_t)filter_len, topic, (size_t)topic_len,
					 &matches) != MOSQ_ERR_SUCCESS)
		matches = false;
	return PyBool_FromLong(matches);
}

static PyObject *check_filter(PyObject *module, PyObject *args)
{
	const char *filter;
	Py_ssize_t len;

	(void)module;
	if (!PyArg_ParseTuple(args, "s#:check_filter", &filter, &len))
		return NULL;
	return PyLong_FromLong(mosquitto_sub_topic_check2(filter, (size_t)len));
}

static PyObject *check_topic(PyObject *module, PyObject *args)
{
	const char *topic;
	Py_ssize_t len;

	(void)module;
	if (!PyArg_ParseTuple(args, "s#:check_topic", &topic, &len))
		return NULL;
	return PyLong_FromLong(mosquitto_pub_topic_check2(topic, (size_t)len));
}

static PyObject *property_info(PyObject *module, PyObject *args)
{
	int identifier, type = 0, same = 0;
	const char *name;

	(void)module;
	if (!PyArg_ParseTuple(args, "i:property_info", &identifier))
		return NULL;
	name = mosquitto_property_identifier_to_string(identifier);
	if (!name || mosquitto_string_to_property_info(name, &same, &type) != MOSQ_ERR_SUCCESS)
		Py_RETURN_NONE;
	return Py_BuildValue("(si)", name, type);
}

static PyMethodDef functions[] = {
	{"error_string", error_string, METH_O,
	 "error_string(rc, /)\n--\n\nA MOSQ_ERR_* number in words."},
	{"connack_string", connack_string, METH_O,
	 "connack_string(code, /)\n--\n\nThe return code of CONNACK in words, below MQTT 5."},
	{"reason_string", reason_string, METH_O,
	 "reason_string(code, /)\n--\n\nA reason code of MQTT 5 in words."},
	{"topic_matches_sub", topic_matches_sub, METH_VARARGS,
	 "topic_matches_sub(filter, topic, /)\n--\n\nWhether a filter matches a topic."},
	{"check_filter", check_filter, METH_VARARGS,
	 "check_filter(filter, /)\n--\n\nERR_SUCCESS for a topic filter."},
	{"check_topic", check_topic, METH_VARARGS,
	 "check_topic(topic, /)\n--\n\nERR_SUCCESS for a topic name, to which one can publish."},
	{"property_info", property_info, METH_VARARGS,
	 "property_info(identifier, /)\n--\n\nName and PROP_TYPE_* of a property; None for none."},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "mqttrs._native._core",
	.m_doc = "libmqttrs for Python.",
	.m_size = -1,
	.m_methods = functions,
};

#include "constants.h"

static int add_constants(PyObject *module)
{
	size_t i;

	for (i = 0; i < sizeof constants / sizeof *constants; i++)
		if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0)
			return -1;
	return 0;
}

static int add_type(PyObject *module, const char *name, PyTypeObject *type)
{
	Py_INCREF(type);
	if (PyModule_AddObject(module, name, (PyObject *)type) < 0) {
		Py_DECREF(type);
		return -1;
	}
	return 0;
}

PyMODINIT_FUNC PyInit__core(void)
{
	PyObject *module;
	char version[32];

	if (client_type_ready() < 0 || PyType_Ready(&loop_type) < 0 ||
	    PyType_Ready(&message_type) < 0 || PyType_Ready(&publication_type) < 0)
		return NULL;
	mosquitto_lib_init();
	snprintf(version, sizeof version, "%d.%d.%d", MQTTRS_VERSION_MAJOR, MQTTRS_VERSION_MINOR,
		 MQTTRS_VERSION_REVISION);
	module = PyModule_Create(&definition);
	if (!module || add_constants(module) < 0 || add_type(module, "Client", &client_type) < 0 ||
	    add_type(module, "Loop", &loop_type) < 0 ||
	    add_type(module, "Message", &message_type) < 0 ||
	    add_type(module, "Publication", &publication_type) < 0 ||
	    PyModule_AddStringConstant(module, "__version__", version) < 0) {
		Py_XDECREF(module);
		return NULL;
	}
	return module;
}
