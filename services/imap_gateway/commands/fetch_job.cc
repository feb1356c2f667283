#include "services/imap_gateway/commands/fetch_job.h"

#include <algorithm>

namespace mailmesh::imap_gateway {
namespace {

using imap::FetchItem;
using mailbox::v1::ContentSelector;

ContentSelector::Section ToSection(imap::Section::Text text) {
  switch (text) {
    case imap::Section::Text::kAll:
      return ContentSelector::SECTION_UNSPECIFIED;
    case imap::Section::Text::kHeader:
      return ContentSelector::SECTION_HEADER;
    case imap::Section::Text::kHeaderFields:
      return ContentSelector::SECTION_HEADER_FIELDS;
    case imap::Section::Text::kHeaderFieldsNot:
      return ContentSelector::SECTION_HEADER_FIELDS_NOT;
    case imap::Section::Text::kText:
      return ContentSelector::SECTION_TEXT;
    case imap::Section::Text::kMime:
      return ContentSelector::SECTION_MIME;
  }
  return ContentSelector::SECTION_UNSPECIFIED;
}

ContentSelector ToSelector(const FetchItem& item) {
  ContentSelector selector;
  for (uint32_t number : item.section.part) selector.add_part(number);
  selector.set_section(ToSection(item.section.text));
  for (const std::string& field : item.section.fields) selector.add_fields(field);
  if (item.partial.has_value()) {
    selector.set_offset(item.partial->offset);
    selector.set_length(item.partial->size);
  }
  return selector;
}

}  // namespace

Session::FetchJob::FetchJob(const imap::Fetch& command)
    : uid_command(command.uid), uid(command.uid), modseq(command.changed_since.has_value()) {
  for (const FetchItem& item : command.items) Add(item);
}

void Session::FetchJob::Add(const FetchItem& item) {
  switch (item.kind) {
    case FetchItem::Kind::kUid:
      uid = true;
      break;
    case FetchItem::Kind::kFlags:
      flags = true;
      break;
    case FetchItem::Kind::kModSeq:
      modseq = true;
      break;
    case FetchItem::Kind::kInternalDate:
    case FetchItem::Kind::kRfc822Size:
    case FetchItem::Kind::kEnvelope:
    case FetchItem::Kind::kBody:
    case FetchItem::Kind::kBodyStructure:
      AddSummary(item);
      break;
    case FetchItem::Kind::kBodySection:
    case FetchItem::Kind::kRfc822:
    case FetchItem::Kind::kRfc822Header:
    case FetchItem::Kind::kRfc822Text:
      // Said twice, it is answered once.
      if (std::find(sections.begin(), sections.end(), item) != sections.end()) break;
      if (item.SetsSeen()) sets_seen = true;
      sections.push_back(item);
      selectors.push_back(ToSelector(item));
      break;
    case FetchItem::Kind::kBinary:
    case FetchItem::Kind::kBinarySize:
      binary = true;
      break;
  }
}

void Session::FetchJob::AddSummary(const FetchItem& item) {
  wants_summary = true;
  switch (item.kind) {
    case FetchItem::Kind::kInternalDate:
      summary_request.set_internal_date(true);
      break;
    case FetchItem::Kind::kRfc822Size:
      summary_request.set_size(true);
      break;
    case FetchItem::Kind::kEnvelope:
      summary_request.set_envelope(true);
      break;
    case FetchItem::Kind::kBody:
      summary_request.set_body(true);
      break;
    default:
      summary_request.set_body_structure(true);
      break;
  }
  if (std::find(summary_items.begin(), summary_items.end(), item) == summary_items.end()) summary_items.push_back(item);
}

void Session::FetchJob::WriteView(imap::FetchResponse& response, const Message& message, const ClientView& client,
                                  FlagNames& names) const {
  if (uid) response.Uid(Uid(message.uid));
  const bool changed = !marked.empty() && marked.Contains(message.uid);
  if (flags || changed) {
    names.Set(message.flags, client.IsRecent(message.uid));
    response.Flags(names.system(), names.names());
  }
  if (modseq || (changed && condstore)) response.ModSeq(ModSeq(message.modseq));
}

void Session::FetchJob::WriteSummary(imap::FetchResponse& response, const mailbox::v1::MessageSummary& summary) const {
  for (const FetchItem& item : summary_items) {
    switch (item.kind) {
      case FetchItem::Kind::kInternalDate: {
        imap::DateTime time;
        time.unix_seconds = summary.internal_date_seconds();
        time.zone_minutes = static_cast<int16_t>(summary.internal_date_zone_minutes());
        response.InternalDate(time);
        break;
      }
      case FetchItem::Kind::kRfc822Size:
        response.Rfc822Size(summary.size_bytes());
        break;
      case FetchItem::Kind::kEnvelope:
        response.Stored(item.kind, summary.envelope());
        break;
      case FetchItem::Kind::kBody:
        response.Stored(item.kind, summary.body());
        break;
      default:
        response.Stored(FetchItem::Kind::kBodyStructure, summary.body_structure());
        break;
    }
  }
}

}  // namespace mailmesh::imap_gateway
