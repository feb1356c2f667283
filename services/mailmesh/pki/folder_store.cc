#include "services/mailmesh/pki/folder_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace mailmesh::pki {
namespace {

namespace fs = std::filesystem;

constexpr char kCurrent[] = "..data";
constexpr char kDraft[] = "..draft";
constexpr size_t kMaxFile = 1 << 20;
constexpr absl::Duration kPatience = absl::Seconds(10);

// The version that ..data leads to; empty where there is none.
std::string CurrentVersion(const std::string& folder) {
  std::error_code error;
  return fs::read_symlink(folder + "/" + kCurrent, error).string();
}

absl::Status ReplaceLink(const std::string& folder, const std::string& name, const std::string& target) {
  const std::string draft = absl::StrCat(folder, "/", kDraft);
  unlink(draft.c_str());
  if (symlink(target.c_str(), draft.c_str()) != 0) return base::ErrnoStatus(errno, draft);
  if (rename(draft.c_str(), absl::StrCat(folder, "/", name).c_str()) != 0) return base::ErrnoStatus(errno, folder + "/" + name);
  return absl::OkStatus();
}

std::vector<std::string> Entries(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool IsInternal(const std::string& name) { return absl::StartsWith(name, ".."); }

// Whether programs find the file of this name in the current version.
bool IsLinked(const std::string& folder, const std::string& name) {
  std::error_code error;
  return fs::read_symlink(folder + "/" + name, error) == absl::StrCat(kCurrent, "/", name);
}

// A write that was cut off after its change and before its links is finished. What an operator put there stays.
absl::Status AddMissingLinks(const std::string& folder) {
  std::error_code error;
  for (const std::string& name : Entries(absl::StrCat(folder, "/", kCurrent))) {
    if (fs::exists(folder + "/" + name, error)) continue;
    RETURN_IF_ERROR(ReplaceLink(folder, name, absl::StrCat(kCurrent, "/", name)));
    RETURN_IF_ERROR(base::SyncFolder(folder));
  }
  return absl::OkStatus();
}

// Lets the programs' names lead to the current version's files, and to nothing else.
absl::Status LinkFiles(const std::string& folder, const Files& files) {
  for (const auto& [name, content] : files) {
    if (!IsLinked(folder, name)) RETURN_IF_ERROR(ReplaceLink(folder, name, absl::StrCat(kCurrent, "/", name)));
  }
  for (const std::string& name : Entries(folder)) {
    if (!files.contains(name) && IsLinked(folder, name)) unlink(absl::StrCat(folder, "/", name).c_str());
  }
  return base::SyncFolder(folder);
}

absl::Status Give(const std::string& path, const struct stat& owner) {
  if (owner.st_uid == geteuid() && owner.st_gid == getegid()) return absl::OkStatus();
  if (lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0) return base::ErrnoStatus(errno, "owner of " + path);
  return absl::OkStatus();
}

absl::Status WriteVersion(const std::string& folder, const std::string& version, const Files& files) {
  struct stat owner;
  if (stat(folder.c_str(), &owner) != 0) return base::ErrnoStatus(errno, folder);
  const std::string path = folder + "/" + version;
  if (mkdir(path.c_str(), 0700) != 0) return base::ErrnoStatus(errno, path);
  for (const auto& [name, content] : files) {
    const std::string file = path + "/" + name;
    RETURN_IF_ERROR(base::WriteFileAtomically(file, content, absl::EndsWith(name, ".key") ? 0600 : 0644));
    RETURN_IF_ERROR(Give(file, owner));
  }
  RETURN_IF_ERROR(Give(path, owner));
  RETURN_IF_ERROR(base::SyncFolder(path));
  return base::SyncFolder(folder);
}

void RemoveOthers(const std::string& folder, const std::string& version) {
  std::error_code error;
  for (const std::string& name : Entries(folder)) {
    if (IsInternal(name) && name != kCurrent && name != version) fs::remove_all(folder + "/" + name, error);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<FolderStore>> FolderStore::Open(const std::string& root) {
  RETURN_IF_ERROR(base::MakeDirectories(root, 0755));
  const std::string path = root + "/.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return base::ErrnoStatus(errno, path);
  std::unique_ptr<FolderStore> store(new FolderStore(root, fd));
  for (const absl::Time limit = absl::Now() + kPatience; flock(fd, LOCK_EX | LOCK_NB) != 0; absl::SleepFor(absl::Milliseconds(20))) {
    if (absl::Now() > limit) return absl::UnavailableError(absl::StrCat("another process works in ", root));
  }
  return store;
}

FolderStore::~FolderStore() { close(lock_); }

absl::StatusOr<Bundle> FolderStore::Read(const std::string& name) {
  const std::string folder = PlaceOf(name);
  Bundle bundle;
  bundle.version = CurrentVersion(folder);
  RETURN_IF_ERROR(AddMissingLinks(folder));
  std::error_code error;
  for (const std::string& file : Entries(folder)) {
    if (IsInternal(file) || !fs::is_regular_file(folder + "/" + file, error)) continue;
    ASSIGN_OR_RETURN(bundle.files[file], base::ReadFile(folder + "/" + file, kMaxFile));
  }
  return bundle;
}

absl::StatusOr<std::string> FolderStore::Write(const std::string& name, const Files& files, const std::string& version) {
  const std::string folder = PlaceOf(name);
  RETURN_IF_ERROR(base::MakeDirectories(folder, 0700));
  RETURN_IF_ERROR(base::SyncFolder(root_));
  if (CurrentVersion(folder) != version) return absl::AbortedError(folder + " has been changed meanwhile");
  const std::string next = absl::StrCat("..", absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone()), ".",
                                        base::NewSessionId());
  RETURN_IF_ERROR(WriteVersion(folder, next, files));
  RETURN_IF_ERROR(ReplaceLink(folder, kCurrent, next));
  RETURN_IF_ERROR(base::SyncFolder(folder));
  RETURN_IF_ERROR(LinkFiles(folder, files));
  RemoveOthers(folder, next);
  return next;
}

}  // namespace mailmesh::pki
