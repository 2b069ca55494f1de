/* A Mosquitto of the test's own, and things to wait for. */
#ifndef BROKER_H
#define BROKER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

/** Longer than anything takes, even on a machine that is busy with something else. */
constexpr std::chrono::seconds PATIENCE(30);

/** Something that other threads do and the test waits for. */
template <class T> class queue
{
public:
    void push(T value)
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            values_.push_back(std::move(value));
        }
        changed_.notify_all();
    }
    /** Takes the next one; an exception when none comes. */
    T pop(std::chrono::milliseconds patience = PATIENCE)
    {
        std::unique_lock<std::mutex> lock(mutex_);
        if (!changed_.wait_for(lock, patience, [&] { return !values_.empty(); })) {
            throw std::runtime_error("nothing came");
        }
        T value = std::move(values_.front());
        values_.pop_front();
        return value;
    }
    std::size_t size() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return values_.size();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> values_;
};

/** A port on 127.0.0.1 that nobody listens at. */
inline int free_port()
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr *>(&address), length) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length) != 0) {
        throw std::runtime_error("no free port");
    }
    ::close(fd);
    return ntohs(address.sin_port);
}

/** A broker, which may be killed and started again at the same port. */
class broker
{
public:
    /** `listener` are lines of mosquitto.conf for its listener. */
    explicit broker(std::string listener = "")
        : listener_(std::move(listener))
    {
        /* Somebody else may be quicker to take the port. */
        for (int attempt = 0; attempt < 10; ++attempt) {
            port_ = free_port();
            if (spawn()) {
                return;
            }
        }
        throw std::runtime_error("mosquitto does not start");
    }
    ~broker()
    {
        kill();
    }
    broker(const broker &) = delete;
    broker &operator=(const broker &) = delete;

    int port() const
    {
        return port_;
    }
    /** Ends the broker as a crash would. */
    void kill()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
        if (drain_.joinable()) {
            drain_.join();
        }
    }
    void start()
    {
        if (!spawn()) {
            throw std::runtime_error("mosquitto does not start again");
        }
    }

private:
    bool spawn()
    {
        char file[] = "/tmp/mqttrs-cpp-XXXXXX";
        const int config = ::mkstemp(file);
        const std::string text = "listener " + std::to_string(port_) + " 127.0.0.1\n" + listener_ +
                                 "\nallow_anonymous true\nlog_dest stderr\nlog_type all\n"
                                 "set_tcp_nodelay true\nmax_queued_messages 100000\nuser root\n";
        if (config < 0 || ::write(config, text.data(), text.size()) != ssize_t(text.size())) {
            throw std::runtime_error("no file for mosquitto");
        }
        ::close(config);
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            throw std::runtime_error("no pipe");
        }
        pid_ = ::fork();
        if (pid_ == 0) {
            /* It does not outlive a test that crashes. */
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(ends[1], STDERR_FILENO);
            ::dup2(ends[1], STDOUT_FILENO);
            /* Debian has it where not everybody looks. */
            ::execlp("mosquitto", "mosquitto", "-c", file, static_cast<char *>(nullptr));
            ::execl("/usr/sbin/mosquitto", "mosquitto", "-c", file, static_cast<char *>(nullptr));
            ::_exit(127);
        }
        ::close(ends[1]);
        const bool runs = wait_until_it_runs(ends[0]);
        ::unlink(file);
        if (!runs) {
            ::close(ends[0]);
            ::waitpid(pid_, nullptr, 0);
            pid_ = -1;
            return false;
        }
        /* Its log is read on, lest it fill the pipe. */
        drain_ = std::thread([fd = ends[0]] {
            char buffer[4096];
            while (::read(fd, buffer, sizeof buffer) > 0) {
            }
            ::close(fd);
        });
        return true;
    }

    static bool wait_until_it_runs(int fd)
    {
        std::string log;
        char buffer[512];
        for (;;) {
            const ssize_t length = ::read(fd, buffer, sizeof buffer);
            if (length <= 0) {
                return false;
            }
            log.append(buffer, static_cast<std::size_t>(length));
            if (log.find(" running") != std::string::npos) {
                return true;
            }
        }
    }

    std::string listener_;
    int port_ = 0;
    pid_t pid_ = -1;
    std::thread drain_;
};

#endif
