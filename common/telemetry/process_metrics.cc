#include "common/telemetry/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "common/telemetry/version.h"

namespace mailmesh::telemetry {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double CountDescriptors() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  // ".", "..", and the descriptor of the folder itself.
  return std::max(0, count - 3);
}

// The fields of /proc/self/stat after the command's name, which may hold spaces; proc(5) counts from 3 there.
class ProcStat {
 public:
  ProcStat() {
    const absl::StatusOr<std::string> text = base::ReadFile("/proc/self/stat");
    if (!text.ok()) return;
    const size_t close = text->rfind(')');
    if (close == std::string::npos || close + 2 > text->size()) return;
    fields_ = absl::StrSplit(text->substr(close + 2), ' ');
  }
  double Get(size_t number) const {
    double value = 0;
    if (number - 3 >= fields_.size() || !absl::SimpleAtod(fields_[number - 3], &value)) return 0;
    return value;
  }

 private:
  std::vector<std::string> fields_;
};

double BootTime() {
  const absl::StatusOr<std::string> text = base::ReadFile("/proc/stat");
  if (!text.ok()) return 0;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    double seconds = 0;
    if (absl::StartsWith(line, "btime ") && absl::SimpleAtod(line.substr(6), &seconds)) return seconds;
  }
  return 0;
}

struct ProcessMetrics {
  Counter cpu;
  Gauge resident, virtual_size, threads, descriptors, max_descriptors;
  CounterFamily log_messages;
  Counter log_dropped;

  void Update() const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    cpu.RaiseTo(Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
    const ProcStat stat;
    threads.Set(stat.Get(20));
    virtual_size.Set(stat.Get(23));
    resident.Set(stat.Get(24) * static_cast<double>(sysconf(_SC_PAGESIZE)));
    descriptors.Set(CountDescriptors());
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    max_descriptors.Set(static_cast<double>(limit.rlim_cur));
    for (int level = 0; level < kLevels; ++level) {
      log_messages.At({static_cast<size_t>(level)})
          .RaiseTo(static_cast<double>(LogMessages(static_cast<Level>(level))));
    }
    log_dropped.RaiseTo(static_cast<double>(DroppedLogMessages()));
  }
};

}  // namespace

ScrapeHook AddProcessMetrics(Registry& registry, std::string_view role) {
  registry
      .AddGaugeFamily("mailmesh_build_info", "Always 1; the labels say what runs.",
                      {{"version", {}}, {"commit", {}}, {"role", {}}})
      .With({Version(), Commit(), role})
      .Set(1);
  const ProcStat stat;
  registry.AddGauge("process_start_time_seconds", "When the process started, in seconds since 1970.")
      .Set(BootTime() + stat.Get(22) / static_cast<double>(sysconf(_SC_CLK_TCK)));
  const ProcessMetrics metrics{
      .cpu = registry.AddCounter("process_cpu_seconds_total", "CPU time used, user and system."),
      .resident = registry.AddGauge("process_resident_memory_bytes", "Memory that is resident."),
      .virtual_size = registry.AddGauge("process_virtual_memory_bytes", "Memory that is mapped."),
      .threads = registry.AddGauge("process_threads", "Threads of the process."),
      .descriptors = registry.AddGauge("process_open_fds", "Open file descriptors."),
      .max_descriptors = registry.AddGauge("process_max_fds", "Greatest number of open file descriptors."),
      .log_messages = registry.AddCounterFamily("mailmesh_log_messages_total", "Lines of the log.",
                                                {{"level", {"debug", "info", "warning", "error"}}}),
      .log_dropped = registry.AddCounter("mailmesh_log_dropped_total",
                                         "Lines of the log that were lost because its reader had stopped."),
  };
  return registry.OnScrape([metrics] { metrics.Update(); });
}

}  // namespace mailmesh::telemetry
