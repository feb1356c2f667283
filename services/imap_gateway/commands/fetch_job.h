// One FETCH command made ready: what comes from the view, from summaries, from contents, and in which order it is said.
//
// The order is that of the command, but for UID, which comes first, and sections, which come last because they stream.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_COMMANDS_FETCH_JOB_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_COMMANDS_FETCH_JOB_H_

#include <optional>
#include <vector>

#include "common/imap/fetch_response.h"
#include "services/imap_gateway/fetch/content_reader.h"
#include "services/imap_gateway/fetch/summary_reader.h"
#include "services/imap_gateway/flags.h"
#include "services/imap_gateway/session.h"

namespace mailmesh::imap_gateway {

struct Session::FetchJob {
  explicit FetchJob(const imap::Fetch& command);

  bool wants_store() const { return wants_summary || !selectors.empty(); }
  // UID, FLAGS, MODSEQ. Flags are told too where this command has set \Seen.
  void WriteView(imap::FetchResponse& response, const Message& message, const ClientView& client,
                 FlagNames& names) const;
  void WriteSummary(imap::FetchResponse& response, const mailbox::v1::MessageSummary& summary) const;

  bool uid_command = false;
  bool uid = false;
  bool flags = false;
  bool modseq = false;
  bool sets_seen = false;
  bool binary = false;
  bool wants_summary = false;
  std::vector<imap::FetchItem> summary_items;
  std::vector<imap::FetchItem> sections;  // one for each selector
  std::vector<mailbox::v1::ContentSelector> selectors;
  mailbox::v1::FetchSummariesRequest summary_request;

  imap::SequenceSet sequences;
  VersionPtr version;
  imap::SequenceSet marked;  // UIDs that this command has set \Seen on
  bool condstore = false;    // those are told with their MODSEQ
  bool missing = false;      // a message was gone
  bool answered = false;     // the reply has been set

  std::optional<SummaryReader> summaries;
  std::optional<ContentReader> contents;

 private:
  void Add(const imap::FetchItem& item);
  void AddSummary(const imap::FetchItem& item);
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_COMMANDS_FETCH_JOB_H_
