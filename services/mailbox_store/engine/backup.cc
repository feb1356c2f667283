#include "services/mailbox_store/engine/backup.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/kv/folder_copy.h"
#include "common/kv/status.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/job.h"
#include "services/mailbox_store/engine/metrics.h"

namespace mailmesh::mailbox_store {
namespace {

namespace fs = std::filesystem;
using mailbox::v1::CreateBackupResponse;

constexpr size_t kMaxName = 64;
constexpr size_t kMaxBackups = 1'000;
// The mark: when it was made, by the clock; then its number, by which backups are ordered: the second it was made in, but always more than
// that of the last one, for a clock may be set back.
constexpr char kMarkText[] = "A backup of a mailmesh mailbox_store, made ";
constexpr char kMarkNumber[] = "Number ";
// Of backups that are being copied: not listed, and swept when the next one is made.
constexpr char kPartial[] = ".partial-";
const absl::Duration kProgressInterval = absl::Seconds(1);

std::string Staging(const std::string& store_folder) { return store_folder + "/backup.new"; }

absl::Status CheckName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                             c == '_' || c == '-';
                    });
  return good ? absl::OkStatus() : BadName("a backup's name has letters, digits, '.', '_' and '-', at most 64");
}

absl::StatusOr<std::string> Folder(const Store& store) {
  if (store.options().backup_folder.empty()) return NotAllowed("the configuration names no folder for backups");
  return store.options().backup_folder;
}

struct Mark {
  int64_t number = 0;
  absl::Time made;
};

absl::StatusOr<Mark> ReadMark(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string text, base::ReadFile(BackupMark(folder), 4096));
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  Mark mark;
  std::string error;
  absl::string_view time = lines[0];
  if (!absl::ConsumePrefix(&time, kMarkText) || !absl::ParseTime(absl::RFC3339_sec, time, &mark.made, &error)) {
    return absl::DataLossError("damaged mark of a backup");
  }
  mark.number = absl::ToUnixSeconds(mark.made);  // older programs write none
  absl::string_view number;
  if (lines.size() > 1) number = lines[1];
  if (absl::ConsumePrefix(&number, kMarkNumber) && !absl::SimpleAtoi(number, &mark.number)) {
    return absl::DataLossError("damaged mark of a backup");
  }
  return mark;
}

std::string MarkText(const Mark& mark) {
  return absl::StrCat(kMarkText, absl::FormatTime(absl::RFC3339_sec, mark.made, absl::UTCTimeZone()), "\n", kMarkNumber, mark.number, "\n");
}

struct Found {
  Mark mark;
  std::string name;
};

// What is whole in `folder`, the last one that was made first.
std::vector<Found> FindBackups(const std::string& folder) {
  std::vector<Found> found;
  std::error_code error;  // the folder is made by the first backup
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    // Others may keep things here too.
    if (!CheckName(name).ok()) continue;
    if (const absl::StatusOr<Mark> mark = ReadMark(it->path().string()); mark.ok()) found.push_back({*mark, std::move(name)});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.mark.number, a.mark.made, a.name) > std::tie(b.mark.number, b.mark.made, b.name);
  });
  return found;
}

class Maker {
 public:
  Maker(Store& store, std::string folder, std::string name, JobSink<CreateBackupResponse>& sink)
      : store_(store),
        folder_(std::move(folder)),
        staging_(Staging(store.options().path)),
        partial_(folder_ + "/" + kPartial + name),
        target_(folder_ + "/" + name),
        sink_(sink) {
    response_.set_name(std::move(name));
    response_.set_path(target_);
  }

  absl::Status Run() {
    RETURN_IF_ERROR(Sweep());
    const absl::Status made = Make();
    // Nothing is left behind of what failed; after success there is nothing.
    const absl::Status swept = Sweep();
    if (!made.ok()) return made;
    RETURN_IF_ERROR(swept);
    telemetry::Info("backup made", {{"path", target_}, {"octets", response_.total_bytes()}});
    if (store_.metrics() != nullptr) store_.metrics()->backup_timestamp.Set(absl::ToDoubleSeconds(store_.clock().Now() - absl::UnixEpoch()));
    response_.set_done_bytes(response_.total_bytes());
    response_.set_done(true);
    sink_.Push(response_);
    return absl::OkStatus();
  }

 private:
  absl::Status Sweep() {
    RETURN_IF_ERROR(kv::RemoveAll(staging_));
    return kv::RemoveAll(partial_);
  }

  absl::Status Make() {
    if (store_.free_space().low()) return FromKv(kv::DiskFullError("a backup"));
    RETURN_IF_ERROR(base::MakeDirectories(folder_));
    RETURN_IF_ERROR(base::MakeDirectories(staging_));
    // What was acknowledged is in the database; what is handed over now may be.
    RETURN_IF_ERROR(FromKv(store_.pipeline().Flush()));
    RETURN_IF_ERROR(FromKv(store_.db().Checkpoint(staging_ + "/db")));
    const std::vector<Found> before = FindBackups(folder_);
    const absl::Time now = store_.clock().Now();
    Mark mark{.number = absl::ToUnixSeconds(now), .made = now};
    if (!before.empty()) mark.number = std::max(mark.number, before.front().mark.number + 1);
    RETURN_IF_ERROR(base::WriteFileAtomically(BackupMark(staging_), MarkText(mark)));
    ASSIGN_OR_RETURN(const uint64_t size, kv::FolderSize(staging_));
    response_.set_total_bytes(size);
    if (!sink_.Push(response_)) return absl::CancelledError("the caller is gone");
    const absl::Status moved = kv::MoveSynced(staging_, target_);
    if (!absl::IsFailedPrecondition(moved)) return moved;
    return CopyThere(size);
  }

  absl::Status CopyThere(uint64_t size) {
    ASSIGN_OR_RETURN(const uint64_t free, kv::FreeSpace(folder_));
    if (free < size) return FromKv(kv::DiskFullError("a backup"));
    kv::FolderCopyOptions options;
    options.octets_per_second = store_.options().backup_octets_per_second;
    absl::Time told = absl::Now();
    options.on_progress = [this, &told](uint64_t done) {
      if (absl::Now() - told < kProgressInterval) return !sink_.cancelled();
      told = absl::Now();
      response_.set_done_bytes(done);
      return sink_.Push(response_);
    };
    RETURN_IF_ERROR(kv::CopyFolder(staging_, partial_, options));
    return kv::MoveSynced(partial_, target_);
  }

  Store& store_;
  const std::string folder_;
  const std::string staging_;
  const std::string partial_;
  const std::string target_;
  JobSink<CreateBackupResponse>& sink_;
  CreateBackupResponse response_;
};

}  // namespace

std::string BackupMark(const std::string& folder) { return folder + "/backup"; }

absl::StatusOr<absl::Time> BackupTime(const std::string& folder) {
  ASSIGN_OR_RETURN(const Mark mark, ReadMark(folder));
  return mark.made;
}

absl::Status RemoveUnfinishedBackup(const std::string& store_folder) { return kv::RemoveAll(Staging(store_folder)); }

absl::StatusOr<StreamReaderPtr<CreateBackupResponse>> CreateBackup(Store& store,
                                                                   const mailbox::v1::CreateBackupRequest& request) {
  ASSIGN_OR_RETURN(std::string folder, Folder(store));
  std::string name = request.name();
  if (name.empty()) name = absl::FormatTime("%Y%m%dT%H%M%SZ", store.clock().Now(), absl::UTCTimeZone());
  RETURN_IF_ERROR(CheckName(name));
  if (base::FileExists(folder + "/" + name)) return AlreadyExists(name);
  return store.backup_slot().Start<CreateBackupResponse>(
      [&store, folder = std::move(folder), name = std::move(name)](JobSink<CreateBackupResponse>& sink) {
        return Maker(store, folder, name, sink).Run();
      });
}

absl::StatusOr<mailbox::v1::ListBackupsResponse> ListBackups(Store& store, const mailbox::v1::ListBackupsRequest&) {
  mailbox::v1::ListBackupsResponse response;
  ASSIGN_OR_RETURN(const std::string folder, Folder(store));
  std::vector<Found> found = FindBackups(folder);
  if (found.size() > kMaxBackups) found.resize(kMaxBackups);
  for (const auto& [mark, name] : found) {
    mailbox::v1::Backup* backup = response.add_backups();
    backup->set_name(name);
    backup->set_path(folder + "/" + name);
    backup->mutable_create_time()->set_seconds(absl::ToUnixSeconds(mark.made));
    backup->set_size_bytes(kv::FolderSize(backup->path()).value_or(0));
  }
  return response;
}

absl::StatusOr<mailbox::v1::DeleteBackupResponse> DeleteBackup(Store& store,
                                                               const mailbox::v1::DeleteBackupRequest& request) {
  ASSIGN_OR_RETURN(const std::string folder, Folder(store));
  RETURN_IF_ERROR(CheckName(request.name()));
  const std::string path = folder + "/" + request.name();
  if (!BackupTime(path).ok()) return BackupNotFound(request.name());
  // Out of sight first: a removal that is cut short must not leave half a backup behind.
  const std::string doomed = folder + "/" + kPartial + request.name();
  RETURN_IF_ERROR(kv::RemoveAll(doomed));
  RETURN_IF_ERROR(kv::MoveSynced(path, doomed));
  RETURN_IF_ERROR(kv::RemoveAll(doomed));
  return mailbox::v1::DeleteBackupResponse();
}

}  // namespace mailmesh::mailbox_store
