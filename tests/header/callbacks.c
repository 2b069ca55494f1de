/* The types of callbacks: each pair of declarations compiles only if both say the same. */
#include <mosquitto.h>

typedef struct mosquitto M;
typedef const struct mosquitto_message *Message;
typedef const mosquitto_property *Properties;

extern void (*pre_connect)(M *, void *);
extern LIBMOSQ_CB_pre_connect pre_connect;
extern void (*on_connect)(M *, void *, int);
extern LIBMOSQ_CB_connect on_connect;
extern void (*connect_with_flags)(M *, void *, int, int);
extern LIBMOSQ_CB_connect_with_flags connect_with_flags;
extern void (*connect_v5)(M *, void *, int, int, Properties);
extern LIBMOSQ_CB_connect_v5 connect_v5;
extern void (*disconnect)(M *, void *, int);
extern LIBMOSQ_CB_disconnect disconnect;
extern void (*disconnect_v5)(M *, void *, int, Properties);
extern LIBMOSQ_CB_disconnect_v5 disconnect_v5;
extern void (*publish)(M *, void *, int);
extern LIBMOSQ_CB_publish publish;
extern void (*publish_v5)(M *, void *, int, int, Properties);
extern LIBMOSQ_CB_publish_v5 publish_v5;
extern void (*message)(M *, void *, Message);
extern LIBMOSQ_CB_message message;
extern void (*message_v5)(M *, void *, Message, Properties);
extern LIBMOSQ_CB_message_v5 message_v5;
extern void (*subscribe)(M *, void *, int, int, const int *);
extern LIBMOSQ_CB_subscribe subscribe;
extern void (*subscribe_v5)(M *, void *, int, int, const int *, Properties);
extern LIBMOSQ_CB_subscribe_v5 subscribe_v5;
extern void (*unsubscribe)(M *, void *, int);
extern LIBMOSQ_CB_unsubscribe unsubscribe;
extern void (*unsubscribe_v5)(M *, void *, int, Properties);
extern LIBMOSQ_CB_unsubscribe_v5 unsubscribe_v5;
extern void (*unsubscribe2_v5)(M *, void *, int, int, const int *, Properties);
extern LIBMOSQ_CB_unsubscribe2_v5 unsubscribe2_v5;
extern int (*ext_auth)(M *, void *, const char *, uint16_t, const void *, Properties);
extern LIBMOSQ_CB_ext_auth ext_auth;
extern void (*on_log)(M *, void *, int, const char *);
extern LIBMOSQ_CB_log on_log;
