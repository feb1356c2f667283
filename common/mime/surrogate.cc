#include "common/mime/surrogate.h"

#include <algorithm>
#include <utility>

#include "common/base/utf8.h"
#include "common/mime/address.h"
#include "common/mime/compose.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"
#include "common/mime/lexer.h"
#include "common/mime/parameter.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

constexpr std::string_view kAddressFields[] = {"From",        "Sender",        "Reply-To",    "To",        "Cc",
                                               "Bcc",         "Resent-From",   "Resent-Sender", "Resent-To", "Resent-Cc",
                                               "Resent-Bcc",  "Return-Path",   "Disposition-Notification-To"};
constexpr std::string_view kParameterFields[] = {"Content-Type", "Content-Disposition"};

using text::IsAscii;

template <size_t kSize>
bool IsOneOf(std::string_view name, const std::string_view (&names)[kSize]) {
  return std::any_of(std::begin(names), std::end(names), [&](std::string_view one) { return NameEquals(one, name); });
}

// RFC 6858, 2.1: the address as the name of a group without members. Encoded as one word, or its specials would be read.
std::string UnreachableGroup(const Address& address) {
  std::string text = address.name ? *address.name + " " : "";
  text += FormatAddrSpec(address);
  return EncodeHeaderText(text) + " :;";
}

std::string MailboxText(const Address& address) {
  const std::string addr_spec = FormatAddrSpec(address);
  if (!IsAscii(addr_spec)) return UnreachableGroup(address);
  return FormatMailbox(address.name.value_or(""), addr_spec);
}

std::string AddressesText(std::string_view value) {
  std::string out;
  bool first = true;
  bool in_group = false;
  for (const Address& address : ParseAddressList(value).addresses) {
    if (address.kind == Address::Kind::kGroupEnd) {
      out += ";";
      in_group = false;
      continue;
    }
    if (!std::exchange(first, false)) out += ", ";
    if (address.kind == Address::Kind::kGroupStart) {
      out += EncodeHeaderText(address.local_part) + ":";
      first = true;
      in_group = true;
    } else if (in_group && !IsAscii(FormatAddrSpec(address))) {
      // Groups do not nest: here the address is shown as a name that leads nowhere.
      out += EncodeHeaderText(FormatAddrSpec(address)) + " <unreachable@invalid>";
    } else {
      out += MailboxText(address);
    }
  }
  return out;
}

// Nothing where the value is not what RFC 2045 and RFC 2183 let it be.
std::string ParametersText(std::string_view value) {
  const size_t semicolon = std::min(value.find(';'), value.size());
  std::string out(HeaderText(value.substr(0, semicolon)));
  if (!IsAscii(out)) return "";
  Lexer lexer(value.substr(semicolon));
  for (const Parameter& raw : ParseParameters(&lexer)) {
    // RFC 2046, 5.1.1: the body repeats the boundary octet for octet.
    const Parameter parameter = NameEquals(raw.name, "boundary") ? raw : DecodeParameter(raw);
    if (!IsAscii(parameter.name)) return "";
    out += "; " + EncodeParameter(parameter.name, parameter.value);
  }
  return out;
}

std::string FieldText(const HeaderField& field) {
  std::string text;
  if (IsOneOf(field.name, kAddressFields)) text = AddressesText(field.value);
  if (IsOneOf(field.name, kParameterFields)) text = ParametersText(field.value);
  return IsAscii(text) && !text.empty() ? text : EncodeHeaderText(HeaderText(field.value));
}

}  // namespace

bool NeedsSurrogate(std::string_view header) {
  bool ascii = true;
  for (size_t pos = 0; pos < header.size();) {
    const size_t length = base::Utf8SequenceLength(header, pos);
    if (length == 0) return false;
    ascii = ascii && length == 1;
    pos += length;
  }
  return !ascii;
}

std::string SurrogateHeader(std::string_view header) {
  std::string out;
  HeaderReader reader(header);
  HeaderField field;
  while (reader.Next(&field)) {
    if (IsAscii(field.raw)) {
      out += field.raw;
    } else if (!field.has_colon || !IsAscii(field.name)) {
      // A damaged line has no form that a reader could be given.
      AppendField(&out, "X-Damaged", EncodeHeaderText(HeaderText(field.raw)));
    } else {
      AppendField(&out, field.name, FieldText(field));
    }
  }
  if (reader.ended()) out += "\r\n";
  return out;
}

}  // namespace mailmesh::mime
