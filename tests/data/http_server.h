#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace coppice::testing {

/// Serves one file on the loopback interface, one connection at a time, and notes what it is asked.
class FileServer {
 public:
  struct Behaviour {
    bool ranges = true;       ///< Honours "Range: bytes=N-".
    size_t bytes_a_time = 0;  ///< Cuts each answer off after so many bytes; 0: never.
    int status = 200;         ///< Answers with this status, when not 200.
  };

  FileServer(std::string content, Behaviour behaviour)
      : content_(std::move(content)), behaviour_(behaviour) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(listener_, 8);
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FileServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  FileServer(const FileServer&) = delete;
  FileServer& operator=(const FileServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/words.tar.gz"; }
  /// The first byte that each request asked for.
  std::vector<size_t> offsets() const {
    const std::lock_guard lock(mutex_);
    return offsets_;
  }

 private:
  void serve() {
    for (;;) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      answer(connection);
      ::close(connection);
    }
  }

  void answer(int connection) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::recv(connection, buffer, sizeof(buffer), 0);
      if (count <= 0) return;
      request.append(buffer, static_cast<size_t>(count));
    }
    const size_t range = request.find("Range: bytes=");
    const bool partial = range != std::string::npos && behaviour_.ranges;
    const size_t begin = partial ? std::stoul(request.substr(range + 13)) : 0;
    {
      const std::lock_guard lock(mutex_);
      offsets_.push_back(begin);
    }
    if (behaviour_.status != 200) {
      return send(connection, "HTTP/1.1 " + std::to_string(behaviour_.status) +
                                  " No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    if (begin >= content_.size()) {
      return send(connection,
                  "HTTP/1.1 416 Beyond\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    std::string head = partial ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n";
    if (partial) {
      head += "Content-Range: bytes " + std::to_string(begin) + "-" +
              std::to_string(content_.size() - 1) + "/" + std::to_string(content_.size()) + "\r\n";
    }
    head += "Content-Length: " + std::to_string(content_.size() - begin) +
            "\r\nConnection: close\r\n\r\n";
    auto body = content_.substr(begin);
    if (behaviour_.bytes_a_time > 0) body.resize(std::min(body.size(), behaviour_.bytes_a_time));
    send(connection, head + body);
  }

  static void send(int connection, const std::string& bytes) {
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t count =
          ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<size_t>(count);
    }
  }

  std::string content_;
  Behaviour behaviour_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<size_t> offsets_;
};

}  // namespace coppice::testing
