from ._core import (
    Client as Client,
    Loop as Loop,
    Message as Message,
    Publication as Publication,
    __version__ as __version__,
    check_filter as check_filter,
    check_topic as check_topic,
    connack_string as connack_string,
    error_string as error_string,
    property_info as property_info,
    reason_string as reason_string,
    topic_matches_sub as topic_matches_sub,
)

# The constants of the C headers.
def __getattr__(name: str) -> int: ...
