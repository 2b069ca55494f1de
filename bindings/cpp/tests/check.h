/* The tests' own frame: TEST(name) { CHECK(...); }, and a main() that runs them all. */
#ifndef CHECK_H
#define CHECK_H

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

namespace check
{

/** Thrown by CHECK; ends the test it is in. */
struct failed {
    std::string words;
};

/** Thrown by skip(). */
struct skipped {
    std::string why;
};

struct test {
    const char *name;
    void (*run)();
};

inline std::vector<test> &all()
{
    static std::vector<test> tests;
    return tests;
}

struct registered {
    registered(const char *name, void (*run)())
    {
        all().push_back({name, run});
    }
};

[[noreturn]] inline void fail(const char *file, int line, const std::string &words)
{
    std::ostringstream text;
    text << file << ":" << line << ": " << words;
    throw failed{text.str()};
}

/** Ends a test that cannot run here. */
[[noreturn]] inline void skip(const std::string &why)
{
    throw skipped{why};
}

template <class Left, class Right>
void equal(const char *file, int line, const char *what, const Left &left, const Right &right)
{
    if (!(left == right)) {
        std::ostringstream text;
        text << what << ": " << left << " is not " << right;
        fail(file, line, text.str());
    }
}

/** Runs all tests, or the one that is named; tells of each on a line of its own. */
inline int run(int argc, char **argv)
{
    int failures = 0;
    for (const test &one : all()) {
        if (argc > 1 && std::strcmp(argv[1], one.name) != 0) {
            continue;
        }
        std::string why;
        try {
            one.run();
        } catch (const skipped &skipped) {
            std::printf("skipped: %s: %s\n", one.name, skipped.why.c_str());
            std::fflush(stdout);
            continue;
        } catch (const failed &failure) {
            why = failure.words;
        } catch (const std::exception &exception) {
            why = std::string("an exception: ") + exception.what();
        }
        if (why.empty()) {
            std::printf("ok: %s\n", one.name);
        } else {
            std::printf("FAILED: %s: %s\n", one.name, why.c_str());
            ++failures;
        }
        std::fflush(stdout);
    }
    return failures == 0 ? 0 : 1;
}

} // namespace check

#define TEST(name)                                                                                 \
    static void test_##name();                                                                     \
    static const check::registered registered_##name(#name, test_##name);                          \
    static void test_##name()

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check::fail(__FILE__, __LINE__, #condition);                                           \
        }                                                                                          \
    } while (false)

/* For values that can be printed. */
#define CHECK_EQUAL(left, right) check::equal(__FILE__, __LINE__, #left, left, right)

/* For a mqttrs::result: its words are told. */
#define CHECK_OK(result)                                                                           \
    do {                                                                                           \
        const auto &checked_result = (result);                                                     \
        if (!checked_result) {                                                                     \
            check::fail(__FILE__, __LINE__, #result ": " + checked_result.words());                \
        }                                                                                          \
    } while (false)

#endif
