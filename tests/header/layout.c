/* Sizes and offsets that programs compiled for libmosquitto have built in, where int has 4
 * bytes and a pointer 8. */
#include <mosquitto.h>
#include <stddef.h>

#define IS_LP64 (sizeof(int) == 4 && sizeof(void *) == 8)
#define SIZE(type, size) _Static_assert(!IS_LP64 || sizeof(type) == (size), #type)
#define FIELD(type, field, offset, field_type) \
    _Static_assert(!IS_LP64 || offsetof(type, field) == (offset), #type " " #field); \
    _Static_assert(_Generic(((type *)0)->field, field_type: 1, default: 0), #type " " #field)

SIZE(struct mosquitto_message, 40);
FIELD(struct mosquitto_message, mid, 0, int);
FIELD(struct mosquitto_message, topic, 8, char *);
FIELD(struct mosquitto_message, payload, 16, void *);
FIELD(struct mosquitto_message, payloadlen, 24, int);
FIELD(struct mosquitto_message, qos, 28, int);
FIELD(struct mosquitto_message, retain, 32, _Bool);

SIZE(struct libmosquitto_will, 32);
FIELD(struct libmosquitto_will, topic, 0, char *);
FIELD(struct libmosquitto_will, payload, 8, void *);
FIELD(struct libmosquitto_will, payloadlen, 16, int);
FIELD(struct libmosquitto_will, qos, 20, int);
FIELD(struct libmosquitto_will, retain, 24, _Bool);

SIZE(struct libmosquitto_auth, 16);
FIELD(struct libmosquitto_auth, username, 0, char *);
FIELD(struct libmosquitto_auth, password, 8, char *);

SIZE(struct libmosquitto_tls, 64);
FIELD(struct libmosquitto_tls, cafile, 0, char *);
FIELD(struct libmosquitto_tls, capath, 8, char *);
FIELD(struct libmosquitto_tls, certfile, 16, char *);
FIELD(struct libmosquitto_tls, keyfile, 24, char *);
FIELD(struct libmosquitto_tls, ciphers, 32, char *);
FIELD(struct libmosquitto_tls, tls_version, 40, char *);
FIELD(struct libmosquitto_tls, pw_callback, 48, int (*)(char *, int, int, void *));
FIELD(struct libmosquitto_tls, cert_reqs, 56, int);

/* Enums are as wide as int: they travel in structures of programs. */
SIZE(enum mosq_err_t, 4);
SIZE(enum mosq_opt_t, 4);
SIZE(enum mosq_transport_t, 4);
SIZE(enum mqtt311_connack_codes, 4);
SIZE(enum mqtt5_return_codes, 4);
SIZE(enum mqtt5_property, 4);
SIZE(enum mqtt5_property_type, 4);
SIZE(enum mqtt5_sub_options, 4);

/* The property list is opaque, and its two names mean the same. */
_Static_assert(_Generic((mosquitto_property *)0, struct mqtt5__property *: 1, default: 0), "");
