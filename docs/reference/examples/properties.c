/* properties: making, reading and checking property lists. */
#include "example.h"

/* A property of each type. Whether they fit into one packet is another question. */
static mosquitto_property *one_of_each(void)
{
    mosquitto_property *list = NULL;

    must(mosquitto_property_add_byte(&list, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1));
    must(mosquitto_property_add_int16(&list, MQTT_PROP_TOPIC_ALIAS, 7));
    must(mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, 60));
    must(mosquitto_property_add_varint(&list, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, 70000));
    must(mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, "\0\1\2", 3));
    must(mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, "text/plain"));
    must(mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, "room",
                                            "kitchen"));
    return list;
}

/* By identifier. Strings and bytes are copies, which the program frees. */
static void read(const mosquitto_property *list)
{
    uint8_t is_text;
    uint16_t alias, size;
    uint32_t expiry, identifier;
    void *correlation;
    char *type, *name, *value;

    expect(mosquitto_property_read_byte(list, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, &is_text,
                                        false));
    expect(mosquitto_property_read_int16(list, MQTT_PROP_TOPIC_ALIAS, &alias, false));
    expect(mosquitto_property_read_int32(list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &expiry,
                                         false));
    expect(mosquitto_property_read_varint(list, MQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                                          &identifier, false));
    expect(mosquitto_property_read_binary(list, MQTT_PROP_CORRELATION_DATA, &correlation,
                                          &size, false));
    expect(mosquitto_property_read_string(list, MQTT_PROP_CONTENT_TYPE, &type, false));
    expect(mosquitto_property_read_string_pair(list, MQTT_PROP_USER_PROPERTY, &name, &value,
                                               false));
    printf("%d %u %u %u %u %s %s=%s\n", is_text, alias, (unsigned)expiry,
           (unsigned)identifier, size, type, name, value);
    free(correlation), free(type), free(name), free(value);
}

/* One that may occur more than once: each call begins where the last one found something. */
static void all_user_properties(const mosquitto_property *list)
{
    char *name, *value;
    const mosquitto_property *found = list;
    bool skip_first = false;

    while ((found = mosquitto_property_read_string_pair(found, MQTT_PROP_USER_PROPERTY,
                                                        &name, &value, skip_first))) {
        printf("%s=%s\n", name, value);
        free(name), free(value);
        skip_first = true;
    }
}

/* Through the list, one after the other; nothing is copied. */
static void print(const mosquitto_property *list)
{
    for (const mosquitto_property *one = list; one; one = mosquitto_property_next(one)) {
        printf("%s: ",
               mosquitto_property_identifier_to_string(mosquitto_property_identifier(one)));
        switch (mosquitto_property_type(one)) {
        case MQTT_PROP_TYPE_BYTE:
            printf("%u\n", mosquitto_property_byte_value(one));
            break;
        case MQTT_PROP_TYPE_INT16:
            printf("%u\n", mosquitto_property_int16_value(one));
            break;
        case MQTT_PROP_TYPE_INT32:
            printf("%u\n", (unsigned)mosquitto_property_int32_value(one));
            break;
        case MQTT_PROP_TYPE_VARINT:
            printf("%u\n", (unsigned)mosquitto_property_varint_value(one));
            break;
        case MQTT_PROP_TYPE_BINARY:
            printf("%u bytes at %p\n", mosquitto_property_binary_value_length(one),
                   mosquitto_property_binary_value(one));
            break;
        case MQTT_PROP_TYPE_STRING:
            printf("%s, %u bytes\n", mosquitto_property_string_value(one),
                   mosquitto_property_string_value_length(one));
            break;
        case MQTT_PROP_TYPE_STRING_PAIR:
            printf("%s (%u) = %s\n", mosquitto_property_string_name(one),
                   mosquitto_property_string_name_length(one),
                   mosquitto_property_string_value(one));
            break;
        }
    }
}

/* A callback's list, without one property, for a message of our own. */
static mosquitto_property *copy_without(const mosquitto_property *list, int identifier)
{
    mosquitto_property *copy, *one;

    must(mosquitto_property_copy_all(&copy, list));
    for (one = copy; one; one = mosquitto_property_next(one)) {
        if (mosquitto_property_identifier(one) == identifier) {
            must(mosquitto_property_remove(&copy, one)); /* it is a list of its own now */
            mosquitto_property_free_all(&one);
            break;
        }
    }
    return copy;
}

/* What the functions that take lists check too. */
static void check(const mosquitto_property *list)
{
    expect(mosquitto_property_check_command(CMD_PUBLISH, MQTT_PROP_TOPIC_ALIAS)
           == MOSQ_ERR_SUCCESS);
    expect(mosquitto_property_check_command(CMD_CONNECT, MQTT_PROP_TOPIC_ALIAS)
           == MOSQ_ERR_PROTOCOL);
    expect(mosquitto_property_check_all(CMD_PUBLISH, list) == MOSQ_ERR_SUCCESS);
}

/* For settings by name. */
static void by_name(void)
{
    int identifier, type;

    must(mosquitto_string_to_property_info("message-expiry-interval", &identifier, &type));
    expect(identifier == MQTT_PROP_MESSAGE_EXPIRY_INTERVAL && type == MQTT_PROP_TYPE_INT32);
}

int main(void)
{
    mosquitto_property *list = one_of_each(), *fewer;

    read(list);
    all_user_properties(list);
    print(list);
    fewer = copy_without(list, MQTT_PROP_SUBSCRIPTION_IDENTIFIER);
    check(fewer);
    by_name();
    mosquitto_property_free_all(&fewer);
    mosquitto_property_free_all(&list);
    return 0;
}
