#include "common/imap/fetch_response.h"

#include "common/imap/chars.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {

using internal::AppendNumber;

FetchResponse::FetchResponse(std::string* out, SequenceNumber number) : out_(out) {
  out_->append("* ");
  AppendNumber(*out_, number.value());
  out_->append(" FETCH (");
}

void FetchResponse::Separate() {
  if (!first_) out_->push_back(' ');
  first_ = false;
}

void FetchResponse::Uid(mailmesh::Uid uid) {
  Separate();
  out_->append("UID ");
  AppendNumber(*out_, uid.value());
}

void FetchResponse::Flags(SystemFlags system, std::span<const std::string_view> keywords) {
  Separate();
  out_->append("FLAGS (");
  AppendFlags(*out_, system, keywords);
  out_->push_back(')');
}

void FetchResponse::InternalDate(const DateTime& time) {
  Separate();
  out_->append("INTERNALDATE ");
  AppendDateTime(*out_, time);
}

void FetchResponse::Rfc822Size(uint64_t size) {
  Separate();
  out_->append("RFC822.SIZE ");
  AppendNumber(*out_, size);
}

void FetchResponse::ModSeq(mailmesh::ModSeq modseq) {
  Separate();
  out_->append("MODSEQ (");
  AppendNumber(*out_, modseq.value());
  out_->push_back(')');
}

void FetchResponse::Stored(FetchItem::Kind kind, std::string_view wire) {
  Separate();
  FetchItem item;
  item.kind = kind;
  AppendFetchItemName(*out_, item);
  out_->push_back(' ');
  out_->append(wire);
}

void FetchResponse::Body(const FetchItem& item, std::string_view octets) {
  // RFC 3501, 4.3: a literal has no NUL; only BINARY's answer may be literal8 (RFC 3516, 4.2).
  const bool has_nul = octets.find('\0') != octets.npos;
  if (has_nul && item.kind != FetchItem::Kind::kBinary) {
    Separate();
    AppendFetchItemName(*out_, item);
    out_->push_back(' ');
    AppendLiteral(*out_, octets);
    return;
  }
  BodyHead(item, octets.size(), has_nul);
  out_->append(octets);
}

void FetchResponse::BodyNil(const FetchItem& item) {
  Separate();
  AppendFetchItemName(*out_, item);
  out_->append(" NIL");
}

void FetchResponse::BodyHead(const FetchItem& item, uint64_t size, bool has_nul) {
  Separate();
  AppendFetchItemName(*out_, item);
  out_->push_back(' ');
  AppendLiteralHead(*out_, size, has_nul && item.kind == FetchItem::Kind::kBinary);
}

void FetchResponse::BinarySize(const FetchItem& item, uint64_t size) {
  Separate();
  AppendFetchItemName(*out_, item);
  out_->push_back(' ');
  AppendNumber(*out_, size);
}

void FetchResponse::End() { out_->append(")\r\n"); }

}  // namespace mailmesh::imap
