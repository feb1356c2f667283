// A real name server (NSD) on a loopback port, for as long as the object lives.
#ifndef MAILMESH_TESTS_UNIT_COMMON_DNS_NSD_PROCESS_H_
#define MAILMESH_TESTS_UNIT_COMMON_DNS_NSD_PROCESS_H_

#include <map>
#include <memory>
#include <string>

#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::dns {

class NsdProcess {
 public:
  // Null where there is no NSD: $MAILMESH_NSD, /usr/sbin/nsd, or the one of build/peers/root.
  // `zones`: name -> text of the zone file; an empty text is a secondary that never gets its zone, so SERVFAIL.
  static std::unique_ptr<NsdProcess> Start(const std::map<std::string, std::string>& zones);
  ~NsdProcess();

  // "127.0.0.1:PORT".
  std::string address() const;
  uint16_t port() const { return port_; }

 private:
  NsdProcess() = default;
  // The path of the file.
  std::string WriteConfig(const std::map<std::string, std::string>& zones);
  void Launch(const std::string& nsd, const std::string& config);
  bool WaitUntilItAnswers();

  net::TempFolder folder_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace mailmesh::dns

#endif  // MAILMESH_TESTS_UNIT_COMMON_DNS_NSD_PROCESS_H_
