#include "common/net/io_pool.h"

#include <pthread.h>

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <utility>

#include "common/net/spawn.h"

namespace mailmesh::net {

IoPool::IoPool(size_t threads, std::string name) : name_(std::move(name)) {
  std::signal(SIGPIPE, SIG_IGN);
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  lanes_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    // Makes Asio open its own descriptors (epoll and its like) now and not with the first session, when there may be
    // none left.
    asio::steady_timer reactor_user(lanes_.back()->context);
  }
}

IoPool::~IoPool() {
  Stop();
  for (auto& lane : lanes_) lane->context.EndHandlers();
}

void IoPool::Start() {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i]->thread.joinable()) lanes_[i]->thread = std::thread(&IoPool::Run, this, i);
  }
}

void IoPool::Stop() {
  for (auto& lane : lanes_) lane->context.stop();
  for (auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

asio::io_context& IoPool::Next() {
  return lanes_[next_.fetch_add(1, std::memory_order_relaxed) % lanes_.size()]->context;
}

void IoPool::Run(size_t i) {
  const std::string name = (name_ + "-" + std::to_string(i)).substr(0, 15);
  pthread_setname_np(pthread_self(), name.c_str());
  // An exception of one handler must not end the other sessions of this thread.
  for (;;) {
    try {
      lanes_[i]->context.run();
      return;
    } catch (const std::exception& e) {
      ReportEscape(name, e.what());
    } catch (...) {
      ReportEscape(name, "not a std::exception");
    }
  }
}

}  // namespace mailmesh::net
