/* Settings of TLS. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define RC(call) return PyLong_FromLong(call)
#define MOSQ self->core->mosq

/* Runs during a connect, without the interpreter's lock. */
static int key_password(char *buffer, int size, int rwflag, void *userdata)
{
	struct core *core = mosquitto_userdata(userdata);
	int len = 0;

	(void)rwflag;
	pthread_mutex_lock(&core->mutex);
	if (core->key_password && strlen(core->key_password) < (size_t)size) {
		len = (int)strlen(core->key_password);
		memcpy(buffer, core->key_password, (size_t)len + 1);
	}
	pthread_mutex_unlock(&core->mutex);
	return len;
}

static int keep_password(struct client *self, const char *password)
{
	char *copy = password ? strdup(password) : NULL;

	if (password && !copy) {
		PyErr_NoMemory();
		return -1;
	}
	pthread_mutex_lock(&self->core->mutex);
	free(self->core->key_password);
	self->core->key_password = copy;
	pthread_mutex_unlock(&self->core->mutex);
	return 0;
}

static PyObject *tls_set(struct client *self, PyObject *args)
{
	const char *cafile = NULL, *capath = NULL, *certfile = NULL, *keyfile = NULL;
	const char *password = NULL;

	if (!PyArg_ParseTuple(args, "|zzzzz:tls_set", &cafile, &capath, &certfile, &keyfile,
			      &password) ||
	    keep_password(self, password) < 0)
		return NULL;
	RC(mosquitto_tls_set(MOSQ, cafile, capath, certfile, keyfile,
			     password ? key_password : NULL));
}

static PyObject *tls_opts_set(struct client *self, PyObject *args)
{
	const char *version = NULL, *ciphers = NULL;
	int verify = 1;

	if (!PyArg_ParseTuple(args, "|pzz:tls_opts_set", &verify, &version, &ciphers))
		return NULL;
	RC(mosquitto_tls_opts_set(MOSQ, verify, version, ciphers));
}

static PyObject *tls_insecure_set(struct client *self, PyObject *value)
{
	int on = PyObject_IsTrue(value);

	if (on < 0)
		return NULL;
	RC(mosquitto_tls_insecure_set(MOSQ, on));
}

static PyObject *tls_ca_set(struct client *self, PyObject *data)
{
	struct bytes bytes;
	int rc;

	if (bytes_from(data, &bytes) < 0)
		return NULL;
	rc = mqttrs_tls_ca_set(MOSQ, bytes.data, bytes.len);
	bytes_release(&bytes);
	RC(rc);
}

static PyObject *tls_crl_set(struct client *self, PyObject *data)
{
	struct bytes bytes;
	int rc;

	if (bytes_from(data, &bytes) < 0)
		return NULL;
	rc = mqttrs_tls_crl_set(MOSQ, bytes.data, bytes.len);
	bytes_release(&bytes);
	RC(rc);
}

static PyObject *tls_crl_file_set(struct client *self, PyObject *args)
{
	const char *path;

	if (!PyArg_ParseTuple(args, "z:tls_crl_file_set", &path))
		return NULL;
	RC(mqttrs_tls_crl_file_set(MOSQ, path));
}

static PyObject *tls_certificate_set(struct client *self, PyObject *args)
{
	PyObject *certificate, *key;
	struct bytes certificate_bytes, key_bytes;
	const char *password = NULL;
	int rc;

	if (!PyArg_ParseTuple(args, "OO|z:tls_certificate_set", &certificate, &key, &password) ||
	    keep_password(self, password) < 0 || bytes_from(certificate, &certificate_bytes) < 0)
		return NULL;
	if (bytes_from(key, &key_bytes) < 0) {
		bytes_release(&certificate_bytes);
		return NULL;
	}
	rc = mqttrs_tls_certificate_set(MOSQ, certificate_bytes.data, certificate_bytes.len,
					key_bytes.data, key_bytes.len);
	if (rc == MOSQ_ERR_SUCCESS)
		rc = mqttrs_tls_password_callback_set(MOSQ, password ? key_password : NULL);
	bytes_release(&certificate_bytes);
	bytes_release(&key_bytes);
	RC(rc);
}

static PyObject *tls_pins_set(struct client *self, PyObject *args)
{
	const char *pins;

	if (!PyArg_ParseTuple(args, "z:tls_pins_set", &pins))
		return NULL;
	RC(mqttrs_tls_pins_set(MOSQ, pins));
}

static PyObject *tls_keylog_set(struct client *self, PyObject *args)
{
	const char *path;

	if (!PyArg_ParseTuple(args, "z:tls_keylog_set", &path))
		return NULL;
	RC(mqttrs_tls_keylog_set(MOSQ, path));
}

static PyObject *tls_alpn_set(struct client *self, PyObject *list)
{
	PyObject *fast = PySequence_Fast(list, "protocols are a list of str");
	const char **names;
	Py_ssize_t i, count;
	int rc;

	if (!fast)
		return NULL;
	count = PySequence_Fast_GET_SIZE(fast);
	names = PyMem_Calloc((size_t)count + 1, sizeof *names);
	if (!names) {
		Py_DECREF(fast);
		return PyErr_NoMemory();
	}
	for (i = 0; i < count; i++) {
		names[i] = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, i));
		if (!names[i])
			break;
	}
	rc = i == count ? mqttrs_tls_alpn_set(MOSQ, names, (size_t)count) : 0;
	PyMem_Free(names);
	Py_DECREF(fast);
	if (i < count)
		return NULL;
	RC(rc);
}

PyMethodDef tls_methods[] = {
	{"tls_set", (PyCFunction)tls_set, METH_VARARGS,
	 "tls_set($self, cafile=None, capath=None, certfile=None, keyfile=None, password=None, /)\n"
	 "--\n\nTLS, with certificates in files; `password` is that of the key."},
	{"tls_opts_set", (PyCFunction)tls_opts_set, METH_VARARGS,
	 "tls_opts_set($self, verify=True, version=None, ciphers=None, /)\n--\n\n"
	 "Whether certificates are checked; the least version, \"tlsv1.2\" for instance; ciphers."},
	{"tls_insecure_set", (PyCFunction)tls_insecure_set, METH_O,
	 "tls_insecure_set($self, on, /)\n--\n\nWhether the certificate may be for another host."},
	{"tls_ca_set", (PyCFunction)tls_ca_set, METH_O,
	 "tls_ca_set($self, data, /)\n--\n\nTLS, trusting these certificates: PEM, or one in DER."},
	{"tls_certificate_set", (PyCFunction)tls_certificate_set, METH_VARARGS,
	 "tls_certificate_set($self, certificate, key, password=None, /)\n--\n\n"
	 "TLS, showing this certificate: both as bytes, PEM or DER."},
	{"tls_crl_set", (PyCFunction)tls_crl_set, METH_O,
	 "tls_crl_set($self, data, /)\n--\n\nRevocation lists: PEM, or one in DER."},
	{"tls_crl_file_set", (PyCFunction)tls_crl_file_set, METH_VARARGS,
	 "tls_crl_file_set($self, path, /)\n--\n\nA file with revocation lists."},
	{"tls_pins_set", (PyCFunction)tls_pins_set, METH_VARARGS,
	 "tls_pins_set($self, pins, /)\n--\n\nThe only keys that servers may have, as for curl."},
	{"tls_alpn_set", (PyCFunction)tls_alpn_set, METH_O,
	 "tls_alpn_set($self, protocols, /)\n--\n\nApplication protocols to offer, a list of str."},
	{"tls_keylog_set", (PyCFunction)tls_keylog_set, METH_VARARGS,
	 "tls_keylog_set($self, path, /)\n--\n\nA file for the secrets of connections; to debug."},
	{NULL, NULL, 0, NULL},
};
