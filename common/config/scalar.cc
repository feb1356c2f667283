#include "common/config/scalar.h"

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/units.h"
#include "common/base/utf8.h"
#include "common/config/suggest.h"
#include "google/protobuf/duration.pb.h"

namespace mailmesh::config {
namespace {

using google::protobuf::Message;
using google::protobuf::Reflection;
using Trouble = std::optional<std::string>;

std::string Quoted(const std::string& text) { return absl::StrCat("\"", base::Printable(text, 60), "\""); }

std::string NotWanted(const Field& field, const std::string& text) {
  return absl::StrCat(Quoted(text), " is not ", Wanted(field));
}

template <class T>
void Store(const Field& field, T value, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const bool add = field.is_repeated();
  if constexpr (std::is_same_v<T, int32_t>) {
    add ? reflection.AddInt32(&message, &field, value) : reflection.SetInt32(&message, &field, value);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    add ? reflection.AddInt64(&message, &field, value) : reflection.SetInt64(&message, &field, value);
  } else if constexpr (std::is_same_v<T, uint32_t>) {
    add ? reflection.AddUInt32(&message, &field, value) : reflection.SetUInt32(&message, &field, value);
  } else if constexpr (std::is_same_v<T, uint64_t>) {
    add ? reflection.AddUInt64(&message, &field, value) : reflection.SetUInt64(&message, &field, value);
  } else if constexpr (std::is_same_v<T, double>) {
    add ? reflection.AddDouble(&message, &field, value) : reflection.SetDouble(&message, &field, value);
  } else if constexpr (std::is_same_v<T, float>) {
    add ? reflection.AddFloat(&message, &field, value) : reflection.SetFloat(&message, &field, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    add ? reflection.AddBool(&message, &field, value) : reflection.SetBool(&message, &field, value);
  } else {
    static_assert(std::is_same_v<T, std::string>);
    add ? reflection.AddString(&message, &field, std::move(value))
        : reflection.SetString(&message, &field, std::move(value));
  }
}

bool LooksLikeWholeNumber(const std::string& text) {
  const size_t start = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  return text.size() > start && text.find_first_not_of("0123456789", start) == std::string::npos;
}

template <class T>
Trouble SetInteger(const Field& field, const std::string& text, bool quoted, Message& message) {
  T value;
  // SimpleAtoi takes spaces around the number; a plain YAML scalar has none.
  if (quoted || !LooksLikeWholeNumber(text)) return NotWanted(field, text);
  if (!absl::SimpleAtoi(text, &value)) {
    return absl::StrCat(text, " is out of range, from ", std::numeric_limits<T>::min(), " to ",
                        std::numeric_limits<T>::max());
  }
  Store(field, value, message);
  return std::nullopt;
}

Trouble SetSize(const Field& field, const std::string& text, Message& message) {
  const absl::StatusOr<uint64_t> octets = base::ParseSize(text);
  if (!octets.ok()) return NotWanted(field, text);
  Store(field, *octets, message);
  return std::nullopt;
}

template <class T>
Trouble SetFraction(const Field& field, const std::string& text, bool quoted, Message& message) {
  double value;
  if (quoted || !absl::SimpleAtod(text, &value) || !std::isfinite(value)) return NotWanted(field, text);
  Store(field, static_cast<T>(value), message);
  return std::nullopt;
}

Trouble SetBool(const Field& field, const std::string& text, bool quoted, Message& message) {
  if (quoted || (text != "true" && text != "false")) return NotWanted(field, text);
  Store(field, text == "true", message);
  return std::nullopt;
}

Trouble SetEnum(const Field& field, const std::string& text, Message& message) {
  std::vector<std::string> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const auto& value = *field.enum_type()->value(i);
    const std::string name = EnumText(value);
    if (name.empty()) continue;
    if (name == text) {
      const Reflection& reflection = *message.GetReflection();
      field.is_repeated() ? reflection.AddEnum(&message, &field, &value) : reflection.SetEnum(&message, &field, &value);
      return std::nullopt;
    }
    names.push_back(name);
  }
  const std::string nearest = Nearest(text, names);
  return absl::StrCat(NotWanted(field, text), nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?"));
}

Trouble SetText(const Field& field, const std::string& text, Message& message) {
  if (field.type() == Field::TYPE_BYTES) {
    std::optional<std::string> octets = base::Base64Decode(text);
    if (!octets) return NotWanted(field, text);
    Store(field, std::move(*octets), message);
    return std::nullopt;
  }
  for (size_t i = 0; i < text.size();) {
    const size_t length = base::Utf8SequenceLength(text, i);
    if (length == 0 || text[i] == '\0') return absl::StrCat(Quoted(text), " is not UTF-8");
    i += length;
  }
  Store(field, std::string(text), message);
  return std::nullopt;
}

Trouble SetDuration(const Field& field, const std::string& text, Message& message) {
  absl::StatusOr<absl::Duration> duration = base::ParseDuration(text);
  if (!duration.ok()) return NotWanted(field, text);
  const Reflection& reflection = *message.GetReflection();
  Message* value =
      field.is_repeated() ? reflection.AddMessage(&message, &field) : reflection.MutableMessage(&message, &field);
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(*duration, absl::Seconds(1), &*duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(*duration)));
  value->CopyFrom(proto);
  return std::nullopt;
}

}  // namespace

Trouble SetScalar(const Field& field, const std::string& text, bool quoted, Message& message) {
  if (IsDuration(field)) return SetDuration(field, text, message);
  if (IsSize(field)) return SetSize(field, text, message);
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return SetInteger<int32_t>(field, text, quoted, message);
    case Field::CPPTYPE_INT64:
      return SetInteger<int64_t>(field, text, quoted, message);
    case Field::CPPTYPE_UINT32:
      return SetInteger<uint32_t>(field, text, quoted, message);
    case Field::CPPTYPE_UINT64:
      return SetInteger<uint64_t>(field, text, quoted, message);
    case Field::CPPTYPE_DOUBLE:
      return SetFraction<double>(field, text, quoted, message);
    case Field::CPPTYPE_FLOAT:
      return SetFraction<float>(field, text, quoted, message);
    case Field::CPPTYPE_BOOL:
      return SetBool(field, text, quoted, message);
    case Field::CPPTYPE_ENUM:
      return SetEnum(field, text, message);
    case Field::CPPTYPE_STRING:
      return SetText(field, text, message);
    case Field::CPPTYPE_MESSAGE:
      return absl::StrCat("must be ", Wanted(field), ", is ", Quoted(text));
  }
  return NotWanted(field, text);
}

}  // namespace mailmesh::config
