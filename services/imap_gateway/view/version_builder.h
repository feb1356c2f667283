// Makes the next version of a mailbox from one and a change, sharing what stays.
//
// Flow: VersionBuilder builder(base); builder.Expunge(...); builder.Put(...); ...; VersionPtr next = builder.Build();
// Expunged ranges and messages may be given in any order; the latter replace or join what is there.
// Thread-safety: one thread. Cost: the pages that the change touches, and a pointer for each of the others.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VERSION_BUILDER_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VERSION_BUILDER_H_

#include <string>
#include <utility>
#include <vector>

#include "services/imap_gateway/view/version.h"

namespace mailmesh::imap_gateway {

class VersionBuilder {
 public:
  explicit VersionBuilder(const Version& base)
      : base_(base), keywords_(base.shared_keywords()), modseq_(base.modseq()), uid_next_(base.uid_next()) {}

  // `base` is borrowed until Build().
  explicit VersionBuilder(Version&& base) = delete;

  // UIDs first..last; those that are not there are ignored.
  void Expunge(uint32_t first, uint32_t last) { expunged_.emplace_back(first, last); }
  void Put(const Message& message) { put_.push_back(message); }
  void SetKeywords(std::vector<std::string> keywords) {
    keywords_ = std::make_shared<const std::vector<std::string>>(std::move(keywords));
  }
  void SetModSeq(uint64_t modseq) { modseq_ = modseq; }
  void SetUidNext(uint32_t uid_next) { uid_next_ = uid_next; }

  // Once.
  VersionPtr Build();

 private:
  using Range = std::pair<uint32_t, uint32_t>;

  void Sort();
  bool Touched(uint32_t first, uint32_t last);
  void Rewrite(const Page& page, uint32_t until);
  void Append(const Message& message);
  void CloseOpenPage();
  bool IsExpunged(uint32_t uid);
  void Compact();

  const Version& base_;
  Version::Keywords keywords_;
  uint64_t modseq_;
  uint32_t uid_next_;
  std::vector<Range> expunged_;
  std::vector<Message> put_;
  size_t next_expunged_ = 0;  // first range that may still concern a UID to come
  size_t next_put_ = 0;
  std::vector<Version::PagePtr> pages_;
  std::shared_ptr<Page> open_;  // being filled
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VERSION_BUILDER_H_
