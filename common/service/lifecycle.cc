#include "common/service/lifecycle.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace mailmesh::service {

Lifecycle::Lifecycle(telemetry::Registry& registry)
    : start_(absl::Now()),
      draining_gauge_(registry.AddGauge("mailmesh_draining", "1 from the first sign of the end on.")),
      ready_gauge_(registry.AddGauge("mailmesh_ready", "1 when /readyz says so.")),
      hook_(registry.OnScrape([this] { ready_gauge_.Set(Problems().empty() ? 1 : 0); })) {}

void Lifecycle::AddCheck(std::string_view name, Check check) {
  absl::MutexLock lock(&checks_mutex_);
  checks_.emplace_back(std::string(name), std::move(check));
}

void Lifecycle::ForgetChecks() {
  absl::MutexLock lock(&checks_mutex_);
  checks_.clear();
}

void Lifecycle::SetStarted() {
  absl::MutexLock lock(&mutex_);
  started_ = true;
}

void Lifecycle::RequestEnd() {
  draining_gauge_.Set(1);
  absl::MutexLock lock(&mutex_);
  end_requested_ = true;
}

void Lifecycle::WaitForEnd() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&end_requested_));
}

void Lifecycle::SetClosed() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
}

bool Lifecycle::started() const {
  absl::MutexLock lock(&mutex_);
  return started_;
}

bool Lifecycle::draining() const {
  absl::MutexLock lock(&mutex_);
  return end_requested_;
}

bool Lifecycle::closed() const {
  absl::MutexLock lock(&mutex_);
  return closed_;
}

std::vector<std::string> Lifecycle::Problems() {
  std::vector<std::string> problems;
  {
    absl::MutexLock lock(&mutex_);
    if (!started_) problems.push_back("starting");
    if (closed_) problems.push_back("closing");
  }
  absl::MutexLock lock(&checks_mutex_);
  for (const auto& [name, check] : checks_) {
    const absl::Status status = check();
    if (!status.ok()) problems.push_back(absl::StrCat(name, ": ", status.message()));
  }
  return problems;
}

}  // namespace mailmesh::service
