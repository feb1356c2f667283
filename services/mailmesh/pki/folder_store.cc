#include "services/mailmesh/pki/folder_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "services/mailmesh/pki/authorities.h"
#include "services/mailmesh/pki/folder.h"
#include "services/mailmesh/pki/renew.h"

namespace mailmesh::pki {
namespace {

namespace fs = std::filesystem;

constexpr char kCurrent[] = "..data";
constexpr absl::Duration kPatience = absl::Seconds(10);

bool IsInternal(const std::string& name) { return absl::StartsWith(name, ".."); }

// What programs' names lead to.
std::string LinkTo(const std::string& name) { return absl::StrCat(kCurrent, "/", name); }

bool IsKey(const std::string& name) { return absl::EndsWith(name, ".key"); }

// Whether this file is read. Of a role's folder, and the public one, only what we make is: all else was put there by whoever has it.
bool IsOurs(const std::string& bundle, const std::string& file) {
  if (bundle == kAuthorityBundle || bundle == kTrustBundle) return !IsInternal(file);
  return file == kCertificate || file == kKey || file == kTrusted;
}

struct Current {
  std::string version;          // what ..data leads to; empty where there is none
  std::optional<Folder> files;  // none: that is not there (yet)
};

absl::StatusOr<Current> OpenCurrent(const Folder& folder) {
  Current current;
  ASSIGN_OR_RETURN(current.version, folder.TargetOf(kCurrent));
  if (current.version.empty()) return current;
  if (!IsInternal(current.version) || current.version.size() <= 2 || absl::StrContains(current.version, '/')) {
    return absl::FailedPreconditionError(absl::StrCat(folder.PathOf(kCurrent), " leads out of its folder; remove it"));
  }
  absl::StatusOr<Folder> files = folder.OpenFolder(current.version);
  if (absl::IsNotFound(files.status())) return current;
  RETURN_IF_ERROR(files.status());
  current.files = *std::move(files);
  return current;
}

// A write that was cut off after its change and before its links is finished. What an operator put there stays.
absl::Status AddMissingLinks(const Folder& folder, const Folder& files) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.Names());
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const Folder::Kind kind, folder.KindOf(name));
    if (kind != Folder::Kind::kNone) continue;
    RETURN_IF_ERROR(folder.ReplaceLink(name, LinkTo(name)));
    RETURN_IF_ERROR(folder.Sync());
  }
  return absl::OkStatus();
}

// Lets the programs' names lead to the current version's files, and to nothing else.
absl::Status LinkFiles(const Folder& folder, const Files& files) {
  for (const auto& [name, content] : files) {
    ASSIGN_OR_RETURN(const std::string target, folder.TargetOf(name));
    if (target != LinkTo(name)) RETURN_IF_ERROR(folder.ReplaceLink(name, LinkTo(name)));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, folder.Names());
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string target, folder.TargetOf(name));
    if (!files.contains(name) && target == LinkTo(name)) RETURN_IF_ERROR(folder.Remove(name));
  }
  return folder.Sync();
}

absl::Status WriteVersion(const Folder& folder, const std::string& version, const Files& files) {
  ASSIGN_OR_RETURN(const struct stat owner, folder.Info());
  ASSIGN_OR_RETURN(const Folder made, folder.MakeFolder(version));
  for (const auto& [name, content] : files) RETURN_IF_ERROR(made.WriteFile(name, content, IsKey(name) ? 0600 : 0644, owner));
  // What holds no key is for everybody: the authorities that clients trust.
  if (std::none_of(files.begin(), files.end(), [](const auto& file) { return IsKey(file.first); })) {
    RETURN_IF_ERROR(made.SetMode(0755));
    RETURN_IF_ERROR(folder.SetMode(0755));
  }
  RETURN_IF_ERROR(made.SetOwner(owner));
  RETURN_IF_ERROR(made.Sync());
  return folder.Sync();
}

absl::Status RemoveOthers(const Folder& folder, const std::string& version) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, folder.Names());
  std::error_code error;
  for (const std::string& name : names) {
    // Follows no link either. What stays is removed after the next write.
    if (IsInternal(name) && name != kCurrent && name != version) fs::remove_all(folder.PathOf(name), error);
  }
  return absl::OkStatus();
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
  Bundle bundle;
  const absl::StatusOr<Folder> folder = Folder::Open(PlaceOf(name));
  if (absl::IsNotFound(folder.status())) return bundle;
  RETURN_IF_ERROR(folder.status());
  ASSIGN_OR_RETURN(const Current current, OpenCurrent(*folder));
  bundle.version = current.version;
  if (current.files.has_value()) RETURN_IF_ERROR(AddMissingLinks(*folder, *current.files));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, folder->Names());
  for (const std::string& file : names) {
    if (!IsOurs(name, file)) continue;
    const Folder* place = &*folder;
    ASSIGN_OR_RETURN(Folder::Kind kind, folder->KindOf(file));
    ASSIGN_OR_RETURN(const std::string target, folder->TargetOf(file));
    if (kind == Folder::Kind::kLink && target == LinkTo(file)) {
      if (!current.files.has_value()) continue;
      place = &*current.files;
      ASSIGN_OR_RETURN(kind, place->KindOf(file));
    }
    if (kind == Folder::Kind::kLink) bundle.elsewhere.insert(file);
    if (kind != Folder::Kind::kFile) continue;
    ASSIGN_OR_RETURN(bundle.files[file], place->ReadFile(file));
  }
  return bundle;
}

absl::StatusOr<std::string> FolderStore::Write(const std::string& name, const Files& files, const std::string& version) {
  RETURN_IF_ERROR(base::MakeDirectories(PlaceOf(name), 0700));
  RETURN_IF_ERROR(base::SyncFolder(root_));
  ASSIGN_OR_RETURN(const Folder folder, Folder::Open(PlaceOf(name)));
  ASSIGN_OR_RETURN(const std::string there, folder.TargetOf(kCurrent));
  if (there != version) return absl::AbortedError(PlaceOf(name) + " has been changed meanwhile");
  const std::string next = absl::StrCat("..", absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone()), ".",
                                        base::NewSessionId());
  RETURN_IF_ERROR(WriteVersion(folder, next, files));
  RETURN_IF_ERROR(folder.ReplaceLink(kCurrent, next));
  RETURN_IF_ERROR(folder.Sync());
  RETURN_IF_ERROR(LinkFiles(folder, files));
  RETURN_IF_ERROR(RemoveOthers(folder, next));
  return next;
}

}  // namespace mailmesh::pki
