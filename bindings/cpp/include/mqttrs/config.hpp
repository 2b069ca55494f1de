/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_CONFIG_HPP
#define MQTTRS_CONFIG_HPP

#include <mqttrs.h>

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "mqttrs.hpp needs C++17 or newer"
#endif

/* With -fno-exceptions everything works that does not throw; see mqttrs::result. The inline
 * functions are others then, and so are their namespaces: files of both kinds may be linked
 * together. The number changes with the layout of the classes. */
#if defined(__cpp_exceptions)
#define MQTTRS_HAS_EXCEPTIONS 1
#define MQTTRS_NAMESPACE_BEGIN                                                                     \
    namespace mqttrs                                                                               \
    {                                                                                              \
    inline namespace v0                                                                            \
    {
#else
#define MQTTRS_HAS_EXCEPTIONS 0
#define MQTTRS_NAMESPACE_BEGIN                                                                     \
    namespace mqttrs                                                                               \
    {                                                                                              \
    inline namespace v0_noexcept                                                                   \
    {
#endif
#define MQTTRS_NAMESPACE_END                                                                       \
    }                                                                                              \
    }

#endif
