#include "common/config/print.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/units.h"
#include "common/config/rules.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"

namespace mailmesh::config {
namespace {

using google::protobuf::Message;

// True for what YAML takes for a text without quotes, whoever reads it.
bool IsPlain(std::string_view text) {
  if (text.empty() || text.size() > 200 || !std::isalpha(static_cast<unsigned char>(text[0]))) {
    if (!text.starts_with('/') || text.size() > 200) return false;
  }
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.' && c != '/') return false;
  }
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == word) return false;
  }
  return true;
}

// In YAML's double quotes, whose escapes are those of JSON and more.
std::string TextValue(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      absl::StrAppend(&out, "\\x", base::HexEncode(std::string_view(&c, 1)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string DurationValue(const Message& message) {
  google::protobuf::Duration duration;
  duration.CopyFrom(message);
  return base::DurationText(absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos()));
}

// The value of a field that is no section; index -1: not repeated.
std::string Value(const Field& field, const Message& message, int index) {
  const auto& r = *message.GetReflection();
  const bool repeated = index >= 0;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return absl::StrCat(repeated ? r.GetRepeatedInt32(message, &field, index) : r.GetInt32(message, &field));
    case Field::CPPTYPE_INT64:
      return absl::StrCat(repeated ? r.GetRepeatedInt64(message, &field, index) : r.GetInt64(message, &field));
    case Field::CPPTYPE_UINT32:
      return absl::StrCat(repeated ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field));
    case Field::CPPTYPE_UINT64: {
      const uint64_t value = repeated ? r.GetRepeatedUInt64(message, &field, index) : r.GetUInt64(message, &field);
      return IsSize(field) ? base::SizeText(value) : absl::StrCat(value);
    }
    case Field::CPPTYPE_DOUBLE:
      return absl::StrCat(repeated ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field));
    case Field::CPPTYPE_FLOAT:
      return absl::StrCat(repeated ? r.GetRepeatedFloat(message, &field, index) : r.GetFloat(message, &field));
    case Field::CPPTYPE_BOOL:
      return (repeated ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field)) ? "true" : "false";
    case Field::CPPTYPE_ENUM:
      return EnumText(*(repeated ? r.GetRepeatedEnum(message, &field, index) : r.GetEnum(message, &field)));
    case Field::CPPTYPE_STRING: {
      const std::string value = repeated ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field);
      if (RulesOf(field).secret() && !value.empty()) return TextValue("<redacted>");
      return TextValue(field.type() == Field::TYPE_BYTES ? base::Base64Encode(value) : value);
    }
    case Field::CPPTYPE_MESSAGE:
      return DurationValue(repeated ? r.GetRepeatedMessage(message, &field, index) : r.GetMessage(message, &field));
  }
  return "";
}

class Printer {
 public:
  std::string Take() { return std::move(out_); }

  void Section(const Message& message, int depth) {
    const auto* type = message.GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      if (Shown(*type->field(i), message)) PrintField(*type->field(i), message, depth);
    }
  }

 private:
  // Everything that is set, and zeros that a file may contain.
  static bool Shown(const Field& field, const Message& message) {
    const auto& reflection = *message.GetReflection();
    if (field.is_repeated()) return true;
    if (field.has_presence()) return reflection.HasField(message, &field);
    if (reflection.HasField(message, &field)) return true;
    return field.cpp_type() != Field::CPPTYPE_ENUM && RulesOf(field).min() <= 0 && !RulesOf(field).non_empty();
  }

  void Line(int depth, std::string_view text) {
    out_.append(static_cast<size_t>(depth) * 2, ' ');
    out_ += text;
    out_ += '\n';
  }

  void PrintField(const Field& field, const Message& message, int depth) {
    const auto& reflection = *message.GetReflection();
    if (field.is_map()) return PrintMap(field, message, depth);
    if (field.is_repeated()) return PrintList(field, message, depth);
    if (IsSection(field)) return PrintSection(field.name(), reflection.GetMessage(message, &field), depth);
    Line(depth, absl::StrCat(field.name(), ": ", Value(field, message, -1)));
  }

  void PrintSection(const std::string& name, const Message& section, int depth) {
    std::string before = std::exchange(out_, {});
    Section(section, depth + 1);
    std::string inside = std::exchange(out_, std::move(before));
    Line(depth, absl::StrCat(name, inside.empty() ? ": {}" : ":"));
    out_ += inside;
  }

  void PrintList(const Field& field, const Message& message, int depth) {
    const int size = message.GetReflection()->FieldSize(message, &field);
    Line(depth, absl::StrCat(field.name(), size == 0 ? ": []" : ":"));
    for (int i = 0; i < size; ++i) {
      if (!IsSection(field)) {
        Line(depth + 1, absl::StrCat("- ", Value(field, message, i)));
        continue;
      }
      const size_t start = out_.size();
      Section(message.GetReflection()->GetRepeatedMessage(message, &field, i), depth + 2);
      if (out_.size() == start) {
        Line(depth + 1, "- {}");
      } else {
        out_[start + static_cast<size_t>(depth + 1) * 2] = '-';
      }
    }
  }

  void PrintMap(const Field& field, const Message& message, int depth) {
    const auto& reflection = *message.GetReflection();
    const Field& key = *field.message_type()->map_key();
    const Field& value = *field.message_type()->map_value();
    std::vector<std::pair<std::string, const Message*>> entries;
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      entries.emplace_back(Value(key, entry, -1), &entry);
    }
    std::sort(entries.begin(), entries.end());
    Line(depth, absl::StrCat(field.name(), entries.empty() ? ": {}" : ":"));
    for (const auto& [name, entry] : entries) {
      if (IsSection(value)) {
        PrintSection(name, entry->GetReflection()->GetMessage(*entry, &value), depth + 1);
      } else if (RulesOf(field).secret()) {
        Line(depth + 1, absl::StrCat(name, ": ", TextValue("<redacted>")));
      } else {
        Line(depth + 1, absl::StrCat(name, ": ", Value(value, *entry, -1)));
      }
    }
  }

  std::string out_;
};

}  // namespace

std::string PrintEffective(const Message& message) {
  Printer printer;
  printer.Section(message, 0);
  return printer.Take();
}

}  // namespace mailmesh::config
