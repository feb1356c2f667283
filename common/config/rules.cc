#include "common/config/rules.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"

namespace mailmesh::config {

const v1::FieldRules& RulesOf(const Field& field) { return field.options().GetExtension(v1::field); }

bool IsDuration(const Field& field) {
  return field.type() == Field::TYPE_MESSAGE && field.message_type()->full_name() == "google.protobuf.Duration";
}

bool IsSize(const Field& field) {
  return field.cpp_type() == Field::CPPTYPE_UINT64 && absl::EndsWith(field.name(), "_bytes");
}

bool IsSection(const Field& field) { return field.type() == Field::TYPE_MESSAGE && !IsDuration(field); }

std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  if (value.number() == 0) return "";
  // Format -> FORMAT_, LogLevel -> LOG_LEVEL_.
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), absl::StrCat(prefix, "_")));
}

std::string Wanted(const Field& field) {
  if (IsDuration(field)) return "a duration, like 30s or 5m";
  if (IsSize(field)) return "a size, like 64KiB or 25MiB";
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
    case Field::CPPTYPE_INT64:
      return "a whole number";
    case Field::CPPTYPE_UINT32:
    case Field::CPPTYPE_UINT64:
      return "a whole number, not negative";
    case Field::CPPTYPE_DOUBLE:
    case Field::CPPTYPE_FLOAT:
      return "a number";
    case Field::CPPTYPE_BOOL:
      return "true or false";
    case Field::CPPTYPE_ENUM: {
      std::string names;
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        const std::string name = EnumText(*field.enum_type()->value(i));
        if (!name.empty()) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
      }
      return absl::StrCat("one of: ", names);
    }
    case Field::CPPTYPE_STRING:
      return field.type() == Field::TYPE_BYTES ? "octets in base64" : "a text";
    case Field::CPPTYPE_MESSAGE:
      return "a section of fields";
  }
  return "a value";
}

std::string Join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(base::Av(path), ".", base::Av(name));
}

}  // namespace mailmesh::config
