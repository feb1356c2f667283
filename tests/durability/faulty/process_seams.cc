// The seams of every role with a database: its file system, its clock.
#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <chrono>
#include <memory>

#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/kv/rocks_options.h"
#include "tests/durability/faulty/faults.h"
#include "tests/durability/faulty/seam.h"
#include "tests/durability/faulty/volatile_files.h"

namespace mailmesh::faulty {

rocksdb::DBOptions RealMakeDbOptions(const kv::DatabaseOptions& options)
    MAILMESH_SEAM_REAL(_ZN8mailmesh2kv13MakeDbOptionsERKNS0_15DatabaseOptionsE);
rocksdb::DBOptions SeamMakeDbOptions(const kv::DatabaseOptions& options)
    MAILMESH_SEAM(_ZN8mailmesh2kv13MakeDbOptionsERKNS0_15DatabaseOptionsE);
base::Clock& SeamRealClock() MAILMESH_SEAM(_ZN8mailmesh4base5Clock4RealEv);

namespace {

// Live as long as the process: the database's threads use them until its end.
rocksdb::Env* VolatileEnv() {
  static rocksdb::Env* const env = [] {
    auto files = std::make_shared<VolatileFiles>();
    ListenForFaults([files] { files->Die(); });
    return rocksdb::NewCompositeEnv(files).release();
  }();
  return env;
}

class SteppedClock final : public base::Clock {
 public:
  absl::Time Now() const override { return absl::Now() + absl::Seconds(TheFaults().clock_seconds.load()); }
  std::chrono::steady_clock::time_point Monotonic() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

rocksdb::DBOptions SeamMakeDbOptions(const kv::DatabaseOptions& options) {
  rocksdb::DBOptions result = RealMakeDbOptions(options);
  result.env = VolatileEnv();
  return result;
}

base::Clock& SeamRealClock() {
  static SteppedClock clock;
  return clock;
}

}  // namespace mailmesh::faulty
