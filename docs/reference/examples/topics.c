/* topics: what matches what. */
#include "example.h"

static bool matches(const char *filter, const char *topic)
{
    bool result;

    must(mosquitto_topic_matches_sub(filter, topic, &result));
    return result;
}

/* Parts of longer strings, which end with no NUL. */
static bool begins_with_match(const char *line, size_t topic_length)
{
    bool result;

    must(mosquitto_topic_matches_sub2("sensors/#", 9, line, topic_length, &result));
    return result;
}

/* A rule for all clients: %c is the client's identifier, %u its user name. */
static bool is_its_own(const char *client, const char *topic)
{
    bool result;

    must(mosquitto_topic_matches_sub_with_pattern("devices/%c/#", topic, client, NULL,
                                                  &result));
    return result;
}

/* May somebody who is allowed `acl` subscribe to `filter`? */
static bool may_subscribe(const char *acl, const char *filter)
{
    bool result;

    must(mosquitto_sub_matches_acl(acl, filter, &result));
    return result;
}

static bool may_subscribe_as(const char *user, const char *filter)
{
    bool result;

    must(mosquitto_sub_matches_acl_with_pattern("users/%u/#", filter, NULL, user, &result));
    return result;
}

/* What a user typed: can it be published or subscribed to? */
static void check(const char *typed)
{
    printf("%s: topic %s, filter %s, UTF-8 %s\n", typed,
           mosquitto_strerror(mosquitto_pub_topic_check(typed)),
           mosquitto_strerror(mosquitto_sub_topic_check(typed)),
           mosquitto_strerror(mosquitto_validate_utf8(typed, (int)strlen(typed))));
}

/* The same for the first bytes of something. */
static bool are_topic_and_filter(const char *data, size_t topic, size_t filter)
{
    return mosquitto_pub_topic_check2(data, topic) == MOSQ_ERR_SUCCESS
           && mosquitto_sub_topic_check2(data + topic, filter) == MOSQ_ERR_SUCCESS;
}

static void print_levels(const char *topic)
{
    char **levels;
    int count;

    must(mosquitto_sub_topic_tokenise(topic, &levels, &count));
    for (int i = 0; i < count; i++)
        printf("level %d: %s\n", i, levels[i] ? levels[i] : "(empty)");
    must(mosquitto_sub_topic_tokens_free(&levels, count));
}

int main(void)
{
    expect(matches("sensors/+/temperature", "sensors/1/temperature"));
    expect(!matches("sensors/+", "sensors/1/temperature"));
    expect(begins_with_match("sensors/1=21.5", 9));
    expect(is_its_own("17", "devices/17/state") && !is_its_own("17", "devices/18/state"));
    expect(may_subscribe("sensors/#", "sensors/+/state")
           && !may_subscribe("sensors/1", "sensors/#"));
    expect(may_subscribe_as("alice", "users/alice/mail")
           && !may_subscribe_as("bob", "users/alice/mail"));
    expect(are_topic_and_filter("a/ba/+", 3, 3));
    check("sensors/+");
    print_levels("/a//b");
    return 0;
}
