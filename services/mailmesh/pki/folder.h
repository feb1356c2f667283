// A folder that somebody else may change under our hands: that of a role, which may be taken over, while root renews in it. All goes
// by the descriptor of the folder, and no link in it is followed: what is read or written lies in it and nowhere else.
//
// Names are plain ones, without '/'. Not thread-safe.
#ifndef MAILMESH_SERVICES_MAILMESH_PKI_FOLDER_H_
#define MAILMESH_SERVICES_MAILMESH_PKI_FOLDER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "common/net/unique_fd.h"

namespace mailmesh::pki {

class Folder {
 public:
  enum class Kind { kNone, kFile, kLink, kOther };

  // NotFound where there is none. `path` itself may be a link: what it lies in is not the role's.
  static absl::StatusOr<Folder> Open(const std::string& path);
  absl::StatusOr<Folder> OpenFolder(const std::string& name) const;
  absl::StatusOr<Folder> MakeFolder(const std::string& name) const;

  // In alphabetical order.
  absl::StatusOr<std::vector<std::string>> Names() const;
  absl::StatusOr<Kind> KindOf(const std::string& name) const;
  // What a link leads to; empty where it is none.
  absl::StatusOr<std::string> TargetOf(const std::string& name) const;
  // The content of a regular file.
  absl::StatusOr<std::string> ReadFile(const std::string& name) const;
  // Of a file that is not there yet; synced.
  absl::Status WriteFile(const std::string& name, const std::string& content, mode_t mode, const struct stat& owner) const;
  absl::Status ReplaceLink(const std::string& name, const std::string& target) const;
  absl::Status Remove(const std::string& name) const;

  absl::StatusOr<struct stat> Info() const;
  absl::Status SetOwner(const struct stat& owner) const;
  absl::Status SetMode(mode_t mode) const;
  absl::Status Sync() const;
  std::string PathOf(const std::string& name) const { return path_ + "/" + name; }

 private:
  Folder(net::UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  net::UniqueFd fd_;
  std::string path_;  // for people
};

}  // namespace mailmesh::pki

#endif  // MAILMESH_SERVICES_MAILMESH_PKI_FOLDER_H_
