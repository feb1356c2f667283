// Where a mesh on one machine keeps its things, below the folder given by `--dir`.
//
//   DIR/ca.pem            authorities that made the certificates, for clients to trust; a link into DIR/pki
//   DIR/endpoints.json    name -> address, written when everything serves
//   DIR/pki/              certificates and keys: the authority's, and of each role and the protocol ports a folder
//   DIR/config/           one YAML file per role instance, written at each start
//   DIR/data/             databases, key ring
//   DIR/backup/           backups of the stores, one folder for each shard
//   DIR/log/              what each process logs, for `mailmesh trace`; rotated by size
//   DIR/run               Unix sockets; a link to a short folder where DIR is too deep for a socket's path
#ifndef MAILMESH_SERVICES_MAILMESH_UP_LAYOUT_H_
#define MAILMESH_SERVICES_MAILMESH_UP_LAYOUT_H_

#include <absl/status/statusor.h>

#include <string>

namespace mailmesh::up {

struct Layout {
  std::string dir;  // absolute
  std::string run;  // absolute and short enough for socket paths

  std::string pki() const { return dir + "/pki"; }
  std::string config() const { return dir + "/config"; }
  std::string backup() const { return dir + "/backup"; }
  std::string log() const { return dir + "/log"; }
  std::string data() const { return dir + "/data"; }
  std::string authority() const { return dir + "/ca.pem"; }
  std::string endpoints() const { return dir + "/endpoints.json"; }
};

// Makes the folders (mode 0700) and takes the mesh's lock, which is held until the process ends.
// FailedPrecondition when another `mailmesh up` runs on this folder.
absl::StatusOr<Layout> PrepareLayout(const std::string& dir);

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_LAYOUT_H_
