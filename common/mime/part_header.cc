#include "common/mime/part_header.h"

#include <algorithm>
#include <utility>

#include "common/mime/lexer.h"
#include "common/text/ascii.h"

namespace mailmesh::mime {
namespace {

using text::EqualsIgnoreAsciiCase;

// RFC 2046, 5.1.1 allows 70. Delimiters match by their beginning, so a longer one may be cut.
constexpr size_t kMaxBoundary = 200;
// RFC 6838, 4.2: names of types have at most 127 characters. Kept whatever the budget, so bounded.
constexpr size_t kMaxTypeName = 127;
constexpr size_t kMaxLanguages = 64;

std::string CleanToken(std::string_view token) {
  std::string out(token);
  std::replace(out.begin(), out.end(), '\0', '\x80');
  return out;
}

size_t Weight(const std::vector<Parameter>& parameters) {
  size_t weight = 0;
  for (const Parameter& parameter : parameters) {
    weight += sizeof(Parameter) + parameter.name.size() + parameter.value.size();
  }
  return weight;
}

size_t Weight(const std::vector<Address>& addresses) {
  size_t weight = 0;
  for (const Address& address : addresses) {
    weight += sizeof(Address) + address.local_part.size() + address.domain.size();
    weight += (address.name ? address.name->size() : 0) + (address.route ? address.route->size() : 0);
  }
  return weight;
}

size_t Weight(const std::optional<std::string>& text) { return text ? text->size() : 0; }

size_t Weight(const Envelope& envelope) {
  size_t weight = sizeof(Envelope) + Weight(envelope.date) + Weight(envelope.subject) + Weight(envelope.in_reply_to) +
                  Weight(envelope.message_id);
  for (const auto* list : {&envelope.from, &envelope.sender, &envelope.reply_to, &envelope.to, &envelope.cc, &envelope.bcc}) {
    weight += Weight(*list);
  }
  return weight;
}

class PartHeaderParser {
 public:
  PartHeaderParser(const PartHeaderOptions& options, Part* part)
      : options_(options), part_(*part), envelope_(options.envelope) {}

  PartHeaderResult Parse(std::string_view header);

 private:
  void TakeContentField(std::string_view name, std::string_view value);
  void TakeType(std::string_view value);
  void TakeEncoding(std::string_view value);
  void TakeDisposition(std::string_view value);
  void TakeLanguages(std::string_view value);
  void TakeText(std::string_view value, std::optional<std::string>* target);
  void SetKind();
  bool keeps() const { return result_.kept < options_.budget; }

  const PartHeaderOptions& options_;
  Part& part_;
  PartHeaderResult result_;
  EnvelopeBuilder envelope_;
  bool seen_type_ = false;
};

PartHeaderResult PartHeaderParser::Parse(std::string_view header) {
  HeaderReader reader(header);
  HeaderField field;
  if (options_.in_digest) {
    part_.type = "message";
    part_.subtype = "rfc822";
  }
  while (reader.Next(&field)) {
    if (field.name.size() > 8 && text::StartsWithIgnoreAsciiCase(field.name, "content-")) {
      if (field.has_colon) TakeContentField(field.name.substr(8), field.value);
    } else if (options_.is_message && keeps()) {
      envelope_.AddField(field);
    }
  }
  SetKind();
  if (options_.is_message) {
    auto envelope = std::make_unique<Envelope>(envelope_.Finish());
    result_.kept += Weight(*envelope);
    part_.envelope = std::move(envelope);
  }
  return std::move(result_);
}

// Of repeated fields the first counts.
void PartHeaderParser::TakeContentField(std::string_view name, std::string_view value) {
  if (EqualsIgnoreAsciiCase(name, "type")) {
    if (!std::exchange(seen_type_, true)) TakeType(value);
  } else if (EqualsIgnoreAsciiCase(name, "transfer-encoding")) {
    if (!part_.transfer_encoding) TakeEncoding(value);
  } else if (!keeps()) {
    return;
  } else if (EqualsIgnoreAsciiCase(name, "disposition")) {
    if (!part_.disposition) TakeDisposition(value);
  } else if (EqualsIgnoreAsciiCase(name, "id")) {
    TakeText(value, &part_.content_id);
  } else if (EqualsIgnoreAsciiCase(name, "description")) {
    TakeText(value, &part_.description);
  } else if (EqualsIgnoreAsciiCase(name, "md5")) {
    TakeText(value, &part_.md5);
  } else if (EqualsIgnoreAsciiCase(name, "location")) {
    TakeText(value, &part_.location);
  } else if (EqualsIgnoreAsciiCase(name, "language")) {
    if (part_.languages.empty()) TakeLanguages(value);
  }
}

void PartHeaderParser::TakeType(std::string_view value) {
  Lexer lexer(value);
  lexer.SkipCfws();
  const std::string_view type = lexer.TakeToken().substr(0, kMaxTypeName);
  if (type.empty()) return;
  part_.type_is_default = false;
  part_.type = CleanToken(type);
  lexer.SkipCfws();
  std::string_view subtype;
  if (lexer.Take('/')) {
    lexer.SkipCfws();
    subtype = lexer.TakeToken().substr(0, kMaxTypeName);
  }
  const bool is_text = EqualsIgnoreAsciiCase(type, "text");
  part_.subtype = !subtype.empty() ? CleanToken(subtype) : is_text ? "plain" : "unknown";
  std::vector<Parameter> parameters = ParseParameters(&lexer);
  if (const std::string* boundary = FindParameter(parameters, "boundary")) {
    result_.boundary = boundary->substr(0, kMaxBoundary);
    // RFC 2046, 5.1.1: a boundary does not end with white space.
    while (!result_.boundary.empty() && Lexer::IsSpace(result_.boundary.back())) result_.boundary.pop_back();
  }
  if (keeps()) {
    result_.kept += Weight(parameters);
    part_.parameters = std::move(parameters);
  }
}

void PartHeaderParser::TakeEncoding(std::string_view value) {
  Lexer lexer(value);
  lexer.SkipCfws();
  const std::string_view token = lexer.TakeToken().substr(0, kMaxTypeName);
  lexer.SkipCfws();
  // More than one word is no encoding (RFC 2045, 6.1): as if the field were not there.
  if (token.empty() || !lexer.done()) return;
  part_.transfer_encoding = CleanToken(token);
  part_.encoding = TransferEncoding::kUnknown;
  constexpr std::pair<std::string_view, TransferEncoding> kKnown[] = {
      {"7bit", TransferEncoding::k7Bit},      {"8bit", TransferEncoding::k8Bit},
      {"binary", TransferEncoding::kBinary},  {"quoted-printable", TransferEncoding::kQuotedPrintable},
      {"base64", TransferEncoding::kBase64}};
  for (const auto& [name, encoding] : kKnown) {
    if (EqualsIgnoreAsciiCase(token, name)) part_.encoding = encoding;
  }
}

void PartHeaderParser::TakeDisposition(std::string_view value) {
  Lexer lexer(value);
  lexer.SkipCfws();
  const std::string_view token = lexer.TakeToken();
  if (token.empty()) return;
  part_.disposition = CleanToken(token);
  part_.disposition_parameters = ParseParameters(&lexer);
  result_.kept += token.size() + Weight(part_.disposition_parameters);
}

// RFC 3282, 2: a list of tags between commas.
void PartHeaderParser::TakeLanguages(std::string_view value) {
  Lexer lexer(value);
  while (part_.languages.size() < kMaxLanguages) {
    lexer.SkipCfws();
    const std::string_view tag = lexer.TakeToken();
    if (tag.empty()) return;
    part_.languages.push_back(CleanToken(tag));
    result_.kept += sizeof(std::string) + tag.size();
    lexer.SkipCfws();
    if (!lexer.Take(',')) return;
  }
}

void PartHeaderParser::TakeText(std::string_view value, std::optional<std::string>* target) {
  if (target->has_value()) return;
  *target = HeaderText(value);
  result_.kept += (*target)->size();
}

void PartHeaderParser::SetKind() {
  if (EqualsIgnoreAsciiCase(part_.type, "multipart")) {
    part_.kind = PartKind::kMultipart;
    return;
  }
  result_.boundary.clear();
  if (EqualsIgnoreAsciiCase(part_.type, "text")) {
    part_.kind = PartKind::kText;
    return;
  }
  part_.kind = PartKind::kLeaf;
  if (!EqualsIgnoreAsciiCase(part_.type, "message")) return;
  // RFC 2046, 5.2.1 forbids an encoding for message/rfc822; what claims one is read as it stands, as in Dovecot.
  // RFC 6532, 3.7 allows it for message/global: encoded, its inside cannot be addressed.
  const bool encoded =
      part_.encoding == TransferEncoding::kBase64 || part_.encoding == TransferEncoding::kQuotedPrintable;
  if (EqualsIgnoreAsciiCase(part_.subtype, "rfc822") || (EqualsIgnoreAsciiCase(part_.subtype, "global") && !encoded)) {
    part_.kind = PartKind::kMessage;
  }
}

}  // namespace

PartHeaderResult ParsePartHeader(std::string_view header, const PartHeaderOptions& options, Part* part) {
  return PartHeaderParser(options, part).Parse(header);
}

}  // namespace mailmesh::mime
