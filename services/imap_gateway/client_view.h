// What one session's client knows of the selected mailbox, and how it is told what has changed.
//
// Flow: Begin(newest version, options); while (!Write(out, limit)) flush; known() is then the version it was brought to.
// The client is told only what the RFC lets it be told: while EXPUNGE may not be said, messages that are gone stay in
// known() with their numbers and flags (RFC 3501, 7.4.1 and 5.5; RFC 2180).
// Thread-safety: none; belongs to a session. RFC 3501, 2.3.2, 5.2, 7.3, 7.4; RFC 7162, 3.2.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_CLIENT_VIEW_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_CLIENT_VIEW_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/imap/command.h"
#include "common/imap/sequence_set.h"
#include "services/imap_gateway/view/diff.h"
#include "services/imap_gateway/view/version.h"

namespace mailmesh::imap_gateway {

// A STORE of this session: what it makes of a message's flags.
struct OwnStore {
  imap::SequenceSet uids;  // resolved
  imap::Store::Mode mode = imap::Store::Mode::kReplace;
  uint64_t bits = 0;

  uint64_t Apply(uint64_t flags) const;
};

class ClientView {
 public:
  struct Options {
    bool may_expunge = true;
    bool with_uid = false;     // UID commands: RFC 3501, 6.4.8
    bool with_modseq = false;  // RFC 7162, 3.2: the client is CONDSTORE-aware
    // .SILENT and the implicit \Seen of FETCH: what this alone did is not told.
    const OwnStore* silent = nullptr;
    // PERMANENTFLAGS are told again with a new keyword.
    bool read_only = false;
  };
  struct Told {
    uint32_t expunged = 0;
    uint32_t added = 0;
    uint32_t flags = 0;
  };

  // With SELECT or EXAMINE the client learns `first`.
  explicit ClientView(VersionPtr first)
      : known_(first), seen_(std::move(first)), keywords_told_(known_->keywords().size()) {}

  const Version& known() const { return *known_; }
  const VersionPtr& shared_known() const { return known_; }
  // Whether Begin() with this version could have anything to tell.
  bool Differs(const VersionPtr& newest) const { return newest != seen_ || holding_expunged_; }
  // Whether messages are held that are gone.
  bool holding_expunged() const { return holding_expunged_; }

  // UIDs that are \Recent for this session. Ascending calls.
  void AddRecent(uint32_t first, uint32_t last);
  bool IsRecent(uint32_t uid) const;
  uint32_t CountRecent() const;

  Told Begin(VersionPtr newest, const Options& options);
  // Appends untagged responses until `out` has `limit` octets; true when all is said.
  bool Write(std::string& out, size_t limit);

 private:
  void WriteNumbers(std::string& out);
  void WriteKeywords(std::string& out);
  void WriteFlags(std::string& out, size_t limit);

  VersionPtr known_;
  VersionPtr seen_;  // the version of the view that known_ was made from
  bool holding_expunged_ = false;
  size_t keywords_told_;
  std::vector<std::pair<uint32_t, uint32_t>> recent_;

  // What Write() has still to say.
  Diff diff_;
  Options options_;
  size_t expunges_written_ = 0;
  size_t flags_written_ = 0;
  bool numbers_written_ = true;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_CLIENT_VIEW_H_
