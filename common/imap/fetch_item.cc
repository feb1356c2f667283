#include "common/imap/fetch_item.h"

#include "common/imap/chars.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

using Kind = FetchItem::Kind;

void AppendSectionText(std::string& out, const Section& section) {
  switch (section.text) {
    case Section::Text::kAll:
      return;
    case Section::Text::kHeader:
      out.append("HEADER");
      return;
    case Section::Text::kText:
      out.append("TEXT");
      return;
    case Section::Text::kMime:
      out.append("MIME");
      return;
    case Section::Text::kHeaderFields:
      out.append("HEADER.FIELDS (");
      break;
    case Section::Text::kHeaderFieldsNot:
      out.append("HEADER.FIELDS.NOT (");
      break;
  }
  for (size_t i = 0; i < section.fields.size(); ++i) {
    if (i > 0) out.push_back(' ');
    AppendAString(out, section.fields[i]);
  }
  out.push_back(')');
}

void AppendSection(std::string& out, const Section& section) {
  out.push_back('[');
  for (size_t i = 0; i < section.part.size(); ++i) {
    if (i > 0) out.push_back('.');
    internal::AppendNumber(out, section.part[i]);
  }
  if (!section.part.empty() && section.text != Section::Text::kAll) out.push_back('.');
  AppendSectionText(out, section);
  out.push_back(']');
}

std::string_view Name(Kind kind) {
  switch (kind) {
    case Kind::kUid: return "UID";
    case Kind::kFlags: return "FLAGS";
    case Kind::kInternalDate: return "INTERNALDATE";
    case Kind::kRfc822Size: return "RFC822.SIZE";
    case Kind::kModSeq: return "MODSEQ";
    case Kind::kEnvelope: return "ENVELOPE";
    case Kind::kBody: return "BODY";
    case Kind::kBodyStructure: return "BODYSTRUCTURE";
    case Kind::kBodySection: return "BODY";
    case Kind::kRfc822: return "RFC822";
    case Kind::kRfc822Header: return "RFC822.HEADER";
    case Kind::kRfc822Text: return "RFC822.TEXT";
    case Kind::kBinary: return "BINARY";
    case Kind::kBinarySize: return "BINARY.SIZE";
  }
  return "";
}

bool NamesSection(Kind kind) {
  return kind == Kind::kBodySection || kind == Kind::kBinary || kind == Kind::kBinarySize;
}

}  // namespace

void AppendFetchItemName(std::string& out, const FetchItem& item) {
  out.append(Name(item.kind));
  if (!NamesSection(item.kind)) return;
  AppendSection(out, item.section);
  if (!item.partial) return;
  out.push_back('<');
  internal::AppendNumber(out, item.partial->offset);
  out.push_back('>');
}

void AppendFetchRequest(std::string& out, const FetchItem& item) {
  out.append(Name(item.kind));
  if (!NamesSection(item.kind)) return;
  if (item.peek && item.kind != Kind::kBinarySize) out.append(".PEEK");
  AppendSection(out, item.section);
  if (!item.partial) return;
  out.push_back('<');
  internal::AppendNumber(out, item.partial->offset);
  out.push_back('.');
  internal::AppendNumber(out, item.partial->size);
  out.push_back('>');
}

}  // namespace mailmesh::imap
