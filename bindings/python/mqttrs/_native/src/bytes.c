/* What a payload may be: bytes and what has their buffer, text, numbers, nothing. */
#include "core.h"

int bytes_from(PyObject *object, struct bytes *bytes)
{
	Py_ssize_t len = 0;

	bytes->owner = NULL;
	bytes->buffer.obj = NULL;
	if (!object || object == Py_None) {
		bytes->data = NULL;
		bytes->len = 0;
		return 0;
	}
	if (PyBytes_CheckExact(object)) {
		bytes->data = PyBytes_AS_STRING(object);
		bytes->len = (size_t)PyBytes_GET_SIZE(object);
		return 0;
	}
	if (PyLong_Check(object) || PyFloat_Check(object)) {
		bytes->owner = PyObject_Str(object);
		if (!bytes->owner)
			return -1;
		object = bytes->owner;
	}
	if (PyUnicode_Check(object)) {
		bytes->data = PyUnicode_AsUTF8AndSize(object, &len);
		bytes->len = (size_t)len;
		if (bytes->data)
			return 0;
		Py_CLEAR(bytes->owner);
		return -1;
	}
	if (PyObject_CheckBuffer(object)) {
		if (PyObject_GetBuffer(object, &bytes->buffer, PyBUF_C_CONTIGUOUS) < 0)
			return -1;
		bytes->data = bytes->buffer.buf;
		bytes->len = (size_t)bytes->buffer.len;
		return 0;
	}
	PyErr_Format(PyExc_TypeError,
		     "payload must be a str, bytes-like object, int, float or None, not %.100s",
		     Py_TYPE(object)->tp_name);
	return -1;
}

void bytes_release(struct bytes *bytes)
{
	if (bytes->buffer.obj)
		PyBuffer_Release(&bytes->buffer);
	Py_CLEAR(bytes->owner);
}
